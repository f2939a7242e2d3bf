//! Real sockets on loopback.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::{Address, Egress, ReceiveBatch, SendBatch, Socket};
use crate::media::Outbox;

#[test]
fn addresses_survive_the_kernels_layout() {
    for text in ["192.0.2.7:4000", "[2001:db8::1]:9", "[::1]:65535", "0.0.0.0:0"] {
        let address: SocketAddr = text.parse().unwrap();
        assert_eq!(Address::new(address, true).to_std(), address);
        if address.is_ipv4() {
            assert_eq!(Address::new(address, false).to_std(), address);
        }
    }
}

#[test]
fn a_batch_reaches_both_families_in_order() {
    let sender = Arc::new(Socket::bind("[::]:0".parse().unwrap()).unwrap());
    let receiver = Socket::bind("[::]:0".parse().unwrap()).unwrap();
    let port = receiver.local_addr().unwrap().port();
    let mut batch = SendBatch::new(sender);
    let targets: [SocketAddr; 2] = [
        SocketAddr::from(([127, 0, 0, 1], port)),
        SocketAddr::from((std::net::Ipv6Addr::LOCALHOST, port)),
    ];
    // More than one arena and more than one call hold.
    for number in 0..200u8 {
        let packet = batch.reserve(900).unwrap();
        packet.fill(number);
        let to = Address::new(targets[usize::from(number % 2)], true);
        batch.commit(usize::from(number) + 1, &to);
        if number % 50 == 49 {
            batch.flush();
        }
    }
    let sent = batch.take_sent();
    assert_eq!((sent.packets, sent.dropped_full, sent.dropped_refused), (200, 0, 0));
    assert_eq!(sent.bytes, (1..=200).sum::<u64>());

    let mut received = ReceiveBatch::default();
    let mut next = 0u8;
    while next < 200 {
        let count = received.receive(&receiver).unwrap();
        assert!(count > 0, "packet {next} is missing");
        for i in 0..count {
            let (packet, from) = received.packet(i).unwrap();
            assert_eq!((packet.len(), packet[0]), (usize::from(next) + 1, next));
            assert_eq!(from.is_ipv4(), next.is_multiple_of(2));
            next += 1;
        }
    }
}

#[test]
fn a_packet_that_the_kernel_refuses_does_not_hold_up_the_others() {
    let sender = Arc::new(Socket::bind("127.0.0.1:0".parse().unwrap()).unwrap());
    let receiver = Socket::bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let mut batch = SendBatch::new(sender);
    // An IPv6 address on an IPv4 socket becomes port 0, which the kernel refuses.
    let unreachable = Address::new("[2001:db8::1]:9".parse().unwrap(), false);
    let good = Address::new(receiver.local_addr().unwrap(), false);
    for to in [unreachable, good, unreachable, good] {
        batch.reserve(4).unwrap().copy_from_slice(b"data");
        batch.commit(4, &to);
    }
    batch.flush();
    let sent = batch.take_sent();
    assert_eq!((sent.packets, sent.dropped_refused), (2, 2));
    let mut received = ReceiveBatch::default();
    assert_eq!(received.receive(&receiver).unwrap(), 2);
}

#[test]
fn without_an_express_path_every_packet_goes_out_in_a_batch() {
    let receiver = Socket::bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let to = Address::new(receiver.local_addr().unwrap(), true);
    let sender = Socket::bind("[::]:0".parse().unwrap()).unwrap();
    let mut egress = Egress::new(Arc::new(sender), None);
    for number in 0..100u8 {
        egress.reserve(20).unwrap()[0] = number;
        egress.commit(1, &to);
    }
    egress.flush();
    let sent = egress.take_sent();
    assert_eq!((sent.packets, sent.bytes, sent.express_packets), (100, 100, 0));
    assert_eq!(egress.take_sent(), super::Sent::default());
    let mut received = ReceiveBatch::default();
    let mut next = 0;
    while next < 100 {
        let count = received.receive(&receiver).unwrap();
        assert!(count > 0, "packet {next} is missing");
        for index in 0..count {
            assert_eq!(received.packet(index).unwrap().0, [next]);
            next += 1;
        }
    }
}

#[test]
fn the_kernel_says_how_long_a_packet_has_waited() {
    // The kernel begins to stamp a moment after the first socket has asked for it.
    let seen = (0..100).any(|_| {
        let receiver = Socket::bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let sender = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        let before = SystemTime::now();
        sender.send_to(b"one", receiver.local_addr().unwrap()).unwrap();
        let between = SystemTime::now();
        std::thread::sleep(Duration::from_millis(20));
        let mut received = ReceiveBatch::default();
        assert_eq!((received.arrival(0), received.receive(&receiver).unwrap()), (None, 1));
        let arrival = received.arrival(0).unwrap();
        assert_eq!(received.arrival(1), None);
        before <= arrival && arrival <= between
    });
    assert!(seen, "it is stamped when it comes, not when it is read");
}
