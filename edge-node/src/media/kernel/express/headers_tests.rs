//! Headers as other implementations write them, and sums as the RFC does.

use std::net::Ipv4Addr;

use proptest::prelude::*;

use super::{HEADERS_BYTES, Headers, checksum, sum};

const OWN: [u8; 6] = [2, 0, 0, 0, 0, 1];
const NEXT: [u8; 6] = [2, 0, 0, 0, 0, 2];

fn frame(payload: &[u8], from: ([u8; 4], u16), to: ([u8; 4], u16)) -> Vec<u8> {
    let mut frame = vec![0xee; HEADERS_BYTES];
    frame.extend_from_slice(payload);
    let headers = Headers::new(OWN, from.0.into(), from.1);
    assert!(headers.write(&mut frame, NEXT, Ipv4Addr::from(to.0), to.1));
    frame
}

/// As RFC 1071 section 4.1 writes it, in network byte order: all ones for what is intact.
fn folded(bytes: &[u8]) -> u16 {
    let mut sum = 0u32;
    for pair in bytes.chunks(2) {
        sum += u32::from(pair[0]) << 8 | u32::from(pair.get(1).copied().unwrap_or(0));
        sum = (sum & 0xffff) + (sum >> 16);
    }
    u16::try_from(sum).unwrap()
}

fn udp_folded(frame: &[u8]) -> u16 {
    let mut covered = frame[26..34].to_vec();
    covered.extend([0, 17]);
    covered.extend_from_slice(&frame[38..40]);
    covered.extend_from_slice(&frame[34..]);
    folded(&covered)
}

#[test]
fn the_example_of_rfc_1071_sums_up_as_it_says() {
    let example = [0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7];
    assert_eq!((!checksum(sum(&example))).to_ne_bytes(), [0xdd, 0xf2]);
}

#[test]
fn a_datagram_is_written_as_the_kernel_writes_it() {
    // "hello" from 192.0.2.1:8089 to 198.51.100.7:40000; the checksums are those of a second implementation.
    let frame = frame(b"hello", ([192, 0, 2, 1], 8_089), ([198, 51, 100, 7], 40_000));
    let expected: [&[u8]; 4] = [
        &[2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 0x08, 0x00],
        &[0x45, 0, 0, 33, 0, 0, 0x40, 0, 64, 17, 0x4e, 0x90, 192, 0, 2, 1, 198, 51, 100, 7],
        &[0x1f, 0x99, 0x9c, 0x40, 0, 13, 0x13, 0xec],
        b"hello",
    ];
    assert_eq!(frame, expected.concat());
}

#[test]
fn a_checksum_of_zero_is_written_as_all_ones() {
    let (from, to) = (([10, 0, 0, 1], 4_000), ([10, 0, 0, 2], 5_000));
    let checksum_of = |payload: [u8; 2]| {
        let frame = frame(&payload, from, to);
        u16::from_be_bytes([frame[40], frame[41]])
    };
    // The payload that fills the sum up to all ones is the checksum of the datagram without it.
    let filling = checksum_of([0, 0]).to_be_bytes();
    assert_eq!(checksum_of(filling), 0xffff);
}

#[test]
fn a_frame_that_cannot_be_is_refused() {
    let headers = Headers::new(OWN, Ipv4Addr::LOCALHOST, 1);
    for bytes in [0, HEADERS_BYTES - 1, 65_536 + 14] {
        let mut frame = vec![0; bytes];
        assert!(!headers.write(&mut frame, NEXT, Ipv4Addr::LOCALHOST, 2), "{bytes}");
    }
}

proptest! {
    #[test]
    fn every_datagram_passes_the_receivers_sums(
        payload in proptest::collection::vec(any::<u8>(), 0..1_500),
        from: ([u8; 4], u16),
        to: ([u8; 4], u16),
    ) {
        let frame = frame(&payload, from, to);
        prop_assert_eq!(folded(&frame[14..34]), 0xffff);
        prop_assert_eq!(udp_folded(&frame), 0xffff);
        prop_assert!(frame[40..42] != [0, 0]);
        prop_assert_eq!(&frame[HEADERS_BYTES..], &payload[..]);
    }
}
