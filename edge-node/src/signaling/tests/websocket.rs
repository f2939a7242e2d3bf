//! The WebSocket of a room, over a connection without a network below it.

use std::sync::Arc;
use std::time::Duration;

use axum::http::header::SEC_WEBSOCKET_PROTOCOL;
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use stoa_protocol::ids::Role;
use tokio::io::{DuplexStream, duplex};
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{WebSocketStream, client_async};

use super::fake_rooms::{Call, member};
use super::{OFFER, PEER, Stage, expired_token, settings, token};
use crate::rooms::{OtherEdge, ParticipantEvent, Roster};
use crate::signaling::server::serve_http;
use crate::signaling::{Limit, Limits, Settings};

pub(super) type Client = WebSocketStream<DuplexStream>;

async fn dial(stage: &Stage, subprotocol: Option<&str>) -> Result<Client, Error> {
    // Small, so that a client that does not read is noticed soon.
    let (client, server) = duplex(2_048);
    let (app, router) = (stage.app.clone(), stage.router.clone());
    tokio::spawn(async move { serve_http(&app, router, server, PEER).await });
    let mut request = "ws://localhost/v1/rooms/agora/ws".into_client_request()?;
    if let Some(subprotocol) = subprotocol {
        let value = subprotocol.parse().expect("header");
        request.headers_mut().insert(SEC_WEBSOCKET_PROTOCOL, value);
    }
    client_async(request, client).await.map(|(client, _)| client)
}

pub(super) async fn connect(stage: &Stage) -> Client {
    dial(stage, Some("stoa.v1")).await.expect("WebSocket")
}

pub(super) async fn say(client: &mut Client, message: Value) {
    client.send(Message::text(message.to_string())).await.expect("sent");
}

/// The next text message; pings are skipped.
pub(super) async fn hear(client: &mut Client) -> Value {
    loop {
        match client.next().await.expect("open").expect("a frame") {
            Message::Text(text) => return serde_json::from_str(&text).expect("JSON"),
            Message::Ping(_) => {}
            other => panic!("expected text, got {other:?}"),
        }
    }
}

/// The close code; messages before it are skipped.
pub(super) async fn close_code(client: &mut Client) -> u16 {
    loop {
        match client.next().await.expect("open").expect("a frame") {
            Message::Close(Some(frame)) => return frame.code.into(),
            Message::Close(None) => panic!("no close code"),
            _ => {}
        }
    }
}

pub(super) fn join(role: Role) -> Value {
    json!({"type": "join", "id": 1, "token": token(role), "name": "Ada", "sdp": OFFER})
}

pub(super) async fn joined(stage: &Stage) -> Client {
    let mut client = connect(stage).await;
    say(&mut client, join(Role::Speaker)).await;
    assert_eq!(hear(&mut client).await["type"], "joined");
    client
}

#[tokio::test]
async fn the_subprotocol_is_required() {
    let stage = Stage::new();
    for subprotocol in [None, Some("chat")] {
        let Err(Error::Http(response)) = dial(&stage, subprotocol).await else {
            panic!("was accepted")
        };
        assert_eq!(response.status(), 400);
        let body = response.into_body().expect("body");
        assert!(String::from_utf8_lossy(&body).contains("/problems/subprotocol-required"));
    }
}

#[tokio::test]
async fn a_refused_join_says_why_and_closes_with_its_code() {
    let stage = Stage::new();
    let cases = [(400, 4400), (403, 4403), (404, 4404), (410, 4409), (503, 4503)];
    for (status, code) in cases {
        stage.rooms.refuse(status, "some-code", "This is a sentence.");
        let mut client = connect(&stage).await;
        say(&mut client, join(Role::Speaker)).await;
        let error = hear(&mut client).await;
        assert_eq!((&error["type"], &error["id"]), (&json!("error"), &json!(1)));
        assert_eq!(error["problem"]["status"], status);
        assert_eq!(error.get("retry_after_s").is_some(), status == 503);
        assert_eq!(close_code(&mut client).await, code);
    }
    let mut client = connect(&stage).await;
    say(&mut client, json!({"type": "join", "token": expired_token(), "sdp": OFFER})).await;
    let error = hear(&mut client).await;
    assert_eq!(error["problem"]["type"], "/problems/token-expired");
    assert_eq!(close_code(&mut client).await, 4401);
}

#[tokio::test]
async fn a_listener_may_offer_an_uplink_and_the_tokens_name_stands_in() {
    let stage = Stage::new();
    let mut client = connect(&stage).await;
    say(&mut client, json!({"type": "join", "token": token(Role::Listener), "sdp": OFFER})).await;
    assert_eq!(hear(&mut client).await["role"], "listener");
    let ask = stage.rooms.last_join();
    assert_eq!((ask.publishes, ask.name.as_str()), (true, "Ada"));
}

#[tokio::test]
async fn malformed_messages_are_answered_and_end_the_connection() {
    let stage = Stage::new();
    let texts = [
        "",
        "{",
        "[]",
        "7",
        r#"{"type": "dance"}"#,
        r#"{"type": "join"}"#,
        r#"{"type": "ping", "id": "seven"}"#,
        r#"{"type": "ping"}"#,
        r#"{"type": "mute", "muted": true, "participant": "a b"}"#,
    ];
    for text in texts {
        let mut client = connect(&stage).await;
        client.send(Message::text(text)).await.expect("sent");
        let error = hear(&mut client).await;
        assert_eq!(error["problem"]["type"], "/problems/message-malformed", "{text}");
        assert_eq!(close_code(&mut client).await, 4400, "{text}");
    }
    let mut client = connect(&stage).await;
    client.send(Message::binary(vec![1, 2, 3])).await.expect("sent");
    assert_eq!(close_code(&mut client).await, 4400);
    assert!(stage.rooms.calls().is_empty());
}

#[tokio::test]
async fn a_second_join_is_refused_and_the_first_lives_on() {
    let stage = Stage::new();
    let mut client = joined(&stage).await;
    say(&mut client, join(Role::Speaker)).await;
    assert_eq!(hear(&mut client).await["problem"]["type"], "/problems/joined-already");
    say(&mut client, json!({"type": "ping", "id": 2})).await;
    assert_eq!(hear(&mut client).await, json!({"type": "ok", "id": 2}));
}

#[tokio::test]
async fn a_message_over_64_kib_ends_the_connection() {
    let stage = Stage::new();
    let client = joined(&stage).await;
    let long = json!({"type": "restart", "sdp": "x".repeat(70_000)}).to_string();
    // The server stops reading in the middle of it.
    let (mut sink, mut stream) = client.split();
    let sending = tokio::spawn(async move { sink.send(Message::text(long)).await });
    let mut codes = Vec::new();
    while let Some(Ok(message)) = stream.next().await {
        if let Message::Close(Some(frame)) = message {
            codes.push(u16::from(frame.code));
        }
    }
    assert_eq!(codes, [4400]);
    assert!(stage.rooms.calls().iter().all(|call| matches!(call, Call::Join(_))));
    sending.abort();
}

#[tokio::test(start_paused = true)]
async fn who_does_not_join_within_ten_seconds_is_let_go() {
    let stage = Stage::new();
    let begun = Instant::now();
    let mut client = connect(&stage).await;
    assert_eq!(close_code(&mut client).await, 4408);
    assert_eq!(begun.elapsed().as_secs(), 10);
    assert_eq!(stage.app.metrics.times_reached(Limit::JoinTime), 1);
}

#[tokio::test(start_paused = true)]
async fn who_talks_too_much_is_cut_off() {
    let stage = Stage::new();
    let mut client = joined(&stage).await;
    for id in 0..39 {
        say(&mut client, json!({"type": "ping", "id": id})).await;
        assert_eq!(hear(&mut client).await["id"], id);
    }
    say(&mut client, json!({"type": "ping"})).await;
    assert_eq!(close_code(&mut client).await, 4400);
    assert_eq!(stage.app.metrics.times_reached(Limit::MessageRate), 1);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_answers_pings_stays_for_minutes() {
    let stage = Stage::new();
    let mut client = joined(&stage).await;
    let quiet = tokio::time::timeout(Duration::from_secs(300), hear(&mut client)).await;
    assert!(quiet.is_err(), "nothing is told, and the connection stands");
    say(&mut client, json!({"type": "ping"})).await;
    assert_eq!(hear(&mut client).await["type"], "ok");
}

#[tokio::test(start_paused = true)]
async fn a_silent_client_is_cut_off_after_thirty_seconds() {
    let stage = Stage::new();
    let client = joined(&stage).await;
    // It neither reads nor answers pings; a ping fits into the pipe, so nothing seems stuck.
    tokio::time::sleep(Duration::from_secs(29)).await;
    assert_eq!(stage.app.metrics.times_reached(Limit::Silence), 0);
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(stage.app.metrics.times_reached(Limit::Silence), 1);
    drop(client);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_does_not_read_is_cut_off_and_holds_no_queue() {
    let stage = Stage::new();
    let client = joined(&stage).await;
    let name = "x".repeat(64);
    let everybody: Vec<_> =
        (0..100).map(|n| member(&format!("p_{n}"), &name, Role::Speaker, false)).collect();
    for listeners in 0..5 {
        let roster = Roster { stage: everybody.clone(), listeners };
        stage.rooms.happen(ParticipantEvent::Roster(Arc::new(roster)));
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    tokio::time::sleep(Duration::from_secs(6)).await;
    assert_eq!(stage.app.metrics.times_reached(Limit::SlowReader), 1);
    assert_eq!(stage.app.websockets.available_permits(), stage.app.settings.limits.websockets_max);
    drop(client);
}

#[tokio::test]
async fn a_room_that_ends_is_told_before_the_connection_closes() {
    let stage = Stage::new();
    for (reason, code) in [("room-closed", 4409), ("removed", 4403), ("timed-out", 4408)] {
        let mut client = joined(&stage).await;
        stage.rooms.happen(ParticipantEvent::Closed { reason });
        assert_eq!(hear(&mut client).await, json!({"type": "closed", "reason": reason}));
        assert_eq!(close_code(&mut client).await, code);
    }
}

#[tokio::test]
async fn a_stopping_server_tells_everybody() {
    let stage = Stage::new();
    let mut client = joined(&stage).await;
    stage.stop.send_replace(true);
    assert_eq!(hear(&mut client).await, json!({"type": "closed", "reason": "draining"}));
    assert_eq!(close_code(&mut client).await, 4503);
}

#[tokio::test(start_paused = true)]
async fn a_draining_node_says_so_once_and_plays_on_until_the_end() {
    let alternatives = vec!["https://fra.stoa.example".to_owned()];
    let stage = Stage::with(Settings { alternatives, ..settings() });
    let mut client = joined(&stage).await;
    stage.rooms.happen(ParticipantEvent::Draining { over: Duration::from_secs(4) });
    let told = hear(&mut client).await;
    assert_eq!((&told["type"], &told["reason"]), (&json!("closed"), &json!("draining")));
    assert!(told["after_ms"].as_u64().expect("a time") < 4_000, "{told}");
    assert_eq!(told["alternatives"], json!(["https://fra.stoa.example"]));
    for id in 0..10 {
        tokio::time::sleep(Duration::from_secs(5)).await;
        say(&mut client, json!({"type": "ping", "id": id})).await;
        assert_eq!(hear(&mut client).await, json!({"type": "ok", "id": id}));
    }
    let roster = Roster { stage: Vec::new(), listeners: 3 };
    stage.rooms.happen(ParticipantEvent::Roster(Arc::new(roster)));
    assert_eq!(hear(&mut client).await["listeners"], 3);
    stage.stop.send_replace(true);
    match client.next().await.expect("open").expect("a frame") {
        Message::Close(Some(frame)) => assert_eq!(u16::from(frame.code), 4503),
        other => panic!("was told {other:?} after `closed`"),
    }
}

#[tokio::test]
async fn a_node_that_stays_after_all_says_so_to_whom_it_has_asked_to_go() {
    let stage = Stage::new();
    let mut client = joined(&stage).await;
    stage.rooms.happen(ParticipantEvent::Staying);
    stage.rooms.happen(ParticipantEvent::Draining { over: Duration::ZERO });
    assert_eq!(hear(&mut client).await["after_ms"], 0);
    stage.rooms.happen(ParticipantEvent::Staying);
    assert_eq!(hear(&mut client).await, json!({"type": "staying"}));
}

#[tokio::test]
async fn a_client_hears_of_other_edges_when_it_joins_and_of_new_ones_with_a_pong() {
    let stage = Stage::new();
    let edge = |url: &str| OtherEdge { url: url.into(), rtt: Duration::ZERO };
    stage.app.others.tell(&[edge("https://a.example")]);
    let mut client = connect(&stage).await;
    let join = json!({"type": "join", "token": token(Role::Listener), "sdp": OFFER});
    say(&mut client, join).await;
    assert_eq!(hear(&mut client).await["alternatives"], json!(["https://a.example"]));
    let ping = json!({"type": "ping", "id": 1});
    say(&mut client, ping.clone()).await;
    assert_eq!(hear(&mut client).await, json!({"type": "ok", "id": 1}));
    stage.app.others.tell(&[edge("https://b.example")]);
    say(&mut client, ping.clone()).await;
    let pong = json!({"type": "ok", "id": 1, "alternatives": ["https://b.example"]});
    assert_eq!(hear(&mut client).await, pong);
    say(&mut client, ping).await;
    assert_eq!(hear(&mut client).await, json!({"type": "ok", "id": 1}));
}

#[tokio::test]
async fn who_leaves_a_draining_node_is_let_go() {
    let stage = Stage::new();
    let mut client = joined(&stage).await;
    stage.rooms.happen(ParticipantEvent::Draining { over: Duration::ZERO });
    hear(&mut client).await;
    say(&mut client, json!({"type": "leave", "id": 1})).await;
    assert_eq!(hear(&mut client).await, json!({"type": "ok", "id": 1}));
    assert_eq!(close_code(&mut client).await, 1000);
    assert!(matches!(stage.rooms.calls().last(), Some(Call::Leave(_))));
}

#[tokio::test]
async fn a_connection_that_drops_keeps_its_session() {
    let stage = Stage::new();
    drop(joined(&stage).await);
    let all = u32::try_from(stage.app.settings.limits.websockets_max).expect("few");
    // All permits are back once the task has ended.
    let _all = stage.app.websockets.acquire_many(all).await.expect("permits");
    assert!(!stage.rooms.calls().iter().any(|call| matches!(call, Call::Leave(_))));
}

#[tokio::test]
async fn a_websocket_too_many_is_a_503() {
    let limits = Limits { websockets_max: 1, ..Limits::default() };
    let stage = Stage::with(Settings { limits, ..settings() });
    let _first = connect(&stage).await;
    let Err(Error::Http(response)) = dial(&stage, Some("stoa.v1")).await else {
        panic!("was accepted")
    };
    assert_eq!(
        (response.status().as_u16(), &response.headers()["retry-after"]),
        (503, &"2".parse().expect("value"))
    );
    assert_eq!(stage.app.metrics.times_reached(Limit::Websockets), 1);
}
