//! The server from the outside: requests in, answers out, the room side played by [`fake_rooms`].

mod blocks;
mod comebacks;
mod connection;
mod departure;
mod document;
mod drains;
mod elsewhere;
mod fake_rooms;
mod half_open;
mod identities;
mod idle_listener;
mod moderation;
mod offers;
mod pages;
mod patches;
mod protocol_page;
mod quotas;
mod refusals;
mod revocations;
mod revoking;
mod room_api;
mod slow_peers;
mod websocket;
mod whip_whep;

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE};
use axum::http::{HeaderMap, Method, Request, StatusCode};
use hyper::service::Service;
use hyper_util::service::TowerToHyperService;
use prometheus::Registry;
use serde_json::Value;
use stoa_protocol::ids::Role;
use stoa_protocol::token::{Claims, Grant, Grants, Keys};
use stoa_runtime::configuration::Secret;
use tokio::sync::watch;

use super::app::{App, Shared, now_unix_s};
use super::authority::Authority;
use super::metrics::SignalingMetrics;
use super::settings::{IceServer, Settings};
use super::{PROBLEM_JSON, router};
use fake_rooms::{FakeRooms, agora};

/// The smallest offer with what the server itself looks at.
const OFFER: &str = "v=0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:0\r\na=ice-ufrag:theirs\r\n\
    a=ice-pwd:aaaaaaaaaaaaaaaaaaaaaaaa\r\na=candidate:1 1 udp 1 192.0.2.1 9 typ host\r\n";

/// Where clients without a socket are.
const PEER: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));

/// A server without its socket.
struct Stage {
    rooms: Arc<FakeRooms>,
    app: Shared,
    router: Router,
    stop: watch::Sender<bool>,
}

/// An answer, read to its end.
#[derive(Debug)]
struct Reply {
    status: StatusCode,
    headers: HeaderMap,
    body: String,
}

impl Reply {
    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().expect("text"))
    }

    fn json(&self) -> Value {
        serde_json::from_str(&self.body).expect("JSON")
    }

    /// Checks that it is a complete problem and returns its short name.
    fn problem(&self) -> String {
        assert_eq!(self.header("content-type"), PROBLEM_JSON, "{self:?}");
        let problem = self.json();
        assert_eq!(problem["status"], self.status.as_u16(), "{self:?}");
        assert!(problem["title"].as_str().is_some_and(|title| !title.is_empty()));
        let detail = problem["detail"].as_str().expect("detail");
        assert!(detail.ends_with('.') && !detail.ends_with(".."), "{self:?}");
        assert!(detail.starts_with(|first: char| first.is_uppercase()), "{self:?}");
        assert!(detail.split_whitespace().count() >= 4, "{self:?}");
        let kind = problem["type"].as_str().expect("type");
        kind.strip_prefix("/problems/").expect("a relative reference").to_owned()
    }
}

impl Stage {
    fn new() -> Self {
        Self::with(settings())
    }

    fn open() -> Self {
        Self::with(Settings { open: true, ..settings() })
    }

    fn with(settings: Settings) -> Self {
        Self::under(authority(), settings)
    }

    fn under(authority: Authority, settings: Settings) -> Self {
        let rooms = Arc::new(FakeRooms::default());
        let metrics = SignalingMetrics::new(&Registry::new()).expect("metrics");
        let (stop, stopping) = watch::channel(false);
        let authority = Arc::new(authority);
        let app = App::new(settings, authority, rooms.clone(), metrics, stopping).expect("app");
        let router = router::router(app.clone(), Router::new());
        Self { rooms, app, router, stop }
    }

    async fn send(&self, request: Request<Body>) -> Reply {
        let service = TowerToHyperService::new(self.router.clone());
        let response = service.call(request).await.expect("the router never fails");
        let (parts, body) = response.into_parts();
        let body = to_bytes(body, usize::MAX).await.expect("body");
        let body = String::from_utf8(body.to_vec()).expect("text");
        Reply { status: parts.status, headers: parts.headers, body }
    }

    /// A request without body.
    async fn ask(&self, method: Method, path: &str, headers: &[(&str, &str)]) -> Reply {
        self.send(request(method, path, headers, Body::empty())).await
    }

    /// A request with an SDP body and this token.
    async fn offer(&self, path: &str, token: &str) -> Reply {
        let bearer = bearer(token);
        let headers =
            [(CONTENT_TYPE.as_str(), "application/sdp"), (AUTHORIZATION.as_str(), bearer.as_str())];
        self.send(request(Method::POST, path, &headers, OFFER.into())).await
    }
}

fn request(method: Method, path: &str, headers: &[(&str, &str)], body: Body) -> Request<Body> {
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(body).expect("request")
}

fn bearer(token: &str) -> String {
    format!("Bearer {token}")
}

fn settings() -> Settings {
    let stun =
        IceServer { urls: vec!["stun:stun.example.net".into()], username: None, credential: None };
    let turn = IceServer {
        urls: vec!["turn:turn.example.net?transport=tcp".into()],
        username: Some("ada".into()),
        credential: Some(Secret::new("lovelace")),
    };
    Settings { ice_servers: vec![stun, turn], ..Settings::default() }
}

fn authority() -> Authority {
    Authority::new(keys(), BTreeMap::new())
}

fn keys() -> Keys {
    Keys::new([("test".to_owned(), "0123456789abcdef0123456789abcdef")]).expect("keys")
}

fn claims(identity: &str, role: Role) -> Claims {
    let now = now_unix_s();
    Claims {
        room: Some(agora()),
        sub: identity.into(),
        name: "Ada".into(),
        role,
        grants: Grants::default(),
        iat: now,
        nbf: None,
        exp: now + 600,
        jti: String::new(),
    }
}

/// A good token for the room of all tests.
fn token(role: Role) -> String {
    token_of("ada", role)
}

fn token_of(identity: &str, role: Role) -> String {
    keys().mint(&claims(identity, role)).expect("token")
}

fn expired_token() -> String {
    let claims = claims("ada", Role::Speaker);
    keys().mint(&Claims { exp: claims.iat - 60, ..claims }).expect("token")
}

/// A back end's token, which may do everything in every room.
fn back_end_token() -> String {
    let grants = Grant::ALL.into_iter().fold(Grants::default(), Grants::with);
    let claims = claims("back-end", Role::Listener);
    keys().mint(&Claims { room: None, grants, ..claims }).expect("token")
}

/// A back end's token, which may make rooms and list them.
fn creator_token() -> String {
    let grants = Grants { create: true, list: true, ..Grants::default() };
    let claims = claims("back-end", Role::Listener);
    keys().mint(&Claims { room: None, grants, ..claims }).expect("token")
}
