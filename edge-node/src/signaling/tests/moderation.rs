//! What back ends and moderators do over REST.

use axum::http::{Method, StatusCode};
use serde_json::{Value, json};
use stoa_protocol::ids::Role;
use stoa_protocol::mesh::control::{Act, Ask, Deed, Personal, WireRole, WireVisibility};

use stoa_protocol::token::{Claims, Grants};

use super::fake_rooms::Call;
use super::{Reply, Stage, back_end_token, bearer, claims, creator_token, keys, request, token};

pub(super) async fn send(
    stage: &Stage,
    method: Method,
    path: &str,
    token: &str,
    body: &Value,
) -> Reply {
    let bearer = bearer(token);
    let headers = [("content-type", "application/json"), ("authorization", bearer.as_str())];
    let body = if body.is_null() { String::new() } else { body.to_string() };
    stage.send(request(method, path, &headers, body.into())).await
}

/// What was asked of the owner; a person's question without who asks it.
pub(super) fn last_ask(stage: &Stage) -> Ask {
    match stage.rooms.calls().pop() {
        Some(Call::Ask(Ask::Personal(Personal { request, .. }))) => {
            request.and_then(|request| request.ask).expect("something is asked")
        }
        Some(Call::Ask(ask)) => ask,
        other => panic!("nothing was asked of the owner: {other:?}"),
    }
}

/// The person on whose behalf something was asked, and what his token makes him.
fn last_person(stage: &Stage) -> Option<(String, WireRole)> {
    match stage.rooms.calls().pop() {
        Some(Call::Ask(Ask::Personal(personal))) => {
            let role = personal.role();
            Some((personal.identity, role))
        }
        _ => None,
    }
}

fn last_act(stage: &Stage) -> Act {
    match last_ask(stage) {
        Ask::Act(act) => act,
        other => panic!("not a deed: {other:?}"),
    }
}

/// Each way to do something: method, path below the room, body, and the deed.
fn deeds() -> Vec<(Method, &'static str, Value, Deed)> {
    let nothing = Value::Null;
    vec![
        (Method::PUT, "participants/p_2/role", json!({"role": "speaker"}), Deed::SetRole),
        (Method::PUT, "participants/p_2/hand", nothing.clone(), Deed::RaiseHand),
        (Method::DELETE, "participants/p_2/hand", nothing.clone(), Deed::DeclineHand),
        (Method::POST, "participants/p_2/hand/accept", nothing.clone(), Deed::AcceptHand),
        (Method::POST, "participants/p_2/invitation", nothing.clone(), Deed::Invite),
        (Method::DELETE, "participants/p_2/invitation", nothing.clone(), Deed::DeclineInvitation),
        (Method::DELETE, "participants/p_2?reason=spam%20", nothing.clone(), Deed::Remove),
        (Method::POST, "participants/p_2/report", json!({"reason": "spam"}), Deed::Report),
        (Method::POST, "host", json!({"participant": "p_2"}), Deed::HandOver),
        (Method::POST, "mute-all", nothing.clone(), Deed::MuteAll),
        (Method::PUT, "bans/ad%20a", json!({"seconds": 60, "reason": "spam"}), Deed::Ban),
        (Method::PUT, "bans/ada", nothing.clone(), Deed::Ban),
        (Method::DELETE, "bans/ada", nothing, Deed::Unban),
    ]
}

#[tokio::test]
async fn every_deed_is_done_with_the_authority_of_the_token() {
    let stage = Stage::new();
    let who = [
        (back_end_token(), WireRole::Host, "back-end"),
        (token(Role::Moderator), WireRole::Moderator, "ada"),
    ];
    for (method, path, body, deed) in deeds() {
        for (token, authority, actor) in &who {
            let path = format!("/v1/rooms/agora/{path}");
            let reply = send(&stage, method.clone(), &path, token, &body).await;
            assert_eq!(reply.status, StatusCode::NO_CONTENT, "{method} {path} {reply:?}");
            let act = last_act(&stage);
            assert_eq!((act.deed(), act.room.as_str(), act.by.as_str()), (deed, "agora", ""));
            assert_eq!(act.actor, *actor);
            let reports = deed == Deed::Report;
            assert!(reports || act.authority() == *authority, "{act:?}");
            let person = (*actor == "ada" && !reports).then(|| ("ada".to_owned(), *authority));
            assert_eq!(last_person(&stage), person, "{method} {path}");
        }
    }
}

#[tokio::test]
async fn a_deed_carries_what_the_request_says() {
    let stage = Stage::new();
    let host = token(Role::Host);
    send(
        &stage,
        Method::PUT,
        "/v1/rooms/agora/participants/p_2/role",
        &host,
        &json!({"role": "moderator"}),
    )
    .await;
    let act = last_act(&stage);
    assert_eq!((act.participant.as_str(), act.role()), ("p_2", WireRole::Moderator));
    send(
        &stage,
        Method::DELETE,
        "/v1/rooms/agora/participants/p_2?reason=too%20loud",
        &host,
        &Value::Null,
    )
    .await;
    assert_eq!(last_act(&stage).text, "too loud");
    send(&stage, Method::PUT, "/v1/rooms/agora/bans/a%20b", &host, &json!({"seconds": 60})).await;
    let act = last_act(&stage);
    assert_eq!((act.identity.as_str(), act.seconds, act.participant.as_str()), ("a b", 60, ""));
    send(
        &stage,
        Method::PUT,
        "/v1/rooms/agora/participants/p_2/muted",
        &host,
        &json!({"muted": true}),
    )
    .await;
    let Ask::SetMuted(mute) = last_ask(&stage) else { panic!("not muted") };
    assert!(mute.muted && mute.by.is_empty());
    assert_eq!(
        (mute.participant.as_str(), mute.authority(), mute.actor.as_str()),
        ("p_2", WireRole::Host, "ada")
    );
}

#[tokio::test]
async fn what_a_person_may_is_for_the_owner_to_say_and_a_token_of_no_room_makes_him_a_listener() {
    let stage = Stage::new();
    let anywhere = keys().mint(&Claims { room: None, ..claims("ada", Role::Host) }).expect("token");
    let others = [
        (token(Role::Listener), "ada", WireRole::Listener),
        (token(Role::Speaker), "ada", WireRole::Speaker),
        (anywhere, "ada", WireRole::Listener),
        (creator_token(), "back-end", WireRole::Listener),
    ];
    let reads = ["hands", "log", "bans"].map(|path| (Method::GET, path, Value::Null));
    let more = [(Method::PATCH, "", json!({"topic": "x"})), (Method::DELETE, "", Value::Null)];
    let deeds = deeds().into_iter().filter(|(.., deed)| *deed != Deed::Report);
    let deeds = deeds.map(|(method, path, body, _)| (method, path, body));
    for (method, path, body) in deeds.chain(reads).chain(more) {
        let path = format!("/v1/rooms/agora/{path}");
        let path = path.trim_end_matches('/');
        let bare = stage.ask(method.clone(), path, &[]).await;
        assert_eq!(
            (bare.status, bare.problem().as_str()),
            (StatusCode::UNAUTHORIZED, "token-missing")
        );
        let foreign = path.replace("agora", "stoa");
        let reply = send(&stage, method.clone(), &foreign, &token(Role::Host), &body).await;
        assert_eq!(reply.status, StatusCode::FORBIDDEN, "another room's token");
        for (token, identity, role) in &others {
            stage.rooms.refuse(403, "forbidden", "A listener may not do this.");
            let reply = send(&stage, method.clone(), path, token, &body).await;
            assert_eq!(
                (reply.status, reply.problem().as_str()),
                (StatusCode::FORBIDDEN, "forbidden")
            );
            assert_eq!(last_person(&stage), Some(((*identity).to_owned(), *role)), "{path}");
        }
        let reply = send(&stage, method.clone(), path, &others[0].0, &body).await;
        assert!(reply.status.is_success(), "whom the owner has made a moderator: {reply:?}");
    }
}

#[tokio::test]
async fn a_grant_for_one_thing_is_none_for_another() {
    let stage = Stage::new();
    let grants = Grants { moderate: true, ..Grants::default() };
    let back_end = Claims { room: None, grants, ..claims("shop", Role::Listener) };
    let token = keys().mint(&back_end).expect("token");
    send(&stage, Method::PATCH, "/v1/rooms/agora", &token, &json!({"topic": "x"})).await;
    assert_eq!(last_person(&stage), None, "it may change rooms");
    for (method, path) in [(Method::DELETE, ""), (Method::GET, "/log")] {
        send(&stage, method, &format!("/v1/rooms/agora{path}"), &token, &Value::Null).await;
        assert_eq!(last_person(&stage), Some(("shop".to_owned(), WireRole::Listener)), "{path}");
    }
}

#[tokio::test]
async fn participants_are_listed_with_identities_for_those_who_moderate() {
    let stage = Stage::new();
    let (person, back_end) = (token(Role::Listener), back_end_token());
    for (token, who) in [(person, Some(("ada".into(), WireRole::Listener))), (back_end, None)] {
        let path = "/v1/rooms/agora/participants?after=p_1&limit=7";
        let reply = send(&stage, Method::GET, path, &token, &Value::Null).await;
        assert_eq!(last_person(&stage), who, "of a person the owner knows whether he moderates");
        let identity = json!("plato");
        assert_eq!(reply.status, StatusCode::OK);
        let page = reply.json();
        let expected = json!({"participant": "p_2", "name": "Plato", "role": "listener", "muted": false, "hand": true});
        let mut plato = page["participants"][0].clone();
        let told = plato.as_object_mut().expect("object").remove("identity").unwrap_or_default();
        assert_eq!((plato, told, &page["next"]), (expected, identity, &json!("p_2")));
        let Ask::ListParticipants(list) = last_ask(&stage) else { panic!("not listed") };
        assert_eq!((list.after.as_str(), list.limit, list.hands), ("p_1", 7, false));
    }
}

#[tokio::test]
async fn hands_log_and_bans_are_pages() {
    let stage = Stage::new();
    let token = token(Role::Moderator);
    let mut pages = Vec::new();
    for path in ["hands", "log?before=9", "bans?after=eve"] {
        let path = format!("/v1/rooms/agora/{path}");
        let reply = send(&stage, Method::GET, &path, &token, &Value::Null).await;
        assert_eq!((reply.status, reply.header("cache-control")), (StatusCode::OK, "no-store"));
        pages.push((reply.json(), last_ask(&stage)));
    }
    let [(hands, Ask::ListParticipants(list)), (log, Ask::ReadLog(read)), (bans, Ask::ListBans(_))] =
        &pages[..]
    else {
        panic!("{pages:?}")
    };
    assert_eq!(hands["hands"][0]["raised_ms"], 1_700_000_000_500_u64);
    assert!(list.hands && list.identities && list.limit == 50);
    assert_eq!(
        (&log["entries"][0]["event"], &log["next"], read.before),
        (&json!("room-created"), &json!(8), 9)
    );
    assert_eq!((&bans["bans"][0]["identity"], &bans["next"]), (&json!("eve"), &json!("eve")));
}

#[tokio::test]
async fn a_change_leaves_alone_what_it_does_not_name() {
    let stage = Stage::new();
    let bearer = bearer(&token(Role::Moderator));
    for kind in ["application/json", "application/merge-patch+json"] {
        let headers = [("content-type", kind), ("authorization", bearer.as_str())];
        let body = r#"{"topic": "", "visibility": "private", "hands": false}"#;
        let reply =
            stage.send(request(Method::PATCH, "/v1/rooms/agora", &headers, body.into())).await;
        assert_eq!(reply.status, StatusCode::OK, "{reply:?}");
        let Ask::ChangeRoom(change) = last_ask(&stage) else { panic!("not changed") };
        assert_eq!((change.authority(), change.actor.as_str()), (WireRole::Moderator, "ada"));
        let settings = change.settings.expect("settings");
        assert_eq!(
            (settings.topic.as_deref(), settings.hands, &settings.name),
            (Some(""), Some(false), &None)
        );
        assert_eq!(settings.visibility, Some(WireVisibility::Private.into()));
    }
}

#[tokio::test]
async fn every_field_has_limits_and_the_problem_names_the_broken_one() {
    let stage = Stage::new();
    let host = token(Role::Host);
    let text = |length: usize| "ω".repeat(length);
    let cases = [
        (json!({"name": ""}), "name"),
        (json!({"name": text(101)}), "name"),
        (json!({"topic": text(201)}), "topic"),
        (json!({"topic": "a\nb"}), "topic"),
        (json!({"description": text(2_001)}), "description"),
        (json!({"description": "a\u{0}b"}), "description"),
        (json!({"visibility": "secret"}), "visibility"),
        (json!({"language": "not a tag"}), "language"),
        (json!({"scheduled_ms": -1}), "scheduled_ms"),
        (json!({"scheduled_ms": 253_402_300_800_000_u64}), "scheduled_ms"),
        (json!({"participants_max": 4_294_967_296_u64}), "participants_max"),
        (json!({"topic": "fine", "stage_max": 100_001}), "stage_max"),
        (json!({"hands": "yes"}), "hands"),
        (json!({"muted_on_entry": 1}), "muted_on_entry"),
        (json!({"feeds": 0}), "feeds"),
        (json!({"feeds": 3}), "feeds"),
        (json!({"color": "red"}), "color"),
        (json!({"room": "other"}), "room"),
    ];
    for (body, field) in cases {
        let reply = send(&stage, Method::PATCH, "/v1/rooms/agora", &host, &body).await;
        assert_eq!(reply.status, StatusCode::BAD_REQUEST, "{body}");
        reply.problem();
        assert_eq!(reply.json()["field"], field, "{body} {reply:?}");
    }
    let whole = json!({"name": text(100), "topic": text(200), "description": text(2_000), "language": "pt-BR"});
    assert_eq!(
        send(&stage, Method::PATCH, "/v1/rooms/agora", &host, &whole).await.status,
        StatusCode::OK
    );
    assert_eq!(stage.rooms.calls().len(), 1);
}

#[tokio::test]
async fn broken_bodies_paths_and_parameters_of_deeds_are_named() {
    let stage = Stage::new();
    let host = token(Role::Host);
    let long = format!("participants/p_2?reason={}", "x".repeat(201));
    let bans = format!("bans/{}", "x".repeat(129));
    let cases = [
        (Method::PUT, "participants/p_2/role", json!({"role": "king"}), 400, "role"),
        (Method::PUT, "participants/p_2/role", json!({}), 400, "role"),
        (Method::PUT, "participants/p_2/muted", json!({"muted": 1}), 400, "muted"),
        (Method::POST, "host", json!({"participant": "a b"}), 400, "participant"),
        (Method::POST, "participants/p_2/report", json!({"reason": "a\u{0}"}), 400, "reason"),
        (Method::DELETE, long.as_str(), Value::Null, 400, "reason"),
        (Method::DELETE, "participants/p_2?why=x", Value::Null, 400, "why"),
        (Method::PUT, bans.as_str(), Value::Null, 400, "identity"),
        (Method::PUT, "bans/ada", json!({"seconds": -1}), 400, "seconds"),
        (Method::GET, "participants?limit=0", Value::Null, 400, "limit"),
        (Method::GET, "participants?after=a%20b", Value::Null, 400, "after"),
        (Method::GET, "log?before=x", Value::Null, 400, "before"),
        (Method::GET, "log?limit=1&limit=2", Value::Null, 400, "limit"),
        (Method::PUT, "participants/a%20b/hand", Value::Null, 404, ""),
    ];
    for (method, path, body, status, field) in cases {
        let reply = send(&stage, method, &format!("/v1/rooms/agora/{path}"), &host, &body).await;
        assert_eq!(reply.status.as_u16(), status, "{path} {body}");
        reply.problem();
        assert_eq!(
            reply.json()["field"].as_str().unwrap_or_default(),
            field,
            "{path} {body} {reply:?}"
        );
    }
    assert!(stage.rooms.calls().is_empty());
}

#[tokio::test]
async fn lists_show_rooms_that_are_not_open_only_with_the_grant() {
    let stage = Stage::new();
    let path = "/v1/rooms?search=Just%C3%A9&language=fr";
    assert_eq!(stage.ask(Method::GET, path, &[]).await.status, StatusCode::UNAUTHORIZED);
    for (token, all) in [(token(Role::Host), false), (creator_token(), true)] {
        let reply = send(&stage, Method::GET, path, &token, &Value::Null).await;
        assert_eq!(reply.status, StatusCode::OK);
        let Ask::ListRooms(list) = last_ask(&stage) else { panic!("not listed") };
        assert_eq!((list.all, list.search.as_str(), list.language.as_str()), (all, "Justé", "fr"));
    }
    let open = Stage::open();
    assert_eq!(open.ask(Method::GET, path, &[]).await.status, StatusCode::OK);
    let Ask::ListRooms(list) = last_ask(&open) else { panic!("not listed") };
    assert!(!list.all);
    let refused = open.ask(Method::GET, "/v1/rooms?colour=red", &[]).await;
    assert_eq!(
        (refused.problem().as_str(), &refused.json()["field"]),
        ("query-malformed", &json!("colour"))
    );
}

#[tokio::test]
async fn what_the_owner_refuses_and_an_answer_that_does_not_fit_are_told() {
    let stage = Stage::new();
    let host = token(Role::Host);
    stage.rooms.refuse(409, "stage-full", "The stage of this room is full.");
    let path = "/v1/rooms/agora/participants/p_2/hand/accept";
    let reply = send(&stage, Method::POST, path, &host, &Value::Null).await;
    assert_eq!((reply.status, reply.problem().as_str()), (StatusCode::CONFLICT, "stage-full"));
}
