//! What a mesh node reads from another: the control stream, datagrams, and what a link makes of both.
//!
//! Run: `cargo +nightly fuzz run --fuzz-dir bench/fuzz mesh_codec bench/fuzz/seeds/mesh_codec -- -max_total_time=60`

#![no_main]

use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use libfuzzer_sys::fuzz_target;
use stoa_protocol::mesh::codec::{self, Decoder};
use stoa_protocol::mesh::control::{Body, Control, Hello};
use stoa_protocol::mesh::datagram::{Beat, Records, decode_header};
use stoa_protocol::mesh::identity::Identity;
use stoa_protocol::mesh::peer::{Config, Peer};
use stoa_protocol::mesh::repair::{FEATURE, Nack, Repairs};
use stoa_protocol::mesh::trail;

fuzz_target!(|input: &[u8]| {
    read_stream(input);
    read_datagram(Bytes::copy_from_slice(input));
    drive_peer(input);
});

fn read_stream(input: &[u8]) {
    let mut decoder = Decoder::new();
    for chunk in input.chunks(7) {
        decoder.extend(chunk);
        loop {
            match decoder.next_message() {
                Ok(Some(message)) => read_again(&message),
                Ok(None) => break,
                Err(error) if error.is_fatal() => return,
                Err(_) => {}
            }
        }
    }
}

/// What was read can be written and read again, unless it grew beyond the limit: a negative
/// enumeration of five bytes is written with ten.
fn read_again(message: &Control) {
    let mut out = BytesMut::new();
    if codec::encode(message, &mut out).is_ok() {
        let mut again = Decoder::new();
        again.extend(&out);
        let read = again.next_message().expect("it was just written");
        // Not compared by value: a coordinate may be NaN.
        assert!(read.is_some());
    }
}

fn read_datagram(input: Bytes) {
    if let Ok((_, at)) = decode_header(&input) {
        let _ = Beat::decode(&input, at);
        let _ = Nack::decode(&input, at);
        for repair in Repairs::new(input.clone(), at).flatten() {
            repair.records.into_iter().flatten().for_each(drop);
        }
        for record in Records::new(input, at).flatten() {
            if let Some(departure) = record.trail {
                let (trail, _) = departure.arrive(u32::MAX);
                assert!(trail.hops().len() <= trail::HOPS_MAX);
            }
        }
    }
}

/// A link that is up takes the input in pieces, alternately as messages and as datagrams.
fn drive_peer(input: &[u8]) {
    let name = |uri: &str| uri.parse::<Identity>().expect("a valid name");
    let (own, other) = (name("stoa://origin/iad/origin-1"), name("stoa://edge/ams/edge-1"));
    let mut now = Instant::now();
    let mut peer = Peer::new(Config::new(&own, other), now);
    let hello = Hello {
        node: "edge-1".into(),
        region: "ams".into(),
        features: vec![FEATURE.into(), trail::FEATURE.into()],
        ..Hello::default()
    };
    peer.handle_control(Control { body: Some(Body::Hello(hello)) }, now);
    let mut decoder = Decoder::new();
    let mut rest = input;
    while let Some((&length, tail)) = rest.split_first() {
        let (piece, tail) = tail.split_at(usize::from(length & 0x7f).min(tail.len()));
        rest = tail;
        if length & 0x80 == 0 {
            peer.handle_datagram(Bytes::copy_from_slice(piece), now);
        } else {
            decoder.extend(piece);
            while let Ok(Some(message)) = decoder.next_message() {
                peer.handle_control(message, now);
            }
        }
        now += Duration::from_millis(u64::from(length & 0x0f));
        peer.handle_timeout(now);
        while peer.next_command().is_some() {}
        while peer.next_event().is_some() {}
    }
}
