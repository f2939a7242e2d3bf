//! The whole edge in this process: it starts, is ready, and leaves in order.

use std::net::SocketAddr;
use std::time::Duration;

use futures_util::FutureExt;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::*;

fn config() -> Config {
    let local = SocketAddr::from(([127, 0, 0, 1], 0));
    let mut config = Config::default();
    config.http.listen = local;
    config.media.listen = local;
    config.media.workers = 1;
    config.drain.deadline_s = 1;
    config.mesh.rooms_file = std::path::PathBuf::new();
    config
}

async fn get(address: SocketAddr, path: &str) -> String {
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test(flavor = "multi_thread")]
async fn a_standalone_edge_is_ready_prints_links_and_leaves_when_asked() {
    let edge = Edge::start(config()).await.unwrap();
    assert!(edge.welcome().contains("/r/lobby#token="), "{}", edge.welcome());
    let http = edge.http_addr();
    let (trigger, shutdown) = Shutdown::manual();
    let running = tokio::spawn(async move { edge.until(&shutdown).await });
    assert!(get(http, "/health/ready").await.starts_with("HTTP/1.1 200"));
    let page = get(http, "/metrics").await;
    for metric in
        ["stoa_edge_node{", "stoa_edge_rooms ", "stoa_edge_link_up{", "stoa_origin_rooms "]
    {
        assert!(page.contains(metric), "{metric} is missing:\n{page}");
    }
    trigger.request();
    tokio::time::timeout(Duration::from_secs(20), running).await.unwrap().unwrap().unwrap();
    assert!(tokio::net::TcpStream::connect(http).await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edge_has_left_only_when_its_media_workers_have_said_goodbye() {
    let mut config = config();
    config.media.workers = 4;
    let edge = Edge::start(config).await.unwrap();
    let plane = edge.plane.clone();
    let (trigger, shutdown) = Shutdown::manual();
    trigger.request();
    tokio::time::timeout(Duration::from_secs(20), edge.until(&shutdown)).await.unwrap().unwrap();
    assert!(plane.ended().now_or_never().is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edge_without_media_does_not_go_on() {
    let edge = Edge::start(config()).await.unwrap();
    edge.plane.stop();
    let (_trigger, shutdown) = Shutdown::manual();
    let ended = tokio::time::timeout(Duration::from_secs(20), edge.until(&shutdown)).await;
    let error = ended.unwrap().unwrap_err().to_string();
    assert!(error.contains("media"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edge_whose_origin_is_away_lives_but_is_not_ready() {
    let mut config = config();
    let directory = std::env::temp_dir().join(format!("stoa-edge-{}", std::process::id()));
    config.mesh.certificates.directory.clone_from(&directory);
    config.mesh.listen = SocketAddr::from(([127, 0, 0, 1], 0));
    config.mesh.origins = vec!["127.0.0.1:9".to_owned()];
    let secret = stoa_runtime::configuration::Secret::new("0123456789abcdef0123456789abcdef");
    config.tokens.secrets =
        vec![crate::config::TokenSecret { id: "a".to_owned(), secret, not_after: None }];
    let edge = Edge::start(config).await.unwrap();
    assert_eq!(edge.welcome(), "");
    let http = edge.http_addr();
    let (trigger, shutdown) = Shutdown::manual();
    let running = tokio::spawn(async move { edge.until(&shutdown).await });
    assert!(get(http, "/health/live").await.starts_with("HTTP/1.1 200"));
    let ready = get(http, "/health/ready").await;
    assert!(ready.starts_with("HTTP/1.1 503") && ready.contains("origin"), "{ready}");
    trigger.request();
    trigger.request();
    tokio::time::timeout(Duration::from_secs(20), running).await.unwrap().unwrap().unwrap();
    std::fs::remove_dir_all(directory).unwrap();
}
