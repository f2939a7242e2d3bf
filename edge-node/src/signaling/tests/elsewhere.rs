//! What a client is told when this edge has no room for it, and how it asks for longer packets.

use serde_json::json;
use stoa_protocol::ids::Role;

use super::fake_rooms::Call;
use super::websocket::{close_code, connect, hear, joined, say};
use super::{OFFER, Stage, settings, token};
use crate::signaling::Settings;

const OTHERS: [&str; 2] = ["https://fra.stoa.example", "https://lon.stoa.example:8443"];

fn stage() -> Stage {
    let alternatives = OTHERS.map(String::from).to_vec();
    Stage::with(Settings { alternatives, ..settings() })
}

#[tokio::test]
async fn who_finds_no_room_is_told_where_to_go() {
    let stage = stage();
    stage.rooms.refuse(503, "edge-full", "This edge takes no more participants.");
    let refused = stage.offer("/v1/rooms/agora/whep", &token(Role::Listener)).await;
    assert_eq!((refused.problem().as_str(), refused.header("retry-after")), ("edge-full", "2"));
    assert_eq!(refused.json()["alternatives"], json!(OTHERS));
    let links: Vec<_> =
        refused.headers.get_all("link").iter().map(|l| l.to_str().expect("text")).collect();
    let expected = OTHERS.map(|url| format!("<{url}>; rel=\"alternate\""));
    assert_eq!(links, expected);

    stage.rooms.refuse(503, "edge-draining", "This edge is shutting down.");
    let mut client = connect(&stage).await;
    let join = json!({"type": "join", "token": token(Role::Listener), "sdp": OFFER});
    say(&mut client, join).await;
    assert_eq!(hear(&mut client).await["problem"]["alternatives"], json!(OTHERS));
    assert_eq!(close_code(&mut client).await, 4503);
}

#[tokio::test]
async fn trouble_that_is_not_this_edges_sends_nobody_away() {
    let stage = stage();
    for (status, code) in [(503, "owner-silent"), (404, "room-not-found"), (400, "edge-of-reason")]
    {
        stage.rooms.refuse(status, code, "The room is the trouble, not the edge.");
        let refused = stage.offer("/v1/rooms/agora/whep", &token(Role::Listener)).await;
        assert!(refused.json().get("alternatives").is_none(), "{code}");
        assert!(!refused.headers.contains_key("link"), "{code}");
    }
}

#[tokio::test]
async fn a_client_asks_for_packets_of_lengths_that_there_are() {
    let stage = Stage::new();
    let mut client = joined(&stage).await;
    for ms in [20, 120] {
        say(&mut client, json!({"type": "packets", "id": ms, "ms": ms})).await;
        assert_eq!(hear(&mut client).await, json!({"type": "ok", "id": ms}));
    }
    for ms in [json!(0), json!(30), json!(u32::MAX)] {
        say(&mut client, json!({"type": "packets", "id": 1, "ms": ms})).await;
        let refused = hear(&mut client).await;
        assert_eq!(refused["problem"]["type"], "/problems/packets-malformed", "{ms}");
    }
    let asked = stage.rooms.calls().into_iter().filter_map(|call| match call {
        Call::ChangePackets(session, length) => Some((session, length)),
        _ => None,
    });
    let asked: Vec<_> = asked.collect();
    assert_eq!(asked.iter().map(|(_, length)| length.ms()).collect::<Vec<_>>(), [20, 120]);
    assert!(asked.iter().all(|(session, _)| *session == asked[0].0));
}
