//! The pages as somebody hears them who does not see: Orca reads a real browser window, driven by keys alone.

use serde_json::json;

use crate::api::Edge;
use crate::browser;
use crate::speech::story;
use crate::turn;

/// What has to be said at a step, beside much else; other versions of the reader put it in other words around.
const SAID: &[(&str, &str)] = &[
    ("name field", "What will you talk about?"),
    ("open", "Open a room push button"),
    ("join", "Join and speak push button"),
    ("entered", "Mute push button"),
    ("entered", "You are in Evening at the agora."),
    ("mute", "You are muted."),
    ("unmute", "You are unmuted."),
    ("settings", "Settings dialog"),
    ("hand up", "Boris has raised a hand."),
    ("people button", "1 hand is up"),
    ("accept", "Accept Boris push button"),
    ("accepted", "Boris comes to the stage."),
    ("more", "More about Boris"),
    ("menu", "Boris menu"),
    ("remove", "Remove from the room"),
    ("question", "They leave the room at once and may come back."),
    ("question", "Why? (optional, for the room's log)"),
    ("reaction", "Reactions: applause."),
    ("left", "You have left"),
    ("room", "Forum,\u{a0}1 on stage"),
    ("other part", "To listen"),
    ("in the audience", "Raise hand push button"),
    ("hand", "Your hand is up. A moderator can bring you to the stage."),
    ("on the stage", "You are on the stage. Unmute to be heard."),
    ("speaks", "You are unmuted."),
    ("muted by another", "A moderator muted you."),
    ("asked out", "You were removed"),
];

/// Set by who wants the screen reader tried; its programs are xvfb openbox orca at-spi2-core dbus xdotool.
const ASKED_FOR: &str = "STOA_SCREEN_READER";

#[test]
fn a_screen_reader_says_what_happens_in_a_room_and_nothing_twice() {
    // Orca takes a minute, and leaves words out where the machine is busy.
    if std::env::var_os(ASKED_FOR).is_none() {
        eprintln!("not run: a screen reader is tried only where {ASKED_FOR} is set");
        return;
    }
    let _turn = turn::take();
    let edge = Edge::standalone();
    let wish = json!({ "origin": edge.url(), "speech": story() });
    let heard = browser::tell("reader.mjs", &wish);
    if let Some(why) = heard["notRun"].as_str() {
        eprintln!("not run: {why}");
        return;
    }
    let said = heard["said"].as_object().unwrap();
    for (step, phrase) in SAID {
        let all = said[*step].as_array().unwrap();
        let count = all.iter().filter(|one| one.as_str().unwrap().contains(phrase)).count();
        assert!(count > 0, "{step}: {phrase:?} is not said: {heard}");
    }
    // What the page itself tells ends with a stop, and is told once.
    for (step, all) in said {
        let mut told: Vec<_> = all.as_array().unwrap().iter().map(|one| one.as_str()).collect();
        told.retain(|one| SAID.iter().any(|(_, phrase)| *one == Some(*phrase)));
        let count = told.len();
        told.sort_unstable();
        told.dedup();
        assert_eq!(told.len(), count, "{step}: something is said twice: {heard}");
    }
    assert_eq!(heard["problems"], json!([]), "a page complained");
}
