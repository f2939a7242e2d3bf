//! Wire bytes of datagrams, right, newer and wrong.

use proptest::prelude::*;

use super::*;
use crate::mesh::VARINT_MAX;

#[test]
fn a_media_datagram_on_the_wire_does_not_change() {
    let datagram = media(70_000, 0x0102_0304, &[record(3, 1_000), redundant(record(70, 999_992))]);
    insta::assert_snapshot!(hex(&datagram), @"11 80 01 11 70 01 02 03 04 03 43 e8 08 9e 00 03 f8 ff fe 40 46 80 0f 42 38 08 9e 01 03 f8 ff fe");
}

#[test]
fn beats_on_the_wire_do_not_change() {
    let plain = Beat { interval_ms: 1_000, answer_wanted: true, ..beat(None) };
    let echo = Some(Echo { sent_us: 0xa0b0_c0d0, held_us: 1_500 });
    let full = Beat { interval_ms: 20, ..beat(echo) };
    insta::assert_snapshot!(hex(&written(&plain)), @"12 0c 00 00 00 22 02 43 e8");
    insta::assert_snapshot!(hex(&written(&full)), @"12 0c 00 00 00 22 01 14 a0 b0 c0 d0 00 00 05 dc");
}

#[test]
fn payloads_are_slices_of_the_datagram() {
    let datagram = media(1, 0, &[record(1, 8)]);
    let (_, at) = decode_header(&datagram).unwrap();
    let record = Records::new(datagram.clone(), at).next().unwrap().unwrap();
    let (outer, inner) = (datagram.as_ptr_range(), record.payload.as_ptr_range());
    assert!(outer.start <= inner.start && inner.end <= outer.end);
}

#[test]
fn an_extension_block_of_a_newer_version_is_skipped() {
    // Alias 5, number 16, 20 ms, level 30 with voice, flags: extension; 3 bytes of it; 2 of payload.
    let body = [5, 16, 8, 0x80 | 30, 0x80, 3, 9, 9, 9, 2, 0xf8, 0x55];
    let records: Vec<_> = Records::new(Bytes::copy_from_slice(&body), 0).collect();
    let payload = Bytes::from_static(&[0xf8, 0x55]);
    assert_eq!(records, [Ok(Record { alias: 5, payload, ..record(5, 16) })]);
}

#[test]
fn a_trail_stands_in_an_extension_block_beside_items_of_newer_versions() {
    let departure = Departure { node_us: 1, left_us: 2, ..Departure::default() };
    let traced = Record { trail: Some(departure), ..record(5, 16) };
    let datagram = media(1, 0, std::slice::from_ref(&traced));
    insta::assert_snapshot!(hex(&datagram), @"11 01 00 00 00 00 05 10 08 9e 80 07 01 05 00 00 00 02 01 03 f8 ff fe");
    // An unknown item of two bytes, the trail, and a third item that is cut short.
    let newer = [7, 2, 9, 9, 1, 5, 0, 0, 0, 2, 1, 8, 30];
    let body =
        [[5, 16, 8, 0x80 | 30, 0x80, 13].as_slice(), &newer, &[3, 0xf8, 0xff, 0xfe]].concat();
    let records: Vec<_> = Records::new(body.into(), 0).collect();
    assert_eq!(records, [Ok(traced)]);
    // A trail that is none makes the datagram malformed.
    let broken = [5, 16, 8, 0x80 | 30, 0x80, 4, 1, 2, 0, 0, 3, 0xf8, 0xff, 0xfe];
    let first = Records::new(Bytes::copy_from_slice(&broken), 0).next();
    assert_eq!(first, Some(Err(DatagramError::Truncated)));
}

#[test]
fn bytes_after_a_beat_are_ignored() {
    let beat = Beat { interval_ms: 20, answer_wanted: true, ..beat(None) };
    let mut longer = written(&beat).to_vec();
    longer.extend([1, 2, 3]);
    let (_, at) = decode_header(&longer).unwrap();
    assert_eq!(Beat::decode(&longer, at), Ok(beat));
}

#[test]
fn another_version_is_named_and_another_kind_still_has_a_header() {
    assert_eq!(decode_header(&[0x21, 0, 0, 0, 0, 0]), Err(DatagramError::Version(2)));
    let (header, at) = decode_header(&[0x17, 9, 0, 0, 0, 1, 0xff]).unwrap();
    assert_eq!((header.kind, header.sequence, header.sent_us, at), (Kind::Other(7), 9, 1, 6));
}

#[test]
fn impossible_fields_are_told_apart_and_end_the_datagram() {
    let of = |body: &[u8]| {
        let mut records = Records::new(Bytes::copy_from_slice(body), 0);
        let first = records.next().unwrap().unwrap_err();
        assert_eq!(records.next(), None);
        first.to_string()
    };
    let wide_alias = [0xc0, 0, 0, 1, 0, 0, 0, 0, 1, 8, 0, 0, 1, 0];
    assert_eq!(of(&wide_alias), "the alias of a record is out of range");
    for duration in [0, 49, 255] {
        assert_eq!(of(&[1, 1, duration, 0, 0, 1, 0]), "the duration of a record is out of range");
    }
    assert_eq!(of(&[1, 1, 8, 0, 0, 0]), "the payload's length of a record is out of range");
    assert_eq!(
        of(&[1, 1, 8, 0, 0, 0x41, 0x91]),
        "the payload's length of a record is out of range"
    );
    let endless = [1, 1, 8, 0, 0x80, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 0];
    assert_eq!(of(&endless), "the datagram ends in the middle of a field");
}

#[test]
fn a_datagram_of_more_records_than_the_maximum_is_cut_there() {
    let body = [1, 1, 8, 0, 0, 1, 0].repeat(RECORDS_MAX + 1);
    let records: Vec<_> = Records::new(body.into(), 0).collect();
    assert_eq!(records.len(), RECORDS_MAX + 1);
    assert_eq!(records[RECORDS_MAX], Err(DatagramError::TooManyRecords));
}

#[test]
fn a_writer_keeps_to_its_limit() {
    let mut writer = Writer::new(100);
    let record = record(1, 8);
    let mut count = 0;
    while writer.fits(record.encoded_len(), 1) {
        writer.push(VARINT_MAX, &record);
        count += 1;
    }
    let datagram = writer.finish(0).unwrap();
    assert!(datagram.len() <= 100 && datagram.len() + record.encoded_len() > 100);
    let (_, at) = decode_header(&datagram).unwrap();
    assert_eq!(Records::new(datagram, at).filter(Result::is_ok).count(), count);
    assert_eq!(writer.finish(0), None);
}

proptest! {
    #[test]
    fn records_come_back_as_they_were(
        sequence in 0..=VARINT_MAX,
        sent_us in any::<u32>(),
        records in proptest::collection::vec(any_record(), 1..12),
    ) {
        let datagram = media(sequence, sent_us, &records);
        let (header, at) = decode_header(&datagram).unwrap();
        prop_assert_eq!(header, Header { kind: Kind::Media, sequence, sent_us });
        let body: usize = records.iter().map(Record::encoded_len).sum();
        prop_assert_eq!(datagram.len(), at + body);
        let read: Result<Vec<_>, _> = Records::new(datagram, at).collect();
        prop_assert_eq!(read, Ok(records));
    }

    #[test]
    fn beats_come_back_as_they_were(
        interval_ms in 0..=VARINT_MAX,
        (answer_wanted, farewell) in any::<(bool, bool)>(),
        media_ago in proptest::option::of(0..=VARINT_MAX),
        echo in proptest::option::of((any::<u32>(), any::<u32>())),
    ) {
        let echo = echo.map(|(sent_us, held_us)| Echo { sent_us, held_us });
        let beat = Beat { interval_ms, answer_wanted, farewell, echo, media_ago };
        let datagram = written(&beat);
        let (_, at) = decode_header(&datagram).unwrap();
        prop_assert_eq!(Beat::decode(&datagram, at), Ok(beat));
    }

    #[test]
    fn perturbed_bytes_never_panic(
        records in proptest::collection::vec(any_record(), 1..6),
        noise in proptest::collection::vec((any::<usize>(), any::<u8>()), 1..10),
        cut in any::<usize>(),
    ) {
        let mut datagram = media(77, 88, &records).to_vec();
        for (at, byte) in noise {
            let at = at % datagram.len();
            datagram[at] = byte;
        }
        datagram.truncate(cut % (datagram.len() + 1));
        read_all(datagram.into());
    }

    #[test]
    fn random_bytes_never_panic(datagram in proptest::collection::vec(any::<u8>(), 0..1_500)) {
        read_all(datagram.into());
    }
}

fn read_all(datagram: Bytes) {
    if let Ok((_, at)) = decode_header(&datagram) {
        let _ = Beat::decode(&datagram, at);
        for record in Records::new(datagram, at).flatten() {
            assert!(!record.payload.is_empty() && record.payload.len() <= PAYLOAD_BYTES_MAX);
        }
    }
}

fn any_record() -> impl Strategy<Value = Record> {
    let payload = proptest::collection::vec(any::<u8>(), 1..=PAYLOAD_BYTES_MAX);
    let flags = (any::<bool>(), any::<bool>(), proptest::option::of(any_departure()));
    (any::<u32>(), 0..=VARINT_MAX, 1_u8..=48, 0_u8..=127, flags, payload).prop_map(
        |(alias, number, units, level, (voice, redundant, trail), payload)| Record {
            alias,
            number: FrameNumber(number),
            duration: FrameDuration::from_units(units).unwrap(),
            level: Level::from_minus_dbov(level),
            voice,
            redundant,
            trail,
            payload: payload.into(),
        },
    )
}

fn any_departure() -> impl Strategy<Value = Departure> {
    let hops = proptest::collection::vec(any::<(u32, u32)>(), 0..trail::HOPS_MAX);
    (hops, any::<u32>(), any::<u32>()).prop_map(|(hops, node_us, left_us)| {
        let mut trail = trail::Trail::default();
        for (node_us, link_us) in hops {
            trail.push(trail::Hop { node_us, link_us });
        }
        Departure { trail, node_us, left_us }
    })
}

fn record(alias: u32, number: u64) -> Record {
    Record {
        alias,
        number: FrameNumber(number),
        duration: FrameDuration::MS_20,
        level: Level::from_minus_dbov(30),
        voice: true,
        redundant: false,
        trail: None,
        payload: Bytes::from_static(&[0xf8, 0xff, 0xfe]),
    }
}

fn redundant(record: Record) -> Record {
    Record { redundant: true, ..record }
}

fn media(sequence: u64, sent_us: u32, records: &[Record]) -> Bytes {
    let mut writer = Writer::new(64 * 1024);
    for record in records {
        writer.push(sequence, record);
    }
    writer.finish(sent_us).unwrap()
}

fn beat(echo: Option<Echo>) -> Beat {
    Beat { interval_ms: 20, answer_wanted: false, farewell: false, echo, media_ago: None }
}

fn written(beat: &Beat) -> Bytes {
    Writer::new(1_200).beat(12, 34, beat).unwrap()
}

fn hex(bytes: &[u8]) -> String {
    let pairs: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    pairs.join(" ")
}
