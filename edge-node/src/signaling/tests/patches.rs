//! Merge patches of rooms (RFC 7396).

use axum::http::{Method, StatusCode};
use serde_json::{Value, json};
use stoa_protocol::ids::Role;
use stoa_protocol::mesh::control::{Ask, RoomSettings, WireVisibility};

use super::fake_rooms::Call;
use super::moderation::{last_ask, send};
use super::{Stage, creator_token, token};

#[tokio::test]
async fn every_field_that_is_null_gets_what_a_new_room_has() {
    let stage = Stage::new();
    let host = token(Role::Host);
    let fields = [
        ("name", json!("agora")),
        ("topic", json!("")),
        ("description", json!("")),
        ("visibility", json!(i32::from(WireVisibility::Open))),
        ("language", json!("")),
        ("scheduled_ms", json!(0)),
        ("participants_max", json!(0)),
        ("stage_max", json!(0)),
        ("hands", json!(true)),
        ("muted_on_entry", json!(false)),
        ("feeds", json!(2)),
    ];
    let document = stage.ask(Method::GET, "/openapi.json", &[]).await.json();
    let described = &document["components"]["schemas"]["Change"]["properties"];
    assert_eq!(described.as_object().map(serde_json::Map::len), Some(fields.len()));
    for (field, default) in fields {
        let body = json!({ field: null });
        let reply = send(&stage, Method::PATCH, "/v1/rooms/agora", &host, &body).await;
        assert_eq!(reply.status, StatusCode::OK, "{body} {reply:?}");
        let Ask::ChangeRoom(change) = last_ask(&stage) else { panic!("not changed") };
        let told = told(&change.settings.expect("settings"));
        assert_eq!(told, [(field, default)], "and nothing else");
        assert!(described[field].to_string().contains(r#""null""#), "{}", described[field]);
    }
    let nothing = json!({"room": null, "name": null, "hands": null});
    send(&stage, Method::POST, "/v1/rooms", &creator_token(), &nothing).await;
    let Some(Call::Create(made)) = stage.rooms.calls().pop() else { panic!("no room") };
    assert_eq!((made.room.as_str(), made.name.as_str()), ("", "Room"));
    assert_eq!(told(&made.settings.expect("settings")), []);
}

/// What is set, by its name over REST.
fn told(settings: &RoomSettings) -> Vec<(&'static str, Value)> {
    let RoomSettings { name, topic, description, visibility, language, .. } = settings.clone();
    let all = [
        ("name", name.map(Value::from)),
        ("topic", topic.map(Value::from)),
        ("description", description.map(Value::from)),
        ("visibility", visibility.map(Value::from)),
        ("language", language.map(Value::from)),
        ("scheduled_ms", settings.scheduled_ms.map(Value::from)),
        ("participants_max", settings.participants_max.map(Value::from)),
        ("stage_max", settings.stage_max.map(Value::from)),
        ("hands", settings.hands.map(Value::from)),
        ("muted_on_entry", settings.muted_on_entry.map(Value::from)),
        ("feeds", settings.feeds.map(Value::from)),
    ];
    all.into_iter().filter_map(|(field, value)| Some((field, value?))).collect()
}
