//! The page, as people use it: a standalone node, two tabs.

use serde_json::json;

use crate::api::Edge;
use crate::browser;
use crate::speech::story;
use crate::turn;

/// Where the README's picture is written; elsewhere unless it is asked for, so that tests change no file.
fn screenshot() -> std::path::PathBuf {
    std::env::var_os("STOA_SCREENSHOT")
        .map_or_else(|| turn::folder().join("room.png"), std::path::PathBuf::from)
}

#[test]
fn a_room_is_made_spoken_in_heard_muted_and_left_on_the_page() {
    let _turn = turn::take();
    let speech = story();
    let edge = Edge::standalone();
    let screenshot = screenshot();
    let wish = json!({ "origin": edge.url(), "speech": speech, "screenshot": screenshot });
    let seen = browser::tell("page.mjs", &wish);

    assert_eq!(seen["title"], "Evening at the agora", "{seen}");
    assert_eq!(seen["onStage"], "Ada", "{seen}");
    let number = |path: &str| seen.pointer(path).unwrap().as_f64().unwrap();
    assert!(number("/heard") > 0.01, "nothing is heard: {seen}");
    for meter in ["/meter", "/ownMeter"] {
        let moved = number(&format!("{meter}/most")) - number(&format!("{meter}/least"));
        assert!(moved > 0.2, "{meter} does not move: {seen}");
    }
    // Comfort noise has some energy; speech has a thousand times as much.
    assert!(number("/heardMuted") < number("/heard") / 1_000.0, "mute does not mute: {seen}");
    assert!(number("/meterMuted/most") < 0.15, "the meter of a muted one moves: {seen}");
    assert!(number("/heardAgain") > 0.01, "unmuting does not bring the voice back: {seen}");
    assert_eq!(seen["left"], true, "{seen}");
    assert_eq!(seen["problems"], json!([]), "the page complained");
    assert!(std::fs::metadata(screenshot).unwrap().len() > 10_000, "an empty picture");
}
