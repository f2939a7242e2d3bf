//! People on a stage and before it, on the page: five browser windows in one room, and one room of thousands.

use serde_json::{Value, json};

use crate::api::Edge;
use crate::browser;
use crate::speech::story;
use crate::turn;

/// Layout shift (as browsers score it) of a page on which people come and go; 0.1 counts as bad.
const SHIFT_MAX: f64 = 0.01;
/// A task that holds up a page for longer can be felt.
const TASK_MS_MAX: f64 = 200.0;
/// Elements of a page with a full stage, 50 hands and a page of the audience; not of 5,000 people.
const ELEMENTS_MAX: f64 = 4_000.0;

#[test]
fn a_listener_raises_a_hand_is_heard_is_muted_and_leaves_the_stage_without_a_word_of_sdp() {
    let _turn = turn::take();
    let edge = Edge::standalone();
    let wish = json!({ "origin": edge.url(), "speech": story(), "folder": turn::folder() });
    let seen = browser::tell("stage.mjs", &wish);

    assert_eq!(seen["handFocused"], "hand", "the first key is not the hand: {seen}");
    assert_eq!(seen["muteFocused"], "mute", "the focus is lost on the way to the stage: {seen}");
    assert_eq!(seen["comesMuted"], true, "somebody is heard before he wants to be: {seen}");
    let number = |path: &str| seen.pointer(path).unwrap().as_f64().unwrap();
    assert!(number("/heard") > 0.01, "nothing is heard: {seen}");
    assert!(number("/heardWhileCut") > 0.01, "audio ends with the WebSocket: {seen}");
    // Comfort noise has some energy; speech has a thousand times as much.
    for silence in ["/quiet", "/heardMuted"] {
        assert!(number(silence) < number("/heard") / 1_000.0, "{silence} is not silent: {seen}");
    }
    assert_eq!(seen["offTheLine"], true, "{seen}");
    assert_eq!(seen["removed"], "You were removed", "{seen}");
    assert_eq!(seen["applause"], true, "{seen}");
    assert_eq!(seen["former"], "You · Moderator", "{seen}");
    for (name, counted) in seen["counted"].as_object().unwrap() {
        // Cleo's WebSocket was cut once, and taken up again.
        let cuts = u32::from(name == "cleo");
        let once = json!({ "descriptions": 1, "joins": 1, "resumes": cuts, "sockets": 1 + cuts });
        assert_eq!(*counted, once, "{name} negotiated more than once: {seen}");
    }
    assert_eq!(seen["problems"], json!([]), "a page complained");
}

#[test]
fn a_full_stage_and_thousands_of_listeners_neither_move_nor_block_a_page_that_everybody_can_use() {
    let _turn = turn::take();
    let edge = Edge::standalone();
    let wish = json!({ "origin": edge.url(), "folder": turn::folder() });
    let seen = browser::tell("crowd.mjs", &wish);

    let number = |path: &str| seen.pointer(path).and_then(Value::as_f64).unwrap();
    assert!(number("/changing/shift") <= SHIFT_MAX, "things move by themselves: {seen}");
    assert!(number("/changing/longest") <= TASK_MS_MAX, "the page is held up: {seen}");
    assert!(number("/changing/elements") <= ELEMENTS_MAX, "everybody is drawn: {seen}");
    assert_eq!(seen["changing"]["cards"], 100, "{seen}");
    assert_eq!(seen["changing"]["cardsKept"], true, "{seen}");
    assert_eq!(seen["changing"]["focus"], "accept", "the focus is lost: {seen}");
    assert_eq!(seen["menu"], "Move to the audience", "a menu does not take the focus: {seen}");
    assert_eq!(seen["afterMenu"], "More about Boris", "a menu does not give it back: {seen}");
    assert_eq!(seen["refused"], true, "Escape is no answer to an invitation: {seen}");
    for width in ["width", "homeWidth"] {
        assert_eq!(seen[width], 360, "a page is wider than a small phone: {seen}");
    }
    assert_eq!(seen["violations"], json!([]), "people are kept out");
    assert_eq!(seen["problems"], json!([]), "a page complained");
}
