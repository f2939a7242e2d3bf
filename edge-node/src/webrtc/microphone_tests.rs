//! Packets as clients seal them, and as strangers change them.

use proptest::prelude::*;

use super::*;
use crate::media::srtp::{Profile, Sender};

const LEVEL: u8 = 1;
const SSRC: u32 = 77;
const PROFILES: [Profile; 3] = [Profile::AesCm128Sha1, Profile::AesGcm128, Profile::AesGcm256];

/// A microphone at the edge, and the client's side of its keys.
fn pair(profile: Profile) -> (Microphone, Sender) {
    let length = 2 * (profile.key_bytes() + profile.salt_bytes());
    let material: Vec<u8> = (0..length).map(|i| u8::try_from(i).unwrap()).collect();
    let ours = Masters::from_exporter(profile, &material, true).unwrap();
    let theirs = Masters::from_exporter(profile, &material, false).unwrap();
    let types = PayloadTypes { opus: 111, red: None };
    let line = Line { track: TrackId(1), types, level_id: Some(LEVEL), report_ssrc: 5 };
    let mut microphone = Microphone::new(line);
    microphone.set_masters(&ours);
    (microphone, Sender::new(&theirs.local).unwrap())
}

/// 20 ms of speech at -30 dBov.
fn seal(sender: &Sender, ssrc: u32, index: u64, timestamp: u32) -> Vec<u8> {
    let mut packet = vec![0x90, 111];
    packet.extend_from_slice(&index.to_be_bytes()[6..]);
    packet.extend_from_slice(&timestamp.to_be_bytes());
    packet.extend_from_slice(&ssrc.to_be_bytes());
    packet.extend_from_slice(&[0xbe, 0xde, 0, 1, LEVEL << 4, 0x80 | 30, 0, 0]);
    let header = packet.len();
    packet.extend_from_slice(&[31 << 3, 1, 2, 3]);
    packet.resize(packet.len() + sender.rtp_overhead(), 0);
    sender.seal_rtp(&mut packet, header, ssrc, index).unwrap();
    packet
}

fn frames(
    microphone: &mut Microphone,
    packet: &[u8],
    let_in: bool,
    now: Instant,
) -> Result<Vec<Frame>, Refused> {
    let mut frames = Vec::new();
    let taken = microphone.handle_packet(&mut packet.to_vec(), let_in, now, |f| frames.push(f));
    taken.map(|()| frames)
}

#[test]
fn packets_of_every_profile_become_frames_with_their_level() {
    for profile in PROFILES {
        let (mut microphone, sender) = pair(profile);
        let packet = seal(&sender, SSRC, 3, 960);
        let heard = frames(&mut microphone, &packet, true, Instant::now()).unwrap();
        assert_eq!((heard[0].level.minus_dbov(), heard[0].voice), (30, true));
        assert_eq!(heard[0].payload[..], [31 << 3, 1, 2, 3]);
    }
}

#[test]
fn who_spoke_off_stage_past_a_roll_over_is_heard_afterwards() {
    let (mut microphone, sender) = pair(Profile::AesGcm128);
    let now = Instant::now();
    let at = |index: u64| now + Duration::from_millis(20 * index);
    for index in 0..0x1_8000u64 {
        let timestamp = u32::MAX.wrapping_add(960 * u32::try_from(index).unwrap());
        let packet = seal(&sender, SSRC, index, timestamp);
        assert_eq!(frames(&mut microphone, &packet, false, at(index)), Ok(vec![]));
    }
    microphone.resume();
    let packet = seal(&sender, SSRC, 0x1_8000, 7);
    assert_eq!(frames(&mut microphone, &packet, true, at(0x1_8000)).unwrap().len(), 1);
}

#[test]
fn before_the_handshake_is_done_nothing_is_opened() {
    let (mut microphone, sender) = pair(Profile::AesGcm128);
    let packet = seal(&sender, SSRC, 0, 0);
    microphone.masters = None;
    assert_eq!(frames(&mut microphone, &packet, true, Instant::now()), Err(Refused::Early));
}

#[test]
fn a_client_has_as_many_sources_as_it_needs_and_no_more() {
    let (mut microphone, sender) = pair(Profile::AesGcm128);
    let now = Instant::now();
    for ssrc in 0..20 {
        let taken = frames(&mut microphone, &seal(&sender, ssrc, 0, 0), false, now);
        let expected = if ssrc < 8 { Ok(vec![]) } else { Err(Refused::TooManySources) };
        assert_eq!(taken, expected, "source {ssrc}");
    }
    let live = microphone.live.unwrap();
    assert_eq!(live.receipts.len(), 8);
}

#[test]
fn timestamps_are_followed_across_their_end_and_back() {
    let (mut microphone, sender) = pair(Profile::AesGcm128);
    let now = Instant::now();
    let mut number = |index: u64, timestamp: u32| {
        let heard = frames(&mut microphone, &seal(&sender, SSRC, index, timestamp), true, now);
        heard.unwrap().first().map(|frame| frame.number.0)
    };
    let first = u32::MAX - 959;
    assert_eq!(number(1, first), Some(400));
    assert_eq!(number(3, 960), Some(416));
    assert_eq!(number(2, 0), Some(408));
    assert_eq!(number(0, first - 960), Some(392));
}

proptest! {
    #[test]
    fn a_changed_packet_is_refused_and_the_next_one_taken(
        profile in 0usize..3,
        changes in proptest::collection::vec((0usize..60, 1u8..), 1..6),
        cut in 0usize..60,
    ) {
        let (mut microphone, sender) = pair(PROFILES[profile]);
        let (packet, now) = (seal(&sender, SSRC, 9, 960), Instant::now());
        let mut changed = packet.clone();
        for (at, change) in changes {
            if let Some(byte) = changed.get_mut(at) {
                *byte ^= change;
            }
        }
        changed.truncate(changed.len().saturating_sub(cut));
        if changed != packet {
            let taken = frames(&mut microphone, &changed, true, now);
            prop_assert_eq!(taken, Err(Refused::Forged));
        }
        prop_assert_eq!(frames(&mut microphone, &packet, true, now).unwrap().len(), 1);
        prop_assert_eq!(microphone.live.unwrap().receipts.len(), 1);
    }

    #[test]
    fn arbitrary_bytes_make_no_state(
        packets in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..80), 0..40)
    ) {
        let (mut microphone, _) = pair(Profile::AesGcm256);
        for packet in packets {
            let taken = frames(&mut microphone, &packet, true, Instant::now());
            prop_assert_eq!(taken, Err(Refused::Forged));
        }
        prop_assert!(microphone.live.is_none_or(|live| live.receipts.is_empty()));
    }

    #[test]
    fn whatever_a_client_seals_is_read_or_refused(
        header in proptest::collection::vec(any::<u8>(), 12..40),
        payload in proptest::collection::vec(any::<u8>(), 0..60),
        csrcs in 0u8..4,
    ) {
        let (mut microphone, sender) = pair(Profile::AesGcm128);
        // No extension, so that the header is as long as we say.
        let length = 12 + 4 * usize::from(csrcs);
        let mut packet = header;
        packet.resize(length, 7);
        packet[0] = 0x80 | (packet[0] & 0x20) | csrcs;
        packet[2..4].copy_from_slice(&[0, 1]);
        let ssrc = u32::from_be_bytes([packet[8], packet[9], packet[10], packet[11]]);
        packet.extend_from_slice(&payload);
        packet.resize(packet.len() + sender.rtp_overhead(), 0);
        sender.seal_rtp(&mut packet, length, ssrc, 1).unwrap();
        let taken = frames(&mut microphone, &packet, true, Instant::now());
        prop_assert!(taken.is_ok() || taken == Err(Refused::Malformed));
    }
}
