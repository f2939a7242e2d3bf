//! Thousands of connections that say nothing, or half of something, on real sockets.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use prometheus::Registry;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::oneshot;

use super::fake_rooms::FakeRooms;
use super::{OFFER, authority, bearer, settings, token};
use crate::signaling::{Server, Settings};
use stoa_protocol::ids::Role;

/// Half-open connections; both ends of each are files of this process.
const HALF_OPEN: usize = 5_000;

/// Joins that are timed beside them.
const JOINS: usize = 50;

/// The beginning of something, by turns: nothing, half a request, a request without its body, a WebSocket without a word.
fn beginning(number: usize) -> String {
    let websocket = "GET /v1/rooms/agora/ws HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
        Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: stoa.v1\r\n\r\n";
    match number % 4 {
        0 => String::new(),
        1 => "GET /v1/rooms HTTP/1.1\r\nHost: x\r\nX-Slow: ".into(),
        2 => format!(
            "POST /v1/rooms/agora/whip HTTP/1.1\r\nHost: x\r\nAuthorization: {}\r\nContent-Type: application/sdp\r\n\
            Content-Length: 5000\r\n\r\nv=0",
            bearer(&token(Role::Speaker))
        ),
        _ => websocket.into(),
    }
}

/// A join over WHEP on a connection of its own, from the first packet to the answer.
async fn join(address: std::net::SocketAddr, token: &str) -> (Duration, String) {
    let begun = Instant::now();
    let mut stream = TcpStream::connect(address).await.expect("connected");
    let request = format!(
        "POST /v1/rooms/agora/whep HTTP/1.1\r\nHost: x\r\nAuthorization: {}\r\nContent-Type: application/sdp\r\n\
        Connection: close\r\nContent-Length: {}\r\n\r\n{OFFER}",
        bearer(token),
        OFFER.len()
    );
    stream.write_all(request.as_bytes()).await.expect("written");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("an answer");
    (begun.elapsed(), answer)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn five_thousand_half_open_connections_leave_joins_under_a_second() {
    let wanted = 2 * HALF_OPEN as u64 + 500;
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile);
    let most = limit.maximum.unwrap_or(u64::MAX);
    assert!(most >= wanted, "this test opens {wanted} files; the limit of this machine is {most}");
    let raised =
        rustix::process::Rlimit { current: Some(wanted.max(limit.current.unwrap_or(0))), ..limit };
    rustix::process::setrlimit(rustix::process::Resource::Nofile, raised).expect("more files");
    let listen = "127.0.0.1:0".parse().expect("address");
    let settings = Settings { listen, ..settings() };
    let (rooms, registry) = (Arc::new(FakeRooms::default()), Registry::new());
    let server = Server::bind(settings, Arc::new(authority()), rooms, Router::new(), &registry);
    let server = server.await.expect("server");
    let address = server.local_addr().expect("address");
    let (stop, stopped) = oneshot::channel::<()>();
    let serving = tokio::spawn(server.serve(async {
        let _ = stopped.await;
    }));
    let mut half_open = Vec::with_capacity(HALF_OPEN);
    for number in 0..HALF_OPEN {
        let mut stream = TcpStream::connect(address).await.expect("connected");
        stream.write_all(beginning(number).as_bytes()).await.expect("written");
        half_open.push(stream);
    }
    let token = token(Role::Listener);
    let mut slowest = Duration::ZERO;
    for _ in 0..JOINS {
        let (took, answer) = join(address, &token).await;
        assert!(answer.starts_with("HTTP/1.1 201 "), "{answer}");
        slowest = slowest.max(took);
    }
    assert!(slowest < Duration::from_secs(1), "{slowest:?}");
    drop(half_open);
    stop.send(()).expect("serving");
    serving.await.expect("ended");
}
