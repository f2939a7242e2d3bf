//! Wire bytes of control messages, whole and in pieces, right and wrong.

use proptest::prelude::*;
use prost::Message;

use super::*;
use crate::mesh::control::{BindTrack, Body, Hello, Refuse, SelectedTrack, Selection, Subscribe};

#[test]
fn a_hello_on_the_wire_does_not_change() {
    insta::assert_snapshot!(hex(&encoded(&hello())), @"1f 0a 1d 0a 06 65 64 67 65 2d 31 12 03 61 6d 73 1a 05 30 2e 31 2e 30 29 00 00 00 00 00 40 4a 40");
}

#[test]
fn a_binding_on_the_wire_does_not_change() {
    let bind = BindTrack {
        alias: 300,
        track: 0x0102_0304_0506_0708,
        epoch: 2,
        room: "agora".to_owned(),
        participant: "p_1".to_owned(),
        kind: 1,
        bitrate: 48_000,
    };
    insta::assert_snapshot!(hex(&encoded(&control(Body::BindTrack(bind)))), @"22 2a 20 08 ac 02 11 08 07 06 05 04 03 02 01 18 02 22 05 61 67 6f 72 61 2a 03 70 5f 31 30 01 38 80 f7 02");
}

#[test]
fn a_selection_on_the_wire_does_not_change() {
    let selection = Selection {
        room: "agora".to_owned(),
        epoch: 3,
        decision: 9,
        selected: vec![SelectedTrack { track: 7, from_number: 4_000 }],
    };
    insta::assert_snapshot!(hex(&encoded(&control(Body::Selection(selection)))), @"1b 3a 19 0a 05 61 67 6f 72 61 10 03 18 09 22 0c 09 07 00 00 00 00 00 00 00 10 a0 1f");
}

#[test]
fn a_message_that_comes_byte_by_byte_is_whole_at_its_last_byte() {
    let bytes = encoded(&hello());
    let mut decoder = Decoder::new();
    for byte in &bytes[..bytes.len() - 1] {
        decoder.extend(&[*byte]);
        assert_eq!(decoder.next_message(), Ok(None));
    }
    decoder.extend(&bytes[bytes.len() - 1..]);
    assert_eq!(decoder.next_message(), Ok(Some(hello())));
    assert_eq!(decoder.next_message(), Ok(None));
}

#[test]
fn a_message_of_64_kib_passes_and_one_byte_more_does_not() {
    let sized = |bytes: usize| control(Body::Refuse(Refuse { reason: "x".repeat(bytes) }));
    // Two tags and two lengths of three bytes surround the text.
    let largest = sized(MESSAGE_BYTES_MAX - 8);
    assert_eq!(largest.encoded_len(), MESSAGE_BYTES_MAX);
    let mut decoder = Decoder::new();
    decoder.extend(&encoded(&largest));
    assert_eq!(decoder.next_message(), Ok(Some(largest)));

    let mut out = BytesMut::new();
    let refused = encode(&sized(MESSAGE_BYTES_MAX - 7), &mut out);
    assert_eq!(refused, Err(CodecError::TooLarge { length: MESSAGE_BYTES_MAX as u64 + 1 }));
    assert!(out.is_empty());
}

#[test]
fn an_announced_length_above_the_limit_is_fatal_before_its_bytes_come() {
    let announced: [&[u8]; 3] = [&[0x81, 0x80, 0x04], &[0xff; 10], &[0x80, 0x80, 0x80, 0x00]];
    for prefix in announced {
        let mut decoder = Decoder::new();
        decoder.extend(prefix);
        for _ in 0..2 {
            assert!(decoder.next_message().unwrap_err().is_fatal(), "{prefix:?}");
        }
    }
}

#[test]
fn a_malformed_message_is_skipped_and_the_next_is_read() {
    let mut decoder = Decoder::new();
    decoder.extend(&[3, 0xff, 0xff, 0xff]);
    decoder.extend(&encoded(&hello()));
    let error = decoder.next_message().unwrap_err();
    assert!(!error.is_fatal(), "{error}");
    assert_eq!(decoder.next_message(), Ok(Some(hello())));
}

#[test]
fn fields_and_bodies_of_a_newer_version_are_skipped() {
    // Field 4,000 (bytes) after a known body; a message whose only body is field 99.
    let mut body = hello().encode_to_vec();
    body.extend([0x82, 0xfa, 0x01, 0x02, 0xab, 0xcd]);
    let unknown = [0x9a, 0x06, 0x01, 0x00];
    let mut decoder = Decoder::new();
    for message in [&body[..], &unknown[..]] {
        decoder.extend(&[u8::try_from(message.len()).unwrap()]);
        decoder.extend(message);
    }
    assert_eq!(decoder.next_message(), Ok(Some(hello())));
    assert_eq!(decoder.next_message(), Ok(Some(Control { body: None })));
}

proptest! {
    #[test]
    fn messages_come_back_in_order_however_the_stream_is_cut(
        rooms in proptest::collection::vec("[a-z]{0,300}", 1..20),
        cut in 1_usize..500,
    ) {
        let messages: Vec<Control> = rooms.into_iter().map(subscribe).collect();
        let stream: Vec<u8> = messages.iter().flat_map(encoded).collect();
        let mut decoder = Decoder::new();
        let mut read = Vec::new();
        for chunk in stream.chunks(cut) {
            decoder.extend(chunk);
            while let Some(message) = decoder.next_message().unwrap() {
                read.push(message);
            }
        }
        prop_assert_eq!(read, messages);
    }

    #[test]
    fn perturbed_bytes_never_panic(noise in proptest::collection::vec((0_usize..200, any::<u8>()), 1..20)) {
        let mut stream: Vec<u8> = (0..3).flat_map(|_| encoded(&hello())).collect();
        for (at, byte) in noise {
            let at = at % stream.len();
            stream[at] = byte;
        }
        read_all(&stream);
    }

    #[test]
    fn random_bytes_never_panic(stream in proptest::collection::vec(any::<u8>(), 0..2_000)) {
        read_all(&stream);
    }
}

fn read_all(stream: &[u8]) {
    let mut decoder = Decoder::new();
    decoder.extend(stream);
    loop {
        match decoder.next_message() {
            Ok(None) => return,
            Err(error) if error.is_fatal() => return,
            Ok(Some(_)) | Err(_) => {}
        }
    }
}

fn control(body: Body) -> Control {
    Control { body: Some(body) }
}

fn hello() -> Control {
    control(Body::Hello(Hello {
        node: "edge-1".to_owned(),
        region: "ams".to_owned(),
        version: "0.1.0".to_owned(),
        features: vec![],
        latitude: Some(52.5),
        longitude: None,
    }))
}

fn subscribe(room: String) -> Control {
    control(Body::Subscribe(Subscribe { room, ..Subscribe::default() }))
}

fn encoded(message: &Control) -> Vec<u8> {
    let mut out = BytesMut::new();
    encode(message, &mut out).unwrap();
    out.to_vec()
}

fn hex(bytes: &[u8]) -> String {
    let pairs: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    pairs.join(" ")
}
