//! Every way to be refused is a problem with its status.

use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::{Method, StatusCode};
use futures_util::stream;
use stoa_protocol::ids::Role;

use super::{OFFER, Stage, bearer, expired_token, request, token};
use crate::signaling::Limit;

const WHIP: &str = "/v1/rooms/agora/whip";

#[tokio::test]
async fn a_missing_token_is_a_401_that_asks_for_one() {
    let stage = Stage::new();
    let headers = [("content-type", "application/sdp")];
    let reply = stage.send(request(Method::POST, WHIP, &headers, OFFER.into())).await;
    assert_eq!(
        (reply.status, reply.problem().as_str()),
        (StatusCode::UNAUTHORIZED, "token-missing")
    );
    assert_eq!(reply.header("www-authenticate"), "Bearer realm=\"stoa\"");
    assert_eq!(reply.header("access-control-allow-origin"), "*");
}

#[tokio::test]
async fn a_bad_or_expired_token_is_a_401() {
    let stage = Stage::new();
    let speaker = token(Role::Speaker);
    let forged = format!("{}A", &speaker[..speaker.len() - 1]);
    let forged =
        if forged == speaker { format!("{}B", &speaker[..speaker.len() - 1]) } else { forged };
    for token in ["x", "a.b.c", forged.as_str(), expired_token().as_str()] {
        let reply = stage.offer(WHIP, token).await;
        assert_eq!(reply.status, StatusCode::UNAUTHORIZED, "{token}");
        assert!(reply.header("www-authenticate").contains("error=\"invalid_token\""));
        assert!(reply.problem().starts_with("token-"));
        assert!(!reply.body.contains(token) || token == "x");
    }
    assert!(stage.rooms.calls().is_empty());
}

#[tokio::test]
async fn other_schemes_than_bearer_are_no_token() {
    let stage = Stage::new();
    let headers = [("content-type", "application/sdp"), ("authorization", "Basic YTpi")];
    let reply = stage.send(request(Method::POST, WHIP, &headers, OFFER.into())).await;
    assert_eq!(
        (reply.status, reply.problem().as_str()),
        (StatusCode::UNAUTHORIZED, "token-missing")
    );
}

#[tokio::test]
async fn a_listener_may_not_publish() {
    let stage = Stage::new();
    let reply = stage.offer(WHIP, &token(Role::Listener)).await;
    assert_eq!(reply.status, StatusCode::FORBIDDEN);
    assert_eq!(reply.problem(), "forbidden");
}

#[tokio::test]
async fn a_token_for_another_room_is_not_accepted() {
    let stage = Stage::new();
    let reply = stage.offer("/v1/rooms/stoa/whip", &token(Role::Speaker)).await;
    assert!(matches!(reply.status, StatusCode::FORBIDDEN | StatusCode::UNAUTHORIZED), "{reply:?}");
    reply.problem();
    assert!(stage.rooms.calls().is_empty());
}

#[tokio::test]
async fn what_the_room_side_refuses_keeps_its_status_and_code() {
    let stage = Stage::new();
    for (status, code) in [
        (400, "offer-malformed"),
        (404, "room-not-found"),
        (502, "owner-confused"),
        (503, "edge-draining"),
    ] {
        stage.rooms.refuse(status, code, "This is a sentence.");
        let reply = stage.offer(WHIP, &token(Role::Speaker)).await;
        assert_eq!(u32::from(reply.status.as_u16()), status);
        assert_eq!(reply.problem(), code);
        assert_eq!(reply.headers.contains_key("retry-after"), status == 503);
    }
}

#[tokio::test]
async fn a_wrong_content_type_is_a_415() {
    let stage = Stage::new();
    let bearer = bearer(&token(Role::Speaker));
    for headers in [
        &[("authorization", bearer.as_str()), ("content-type", "text/plain")][..],
        &[("authorization", bearer.as_str())][..],
    ] {
        let reply = stage.send(request(Method::POST, WHIP, headers, OFFER.into())).await;
        assert_eq!(reply.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
        assert_eq!(reply.problem(), "content-type-unsupported");
    }
}

#[tokio::test]
async fn a_body_that_is_not_utf_8_is_a_400() {
    let stage = Stage::new();
    let bearer = bearer(&token(Role::Speaker));
    let headers = [("authorization", bearer.as_str()), ("content-type", "application/sdp")];
    let body = Body::from(vec![0xff, 0xfe]);
    let reply = stage.send(request(Method::POST, WHIP, &headers, body)).await;
    assert_eq!(
        (reply.status, reply.problem().as_str()),
        (StatusCode::BAD_REQUEST, "body-malformed")
    );
}

#[tokio::test(start_paused = true)]
async fn a_body_that_never_ends_is_a_408() {
    let stage = Stage::new();
    let bearer = bearer(&token(Role::Speaker));
    let headers = [("authorization", bearer.as_str()), ("content-type", "application/sdp")];
    let endless = stream::pending::<Result<Bytes, std::io::Error>>();
    let reply = stage.send(request(Method::POST, WHIP, &headers, Body::from_stream(endless))).await;
    assert_eq!(
        (reply.status, reply.problem().as_str()),
        (StatusCode::REQUEST_TIMEOUT, "body-late")
    );
    assert_eq!(stage.app.metrics.times_reached(Limit::ReadTime), 1);
}

#[tokio::test(start_paused = true)]
async fn a_room_side_that_does_not_answer_is_a_503_with_retry_after() {
    let stage = Stage::new();
    stage.rooms.fall_silent();
    let begun = tokio::time::Instant::now();
    let reply = stage.offer(WHIP, &token(Role::Speaker)).await;
    assert_eq!(reply.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!((reply.problem().as_str(), reply.header("retry-after")), ("answer-late", "2"));
    assert_eq!(begun.elapsed(), Duration::from_secs(10));
}

#[tokio::test]
async fn a_room_that_cannot_be_is_a_404() {
    let stage = Stage::new();
    for path in ["/v1/rooms/a%20b/whip", "/v1/rooms/%FF/whip", "/v1/rooms/a%2Fb/whep"] {
        let reply = stage.offer(path, &token(Role::Speaker)).await;
        assert!(matches!(reply.status, StatusCode::NOT_FOUND | StatusCode::BAD_REQUEST), "{path}");
        reply.problem();
    }
}

#[tokio::test]
async fn an_unknown_path_is_a_404_everywhere() {
    let stage = Stage::new();
    for path in ["/v1", "/v1/", "/v1/nothing", "/nothing.js", "/a/b/c", "/../etc/passwd"] {
        let reply = stage.ask(Method::GET, path, &[]).await;
        assert_eq!(reply.status, StatusCode::NOT_FOUND, "{path}");
        assert_eq!(reply.problem(), "path-not-found");
    }
    let reply = stage.ask(Method::POST, "/index.html", &[]).await;
    assert_eq!(reply.status, StatusCode::METHOD_NOT_ALLOWED);
    reply.problem();
}

#[tokio::test]
async fn a_websocket_request_that_is_none_is_a_problem() {
    let stage = Stage::new();
    let reply = stage.ask(Method::GET, "/v1/rooms/agora/ws", &[]).await;
    assert!(reply.status.is_client_error());
    reply.problem();
}
