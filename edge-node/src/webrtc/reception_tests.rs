//! Reports as clients write them, sealed with their keys.

use proptest::prelude::*;

use super::*;
use crate::media::srtp::{Profile, Sender};

const OURS: u32 = 0x0a0b_0c0d;
const NTP: u64 = 0x1234_5678_9abc_def0;

fn master() -> Master {
    Master::new(Profile::AesGcm128, &[1; 16], &[2; 12]).unwrap()
}

fn reception() -> Reception {
    let stream =
        Downstream { ssrc: OURS, payload_type: 111, first_sequence: 1_000, timestamp_offset: 0 };
    Reception::new(&master(), &[Some(stream), None, None]).unwrap()
}

/// A block about one of our streams.
fn block(ssrc: u32, lost: i32, highest: u32, jitter: u32, last_report: u32, delay: u32) -> Vec<u8> {
    let lost = lost.cast_unsigned() & 0x00ff_ffff;
    [ssrc, lost, highest, jitter, last_report, delay].iter().flat_map(|w| w.to_be_bytes()).collect()
}

fn packet(kind: u8, count: usize, body: &[u8]) -> Vec<u8> {
    let words = u16::try_from(body.len() / 4).unwrap();
    let mut packet = vec![0x80 | u8::try_from(count).unwrap(), kind];
    packet.extend_from_slice(&words.to_be_bytes());
    packet.extend_from_slice(body);
    packet
}

fn receiver_report(blocks: &[Vec<u8>]) -> Vec<u8> {
    packet(RECEIVER_REPORT, blocks.len(), &[7u32.to_be_bytes().to_vec(), blocks.concat()].concat())
}

fn sender_report(blocks: &[Vec<u8>]) -> Vec<u8> {
    packet(
        SENDER_REPORT,
        blocks.len(),
        &[7u32.to_be_bytes().to_vec(), vec![9; SENDER_PART], blocks.concat()].concat(),
    )
}

fn seal(sender: &mut Sender, compound: &[u8]) -> Vec<u8> {
    let mut sealed = compound.to_vec();
    sealed.resize(compound.len() + sender.rtcp_overhead(), 0);
    sender.seal_rtcp(&mut sealed, 7).unwrap();
    sealed
}

fn hear(reception: &mut Reception, sender: &mut Sender, compound: &[u8]) -> Result<(), Refused> {
    reception.handle_packet(&mut seal(sender, compound), Instant::now(), NTP, |_| ())
}

#[test]
fn loss_is_that_between_two_reports() {
    let (mut reception, mut sender) = (reception(), Sender::new(&master()).unwrap());
    let mut told = |lost, highest, jitter| {
        let report = receiver_report(&[block(OURS, lost, highest, jitter, 0, 0)]);
        hear(&mut reception, &mut sender, &report).unwrap();
        reception.take_news().map(|news| (news.loss, news.jitter_ms))
    };
    assert_eq!(told(0, 1_099, 480), Some((Some(0.0), Some(10.0))));
    assert_eq!(told(25, 1_199, 96), Some((Some(0.25), Some(2.0))));
    // Nothing was sent since: nothing is known.
    assert_eq!(told(25, 1_199, 96), Some((None, None)));
    // Duplicates make the count of lost packets fall; a roll-over is a packet like any other.
    assert_eq!(told(20, 65_536 + 99, 0), Some((Some(0.0), Some(0.0))));
    // A counter that goes back or leaps is not believed.
    assert_eq!(told(20, 1_000, 0), Some((None, None)));
    assert_eq!(told(1 << 22, 0x7fff_0000, 0), Some((None, None)));
    assert_eq!(told(-5, 65_536 + 109, 0), Some((Some(0.0), Some(0.0))));
    assert_eq!(told(1_000, 65_536 + 119, 0), Some((Some(1.0), Some(0.0))));
}

#[test]
fn a_sender_report_tells_as_much_as_a_receiver_report() {
    let (mut reception, mut sender) = (reception(), Sender::new(&master()).unwrap());
    let description = packet(202, 1, &[7, 7, 7, 7, 1, 0, 0, 0]);
    let blocks = [block(99, 5, 5, 5, 5, 5), block(OURS, 50, 1_099, 0, 0, 0)];
    let compound = [sender_report(&blocks), description].concat();
    assert_eq!(hear(&mut reception, &mut sender, &compound), Ok(()));
    assert_eq!(reception.take_news().and_then(|news| news.loss), Some(0.5));
    assert_eq!(reception.take_news(), None, "it is told once");
}

#[test]
fn the_round_trip_is_what_is_left_of_the_time_since_our_report() {
    let (mut reception, mut sender) = (reception(), Sender::new(&master()).unwrap());
    let now = u32::try_from(NTP >> 16 & 0xffff_ffff).unwrap();
    let mut told = |last_report: u32, delay| {
        let report = receiver_report(&[block(OURS, 0, 1_000, 0, last_report, delay)]);
        hear(&mut reception, &mut sender, &report).unwrap();
        reception.take_news().and_then(|news| news.round_trip_ms)
    };
    assert_eq!(told(now - 3 * 65_536, 65_536 * 5 / 2), Some(500.0));
    assert_eq!(told(now - 65_536, 65_540), Some(0.0), "both sides round");
    assert_eq!(told(now - 65_536, 70_000), None);
    assert_eq!(told(now.wrapping_add(1 << 30), 0), None);
    assert_eq!(told(0, 0), None, "he has heard no report yet");
}

#[test]
fn a_report_counts_once_and_only_with_the_right_seal() {
    let (mut reception, mut sender) = (reception(), Sender::new(&master()).unwrap());
    let sealed = seal(&mut sender, &receiver_report(&[block(OURS, 0, 1_000, 0, 0, 0)]));
    let now = Instant::now();
    let mut forged = sealed.clone();
    forged[12] ^= 1;
    assert_eq!(reception.handle_packet(&mut forged, now, NTP, |_| ()), Err(Refused::Forged));
    assert_eq!(reception.handle_packet(&mut sealed.clone(), now, NTP, |_| ()), Ok(()));
    assert_eq!(
        reception.handle_packet(&mut sealed.clone(), now, NTP, |_| ()),
        Err(Refused::Replayed)
    );
    assert_eq!(reception.handle_packet(&mut [0x80, 201], now, NTP, |_| ()), Err(Refused::Forged));
}

#[test]
fn what_is_sealed_well_and_cut_short_is_malformed() {
    let (mut reception, mut sender) = (reception(), Sender::new(&master()).unwrap());
    let whole = receiver_report(&[block(OURS, 0, 1_000, 0, 0, 0)]);
    let mut more_blocks = whole.clone();
    more_blocks[0] += 1;
    let mut other_version = whole.clone();
    other_version[0] ^= 0x40;
    for broken in [&whole[..28], &more_blocks, &other_version, &[&whole[..], &[0x80]].concat()] {
        assert_eq!(hear(&mut reception, &mut sender, broken), Err(Refused::Malformed));
    }
    let goodbye = [whole, packet(203, 1, &[7; 4])].concat();
    assert_eq!(hear(&mut reception, &mut sender, &goodbye), Ok(()));
}

proptest! {
    #[test]
    fn whatever_a_client_seals_never_panics(
        body in proptest::collection::vec(any::<u8>(), 8..200),
        kind in prop_oneof![Just(200u8), Just(201), any::<u8>()],
    ) {
        let (mut reception, mut sender) = (reception(), Sender::new(&master()).unwrap());
        let mut compound = body;
        compound[0] = 0x80 | compound[0] & 0x1f;
        compound[1] = kind;
        let _ = hear(&mut reception, &mut sender, &compound);
        if let Some(Report { loss: Some(loss), .. }) = reception.take_news() {
            prop_assert!((0.0..=1.0).contains(&loss));
        }
    }
}
