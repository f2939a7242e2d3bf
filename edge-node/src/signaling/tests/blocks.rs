//! Whom somebody keeps out of rooms that he hosts.

use axum::http::{Method, StatusCode};
use serde_json::{Value, json};
use stoa_protocol::ids::Role;
use stoa_protocol::mesh::control::{Ask, Block, ListBlocks};

use super::moderation::{last_ask, send};
use super::websocket::{close_code, connect, hear, join, say};
use super::{Reply, Stage, back_end_token, creator_token, token, token_of};

const LIST: &str = "/v1/identities/ad%20a%2Fb/blocks";
const PLATO: &str = "/v1/identities/ad%20a%2Fb/blocks/pl%C3%A4to";

async fn ask(stage: &Stage, method: Method, path: &str, token: &str) -> Reply {
    send(stage, method, path, token, &Value::Null).await
}

#[tokio::test]
async fn an_identity_and_a_back_end_change_and_read_the_list() {
    let stage = Stage::new();
    // Whatever he is in the room of his token.
    for own in
        [token_of("ad a/b", Role::Listener), token_of("ad a/b", Role::Host), back_end_token()]
    {
        for (method, blocked) in [(Method::PUT, true), (Method::DELETE, false)] {
            let reply = ask(&stage, method, PLATO, &own).await;
            assert_eq!(reply.status, StatusCode::NO_CONTENT);
            let Ask::Block(asked) = last_ask(&stage) else { panic!("nothing blocked") };
            let (identity, other) = ("ad a/b".into(), "pläto".into());
            assert_eq!(asked, Block { tenant: String::new(), identity, other, blocked });
        }
        let reply = ask(&stage, Method::GET, &format!("{LIST}?after=x%20y&limit=7"), &own).await;
        assert_eq!((reply.status, reply.header("cache-control")), (StatusCode::OK, "no-store"));
        let blocks = json!([{"identity": "eve", "at_ms": 1_700_000_000_000_u64}]);
        assert_eq!(reply.json(), json!({"blocks": blocks, "next": "eve"}));
        let Ask::ListBlocks(asked) = last_ask(&stage) else { panic!("nothing listed") };
        let (tenant, identity, after) = (String::new(), "ad a/b".to_owned(), "x y".to_owned());
        assert_eq!(asked, ListBlocks { tenant, identity, after, limit: 7 });
    }
}

#[tokio::test]
async fn nobody_else_does() {
    let stage = Stage::new();
    for (method, path) in [(Method::PUT, PLATO), (Method::DELETE, PLATO), (Method::GET, LIST)] {
        let bare = stage.ask(method.clone(), path, &[]).await;
        assert_eq!(bare.status, StatusCode::UNAUTHORIZED);
        for other in [token(Role::Host), token_of("pläto", Role::Moderator), creator_token()] {
            let reply = ask(&stage, method.clone(), path, &other).await;
            let refused = (reply.status, reply.problem());
            assert_eq!(refused, (StatusCode::FORBIDDEN, "forbidden".to_owned()));
        }
    }
    assert!(stage.rooms.calls().is_empty());
}

#[tokio::test]
async fn what_cannot_be_an_identity_is_refused_before_anybody_is_asked() {
    let stage = Stage::new();
    let long = "x".repeat(129);
    for path in [
        format!("/v1/identities/{long}/blocks/eve"),
        format!("/v1/identities/ada/blocks/{long}"),
        "/v1/identities/ada/blocks/e%00e".into(),
    ] {
        let reply = ask(&stage, Method::PUT, &path, &back_end_token()).await;
        assert_eq!(reply.status, StatusCode::BAD_REQUEST);
        assert_eq!(reply.json()["field"], "identity");
    }
    for (query, field) in [(format!("after={long}"), "after"), ("limit=0".into(), "limit")] {
        let reply = ask(&stage, Method::GET, &format!("{LIST}?{query}"), &back_end_token()).await;
        let refused = (reply.status, &reply.json()["field"]);
        assert_eq!(refused, (StatusCode::BAD_REQUEST, &json!(field)));
    }
    assert!(stage.rooms.calls().is_empty());
}

#[tokio::test]
async fn a_full_list_is_told_as_the_owner_says_it() {
    let stage = Stage::new();
    stage.rooms.refuse(409, "blocks-full", "This identity blocks 1000 others.");
    let reply = ask(&stage, Method::PUT, PLATO, &back_end_token()).await;
    assert_eq!((reply.status, reply.problem()), (StatusCode::CONFLICT, "blocks-full".to_owned()));
}

#[tokio::test]
async fn a_blocked_websocket_hears_why_and_is_closed_as_not_allowed() {
    let stage = Stage::new();
    stage.rooms.refuse(403, "blocked-by-host", "Its host has blocked you.");
    let mut socket = connect(&stage).await;
    say(&mut socket, join(Role::Listener)).await;
    assert_eq!(hear(&mut socket).await["problem"]["type"], "/problems/blocked-by-host");
    assert_eq!(close_code(&mut socket).await, 4403);
}
