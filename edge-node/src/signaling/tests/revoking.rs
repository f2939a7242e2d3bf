//! Back ends say which tokens hold no longer; the owner is asked, in the name of their tenant.

use std::collections::BTreeMap;

use axum::http::{Method, StatusCode};
use stoa_protocol::ids::{Role, TenantId};
use stoa_protocol::mesh::control::{Ask, WireRevocation};
use stoa_protocol::tenant::{Quota, Quotas};
use stoa_protocol::token::{Claims, Grant, Grants, Key, Keys, Revocation, Revoked};

use super::fake_rooms::Call;
use super::{
    OFFER, Reply, Stage, agora, back_end_token, bearer, claims, now_unix_s, request, settings,
    token,
};
use crate::signaling::authority::Authority;

const REVOCATIONS: &str = "/v1/revocations";

async fn post(stage: &Stage, path: &str, token: &str, body: &str) -> Reply {
    let bearer = bearer(token);
    let headers = [("content-type", "application/json"), ("authorization", bearer.as_str())];
    stage.send(request(Method::POST, path, &headers, body.to_owned().into())).await
}

fn granting(grant: Grant) -> String {
    let grants = Grants::default().with(grant);
    let of_all = Claims { room: None, grants, ..claims("back-end", Role::Listener) };
    super::keys().mint(&of_all).expect("token")
}

#[tokio::test]
async fn each_way_to_revoke_is_told_to_the_owner() {
    let stage = Stage::new();
    let now = now_unix_s();
    let identity =
        |room| Revoked::Identity { identity: "ada".into(), room, issued_before_unix_s: now + 1 };
    let ways = [
        (r#"{"token":"t-1"}"#, Revoked::Token { jti: "t-1".into() }),
        (r#"{"identity":"ada"}"#, identity(None)),
        (r#"{"identity":"ada","room":"agora"}"#, identity(Some(agora()))),
        (r#"{"key":"k-1"}"#, Revoked::Key { key: "k-1".into() }),
    ];
    for (body, wanted) in ways {
        let reply = post(&stage, REVOCATIONS, &back_end_token(), body).await;
        assert_eq!(reply.status, StatusCode::NO_CONTENT, "{reply:?}");
        let Some(Call::Ask(Ask::Revoke(asked))) = stage.rooms.calls().pop() else {
            panic!("the owner was not asked")
        };
        assert_eq!(asked.actor, "back-end");
        let read = Revocation::try_from(asked.revocation.expect("a revocation")).expect("good");
        assert_eq!(read.tenant, TenantId::default());
        match (read.revoked, wanted) {
            (
                Revoked::Identity { identity, room, issued_before_unix_s },
                Revoked::Identity { identity: of, room: in_room, issued_before_unix_s: at },
            ) => {
                assert_eq!((identity, room), (of, in_room));
                assert!((at..at + 60).contains(&issued_before_unix_s));
            }
            (read, wanted) => assert_eq!(read, wanted),
        }
    }
}

#[tokio::test]
async fn only_a_back_end_that_may_moderate_revokes() {
    let stage = Stage::new();
    for grant in Grant::ALL.into_iter().filter(|grant| *grant != Grant::Moderate) {
        let reply = post(&stage, REVOCATIONS, &granting(grant), r#"{"token":"t"}"#).await;
        assert_eq!((reply.status, &*reply.problem()), (StatusCode::FORBIDDEN, "forbidden"));
    }
    let of_one_room =
        Claims { grants: Grants::default().with(Grant::Moderate), ..claims("ada", Role::Host) };
    let of_one_room = super::keys().mint(&of_one_room).expect("token");
    for token in [of_one_room, token(Role::Host)] {
        let reply = post(&stage, REVOCATIONS, &token, r#"{"token":"t"}"#).await;
        assert_eq!(reply.status, StatusCode::FORBIDDEN);
    }
    assert!(stage.rooms.calls().is_empty());
    let reply = post(&stage, REVOCATIONS, &granting(Grant::Moderate), r#"{"token":"t"}"#).await;
    assert_eq!(reply.status, StatusCode::NO_CONTENT);
}

#[tokio::test]
async fn a_revocation_that_says_nothing_or_too_much_is_refused() {
    let stage = Stage::new();
    for body in [
        "{}",
        r#"{"token":"t","key":"k"}"#,
        r#"{"room":"agora"}"#,
        r#"{"key":"k","room":"agora"}"#,
        r#"{"token":""}"#,
        r#"{"identity":"ada","room":"a b"}"#,
        r#"{"jti":"t"}"#,
    ] {
        let reply = post(&stage, REVOCATIONS, &back_end_token(), body).await;
        assert_eq!(reply.status, StatusCode::BAD_REQUEST, "{body} {reply:?}");
    }
    assert!(stage.rooms.calls().is_empty());
}

/// A server that believes a key of the tenant `acme`, and a token that it has signed.
fn acme() -> (Stage, Keys) {
    let tenant = TenantId::new("acme").expect("tenant");
    let key = || Key::hs256("acme", b"fedcba9876543210fedcba9876543210").expect("key");
    let keys = || Keys::from_keys([key().of(tenant.clone())]).expect("keys");
    let quotas = Quotas { rooms: Some(3), ..Quotas::default() };
    let authority = Authority::new(keys(), BTreeMap::from([(tenant.clone(), quotas)]));
    (Stage::under(authority, settings()), keys())
}

#[tokio::test]
async fn whatever_is_asked_of_the_owner_carries_the_tenant_of_the_token() {
    let (stage, keys) = acme();
    let grants = Grant::ALL.into_iter().fold(Grants::default(), Grants::with);
    let back_end = Claims { room: None, grants, ..claims("back-end", Role::Listener) };
    let back_end = keys.mint(&back_end).expect("token");
    let bearer = bearer(&back_end);
    let headers = [("content-type", "application/json"), ("authorization", bearer.as_str())];
    let requests = [
        (Method::POST, "/v1/rooms", "{}"),
        (Method::GET, "/v1/rooms", ""),
        (Method::GET, "/v1/rooms/agora", ""),
        (Method::PATCH, "/v1/rooms/agora", "{}"),
        (Method::DELETE, "/v1/rooms/agora", ""),
        (Method::GET, "/v1/rooms/agora/log", ""),
        (Method::GET, "/v1/rooms/agora/bans", ""),
        (Method::GET, "/v1/rooms/agora/participants", ""),
        (Method::GET, "/v1/rooms/agora/hands", ""),
        (Method::PUT, "/v1/rooms/agora/participants/p_2/muted", r#"{"muted":true}"#),
        (Method::POST, "/v1/rooms/agora/mute-all", ""),
        (Method::POST, REVOCATIONS, r#"{"token":"t"}"#),
    ];
    for (method, path, body) in requests {
        let request = request(method.clone(), path, &headers, body.to_owned().into());
        let reply = stage.send(request).await;
        assert!(reply.status.is_success(), "{method} {path} {reply:?}");
        let tenant = match stage.rooms.calls().pop().expect("a call") {
            Call::Create(create) => {
                assert_eq!(create.tenant_rooms_max, Some(3));
                create.tenant
            }
            Call::Ask(ask) => tenant_of(ask),
            other => panic!("{other:?}"),
        };
        assert_eq!(tenant, "acme", "{method} {path}");
    }
    let listener = keys.mint(&claims("ada", Role::Listener)).expect("token");
    let reply = stage.offer("/v1/rooms/agora/whep", &listener).await;
    assert_eq!(reply.status, StatusCode::CREATED, "{OFFER}");
    assert_eq!(stage.rooms.last_join().tenant, "acme");
}

fn tenant_of(ask: Ask) -> String {
    match ask {
        Ask::ListRooms(ask) => ask.tenant,
        Ask::ReadRoom(ask) => ask.tenant,
        Ask::ChangeRoom(ask) => ask.tenant,
        Ask::CloseRoom(ask) => ask.tenant,
        Ask::ReadLog(ask) => ask.tenant,
        Ask::ListBans(ask) => ask.tenant,
        Ask::ListParticipants(ask) => ask.tenant,
        Ask::SetMuted(ask) => ask.tenant,
        Ask::Act(ask) => ask.tenant,
        Ask::Revoke(ask) => ask.revocation.map(|WireRevocation { tenant, .. }| tenant).unwrap(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_room_over_its_tenants_quota_is_refused_and_counted() {
    let (stage, keys) = acme();
    let grants = Grants::default().with(Grant::Create);
    let back_end = Claims { room: None, grants, ..claims("back-end", Role::Listener) };
    stage.rooms.refuse(429, "quota-rooms", "This tenant has 3 rooms and may not have more.");
    let reply = post(&stage, "/v1/rooms", &keys.mint(&back_end).expect("token"), "{}").await;
    assert_eq!((reply.status.as_u16(), &*reply.problem()), (429, "quota-rooms"));
    let acme = TenantId::new("acme").expect("tenant");
    assert_eq!(stage.app.metrics.times_quota_reached(&acme, Quota::Rooms), 1);
}

#[tokio::test]
async fn the_log_takes_a_grant_of_its_own_and_the_grant_to_close_moderates_nothing() {
    let stage = Stage::new();
    // Whether the grant is enough: who lacks it is a person, of whom the owner decides.
    let by_grant = |grant, method, path| {
        let bearer = bearer(&granting(grant));
        let stage = &stage;
        async move {
            stage.ask(method, path, &[("authorization", bearer.as_str())]).await;
            !matches!(stage.rooms.calls().last(), Some(Call::Ask(Ask::Personal(_))))
        }
    };
    let (log, bans) = ("/v1/rooms/agora/log", "/v1/rooms/agora/bans");
    assert!(by_grant(Grant::ReadLog, Method::GET, log).await);
    assert!(!by_grant(Grant::Moderate, Method::GET, log).await);
    assert!(by_grant(Grant::Moderate, Method::GET, bans).await);
    assert!(!by_grant(Grant::Close, Method::GET, bans).await);
    assert!(!by_grant(Grant::ReadLog, Method::GET, bans).await);
}
