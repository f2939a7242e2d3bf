//! What listeners hear: everything once, whatever changes.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use bytes::Bytes;
use proptest::prelude::*;
use stoa_audio::frame::{Epoch, Frame, FrameDuration, FrameNumber, Level, TrackId};
use stoa_audio::opus;

use super::*;
use crate::media::srtp::{Master, Profile, Receiver, Sender};
use crate::media::{Downstream, PacketLength};
use crate::webrtc::SLOTS_MAX;

const ROOM: RoomKey = RoomKey(3);
const FRAME: Duration = Duration::from_millis(20);

/// What was sent, opened again.
struct Ears {
    room: Vec<u8>,
    receivers: BTreeMap<SocketAddr, Receiver>,
    heard: Vec<Heard>,
    reports: usize,
    refused: usize,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Heard {
    who: u64,
    ssrc: u32,
    timestamp: u32,
    frames: Vec<Vec<u8>>,
}

impl Outbox for Ears {
    fn reserve(&mut self, length: usize) -> Option<&mut [u8]> {
        self.room.clear();
        self.room.resize(length, 0);
        Some(&mut self.room)
    }

    fn commit(&mut self, length: usize, to: &Address) {
        let mut packet = self.room[..length].to_vec();
        let to = to.to_std();
        let receiver = self.receivers.get_mut(&to).unwrap();
        if (192..224).contains(&packet[1]) {
            self.reports += usize::from(receiver.open_rtcp(&mut packet).is_ok());
            return;
        }
        let Ok((payload, _)) = receiver.open_rtp(&mut packet) else {
            self.refused += 1;
            return;
        };
        let word = |at: usize| u32::from_be_bytes(packet[at..at + 4].try_into().unwrap());
        let (timestamp, ssrc) = (word(4), word(8));
        let payload = Bytes::copy_from_slice(&packet[payload]);
        let frames = opus::split(&payload).unwrap().map(|frame| frame.to_vec()).collect();
        self.heard.push(Heard { who: u64::from(to.port()), ssrc, timestamp, frames });
    }

    fn dual_stack(&self) -> bool {
        false
    }
}

struct Stage {
    fanout: Fanout,
    ears: Ears,
    now: Instant,
}

impl Stage {
    fn new() -> Self {
        let ears = Ears {
            room: Vec::new(),
            receivers: BTreeMap::new(),
            heard: Vec::new(),
            reports: 0,
            refused: 0,
        };
        Self { fanout: Fanout::default(), ears, now: Instant::now() }
    }

    fn add(&mut self, who: u16, single: bool, length: PacketLength, profile: Profile) {
        let key = vec![u8::try_from(who).unwrap(); profile.key_bytes()];
        let master =
            Master::new(profile, &key, &key[..profile.salt_bytes().min(key.len())]).unwrap();
        let to = SocketAddr::from(([192, 0, 2, 1], who));
        self.ears.receivers.insert(to, Receiver::new(&master).unwrap());
        let stream = |slot: u32| {
            Some(Downstream {
                ssrc: 10 * u32::from(who) + slot,
                payload_type: 111,
                first_sequence: 5,
                timestamp_offset: 0,
            })
        };
        let streams: [_; SLOTS_MAX] =
            [stream(0), stream(1).filter(|_| !single), stream(2).filter(|_| !single)];
        let sender = Sender::new(&master).unwrap();
        let session = SessionId(u64::from(who));
        let listener = Listener::new(session, Address::new(to, false), sender, streams);
        assert!(self.fanout.add(ROOM, Class::Audience, single, length, listener));
    }

    fn change(&mut self, who: u64, class: Class, length: PacketLength) {
        self.fanout.change(SessionId(who), class, length, self.now, &mut self.ears);
    }

    /// One frame of speech on a slot.
    fn play(&mut self, number: u64, slot: u8) {
        self.deliver(frame(number, slot), slot);
    }

    /// What a speaker's browser sends at the beginning of a pause.
    fn pause(&mut self, number: u64, slot: u8) {
        self.deliver(
            Frame { payload: Bytes::from_static(&[31 << 3]), ..frame(number, slot) },
            slot,
        );
    }

    fn deliver(&mut self, frame: Frame, slot: u8) {
        self.deliver_to(Class::Audience, frame, slot);
    }

    fn deliver_to(&mut self, class: Class, frame: Frame, slot: u8) {
        let dominant = slot == 0;
        let delivery = Delivery { room: ROOM, class, slot, dominant, except: None, frame };
        self.fanout.deliver(&delivery, self.now, &mut self.ears);
    }

    fn pass(&mut self, time: Duration) {
        let until = self.now + time;
        while let Some(at) = self.fanout.poll_timeout().filter(|at| *at <= until) {
            self.now = self.now.max(at);
            self.fanout.handle_timeout(self.now, &mut self.ears);
        }
        self.now = until;
    }

    /// Timestamps of the frames that somebody has heard on an SSRC, in order of coming.
    fn timestamps(&self, who: u64, ssrc: u32) -> Vec<u32> {
        let packets = self.ears.heard.iter().filter(|h| h.who == who && h.ssrc == ssrc);
        packets.flat_map(|h| (0..).zip(&h.frames).map(|(n, _)| h.timestamp + n * 960)).collect()
    }
}

fn frame(number: u64, slot: u8) -> Frame {
    Frame {
        track: TrackId(u64::from(slot)),
        epoch: Epoch(0),
        number: FrameNumber(1_000 + 8 * number),
        duration: FrameDuration::MS_20,
        level: Level::from_minus_dbov(20),
        voice: true,
        payload: Bytes::from(vec![31 << 3, 1, slot, u8::try_from(number % 251).unwrap()]),
    }
}

#[test]
fn listeners_of_every_length_and_profile_hear_every_frame_once() {
    let mut stage = Stage::new();
    let profiles = [Profile::AesGcm128, Profile::AesGcm256, Profile::AesCm128Sha1];
    for (who, length) in (1u16..).zip(PacketLength::ALL.repeat(6)) {
        stage.add(who, who % 2 == 0, length, profiles[usize::from(who) % 3]);
    }
    for number in 0..120 {
        stage.play(number, 0);
        stage.pass(FRAME);
    }
    stage.pass(Duration::from_millis(500));
    for who in 1..=30u32 {
        let heard = stage.timestamps(u64::from(who), 10 * who);
        let expected: Vec<u32> = (0..120 + 2).map(|n| n * 960).collect();
        assert_eq!(heard, expected, "listener {who}, with the end of the voice");
    }
    assert_eq!((stage.ears.refused, stage.fanout.listeners()), (0, 30));
}

#[test]
fn listeners_of_one_length_are_spread_evenly_over_its_phases() {
    let mut stage = Stage::new();
    for who in 1..=60 {
        stage.add(who, true, PacketLength::Ms60, Profile::AesGcm128);
    }
    assert_eq!(stage.fanout.packets_per_second(), 60 * 16);
    for number in 0..30 {
        stage.ears.heard.clear();
        stage.play(number, 0);
        stage.pass(FRAME);
        if number >= 3 {
            assert_eq!(stage.ears.heard.len(), 20);
            assert!(stage.ears.heard.iter().all(|heard| heard.frames.len() == 3));
        }
    }
}

#[test]
fn a_voice_that_breaks_off_is_ended_with_silence_and_one_that_pauses_is_not() {
    let mut stage = Stage::new();
    stage.add(1, false, PacketLength::Ms20, Profile::AesGcm128);
    stage.play(0, 0);
    stage.play(0, 1);
    stage.pass(FRAME);
    stage.pause(1, 1);
    stage.pass(Duration::from_secs(2));
    let on = |ssrc| {
        let packets = stage.ears.heard.iter().filter(move |h| h.ssrc == ssrc);
        packets.map(|h| (h.timestamp, h.frames[0].clone())).collect::<Vec<_>>()
    };
    assert_eq!(on(10)[1..], [(960, opus::SILENT_FRAME.to_vec()), (1_920, vec![0xf8])]);
    assert_eq!(on(11).len(), 2, "the pause has said so itself");
    assert_eq!(stage.fanout.take_counters().voices_ended, 1);
    stage.play(60, 0);
    assert_eq!(
        stage.timestamps(1, 10).last(),
        Some(&(60 * 960)),
        "the voice comes back in its time"
    );
}

#[test]
fn only_who_has_sent_something_since_is_reported() {
    let mut stage = Stage::new();
    for who in 1..=10 {
        stage.add(who, true, PacketLength::Ms20, Profile::AesGcm128);
    }
    let reports = |stage: &mut Stage| {
        stage.ears.reports = 0;
        for _ in 0..120 {
            stage.pass(Duration::from_millis(100));
            stage.fanout.report(stage.now, 0, &mut stage.ears);
        }
        stage.ears.reports
    };
    assert_eq!(reports(&mut stage), 0);
    stage.pause(0, 0);
    assert_eq!(reports(&mut stage), 10);
    assert_eq!(reports(&mut stage), 0);
}

#[test]
fn who_changes_halls_hears_nothing_twice_and_his_clock_goes_on() {
    let mut stage = Stage::new();
    for who in [1, 2] {
        stage.add(who, false, PacketLength::Ms60, Profile::AesGcm128);
    }
    // Somebody for whose sake there is a stage before he comes.
    stage.change(2, Class::Stage, PacketLength::Ms20);
    for number in 0..300 {
        match number {
            100 => stage.change(1, Class::Stage, PacketLength::Ms20),
            200 => stage.change(1, Class::Audience, PacketLength::Ms60),
            _ => {}
        }
        // The stage hears a frame 60 ms before the audience does.
        stage.deliver_to(Class::Stage, frame(number + 3, 0), 0);
        stage.play(number, 0);
        stage.pass(FRAME);
    }
    let heard: Vec<&Heard> = stage.ears.heard.iter().filter(|heard| heard.who == 1).collect();
    let frames: Vec<&[u8]> = heard.iter().flat_map(|h| &h.frames).map(Vec::as_slice).collect();
    let expected: Vec<Frame> = (0..100).chain(103..300).map(|number| frame(number, 0)).collect();
    assert!(frames.len() >= 294, "all but what waits: {}", frames.len());
    assert!(
        frames.iter().zip(&expected).all(|(heard, expected)| heard[..] == expected.payload[..])
    );
    let timestamps = stage.timestamps(1, 10);
    assert_eq!(timestamps, (0..).map(|n| n * 960).take(frames.len()).collect::<Vec<u32>>());
    assert_eq!(stage.fanout.packets_per_second(), 16 + 50);
}

#[test]
fn a_steady_stream_allocates_nothing() {
    let mut stage = Stage::new();
    for who in 1..=30 {
        stage.add(who, true, PacketLength::ALL[usize::from(who) % 5], Profile::AesGcm256);
    }
    let frames: Vec<Frame> = (0..200).map(|number| frame(number, 0)).collect();
    // As off the mesh, where many frames share one received datagram: a payload's first clone allocates its counter.
    let _shared = frames.clone();
    let mut sink = Sink { room: vec![0; 2_000], packets: 0 };
    let mut play = |frame: &Frame| {
        stage.now += FRAME;
        let (room, class) = (ROOM, Class::Audience);
        let delivery =
            Delivery { room, class, slot: 0, dominant: true, except: None, frame: frame.clone() };
        stage.fanout.deliver(&delivery, stage.now, &mut sink);
        stage.fanout.handle_timeout(stage.now, &mut sink);
    };
    frames[..100].iter().for_each(&mut play);
    let counted = allocation_counter::measure(|| frames[100..].iter().for_each(&mut play));
    assert!(sink.packets > 1_000);
    assert_eq!(counted.count_total, 0);
}

struct Sink {
    room: Vec<u8>,
    packets: usize,
}

impl Outbox for Sink {
    fn reserve(&mut self, length: usize) -> Option<&mut [u8]> {
        self.room.get_mut(..length)
    }

    fn commit(&mut self, _: usize, _: &Address) {
        self.packets += 1;
    }

    fn dual_stack(&self) -> bool {
        false
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_change_of_length_loses_nothing_and_repeats_nothing(
        first in proptest::sample::select(&PacketLength::ALL[..]),
        changes in proptest::collection::vec(
            (1u64..40, proptest::sample::select(&PacketLength::ALL[..]), 0u64..20), 1..8),
        company in 0u16..9,
    ) {
        let mut stage = Stage::new();
        for who in 2..2 + company {
            stage.add(who, false, PacketLength::ALL[usize::from(who) % 5], Profile::AesGcm128);
        }
        stage.add(1, false, first, Profile::AesGcm128);
        let mut number = 0;
        for (frames, length, within_ms) in changes {
            for _ in 0..frames {
                stage.play(number, 0);
                stage.play(number, 2);
                stage.pass(FRAME);
                number += 1;
            }
            let offset = Duration::from_millis(within_ms);
            stage.pass(offset);
            stage.change(1, Class::Audience, length);
            stage.pass(FRAME - offset);
            number += 1;
        }
        stage.pass(Duration::from_millis(300));
        for (slot, ssrc) in [(0u8, 10), (2, 12)] {
            let mut sent: Vec<u32> = stage.timestamps(2, 20 + u32::from(slot));
            let mut heard = stage.timestamps(1, ssrc);
            let unsorted = heard.clone();
            heard.sort_unstable();
            prop_assert_eq!(&heard, &unsorted, "in order");
            heard.dedup();
            prop_assert_eq!(heard.len(), unsorted.len(), "once");
            sent.sort_unstable();
            if company > 0 {
                prop_assert_eq!(heard, sent, "as somebody who never changed");
            }
        }
    }
}
