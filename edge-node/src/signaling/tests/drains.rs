//! Having an edge leave and stay, over the API.

use axum::body::Body;
use axum::http::header::AUTHORIZATION;
use axum::http::{Method, StatusCode};
use serde_json::json;
use stoa_protocol::ids::Role;
use stoa_protocol::token::{Grant, Grants};

use super::{Stage, back_end_token, bearer, claims, keys, request, token};

async fn ask(stage: &Stage, method: Method, token: &str, body: &'static str) -> super::Reply {
    let bearer = bearer(token);
    let headers = [(AUTHORIZATION.as_str(), bearer.as_str()), ("content-type", "application/json")];
    stage.send(request(method, "/v1/drain", &headers, Body::from(body))).await
}

#[tokio::test]
async fn the_operator_has_an_edge_leave_changes_the_deadline_and_has_it_stay() {
    let stage = Stage::new();
    let token = back_end_token();
    let state = ask(&stage, Method::GET, &token, "").await;
    assert_eq!((state.status, state.json()), (StatusCode::OK, json!({"draining": false})));
    let asked = ask(&stage, Method::POST, &token, "").await;
    assert_eq!(asked.status, StatusCode::ACCEPTED);
    let left_s = asked.json()["left_s"].as_u64().expect("a time");
    assert!((28..=30).contains(&left_s), "as configured, not {left_s}");
    let asked = ask(&stage, Method::POST, &token, "{\"deadline_s\": 300}").await;
    assert!(asked.json()["left_s"].as_u64().expect("a time") > 290, "{asked:?}");
    assert!(stage.app.drain.leaving().is_some());
    let undone = ask(&stage, Method::DELETE, &token, "").await;
    assert_eq!((undone.status, undone.json()), (StatusCode::OK, json!({"draining": false})));
    assert!(stage.app.drain.leaving().is_none());
}

#[tokio::test]
async fn nobody_else_has_a_say_in_it() {
    let stage = Stage::new();
    let others = Grant::ALL.into_iter().filter(|grant| *grant != Grant::Operate);
    let grants = others.fold(Grants::default(), Grants::with);
    let mut without = claims("back-end", Role::Host);
    (without.room, without.grants) = (None, grants);
    let mut of_a_room = claims("back-end", Role::Host);
    of_a_room.grants = Grants::default().with(Grant::Operate);
    let mint = |claims| keys().mint(claims).expect("token");
    for token in [token(Role::Host), mint(&without), mint(&of_a_room)] {
        for method in [Method::GET, Method::POST, Method::DELETE] {
            let refused = ask(&stage, method, &token, "").await;
            assert_eq!(refused.status, StatusCode::FORBIDDEN);
        }
    }
    let nobody = stage.ask(Method::POST, "/v1/drain", &[]).await;
    assert_eq!(nobody.status, StatusCode::UNAUTHORIZED);
    let wrong = ask(&stage, Method::POST, &back_end_token(), "{\"deadline_s\": 3601}").await;
    assert_eq!(
        (wrong.status, wrong.json()["field"].as_str()),
        (StatusCode::BAD_REQUEST, Some("deadline_s"))
    );
    assert!(stage.app.drain.leaving().is_none());
}
