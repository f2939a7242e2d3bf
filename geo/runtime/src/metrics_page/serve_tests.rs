//! The page as a scraper and a load balancer see it, over a real connection.

use prometheus::{IntCounter, Registry};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::{ServeError, serve, serve_on};
use crate::metrics_page::{Health, router};
use crate::shutdown::Shutdown;

/// Serves a page, asks it for `path`, and returns the whole answer.
async fn answer(registry: Registry, health: Health, path: &str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (trigger, shutdown) = Shutdown::manual();
    let page = router(registry, health);
    let server = tokio::spawn(serve_on(listener, page, async move { shutdown.requested().await }));
    let mut connection = TcpStream::connect(address).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: stoa\r\nConnection: close\r\n\r\n");
    connection.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    connection.read_to_string(&mut answer).await.unwrap();
    trigger.request();
    server.await.unwrap().unwrap();
    answer
}

#[tokio::test]
async fn metrics_hold_the_binarys_own_and_the_process_ones() {
    let registry = Registry::new();
    let counter = IntCounter::new("stoa_test_total", "Counts tests.").unwrap();
    counter.inc();
    registry.register(Box::new(counter)).unwrap();
    let answer = answer(registry, Health::new(), "/metrics").await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(answer.contains("content-type: text/plain; version=0.0.4"), "{answer}");
    assert!(answer.contains("\nstoa_test_total 1\n"), "{answer}");
    for name in ["cpu_seconds_total", "resident_memory_bytes", "open_fds", "max_fds", "threads"] {
        let line = format!("\nstoa_process_{name} ");
        let value = answer.split(&line).nth(1).and_then(|rest| rest.lines().next());
        let value: f64 = value.unwrap_or_else(|| panic!("{name}: {answer}")).parse().unwrap();
        assert!(value >= 0.0 && value.is_finite(), "{name} {value}");
    }
    assert!(answer.contains("\nstoa_log_events_suppressed_total "), "{answer}");
}

#[tokio::test]
async fn a_registry_may_stand_behind_two_pages() {
    let registry = Registry::new();
    let _first = router(registry.clone(), Health::new());
    let answer = answer(registry, Health::new(), "/metrics").await;
    assert_eq!(answer.matches("\nstoa_process_open_fds ").count(), 1, "{answer}");
}

#[tokio::test]
async fn an_unready_process_is_live_and_says_why_it_is_unready() {
    let health = Health::new();
    health.set_ready(false, "no \"origin\" yet");
    let live = answer(Registry::new(), health.clone(), "/health/live").await;
    assert!(live.starts_with("HTTP/1.1 200"), "{live}");
    let ready = answer(Registry::new(), health, "/health/ready").await;
    assert!(ready.starts_with("HTTP/1.1 503"), "{ready}");
    assert!(ready.contains("content-type: application/problem+json"), "{ready}");
    assert!(ready.contains("retry-after: 2"), "{ready}");
    let body: serde_json::Value =
        serde_json::from_str(ready.split("\r\n\r\n").nth(1).unwrap()).unwrap();
    assert_eq!(body["detail"], "no \"origin\" yet");
    assert_eq!(body["status"], 503);
}

#[tokio::test]
async fn a_ready_process_answers_200() {
    let health = Health::new();
    health.set_ready(true, "");
    let ready = answer(Registry::new(), health, "/health/ready").await;
    assert!(ready.starts_with("HTTP/1.1 200"), "{ready}");
}

#[tokio::test]
async fn an_address_in_use_is_named() {
    let taken = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = taken.local_addr().unwrap();
    let page = router(Registry::new(), Health::new());
    let error = serve(address, page, std::future::pending()).await.unwrap_err();
    assert!(matches!(error, ServeError::Bind { .. }));
    assert!(error.to_string().contains(&address.to_string()), "{error}");
}
