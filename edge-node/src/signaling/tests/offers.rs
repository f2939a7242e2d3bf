//! Offers and ICE restarts: what they may cost, over HTTP and over the WebSocket.

use axum::http::{Method, StatusCode};
use serde_json::{Value, json};
use stoa_protocol::ids::Role;
use tokio::time::{Duration, advance};

use super::fake_rooms::Call;
use super::websocket::{close_code, connect, hear, join, joined, say};
use super::whip_whep::{WHEP, WHIP, patch, published};
use super::{OFFER, Reply, Stage, bearer, request, token};
use crate::signaling::{Limit, OFFER_BYTES_MAX};

/// An offer of that many bytes.
fn offer_of(bytes: usize) -> String {
    format!("{OFFER}{}", "x".repeat(bytes - OFFER.len()))
}

/// What came to the room side in joins and restarts.
fn offers(stage: &Stage) -> Vec<String> {
    let offers = stage.rooms.calls().into_iter().filter_map(|call| match call {
        Call::Join(ask) => Some(ask.offer),
        Call::Restart(_, offer) => Some(offer),
        _ => None,
    });
    offers.collect()
}

async fn post(stage: &Stage, path: &str, offer: String) -> Reply {
    let bearer = bearer(&token(Role::Speaker));
    let headers = [("content-type", "application/sdp"), ("authorization", bearer.as_str())];
    stage.send(request(Method::POST, path, &headers, offer.into())).await
}

/// A restart by PATCH with credentials never used before.
async fn restart(stage: &Stage, url: &str, token: &str, number: usize) -> Reply {
    let fragment = format!("a=ice-ufrag:new{number}\r\na=ice-pwd:{}\r\n", "b".repeat(24));
    patch(stage, url, token, Some("*"), &fragment).await
}

#[tokio::test]
async fn an_offer_over_16_kib_is_a_400_with_its_size() {
    let stage = Stage::new();
    for path in [WHIP, WHEP] {
        let reply = post(&stage, path, offer_of(OFFER_BYTES_MAX)).await;
        assert_eq!(reply.status, StatusCode::CREATED);
        let reply = post(&stage, path, offer_of(OFFER_BYTES_MAX + 1)).await;
        assert_eq!(reply.status, StatusCode::BAD_REQUEST);
        assert_eq!(reply.problem(), "offer-too-large");
        let detail = "The SDP offer has 16385 bytes; at most 16384 are read.";
        assert_eq!(reply.json()["detail"], detail);
    }
    assert_eq!(stage.app.metrics.times_reached(Limit::OfferBytes), 2);
    assert_eq!(offers(&stage).len(), 2);
}

#[tokio::test]
async fn an_offer_over_16_kib_is_an_error_on_the_websocket() {
    let stage = Stage::new();
    let mut client = connect(&stage).await;
    let large = offer_of(OFFER_BYTES_MAX + 1);
    let mut message = join(Role::Speaker);
    message["sdp"] = large.as_str().into();
    say(&mut client, message).await;
    assert_eq!(hear(&mut client).await["problem"]["type"], "/problems/offer-too-large");
    assert_eq!(close_code(&mut client).await, 4400);
    let mut client = joined(&stage).await;
    say(&mut client, json!({"type": "restart", "id": 2, "sdp": large})).await;
    assert_eq!(hear(&mut client).await["problem"]["type"], "/problems/offer-too-large");
    say(&mut client, json!({"type": "restart", "id": 3, "sdp": OFFER})).await;
    assert_eq!(hear(&mut client).await["type"], "restarted");
}

#[tokio::test]
async fn the_room_side_gets_no_candidates() {
    let stage = Stage::new();
    assert!(OFFER.contains("a=candidate:"));
    for path in [WHIP, WHEP] {
        post(&stage, path, format!("{OFFER}a=end-of-candidates\r\n")).await;
    }
    let mut client = joined(&stage).await;
    say(&mut client, json!({"type": "restart", "sdp": OFFER})).await;
    hear(&mut client).await;
    let (session, token) = published(&stage).await;
    restart(&stage, &session, &token, 0).await;
    let offers = offers(&stage);
    assert_eq!(offers.len(), 6);
    for offer in offers {
        assert!(offer.contains("m=audio") && !offer.contains("candidate"), "{offer}");
    }
}

#[tokio::test]
async fn a_restart_cannot_make_the_offer_grow_beyond_its_bound() {
    let stage = Stage::new();
    let reply = post(&stage, WHIP, format!("{OFFER}{}", "a=ice-ufrag:a\r\n".repeat(900))).await;
    let fragment = format!("a=ice-ufrag:{}\r\na=ice-pwd:{}\r\n", "x".repeat(256), "y".repeat(24));
    let token = token(Role::Speaker);
    let reply = patch(&stage, reply.header("location"), &token, Some("*"), &fragment).await;
    assert_eq!(
        (reply.status, reply.problem().as_str()),
        (StatusCode::BAD_REQUEST, "offer-too-large")
    );
    assert_eq!(offers(&stage).len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_session_restarts_once_a_second_and_three_times_at_once_by_patch() {
    let stage = Stage::new();
    let (session, token) = published(&stage).await;
    for number in 0..3 {
        let reply = restart(&stage, &session, &token, number).await;
        assert_eq!(reply.status, StatusCode::OK, "{number}");
    }
    let reply = restart(&stage, &session, &token, 3).await;
    assert_eq!(reply.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!((reply.problem().as_str(), reply.header("retry-after")), ("restarts-too-many", "1"));
    assert_eq!(stage.app.metrics.times_reached(Limit::RestartRate), 1);
    assert_eq!(offers(&stage).len(), 4, "a join and three restarts");
    // Another session has an allowance of its own, and this one gets some of it back.
    let (other, others) = published(&stage).await;
    assert_eq!(restart(&stage, &other, &others, 0).await.status, StatusCode::OK);
    advance(Duration::from_secs(1)).await;
    assert_eq!(restart(&stage, &session, &token, 4).await.status, StatusCode::OK);
    let reply = restart(&stage, &session, &token, 5).await;
    assert_eq!(reply.status, StatusCode::TOO_MANY_REQUESTS);
}

#[tokio::test(start_paused = true)]
async fn a_session_restarts_once_a_second_and_three_times_at_once_over_the_websocket() {
    let stage = Stage::new();
    let mut client = joined(&stage).await;
    let asked = |id| json!({"type": "restart", "id": id, "sdp": OFFER});
    for id in 0..3 {
        say(&mut client, asked(id)).await;
        assert_eq!(hear(&mut client).await["type"], "restarted", "{id}");
    }
    say(&mut client, asked(3)).await;
    let refused: Value = hear(&mut client).await;
    assert_eq!((&refused["id"], &refused["retry_after_s"]), (&json!(3), &json!(1)));
    assert_eq!(refused["problem"]["type"], "/problems/restarts-too-many");
    assert_eq!(refused["problem"]["status"], 429);
    assert_eq!(stage.app.metrics.times_reached(Limit::RestartRate), 1);
    advance(Duration::from_secs(1)).await;
    say(&mut client, asked(4)).await;
    assert_eq!(hear(&mut client).await["type"], "restarted");
}
