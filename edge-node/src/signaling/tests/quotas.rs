//! Quotas of tenants: who is over one is told so and when to come back; others are not held back.

use std::collections::BTreeMap;

use axum::body::Body;
use axum::http::{Method, StatusCode};
use stoa_protocol::ids::{Role, TenantId};
use stoa_protocol::tenant::{Quota, Quotas};
use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};
use tokio_tungstenite::tungstenite::Message;

use super::websocket::{close_code, connect, hear, join, say};
use super::{OFFER, PEER, Reply, Stage, bearer, keys, request, settings, token};
use crate::signaling::authority::Authority;
use crate::signaling::client::Client;
use crate::signaling::server::serve_http;
use crate::signaling::{Limit, Settings};
use crate::webrtc::SessionId;

const WHEP: &str = "/v1/rooms/agora/whep";

fn stage(quotas: Quotas) -> Stage {
    let quotas = BTreeMap::from([(TenantId::default(), quotas)]);
    Stage::under(Authority::new(keys(), quotas), settings())
}

fn per_address(joins: u32) -> Quotas {
    Quotas { joins_per_minute_per_address: Some(joins), ..Quotas::default() }
}

async fn listen_from(stage: &Stage, address: &str) -> Reply {
    let bearer = bearer(&token(Role::Listener));
    let headers = [("content-type", "application/sdp"), ("authorization", bearer.as_str())];
    let mut request = request(Method::POST, WHEP, &headers, Body::from(OFFER));
    request.extensions_mut().insert(Client(address.parse().expect("address")));
    stage.send(request).await
}

#[tokio::test]
async fn a_join_over_its_quota_is_a_429_that_says_when_to_come_back() {
    let stage = stage(per_address(2));
    for _ in 0..2 {
        assert_eq!(listen_from(&stage, "192.0.2.1").await.status, StatusCode::CREATED);
    }
    let reply = listen_from(&stage, "192.0.2.1").await;
    assert_eq!(reply.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(reply.problem(), "quota-joins-per-address");
    assert_eq!(reply.header("retry-after"), "30");
    let metrics = &stage.app.metrics;
    assert_eq!(metrics.times_quota_reached(&TenantId::default(), Quota::JoinsPerAddress), 1);
    assert_eq!(stage.rooms.calls().len(), 2, "the room side is not asked");
    assert_eq!(listen_from(&stage, "192.0.2.2").await.status, StatusCode::CREATED);
}

#[tokio::test]
async fn participants_count_until_their_sessions_end() {
    let stage = stage(Quotas { participants: Some(2), ..Quotas::default() });
    for _ in 0..2 {
        assert_eq!(listen_from(&stage, "192.0.2.1").await.status, StatusCode::CREATED);
    }
    let reply = listen_from(&stage, "192.0.2.1").await;
    assert_eq!(reply.problem(), "quota-participants");
    stage.app.forget(SessionId(1));
    assert_eq!(listen_from(&stage, "192.0.2.1").await.status, StatusCode::CREATED);
}

#[tokio::test]
async fn who_is_refused_by_the_room_side_is_no_participant() {
    let stage = stage(Quotas { participants: Some(1), ..Quotas::default() });
    stage.rooms.refuse(404, "room-not-found", "There is no room agora.");
    assert_eq!(listen_from(&stage, "192.0.2.1").await.status, StatusCode::NOT_FOUND);
    assert_eq!(listen_from(&stage, "192.0.2.1").await.status, StatusCode::CREATED);
}

#[tokio::test]
async fn a_join_that_the_owner_refuses_for_the_quota_is_counted_once_and_other_refusals_are_not() {
    let stage = stage(Quotas { participants: Some(9), ..Quotas::default() });
    let counted = |stage: &Stage| {
        stage.app.metrics.times_quota_reached(&TenantId::default(), Quota::Participants)
    };
    stage.rooms.refuse(429, "quota-participants", "This tenant has 9 participants.");
    let reply = listen_from(&stage, "192.0.2.1").await;
    assert_eq!((reply.status.as_u16(), reply.problem().as_str()), (429, "quota-participants"));
    assert_eq!(counted(&stage), 1);
    stage.rooms.refuse(403, "banned", "You may not enter.");
    assert_eq!(listen_from(&stage, "192.0.2.1").await.status, StatusCode::FORBIDDEN);
    assert_eq!(counted(&stage), 1);
}

#[tokio::test]
async fn a_websocket_over_its_quota_is_told_and_closed_with_a_code_of_its_own() {
    let stage = stage(per_address(1));
    let mut first = connect(&stage).await;
    say(&mut first, join(Role::Listener)).await;
    assert_eq!(hear(&mut first).await["type"], "joined");
    let mut second = connect(&stage).await;
    say(&mut second, join(Role::Listener)).await;
    let error = hear(&mut second).await;
    assert_eq!(error["problem"]["type"], "/problems/quota-joins-per-address");
    assert_eq!(error["retry_after_s"], 60);
    assert_eq!(close_code(&mut second).await, 4429);
    futures_util::SinkExt::send(&mut first, Message::Close(None)).await.expect("closed");
}

/// The status of one join over a connection from [`PEER`] with this header.
async fn forwarded(stage: &Stage, forwarded_for: &str) -> u16 {
    let (mut client, server) = duplex(64 * 1024);
    let (app, router) = (stage.app.clone(), stage.router.clone());
    tokio::spawn(async move { serve_http(&app, router, server, PEER).await });
    let request = format!(
        "POST {WHEP} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nX-Forwarded-For: \
         {forwarded_for}\r\nContent-Type: application/sdp\r\nAuthorization: {}\r\nContent-Length: \
         {}\r\n\r\n{OFFER}",
        bearer(&token(Role::Listener)),
        OFFER.len()
    );
    client.write_all(request.as_bytes()).await.expect("written");
    let mut answer = String::new();
    client.read_to_string(&mut answer).await.expect("closed");
    answer.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status")
}

#[tokio::test]
async fn a_connection_counts_for_its_own_address_whatever_its_headers_say() {
    let stage = stage(per_address(1));
    assert_eq!(forwarded(&stage, "198.51.100.1").await, 201);
    assert_eq!(forwarded(&stage, "198.51.100.2").await, 429);
}

#[tokio::test]
async fn behind_a_trusted_proxy_each_client_counts_for_himself() {
    let quotas = BTreeMap::from([(TenantId::default(), per_address(1))]);
    let settings = Settings { trusted_proxies: vec![PEER], ..settings() };
    let stage = Stage::under(Authority::new(keys(), quotas), settings);
    assert_eq!(forwarded(&stage, "198.51.100.1").await, 201);
    assert_eq!(forwarded(&stage, "198.51.100.2").await, 201);
    assert_eq!(forwarded(&stage, "203.0.113.1, 198.51.100.2").await, 429);
    assert_eq!(stage.app.metrics.times_reached(Limit::QuotaAddresses), 0);
}
