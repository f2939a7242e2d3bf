//! Wire bytes of nacks and repairs, right and wrong.

use proptest::prelude::*;
use stoa_audio::frame::{FrameDuration, FrameNumber, Level};

use super::*;
use crate::mesh::datagram::{Header, Kind, Writer};

#[test]
fn nacks_and_repairs_on_the_wire_do_not_change() {
    let nack = Nack { open: true, highest: 70_000, back: vec![1, 3, 64] };
    insta::assert_snapshot!(hex(&whole(Kind::Nack, |out| nack.encode(out))), @"13 0c 00 00 00 22 01 80 01 11 70 03 01 03 40 40");
    let again = Again::of(69_999, media(69_999)).unwrap();
    let repair = whole(Kind::Repair, |out| {
        again.encode(out);
        Again::nothing(5).encode(out);
    });
    insta::assert_snapshot!(hex(&repair), @"14 0c 00 00 00 22 80 01 11 6f 09 03 10 08 9e 01 03 f8 ff fe 05 00");
}

#[test]
fn a_repair_brings_what_was_sent_first_and_not_what_rode_along() {
    let again = Again::of(9, media(9)).unwrap();
    let datagram = whole(Kind::Repair, |out| {
        again.encode(out);
        Again::nothing(7).encode(out);
    });
    let (_, at) = decode_header(&datagram).unwrap();
    assert_eq!(datagram.len(), at + again.encoded_len() + Again::nothing(7).encoded_len());
    let repairs: Vec<Repair> = Repairs::new(datagram, at).map(Result::unwrap).collect();
    let [first, second] = &repairs[..] else { panic!("{repairs:?}") };
    assert_eq!((first.sequence, second.sequence), (9, 7));
    let records: Vec<Record> = first.records.clone().unwrap().map(Result::unwrap).collect();
    assert_eq!(records, [Record { redundant: true, ..record(16, false) }]);
    assert!(second.records.is_none());
}

#[test]
fn impossible_nacks_are_refused() {
    let of = |body: &[u8]| Nack::decode(body, 0).unwrap_err().to_string();
    assert_eq!(of(&[0, 9, 65]), "the count of a nack of a record is out of range");
    assert_eq!(of(&[0, 9, 1, 0]), "a distance of a nack of a record is out of range");
    assert_eq!(of(&[0, 9, 1, 10]), "a distance of a nack of a record is out of range");
    assert_eq!(of(&[0, 9, 2, 1]), "the datagram ends in the middle of a field");
    assert!(Nack::decode(&[0, 9, 1, 9, 77], 0).is_ok());
}

proptest! {
    #[test]
    fn nacks_come_back_as_they_were(
        open in any::<bool>(),
        highest in 1_000..crate::mesh::VARINT_MAX,
        back in proptest::collection::vec(1_u64..1_000, 0..=NACK_SEQUENCES_MAX),
    ) {
        let nack = Nack { open, highest, back };
        let datagram = whole(Kind::Nack, |out| nack.encode(out));
        let (_, at) = decode_header(&datagram).unwrap();
        prop_assert_eq!(Nack::decode(&datagram, at), Ok(nack));
    }

    #[test]
    fn random_bytes_never_panic(body in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = Nack::decode(&body, 0);
        for repair in Repairs::new(body.into(), 0).flatten() {
            repair.records.into_iter().flatten().for_each(drop);
        }
    }
}

fn media(sequence: u64) -> Bytes {
    let mut writer = Writer::new(1_200);
    writer.push(sequence, &record(8, true));
    writer.push(sequence, &record(16, false));
    writer.finish(1).unwrap()
}

fn record(number: u64, redundant: bool) -> Record {
    Record {
        alias: 3,
        number: FrameNumber(number),
        duration: FrameDuration::MS_20,
        level: Level::from_minus_dbov(30),
        voice: true,
        redundant,
        trail: None,
        payload: Bytes::from_static(&[0xf8, 0xff, 0xfe]),
    }
}

fn whole(kind: Kind, body: impl FnOnce(&mut BytesMut)) -> Bytes {
    let header = Header { kind, sequence: 12, sent_us: 34 };
    Writer::new(1_200).whole(header, body).unwrap()
}

fn hex(bytes: &[u8]) -> String {
    let pairs: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    pairs.join(" ")
}
