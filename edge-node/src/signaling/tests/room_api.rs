//! Rooms over REST.

use axum::http::{Method, StatusCode};
use serde_json::json;
use stoa_protocol::ids::Role;
use stoa_protocol::mesh::control::{Ask, WireRole};

use super::fake_rooms::Call;
use super::{Reply, Stage, back_end_token, bearer, creator_token, request, token};

const JSON: (&str, &str) = ("content-type", "application/json");

async fn post(stage: &Stage, path: &str, token: Option<&str>, body: &str) -> Reply {
    let bearer = token.map(bearer);
    let mut headers = vec![JSON, ("host", "ams.example.net")];
    headers.extend(bearer.as_deref().map(|bearer| ("authorization", bearer)));
    stage.send(request(Method::POST, path, &headers, body.to_owned().into())).await
}

#[tokio::test]
async fn an_open_node_makes_rooms_for_anybody_and_gives_links() {
    let stage = Stage::open();
    let reply = post(&stage, "/v1/rooms", None, r#"{"name": "The Agora"}"#).await;
    assert_eq!(reply.status, StatusCode::CREATED);
    assert_eq!(reply.header("location"), "/v1/rooms/agora");
    let made = reply.json();
    assert_eq!((&made["room"], &made["name"]), (&json!("agora"), &json!("The Agora")));
    for role in ["host", "speaker", "listener"] {
        let token = made["tokens"][role].as_str().expect("token");
        let link = format!("http://ams.example.net/r/agora#token={token}");
        assert_eq!(made["links"][role], link);
    }
    let speaker = made["tokens"]["speaker"].as_str().expect("token");
    assert_eq!(stage.offer("/v1/rooms/agora/whip", speaker).await.status, StatusCode::CREATED);
    assert_eq!(stage.rooms.last_join().role, Role::Speaker);
}

#[tokio::test]
async fn every_token_is_somebody_of_his_own() {
    let stage = Stage::open();
    let draw = || post(&stage, "/v1/rooms/agora/tokens", None, r#"{"role": "speaker"}"#);
    let (first, second) = (draw().await.json(), draw().await.json());
    assert_ne!(first["token"], second["token"]);
}

#[tokio::test]
async fn an_empty_body_makes_a_room_too() {
    let stage = Stage::open();
    let reply = stage.ask(Method::POST, "/v1/rooms", &[]).await;
    assert_eq!(reply.status, StatusCode::CREATED, "{reply:?}");
}

#[tokio::test]
async fn elsewhere_making_a_room_takes_a_grant_and_gives_no_tokens() {
    let stage = Stage::new();
    let body = r#"{"room": "agora", "name": "The Agora"}"#;
    let reply = post(&stage, "/v1/rooms", None, body).await;
    assert_eq!(reply.status, StatusCode::UNAUTHORIZED);
    let reply = post(&stage, "/v1/rooms", Some(&token(Role::Host)), body).await;
    assert_eq!((reply.status, reply.problem().as_str()), (StatusCode::FORBIDDEN, "forbidden"));
    let reply = post(&stage, "/v1/rooms", Some(&creator_token()), body).await;
    assert_eq!(reply.status, StatusCode::CREATED);
    assert!(reply.json().get("tokens").is_none() && reply.json().get("links").is_none());
    let Some(Call::Create(made)) = stage.rooms.calls().pop() else { panic!("no room") };
    assert_eq!((made.room.as_str(), made.name.as_str()), ("agora", "The Agora"));
    assert_eq!(made.actor, "back-end");
}

#[tokio::test]
async fn a_malformed_room_is_a_400_that_says_why() {
    let stage = Stage::open();
    let cases = [
        ("{", "json-malformed"),
        (r#"{"nam": "x"}"#, "json-malformed"),
        (r#"[]"#, "json-malformed"),
        (r#"{"room": "a b"}"#, "room-malformed"),
        (r#"{"name": "  "}"#, "name-malformed"),
        (r#"{"name": "a\u0007"}"#, "name-malformed"),
    ];
    for (body, code) in cases {
        let reply = post(&stage, "/v1/rooms", None, body).await;
        assert_eq!(
            (reply.status, reply.problem().as_str()),
            (StatusCode::BAD_REQUEST, code),
            "{body}"
        );
    }
    let long = json!({ "name": "x".repeat(101) }).to_string();
    assert_eq!(post(&stage, "/v1/rooms", None, &long).await.status, StatusCode::BAD_REQUEST);
    let headers = [("content-type", "text/plain")];
    let reply = stage.send(request(Method::POST, "/v1/rooms", &headers, "{}".into())).await;
    assert_eq!(reply.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    assert!(stage.rooms.calls().is_empty());
}

#[tokio::test]
async fn rooms_are_listed_a_page_at_a_time() {
    let stage = Stage::open();
    let reply = stage.ask(Method::GET, "/v1/rooms?after=aaa&limit=7", &[]).await;
    assert_eq!(reply.status, StatusCode::OK);
    let page = reply.json();
    assert_eq!((&page["rooms"][0]["room"], &page["next"]), (&json!("agora"), &json!("agora")));
    assert_eq!(
        (&page["rooms"][0]["stage"], &page["rooms"][0]["listeners"]),
        (&json!(1), &json!(12))
    );
    let Some(Call::Ask(Ask::ListRooms(list))) = stage.rooms.calls().pop() else {
        panic!("not listed")
    };
    assert_eq!((list.after.as_str(), list.limit, list.all), ("aaa", 7, false));
    for query in ["limit=0", "limit=101", "limit=x", "after=a%20b"] {
        let reply = stage.ask(Method::GET, &format!("/v1/rooms?{query}"), &[]).await;
        assert_eq!(
            (reply.status, reply.problem().as_str()),
            (StatusCode::BAD_REQUEST, "query-malformed")
        );
    }
}

#[tokio::test]
async fn reading_a_room_takes_a_token_for_it_unless_the_node_is_open() {
    let reply = Stage::open().ask(Method::GET, "/v1/rooms/agora", &[]).await;
    assert_eq!((reply.status, &reply.json()["name"]), (StatusCode::OK, &json!("The Agora")));
    let stage = Stage::new();
    let reply = stage.ask(Method::GET, "/v1/rooms/agora", &[]).await;
    assert_eq!(reply.status, StatusCode::UNAUTHORIZED);
    let listener = bearer(&token(Role::Listener));
    let reply = stage.ask(Method::GET, "/v1/rooms/agora", &[("authorization", &listener)]).await;
    assert_eq!(reply.status, StatusCode::OK);
    assert!(
        matches!(stage.rooms.calls().last(), Some(Call::Ask(Ask::ReadRoom(read))) if read.room == "agora")
    );
    stage.rooms.refuse(404, "room-not-found", "There is no room agora.");
    let reply = stage.ask(Method::GET, "/v1/rooms/agora", &[("authorization", &listener)]).await;
    assert_eq!((reply.status, reply.problem().as_str()), (StatusCode::NOT_FOUND, "room-not-found"));
}

#[tokio::test]
async fn who_may_close_a_room_is_asked_of_its_owner_even_where_the_node_is_open() {
    let stage = Stage::open();
    let close = |token: Option<String>| {
        let stage = &stage;
        async move {
            let bearer = token.map(|token| bearer(&token));
            let headers: Vec<_> =
                bearer.iter().map(|value| ("authorization", value.as_str())).collect();
            stage.ask(Method::DELETE, "/v1/rooms/agora", &headers).await.status
        }
    };
    assert_eq!(close(None).await, StatusCode::UNAUTHORIZED);
    assert!(stage.rooms.calls().is_empty());
    assert_eq!(close(Some(token(Role::Host))).await, StatusCode::NO_CONTENT);
    assert_eq!(close(Some(back_end_token())).await, StatusCode::NO_CONTENT);
    let calls = stage.rooms.calls();
    let [Call::Ask(Ask::Personal(person)), Call::Ask(Ask::CloseRoom(close))] = &calls[..] else {
        panic!("{calls:?}")
    };
    assert_eq!((person.identity.as_str(), person.role()), ("ada", WireRole::Host));
    let asked = person.request.as_ref().and_then(|request| request.ask.as_ref());
    assert_eq!(asked, Some(&Ask::CloseRoom(close.clone())));
    assert_eq!(close.room, "agora");
}

#[tokio::test]
async fn tokens_are_drawn_on_open_nodes_only_and_only_for_rooms_that_exist() {
    let path = "/v1/rooms/agora/tokens";
    let body = r#"{"role": "listener", "name": "Plato"}"#;
    let open = Stage::open();
    let reply = post(&open, path, None, body).await;
    assert_eq!(reply.status, StatusCode::CREATED);
    let drawn = reply.json();
    let token = drawn["token"].as_str().expect("token");
    assert_eq!(drawn["link"], format!("http://ams.example.net/r/agora#token={token}"));
    open.offer("/v1/rooms/agora/whep", token).await;
    assert_eq!(open.rooms.last_join().name, "Plato");
    open.rooms.refuse(404, "room-not-found", "There is no room agora.");
    assert_eq!(post(&open, path, None, body).await.status, StatusCode::NOT_FOUND);
    assert_eq!(
        post(&open, path, None, r#"{"role": "king"}"#).await.status,
        StatusCode::BAD_REQUEST
    );
    let closed = Stage::new();
    assert_eq!(post(&closed, path, None, body).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn nobody_invites_others_to_more_than_he_is_himself() {
    let open = Stage::open();
    let draw = async |own: Option<Role>, role: &str| {
        let body = format!(r#"{{"role": "{role}"}}"#);
        let own = own.map(token);
        post(&open, "/v1/rooms/agora/tokens", own.as_deref(), &body).await.status
    };
    for own in [None, Some(Role::Listener), Some(Role::Speaker)] {
        assert_eq!(draw(own, "speaker").await, StatusCode::CREATED, "{own:?}");
        assert_eq!(draw(own, "moderator").await, StatusCode::FORBIDDEN, "{own:?}");
        assert_eq!(draw(own, "host").await, StatusCode::FORBIDDEN, "{own:?}");
    }
    assert_eq!(draw(Some(Role::Moderator), "moderator").await, StatusCode::CREATED);
    assert_eq!(draw(Some(Role::Moderator), "host").await, StatusCode::FORBIDDEN);
    assert_eq!(draw(Some(Role::Host), "host").await, StatusCode::CREATED);
}

#[tokio::test]
async fn a_probe_is_answered_with_nothing_at_all() {
    let reply = Stage::new().ask(Method::GET, "/v1/probe", &[]).await;
    assert_eq!((reply.status, reply.body.as_str()), (StatusCode::NO_CONTENT, ""));
    assert_eq!(reply.header("cache-control"), "no-store");
    assert_eq!(reply.header("timing-allow-origin"), "*");
}
