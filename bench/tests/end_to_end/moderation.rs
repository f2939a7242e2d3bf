//! An owner at work on the page, by the keyboard, as he sees it and as the others do.

use serde_json::{Value, json};
use stoa_protocol::ids::Role;

use crate::api::Edge;
use crate::browser;
use crate::speech::story;
use crate::turn;

/// Seconds that a link holds.
const HOUR: i64 = 3_600;

#[test]
fn an_owner_changes_a_room_keeps_people_out_lets_them_in_again_and_ends_it() {
    let _turn = turn::take();
    let edge = Edge::standalone();
    let rooms = [links(&edge), links(&edge)];
    let folder = turn::folder();
    let wish = json!({ "origin": edge.url(), "speech": story(), "folder": folder, "rooms": rooms });
    let seen = browser::tell("moderation.mjs", &wish);

    assert_eq!(rooms_named(&seen["listedBefore"], "Agora"), 2, "{seen}");
    assert_eq!(rooms_named(&seen["listedUnlisted"], "Agora"), 1, "not taken off the list: {seen}");
    let again = rooms_named(&seen["listedAgain"], "Night at the agora,\u{a0}What courage is");
    assert_eq!(again, 1, "{seen}");
    assert_eq!(rooms_named(&seen["listedAgain"], "Greek"), 1, "no language: {seen}");
    assert_eq!(seen["handRefused"], "This room takes no raised hands at the moment.", "{seen}");

    let banned = "You cannot enter this room: Those who run it keep you out.";
    assert_eq!(seen["banned"], banned, "{seen}");
    assert_eq!(seen["bannedKnocks"], banned, "{seen}");
    assert_eq!(seen["kept"], "From this room: Shouts", "{seen}");
    assert_eq!(seen["unbanned"], "Cleo may come in again.", "{seen}");
    assert_eq!(seen["comesMuted"], true, "comes to speak unmuted against the setting: {seen}");
    for focus in ["focusAfterBan", "focusAfterLetIn"] {
        assert_ne!(seen[focus], "BODY", "{focus} is lost: {seen}");
    }

    let removed = "You were removed: Somebody who runs this room took you out of it.";
    assert_eq!(seen["blocked"], removed, "{seen}");
    for refused in ["blockedKnocks", "blockedElsewhere"] {
        let blocked = "You cannot enter this room now: Its host has blocked you.";
        assert_eq!(seen[refused], blocked, "{refused}: {seen}");
    }
    assert_eq!(seen["keptFromAll"], "From all your rooms", "{seen}");
    assert_eq!(seen["unblocked"], true, "{seen}");

    let ended = ["The room has ended: Thank you for being there."; 3];
    assert_eq!(seen["ended"], json!(ended), "{seen}");
    assert_eq!(rooms_named(&seen["listedAfter"], "Night"), 0, "an ended room is listed: {seen}");
    assert!(seen["endedKnocks"].as_str().unwrap().starts_with("There is no such room"), "{seen}");
    for width in ["settingsWidth", "blockedWidth", "kept-from-allWidth"] {
        assert_eq!(seen[width], 360, "{width}: a page is wider than a small phone: {seen}");
    }
    // Whoever knocks at a room that has ended is told so.
    let problems: Vec<_> = seen["problems"].as_array().unwrap().iter().collect();
    assert!(problems.iter().all(|one| one.as_str().unwrap().contains("room-not-found")), "{seen}");
    assert_eq!(problems.len(), 1, "a page complained: {seen}");
}

/// A room, and the links with which an operator sends its host and a guest there.
fn links(edge: &Edge) -> Value {
    let room = edge.room().room;
    let link = |who: &str, role: Role| {
        format!("{}/r/{room}#token={}", edge.url(), edge.token_of(who, &room, role, HOUR))
    };
    json!({ "host": link("ada", Role::Host), "guest": link("boris", Role::Listener) })
}

/// How many rooms of a list say this.
fn rooms_named(list: &Value, what: &str) -> usize {
    list.as_array().unwrap().iter().filter(|room| room.as_str().unwrap().contains(what)).count()
}
