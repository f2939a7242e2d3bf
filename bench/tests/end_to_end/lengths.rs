//! Packets of 20 to 120 ms, and changes between them, in a real browser's ears.

use serde_json::json;

use crate::api::Edge;
use crate::browser;
use crate::speech::story;
use crate::turn;

/// Sound that Chromium may have invented while nothing changed, or around a change, in ms.
const INVENTED_MS_MAX: f64 = 1.0;
/// The same after a line was cut in the middle of a word: without an end of ours it is 150 to 500 ms.
const STRETCHED_MS_MAX: f64 = 100.0;

#[test]
fn a_browser_hears_packets_of_every_length_and_no_change_between_them() {
    let _turn = turn::take();
    let speech = story();
    let edge = Edge::standalone();
    let room = edge.room();
    let seen = browser::tell(
        "lengths.mjs",
        &json!({
            "speech": speech,
            "origin": edge.url(),
            "room": room.room,
            "speaker": room.tokens.speaker,
            "listener": room.tokens.listener,
        }),
    );
    let steady_ms = seen["steadyMs"].as_f64().unwrap();
    let steps = seen["steps"].as_array().unwrap();
    assert_eq!(steps.len(), 7, "{seen}");
    for step in steps {
        let (steady, change) = (&step["steady"], &step["change"]);
        let packets = steady["packets"].as_f64().unwrap();
        let expected = steady_ms / step["ms"].as_f64().unwrap();
        // Speech pauses now and then, and a pause's packets are short.
        assert!((0.7..1.5).contains(&(packets / expected)), "{packets} packets: {step}");
        for what in [steady, change].into_iter().filter(|what| !what.is_null()) {
            assert_eq!(what["lost"], 0, "{step}");
            let invented = what["inventedMs"].as_f64().unwrap();
            assert!(invented <= INVENTED_MS_MAX, "{invented} ms of sound are invented: {step}");
        }
    }
    let stretched = seen["cut"]["inventedMs"].as_f64().unwrap();
    assert!(stretched <= STRETCHED_MS_MAX, "the last sound is stretched by {stretched} ms: {seen}");
}
