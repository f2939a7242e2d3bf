//! An origin as a process of its own: an edge links to it over QUIC, a drain says goodbye.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests fail the test")]

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use stoa_link::{Endpoint, EndpointConfig, Event, Identity, Inbox, Limits, PeerName, inbox};
use stoa_origin::store::DurableConfig;
use stoa_origin::{Config, Origin};
use stoa_protocol::ids::{NodeId, NodeRole, Region};
use stoa_protocol::mesh::control::{Answer, Ask, Body, CreateRoom, Request};
use stoa_runtime::shutdown::Shutdown;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

const PATIENCE: Duration = Duration::from_secs(20);

#[tokio::test]
async fn an_edge_finds_the_origin_is_served_and_hears_its_goodbye() {
    let directory = Scratch::new();
    let config = config(directory.path());
    let origin = Origin::start(&config).await.unwrap();
    let page = origin.metrics_addr();
    let (edge, mut events) = edge(directory.path());
    edge.connect(origin.mesh_addr().to_string());
    let (trigger, shutdown) = Shutdown::manual();
    let running = tokio::spawn(async move { origin.until(&shutdown).await });

    let link = wait_for(&mut events, |event| match event {
        Event::Up { link, .. } => Some(link),
        _ => None,
    })
    .await;
    let create =
        Ask::CreateRoom(CreateRoom { room: "r".into(), name: "R".into(), ..CreateRoom::default() });
    link.send(Body::Request(Request { id: 1, ask: Some(create) })).unwrap();
    let answer = wait_for(&mut events, |event| match event {
        Event::Control { body, .. } => match *body {
            Body::Response(response) => response.answer,
            _ => None,
        },
        _ => None,
    });
    assert!(matches!(answer.await, Answer::Room(info) if info.room == "r"));
    assert!(get(page, "/health/ready").await.starts_with("HTTP/1.1 200"));
    assert!(get(page, "/metrics").await.contains("stoa_origin_endpoint_links_up_total"));

    let json = get(page, "/status.json?room=r").await;
    let (head, body) = json.split_once("\r\n\r\n").unwrap();
    assert!(
        head.contains("cache-control: no-store") && head.contains("default-src 'none'"),
        "{head}"
    );
    let status: serde_json::Value = serde_json::from_str(body).unwrap();
    assert_eq!(
        (&status["edges"][0]["node"], &status["rooms"][0]["room"]),
        (&"edge-1".into(), &"r".into())
    );
    assert_eq!(
        status["trees"]["red"]["branches"].as_array().map(Vec::len),
        Some(0),
        "nobody is there"
    );
    assert!(get(page, "/status").await.contains("<td>edge-1"));
    assert!(get(page, "/status?room=%3Cb%3E").await.starts_with("HTTP/1.1 400"));

    trigger.request();
    let drained = wait_for(&mut events, |event| match event {
        Event::Control { body, .. } => matches!(*body, Body::Drain(_)).then_some(()),
        _ => None,
    });
    drained.await;
    let reason = wait_for(&mut events, |event| match event {
        Event::Down { reason, .. } => Some(reason),
        _ => None,
    });
    assert!(reason.await.contains("this origin leaves"));
    tokio::time::timeout(PATIENCE, running).await.unwrap().unwrap().unwrap();
}

#[tokio::test]
async fn a_taken_metrics_address_is_refused_at_once_with_the_address() {
    let directory = Scratch::new();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let config = Config { metrics: address, ..config(directory.path()) };

    let refused = Origin::start(&config).await.unwrap_err().to_string();

    assert!(refused.contains(&address.to_string()), "{refused}");
}

fn config(certificates: &Path) -> Config {
    let local: SocketAddr = "127.0.0.1:0".parse().unwrap();
    let mut config = Config { mesh: local, metrics: local, drain_s: 5, ..Config::default() };
    config.certificates.directory = certificates.to_owned();
    config.store.durable = DurableConfig::Embedded { file: certificates.join("rooms.redb") };
    config
}

fn edge(certificates: &Path) -> (Endpoint, Inbox) {
    let (sender, inbox) = inbox();
    let config = EndpointConfig {
        listen: "127.0.0.1:0".parse().unwrap(),
        identity: Identity::Development { directory: certificates.to_owned() },
        name: PeerName {
            node: NodeId::new("edge-1").unwrap(),
            role: NodeRole::Edge,
            region: Region::new("test").unwrap(),
        },
        limits: Limits::default(),
    };
    (Endpoint::bind(config, sender).unwrap(), inbox)
}

async fn wait_for<T>(events: &mut Inbox, pick: impl Fn(Event) -> Option<T>) -> T {
    let picked = async {
        loop {
            let event = events.recv().await.expect("the inbox stays open");
            if let Some(picked) = pick(event) {
                return picked;
            }
        }
    };
    tokio::time::timeout(PATIENCE, picked).await.expect("the event comes in time")
}

async fn get(address: SocketAddr, path: &str) -> String {
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

/// A directory of this test's own, removed afterwards.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Self {
        static NEXT: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
        let number = NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let name = format!("stoa-origin-test-{}-{number}", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
