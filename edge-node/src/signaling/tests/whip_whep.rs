//! WHIP (RFC 9725) and WHEP (draft-ietf-wish-whep-04), header by header.

use axum::body::Body;
use axum::http::{Method, StatusCode};
use stoa_protocol::ids::Role;

use super::fake_rooms::{ANSWER, Call};
use super::{OFFER, Reply, Stage, agora, bearer, expired_token, request, token};
use crate::webrtc::{Downlink, SessionId};

pub(super) const WHIP: &str = "/v1/rooms/agora/whip";
pub(super) const WHEP: &str = "/v1/rooms/agora/whep";
const SDPFRAG: &str = "application/trickle-ice-sdpfrag";
const TRICKLE: &str = "a=ice-ufrag:theirs\r\na=ice-pwd:aaaaaaaaaaaaaaaaaaaaaaaa\r\nm=audio 9 x 111\r\n\
    a=mid:0\r\na=candidate:1 1 udp 2122260223 192.0.2.1 61764 typ host\r\na=end-of-candidates\r\n";
const RESTART: &str = "a=ice-ufrag:newer\r\na=ice-pwd:bbbbbbbbbbbbbbbbbbbbbbbb\r\n";

/// A published session: its URL, and the token that opened it.
pub(super) async fn published(stage: &Stage) -> (String, String) {
    let token = token(Role::Speaker);
    let reply = stage.offer(WHIP, &token).await;
    assert_eq!(reply.status, StatusCode::CREATED, "{reply:?}");
    (reply.header("location").to_owned(), token)
}

pub(super) async fn patch(
    stage: &Stage,
    url: &str,
    token: &str,
    if_match: Option<&str>,
    body: &str,
) -> Reply {
    let bearer = bearer(token);
    let mut headers = vec![("content-type", SDPFRAG), ("authorization", bearer.as_str())];
    headers.extend(if_match.map(|tag| ("if-match", tag)));
    stage.send(request(Method::PATCH, url, &headers, body.to_owned().into())).await
}

#[tokio::test]
async fn an_offer_is_answered_with_everything_the_rfc_wants() {
    let stage = Stage::new();
    let reply = stage.offer(WHIP, &token(Role::Speaker)).await;
    assert_eq!(reply.status, StatusCode::CREATED);
    assert_eq!(reply.header("content-type"), "application/sdp");
    assert_eq!(reply.body, ANSWER);
    assert_eq!(reply.header("etag"), "\"ours1\"");
    assert_eq!(reply.header("accept-patch"), SDPFRAG);
    let id = reply.header("location").strip_prefix("/v1/rooms/agora/sessions/").expect("location");
    assert_eq!(id.len(), 32, "128 bits in hexadecimal");
    let links: Vec<_> = reply.headers.get_all("link").iter().collect();
    assert_eq!(
        links,
        [
            r#"<stun:stun.example.net>; rel="ice-server""#,
            r#"<turn:turn.example.net?transport=tcp>; rel="ice-server"; username="ada"; credential="lovelace"; credential-type="password""#,
        ]
    );
    assert_eq!(reply.header("access-control-allow-origin"), "*");
    let exposed = reply.header("access-control-expose-headers");
    for name in ["Location", "ETag", "Link", "Accept-Patch", "Retry-After"] {
        assert!(exposed.contains(name), "{name}");
    }
}

#[tokio::test]
async fn a_publisher_joins_with_his_role_and_a_player_as_listener() {
    let stage = Stage::new();
    stage.offer(WHIP, &token(Role::Host)).await;
    let ask = stage.rooms.last_join();
    assert_eq!((ask.role, ask.publishes, ask.downlink), (Role::Host, true, Downlink::None));
    assert_eq!(ask.room, agora());
    assert!(OFFER.starts_with(&ask.offer) && ask.offer.contains("a=ice-pwd:"), "{}", ask.offer);
    stage.offer(WHEP, &token(Role::Host)).await;
    let ask = stage.rooms.last_join();
    assert_eq!((ask.role, ask.publishes, ask.downlink), (Role::Listener, false, Downlink::Single));
}

#[tokio::test]
async fn two_sessions_never_share_a_url() {
    let stage = Stage::new();
    let (first, _) = published(&stage).await;
    let (second, _) = published(&stage).await;
    assert_ne!(first, second);
}

#[tokio::test]
async fn a_media_type_may_have_parameters_and_capitals() {
    let stage = Stage::new();
    let bearer = bearer(&token(Role::Listener));
    let headers =
        [("content-type", "Application/SDP; charset=utf-8"), ("authorization", bearer.as_str())];
    let reply = stage.send(request(Method::POST, WHEP, &headers, OFFER.into())).await;
    assert_eq!(reply.status, StatusCode::CREATED);
}

#[tokio::test]
async fn preflights_are_answered_without_a_token() {
    let stage = Stage::new();
    for path in [WHIP, WHEP] {
        let reply = stage.ask(Method::OPTIONS, path, &[]).await;
        assert_eq!(reply.status, StatusCode::OK);
        assert_eq!(reply.header("accept-post"), "application/sdp");
        assert_eq!(reply.header("access-control-allow-origin"), "*");
        assert_eq!(reply.header("access-control-allow-methods"), "POST");
        let allowed = reply.header("access-control-allow-headers");
        assert_eq!(allowed, "Authorization, Content-Type, If-Match");
        assert!(!reply.headers.contains_key("link"), "credentials are for those with a token");
    }
    let reply = stage.ask(Method::OPTIONS, "/v1/rooms/agora/sessions/x", &[]).await;
    assert_eq!(reply.header("access-control-allow-methods"), "PATCH, DELETE");
    assert_eq!(reply.header("accept-patch"), SDPFRAG);
}

#[tokio::test]
async fn get_succeeds_without_content_and_other_methods_are_reserved() {
    let stage = Stage::new();
    let (session, _) = published(&stage).await;
    for path in [WHIP, WHEP, session.as_str()] {
        for method in [Method::GET, Method::HEAD] {
            let reply = stage.ask(method, path, &[]).await;
            assert_eq!((reply.status, reply.body.as_str()), (StatusCode::NO_CONTENT, ""));
        }
    }
    let reserved = [
        (Method::PUT, WHIP),
        (Method::DELETE, WHIP),
        (Method::PATCH, WHEP),
        (Method::POST, session.as_str()),
        (Method::PUT, session.as_str()),
    ];
    for (method, path) in reserved {
        let reply = stage.ask(method, path, &[]).await;
        assert_eq!(reply.status, StatusCode::METHOD_NOT_ALLOWED);
        assert_eq!(reply.problem(), "method-not-allowed");
        assert!(!reply.header("allow").is_empty());
    }
}

#[tokio::test]
async fn candidates_are_taken_with_the_current_entity_tag_only() {
    let stage = Stage::new();
    let (session, token) = published(&stage).await;
    let reply = patch(&stage, &session, &token, Some("\"ours1\""), TRICKLE).await;
    assert_eq!((reply.status, reply.body.as_str()), (StatusCode::NO_CONTENT, ""));
    assert!(!reply.headers.contains_key("etag"), "RFC 9725 section 4.3.2 forbids it here");
    let reply = patch(&stage, &session, &token, Some("\"other\""), TRICKLE).await;
    assert_eq!(reply.status, StatusCode::PRECONDITION_FAILED);
    assert_eq!(reply.problem(), "if-match-failed");
    let reply = patch(&stage, &session, &token, None, TRICKLE).await;
    assert_eq!(reply.status, StatusCode::PRECONDITION_REQUIRED);
    assert_eq!(reply.problem(), "if-match-required");
}

#[tokio::test]
async fn a_fragment_of_wrong_type_or_form_is_refused_and_the_session_lives() {
    let stage = Stage::new();
    let (session, token) = published(&stage).await;
    let reply = patch(&stage, &session, &token, Some("*"), "a=candidate:nonsense").await;
    assert_eq!(reply.status, StatusCode::BAD_REQUEST);
    assert_eq!(reply.problem(), "sdpfrag-malformed");
    let bearer = bearer(&token);
    let headers = [
        ("content-type", "application/sdp"),
        ("authorization", bearer.as_str()),
        ("if-match", "*"),
    ];
    let reply = stage.send(request(Method::PATCH, &session, &headers, TRICKLE.into())).await;
    assert_eq!(reply.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    let reply = patch(&stage, &session, &token, Some("\"ours1\""), TRICKLE).await;
    assert_eq!(reply.status, StatusCode::NO_CONTENT);
}

#[tokio::test]
async fn an_ice_restart_renews_credentials_and_entity_tag() {
    let stage = Stage::new();
    let (session, token) = published(&stage).await;
    let reply = patch(&stage, &session, &token, Some("*"), RESTART).await;
    assert_eq!(reply.status, StatusCode::OK);
    assert_eq!(reply.header("content-type"), SDPFRAG);
    assert_eq!(reply.header("etag"), "\"ours2\"");
    for line in ["a=ice-lite", "a=ice-ufrag:ours2", "a=ice-pwd:0123456789012345678901", "a=mid:0"] {
        assert!(reply.body.contains(line), "{line}");
    }
    assert!(reply.body.contains("a=candidate:1 1 udp 2130706431 198.51.100.1 3478 typ host"));
    let Some(Call::Restart(SessionId(1), offer)) = stage.rooms.calls().pop() else {
        panic!("no restart")
    };
    assert_eq!(offer.matches("a=ice-ufrag:newer\r\n").count(), 1);
    assert!(!offer.contains("theirs") && !offer.contains("candidate"));
    // From here on the old entity tag is outdated and the new one holds.
    let late = patch(&stage, &session, &token, Some("\"ours1\""), TRICKLE).await;
    assert_eq!(late.status, StatusCode::PRECONDITION_FAILED);
    let fresh = TRICKLE.replace("theirs", "newer");
    let reply = patch(&stage, &session, &token, Some("\"ours2\""), &fresh).await;
    assert_eq!(reply.status, StatusCode::NO_CONTENT);
}

#[tokio::test]
async fn a_restart_that_fails_keeps_the_session() {
    let stage = Stage::new();
    let (session, token) = published(&stage).await;
    stage.rooms.refuse(503, "edge-busy", "Too much to do.");
    let reply = patch(&stage, &session, &token, Some("*"), RESTART).await;
    assert_eq!(reply.status, StatusCode::SERVICE_UNAVAILABLE);
    let reply = patch(&stage, &session, &token, Some("\"ours1\""), TRICKLE).await;
    assert_eq!(reply.status, StatusCode::NO_CONTENT);
}

#[tokio::test]
async fn hanging_up_ends_the_session_and_its_url_whatever_if_match_says() {
    let stage = Stage::new();
    let (session, token) = published(&stage).await;
    let bearer = bearer(&token);
    let headers = [("authorization", bearer.as_str()), ("if-match", "\"outdated\"")];
    let reply = stage.ask(Method::DELETE, &session, &headers).await;
    assert_eq!(reply.status, StatusCode::OK);
    assert!(matches!(stage.rooms.calls().last(), Some(Call::Leave(SessionId(1)))));
    let reply = stage.ask(Method::DELETE, &session, &headers).await;
    assert_eq!(reply.status, StatusCode::NOT_FOUND);
    assert_eq!(reply.problem(), "session-not-found");
}

#[tokio::test]
async fn a_session_that_ended_by_itself_loses_its_url_when_somebody_asks() {
    let stage = Stage::new();
    let (session, token) = published(&stage).await;
    stage.rooms.refuse(404, "session-not-found", "The session has ended.");
    let reply = patch(&stage, &session, &token, Some("*"), RESTART).await;
    assert_eq!(reply.status, StatusCode::NOT_FOUND);
    assert_eq!(stage.app.addresses().len(), 0);
}

#[tokio::test]
async fn knowing_the_url_is_not_enough_to_hang_up_for_somebody() {
    let stage = Stage::new();
    let (session, owners) = published(&stage).await;
    let reply = stage.ask(Method::DELETE, &session, &[]).await;
    assert_eq!(
        (reply.status, reply.problem().as_str()),
        (StatusCode::UNAUTHORIZED, "token-missing")
    );
    let others = bearer(&super::token_of("somebody-else", Role::Speaker));
    let reply = stage.ask(Method::DELETE, &session, &[("authorization", &others)]).await;
    assert_eq!(reply.status, StatusCode::FORBIDDEN);
    let expired = bearer(&expired_token());
    let reply = stage.ask(Method::DELETE, &session, &[("authorization", &expired)]).await;
    assert_eq!(reply.status, StatusCode::UNAUTHORIZED);
    // The very token that opened it is recognised without looking at its expiry.
    let reply = stage.ask(Method::DELETE, &session, &[("authorization", &bearer(&owners))]).await;
    assert_eq!(reply.status, StatusCode::OK);
}

#[tokio::test]
async fn a_session_url_of_another_room_or_shape_names_nothing() {
    let stage = Stage::new();
    let (session, token) = published(&stage).await;
    let elsewhere = session.replace("agora", "stoa");
    let malformed = "/v1/rooms/agora/sessions/1";
    for path in [elsewhere.as_str(), malformed] {
        let reply = patch(&stage, path, &token, Some("*"), TRICKLE).await;
        assert_eq!(reply.status, StatusCode::NOT_FOUND, "{path}");
        assert_eq!(reply.problem(), "session-not-found");
    }
}

#[tokio::test]
async fn a_body_over_64_kib_is_refused_whether_announced_or_not() {
    let stage = Stage::new();
    let bearer = bearer(&token(Role::Speaker));
    let announced = [
        ("content-type", "application/sdp"),
        ("authorization", bearer.as_str()),
        ("content-length", "65537"),
    ];
    for headers in [&announced[..], &announced[..2]] {
        let body = Body::from("x".repeat(65_537));
        let reply = stage.send(request(Method::POST, WHIP, headers, body)).await;
        assert_eq!(reply.status, StatusCode::PAYLOAD_TOO_LARGE);
        assert_eq!(reply.problem(), "body-too-large");
    }
    assert!(stage.rooms.calls().is_empty());
}
