//! Several whole edges and one origin in this process, over real links.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use stoa_origin::Origin;
use stoa_origin::store::DurableConfig;
use stoa_protocol::ids::{Role, RoomId};
use stoa_protocol::token::{Claims, Grant, Grants, SigningKey};
use stoa_runtime::configuration::Secret;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::*;
use crate::config::{TenantConfig, TokenSecret};
use stoa_runtime::shutdown::Trigger;

const SECRET: &str = "0123456789abcdef0123456789abcdef";
const ACME_SECRET: &str = "fedcba9876543210fedcba9876543210";
const PATIENCE: Duration = Duration::from_secs(20);
/// How soon a revocation must hold everywhere.
const REVOKED_WITHIN: Duration = Duration::from_secs(1);

fn local() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 0))
}

async fn origin(directory: &Path) -> (SocketAddr, Trigger) {
    let mut config = stoa_origin::Config { mesh: local(), metrics: local(), ..Default::default() };
    config.certificates.directory = directory.to_owned();
    config.store.durable = DurableConfig::Memory;
    let origin = Origin::start(&config).await.unwrap();
    let address = origin.mesh_addr();
    let (trigger, shutdown) = Shutdown::manual();
    tokio::spawn(async move { origin.until(&shutdown).await });
    (address, trigger)
}

/// An edge that is ready, until the trigger is dropped.
async fn edge(node: &str, origin: SocketAddr, directory: &Path) -> (SocketAddr, Trigger) {
    let mut config = Config::default();
    config.node.id = Some(node.parse().unwrap());
    config.http.listen = local();
    config.media.listen = local();
    config.media.workers = 1;
    config.drain.deadline_s = 1;
    config.mesh.listen = local();
    config.mesh.certificates.directory = directory.to_owned();
    config.mesh.origins = vec![origin.to_string()];
    let secret = |id: &str, secret| TokenSecret {
        id: id.to_owned(),
        secret: Secret::new(secret),
        not_after: None,
    };
    config.tokens.secrets = vec![secret("own", SECRET)];
    config.tenants = vec![TenantConfig {
        id: "acme".parse().unwrap(),
        secrets: vec![secret("acme", ACME_SECRET)],
        keys: Vec::new(),
        quotas: stoa_protocol::tenant::Quotas { rooms: Some(1), ..Default::default() },
    }];
    let edge = Edge::start(config).await.unwrap();
    let http = edge.http_addr();
    let (trigger, shutdown) = Shutdown::manual();
    tokio::spawn(async move { edge.until(&shutdown).await });
    let ready = async { while ask(http, "GET", "/health/ready", "", "").await.0 != 200 {} };
    tokio::time::timeout(PATIENCE, ready).await.unwrap();
    (http, trigger)
}

/// The status of an answer, and the answer.
async fn ask(edge: SocketAddr, method: &str, path: &str, token: &str, body: &str) -> (u16, String) {
    let mut stream = tokio::net::TcpStream::connect(edge).await.unwrap();
    let request = format!(
        "{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nAuthorization: Bearer \
         {token}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let status = answer.split(' ').nth(1).unwrap().parse().unwrap();
    (status, answer)
}

fn token(key: (&str, &str), room: Option<&str>, jti: &str) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    // Who is in one room has no grants.
    let grants = Grant::ALL.into_iter().filter(|_| room.is_none());
    let claims = Claims {
        room: room.map(|room| RoomId::new(room).unwrap()),
        sub: "ada".into(),
        name: String::new(),
        role: Role::Listener,
        grants: grants.fold(Grants::default(), Grants::with),
        iat: now,
        nbf: None,
        exp: now + 600,
        jti: jti.into(),
    };
    let key = SigningKey::hs256(Some(key.0.to_owned()), key.1.as_bytes()).unwrap();
    key.sign(&claims).unwrap()
}

const OWN: (&str, &str) = ("own", SECRET);
const ACME: (&str, &str) = ("acme", ACME_SECRET);

/// A directory of this test's own, removed afterwards.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("stoa-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What is left over is in the directory for temporary files.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_is_revoked_at_one_edge_is_refused_at_all_within_a_second() {
    let directory = Scratch::new("revocations");
    let (origin, _origin) = origin(&directory.0).await;
    let (ams, _ams) = edge("ams-1", origin, &directory.0).await;
    let (sin, _sin) = edge("sin-1", origin, &directory.0).await;
    let back_end = token(OWN, None, "b-1");
    assert_eq!(ask(ams, "POST", "/v1/rooms", &back_end, r#"{"room":"agora"}"#).await.0, 201);
    let revoked = token(OWN, Some("agora"), "t-1");
    let other = token(OWN, Some("agora"), "t-2");
    let read =
        |edge, token: String| async move { ask(edge, "GET", "/v1/rooms/agora", &token, "").await };
    assert_eq!(read(sin, revoked.clone()).await.0, 200);

    // Another tenant's back end names the same token, and nothing comes of it.
    let body = r#"{"token":"t-1"}"#;
    let foreign = token(ACME, None, "b-2");
    assert_eq!(ask(ams, "POST", "/v1/revocations", &foreign, body).await.0, 204);
    assert_eq!(read(ams, revoked.clone()).await.0, 200);

    let begun = Instant::now();
    assert_eq!(ask(ams, "POST", "/v1/revocations", &back_end, body).await.0, 204);
    let here = read(ams, revoked.clone()).await;
    assert!(here.0 == 401 && here.1.contains("token-revoked"), "{}", here.1);
    while read(sin, revoked.clone()).await.0 != 401 {
        assert!(begun.elapsed() < REVOKED_WITHIN, "it still holds at the other edge");
    }
    assert!(begun.elapsed() < REVOKED_WITHIN);
    assert_eq!(read(sin, other).await.0, 200);

    let (iad, _iad) = edge("iad-1", origin, &directory.0).await;
    let late = async { while read(iad, revoked.clone()).await.0 != 401 {} };
    tokio::time::timeout(PATIENCE, late).await.expect("an edge that came later hears of it");
}

#[tokio::test(flavor = "multi_thread")]
async fn tenants_see_their_own_rooms_alone_and_have_as_many_as_they_may() {
    let directory = Scratch::new("tenants");
    let (origin, _origin) = origin(&directory.0).await;
    let (ams, _ams) = edge("ams-1", origin, &directory.0).await;
    let (own, acme) = (token(OWN, None, "b-1"), token(ACME, None, "b-2"));
    assert_eq!(ask(ams, "POST", "/v1/rooms", &own, r#"{"room":"agora"}"#).await.0, 201);
    assert_eq!(ask(ams, "POST", "/v1/rooms", &acme, r#"{"room":"forum"}"#).await.0, 201);
    let full = ask(ams, "POST", "/v1/rooms", &acme, r#"{"room":"more"}"#).await;
    assert!(full.0 == 429 && full.1.contains("quota-rooms"), "{}", full.1);
    for (token, seen, unseen) in [(&own, "agora", "forum"), (&acme, "forum", "agora")] {
        let list = ask(ams, "GET", "/v1/rooms", token, "").await.1;
        assert!(list.contains(seen) && !list.contains(unseen), "{list}");
        for (method, below) in [("GET", ""), ("GET", "/log"), ("GET", "/bans"), ("DELETE", "")] {
            let path = format!("/v1/rooms/{unseen}{below}");
            let answer = ask(ams, method, &path, token, "").await;
            assert!(answer.0 == 404 && answer.1.contains("room-not-found"), "{}", answer.1);
        }
        let path = format!("/v1/rooms/{unseen}/mute-all");
        assert_eq!(ask(ams, "POST", &path, token, "").await.0, 404);
    }
    let deleted = ask(ams, "DELETE", "/v1/rooms/forum", &acme, "").await;
    assert_eq!(deleted.0, 204, "{}", deleted.1);
}
