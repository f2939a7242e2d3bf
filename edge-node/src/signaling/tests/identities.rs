//! Erasing what is kept about a person.

use axum::http::{Method, StatusCode};
use serde_json::{Value, json};
use stoa_protocol::ids::Role;
use stoa_protocol::mesh::control::{Ask, EraseIdentity};

use super::moderation::{last_ask, send};
use super::{Stage, back_end_token, creator_token, token};

#[tokio::test]
async fn a_back_end_erases_an_identity_and_hears_what_there_was() {
    let stage = Stage::new();
    let path = "/v1/identities/ad%20a%2Fb";
    let reply = send(&stage, Method::DELETE, path, &back_end_token(), &Value::Null).await;
    assert_eq!((reply.status, reply.header("cache-control")), (StatusCode::OK, "no-store"));
    let expected = json!({"rooms": 2, "participants": 0, "appointments": 0, "bans": 0, "log_entries": 7, "blocks": 3});
    assert_eq!(reply.json(), expected);
    let Ask::EraseIdentity(EraseIdentity { tenant, identity, actor }) = last_ask(&stage) else {
        panic!("nothing erased")
    };
    let asked = (tenant.as_str(), identity.as_str(), actor.as_str());
    assert_eq!(asked, ("", "ad a/b", "back-end"));
}

#[tokio::test]
async fn nobody_else_does_and_no_identity_is_endless() {
    let stage = Stage::new();
    let path = "/v1/identities/ada";
    assert_eq!(stage.ask(Method::DELETE, path, &[]).await.status, StatusCode::UNAUTHORIZED);
    for token in [token(Role::Host), creator_token()] {
        let reply = send(&stage, Method::DELETE, path, &token, &Value::Null).await;
        assert_eq!((reply.status, reply.problem().as_str()), (StatusCode::FORBIDDEN, "forbidden"));
    }
    let long = format!("/v1/identities/{}", "x".repeat(129));
    let reply = send(&stage, Method::DELETE, &long, &back_end_token(), &Value::Null).await;
    assert_eq!(
        (reply.status, &reply.json()["field"]),
        (StatusCode::BAD_REQUEST, &json!("identity"))
    );
    assert!(stage.rooms.calls().is_empty());
}
