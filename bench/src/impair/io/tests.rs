//! The proxy over real sockets of this machine.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

use super::{Entrance, Plan, Proxy, spawn};
use crate::impair::counters::Direction;
use crate::impair::profile::{Loss, Profile};

const PATIENCE: Duration = Duration::from_secs(10);

#[test]
fn packets_go_there_and_back_and_take_the_asked_time() {
    let target = socket();
    let delay = Duration::from_millis(30);
    let profile = Profile { delay, ..Profile::default() };
    let proxy = proxy(&target, profile, profile);
    let client = socket();
    let sent = Instant::now();
    client.send_to(b"ping", proxy.address()).unwrap();
    let (text, from) = receive(&target);
    assert_eq!(text, b"ping");
    assert!(sent.elapsed() >= delay, "not before its time");
    target.send_to(b"pong", from).unwrap();
    let (text, from) = receive(&client);
    assert_eq!((text.as_slice(), from), (b"pong".as_slice(), proxy.address()));
    assert!(sent.elapsed() >= 2 * delay, "not before its time");
}

#[test]
fn two_clients_are_told_apart() {
    let target = socket();
    let proxy = proxy(&target, Profile::default(), Profile::default());
    let (one, two) = (socket(), socket());
    one.send_to(b"1", proxy.address()).unwrap();
    let (_, to_one) = receive(&target);
    two.send_to(b"2", proxy.address()).unwrap();
    let (_, to_two) = receive(&target);
    assert_ne!(to_one, to_two);
    target.send_to(b"for two", to_two).unwrap();
    target.send_to(b"for one", to_one).unwrap();
    assert_eq!(receive(&one).0, b"for one");
    assert_eq!(receive(&two).0, b"for two");
    assert_eq!(proxy.flows(), (2, 0));
}

#[test]
fn each_direction_has_its_own_profile_and_its_own_counters() {
    let target = socket();
    let deaf = Profile { loss: Loss::new(1.0, None).unwrap(), ..Profile::default() };
    let proxy = proxy(&target, Profile::default(), deaf);
    let client = socket();
    for _ in 0..5 {
        client.send_to(b"up", proxy.address()).unwrap();
        let (_, from) = receive(&target);
        target.send_to(b"down", from).unwrap();
    }
    let began = Instant::now();
    while proxy.sample(Direction::Down).lost < 5 {
        assert!(began.elapsed() < PATIENCE, "{:?}", proxy.sample(Direction::Down));
        std::thread::yield_now();
    }
    assert_eq!(proxy.sample(Direction::Up).delivered, 5);
    assert_eq!(proxy.sample(Direction::Down).delivered, 0);
}

#[test]
fn a_source_has_a_path_of_its_own_that_can_be_cut_in_one_direction_and_mended() {
    let target = socket();
    let (own, delay) = (IpAddr::from([127, 0, 9, 1]), Duration::from_millis(40));
    let slow = Profile { delay, ..Profile::default() };
    let sources = BTreeMap::from([(own, slow)]);
    let proxy = proxy_with(&target, [Profile::default(); 2], sources);
    let there = UdpSocket::bind(SocketAddr::new(own, 0)).unwrap();
    there.set_read_timeout(Some(PATIENCE)).unwrap();
    let sent = Instant::now();
    there.send_to(b"slow", proxy.address()).unwrap();
    let (_, back) = receive(&target);
    assert!(sent.elapsed() >= delay, "not before its time");

    assert!(proxy.cut(own, Direction::Up, true));
    assert!(!proxy.cut(IpAddr::from([127, 0, 9, 2]), Direction::Up, true), "nobody's path");
    there.send_to(b"cut", proxy.address()).unwrap();
    target.send_to(b"heard", back).unwrap();
    assert_eq!(receive(&there).0, b"heard");
    proxy.cut(own, Direction::Up, false);
    there.send_to(b"mended", proxy.address()).unwrap();
    assert_eq!(receive(&target).0, b"mended");
    socket().send_to(b"another's", proxy.address()).unwrap();
    assert_eq!(receive(&target).0, b"another's");
    assert_eq!(proxy.sample_of(own, Direction::Up).unwrap().packets, 3);
    assert_eq!(proxy.sample_of(own, Direction::Down).unwrap().packets, 1);
    assert_eq!(proxy.sample(Direction::Up).packets, 4);
}

fn proxy(target: &UdpSocket, up: Profile, down: Profile) -> Proxy {
    proxy_with(target, [up, down], BTreeMap::new())
}

fn proxy_with(
    target: &UdpSocket,
    [up, down]: [Profile; 2],
    sources: BTreeMap<IpAddr, Profile>,
) -> Proxy {
    let entrance = Entrance::bind(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
    let target = target.local_addr().unwrap();
    spawn(entrance, Plan { target, up, down, sources, seed: 1 }).unwrap()
}

fn socket() -> UdpSocket {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    socket
}

fn receive(socket: &UdpSocket) -> (Vec<u8>, SocketAddr) {
    let mut buffer = [0; 2_048];
    let (length, from) = socket.recv_from(&mut buffer).unwrap();
    (buffer[..length].to_vec(), from)
}
