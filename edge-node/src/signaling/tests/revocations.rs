//! Revocations: refused from the same moment on, and the sessions that live end.

use axum::http::{Method, StatusCode};
use stoa_protocol::ids::{Role, TenantId};
use stoa_protocol::token::{Claims, Revocation, Revoked};

use super::fake_rooms::Call;
use super::websocket::{close_code, connect, hear, join, say};
use super::{Stage, agora, bearer, claims, keys, now_unix_s, token_of};
use crate::signaling::Revoker;
use crate::webrtc::SessionId;

const WHEP: &str = "/v1/rooms/agora/whep";

async fn revoke(stage: &Stage, revoked: Revoked) -> usize {
    let revocation = Revocation::new(TenantId::default(), revoked, now_unix_s());
    Revoker(stage.app.clone()).revoke(vec![revocation]).await
}

fn with_id(jti: &str) -> String {
    keys().mint(&Claims { jti: jti.into(), ..claims("ada", Role::Listener) }).expect("token")
}

fn everything_of(identity: &str) -> Revoked {
    let issued_before_unix_s = now_unix_s() + 1;
    Revoked::Identity { identity: identity.into(), room: Some(agora()), issued_before_unix_s }
}

fn left(stage: &Stage) -> Vec<SessionId> {
    let calls = stage.rooms.calls();
    let left = calls.into_iter().filter_map(|call| match call {
        Call::Leave(session) => Some(session),
        _ => None,
    });
    left.collect()
}

#[tokio::test]
async fn a_revoked_token_is_refused_everywhere_and_another_one_is_not() {
    let stage = Stage::new();
    assert_eq!(revoke(&stage, Revoked::Token { jti: "t-1".into() }).await, 0);
    let reply = stage.offer(WHEP, &with_id("t-1")).await;
    assert_eq!(
        (reply.status, reply.problem().as_str()),
        (StatusCode::UNAUTHORIZED, "token-revoked")
    );
    let authorization = bearer(&with_id("t-1"));
    let headers = [("authorization", authorization.as_str())];
    let reply = stage.ask(Method::GET, "/v1/rooms/agora", &headers).await;
    assert_eq!(reply.problem(), "token-revoked");
    assert!(stage.rooms.calls().is_empty());
    assert_eq!(stage.offer(WHEP, &with_id("t-2")).await.status, StatusCode::CREATED);
}

#[tokio::test]
async fn the_sessions_of_a_revoked_identity_end_and_those_of_others_go_on() {
    let stage = Stage::new();
    for identity in ["ada", "bob", "ada"] {
        let reply = stage.offer(WHEP, &token_of(identity, Role::Listener)).await;
        assert_eq!(reply.status, StatusCode::CREATED);
    }
    assert_eq!(revoke(&stage, everything_of("ada")).await, 2);
    let mut ended = left(&stage);
    ended.sort_unstable();
    assert_eq!(ended, [SessionId(1), SessionId(3)]);
    assert_eq!(revoke(&stage, everything_of("ada")).await, 0, "they are gone already");
}

#[tokio::test]
async fn a_token_issued_after_the_revocation_of_its_identity_is_good() {
    let stage = Stage::new();
    let now = now_unix_s();
    let before = |issued_before_unix_s| Revoked::Identity {
        identity: "ada".into(),
        room: None,
        issued_before_unix_s,
    };
    revoke(&stage, before(now)).await;
    let issued = |iat| Claims { iat, exp: now + 600, ..claims("ada", Role::Listener) };
    let old = keys().mint(&issued(now - 1)).expect("token");
    let new = keys().mint(&issued(now)).expect("token");
    assert_eq!(stage.offer(WHEP, &old).await.problem(), "token-revoked");
    assert_eq!(stage.offer(WHEP, &new).await.status, StatusCode::CREATED);
}

#[tokio::test]
async fn revoking_a_key_ends_all_that_it_has_opened() {
    let stage = Stage::new();
    for identity in ["ada", "bob"] {
        stage.offer(WHEP, &token_of(identity, Role::Listener)).await;
    }
    assert_eq!(revoke(&stage, Revoked::Key { key: "test".into() }).await, 2);
    let reply = stage.offer(WHEP, &token_of("eve", Role::Listener)).await;
    assert_eq!(reply.problem(), "token-revoked");
}

#[tokio::test]
async fn a_session_whose_token_is_revoked_while_it_opens_does_not_stay() {
    let stage = Stage::new();
    // The room side answers only after the revocation has come.
    let token = token_of("ada", Role::Listener);
    let authorization = bearer(&token);
    stage.rooms.hold();
    let (reply, ()) = tokio::join!(stage.offer(WHEP, &token), async {
        stage.rooms.held().await;
        assert_eq!(revoke(&stage, everything_of("ada")).await, 0);
        stage.rooms.release();
    });
    assert_eq!(reply.problem(), "token-revoked");
    assert_eq!(left(&stage), [SessionId(1)]);
    assert!(!reply.body.contains(&authorization));
}

#[tokio::test]
async fn a_websocket_whose_token_is_revoked_closes_as_with_a_bad_token() {
    let stage = Stage::new();
    let mut client = connect(&stage).await;
    say(&mut client, join(Role::Listener)).await;
    assert_eq!(hear(&mut client).await["type"], "joined");
    assert_eq!(revoke(&stage, everything_of("ada")).await, 1);
    // The room side ends the session, and with it its events.
    stage.rooms.hang_up();
    let closed = hear(&mut client).await;
    assert_eq!((&closed["type"], &closed["reason"]), (&"closed".into(), &"revoked".into()));
    assert_eq!(close_code(&mut client).await, 4401);
}
