//! Conversations under virtual time: a room of tracks, 20 ms at a time.

use bytes::Bytes;
use proptest::prelude::*;

use super::*;
use crate::frame::{Epoch, FrameDuration, Level};

const STEP: Duration = Duration::from_millis(20);
/// 32 kbit/s.
const SPEECH_BYTES: usize = 80;

const ANN: TrackId = TrackId(1);
const BEN: TrackId = TrackId(2);
const CAT: TrackId = TrackId(3);
const DAN: TrackId = TrackId(4);

/// What somebody sends in a step.
#[derive(Clone, Copy)]
struct Sound {
    minus_dbov: u8,
    voice: bool,
    bytes: usize,
}

const fn speech(minus_dbov: u8) -> Sound {
    Sound { minus_dbov, voice: true, bytes: SPEECH_BYTES }
}

const QUIET: Sound = Sound { minus_dbov: 80, voice: false, bytes: 20 };

struct Room {
    speakers: Speakers,
    now: Instant,
    step: u64,
    events: Vec<Event>,
}

impl Room {
    fn new() -> Self {
        Self { speakers: Speakers::default(), now: Instant::now(), step: 0, events: Vec::new() }
    }

    /// One step of 20 ms; the answer says for each sound whether it was forwarded.
    fn step(&mut self, sounds: &[(TrackId, Sound)]) -> Vec<bool> {
        let number = FrameNumber(self.step * 8);
        let mut forwarded = Vec::new();
        for (track, sound) in sounds {
            let frame = frame(*track, number, *sound);
            forwarded.push(self.speakers.handle_frame(&frame, self.now));
        }
        self.collect();
        self.now += STEP;
        self.step += 1;
        forwarded
    }

    /// For this long; the answer is that of the last step.
    fn run(&mut self, ms: u64, sounds: &[(TrackId, Sound)]) -> Vec<bool> {
        let mut last = Vec::new();
        for _ in 0..ms / 20 {
            last = self.step(sounds);
        }
        last
    }

    fn collect(&mut self) {
        while let Some(event) = self.speakers.next_event() {
            self.events.push(event);
        }
    }

    fn changes(&mut self) -> usize {
        std::mem::take(&mut self.events).len()
    }

    fn selected(&self) -> Vec<TrackId> {
        self.speakers.selected(self.now)
    }
}

fn frame(track: TrackId, number: FrameNumber, sound: Sound) -> Frame {
    Frame {
        track,
        epoch: Epoch(1),
        number,
        duration: FrameDuration::MS_20,
        level: Level::from_minus_dbov(sound.minus_dbov),
        voice: sound.voice,
        payload: Bytes::from(vec![0x78; sound.bytes]),
    }
}

/// A room whose three places are held by people who have spoken for 2 s.
fn full_room() -> Room {
    let mut room = Room::new();
    room.run(2_000, &[(ANN, speech(25)), (BEN, speech(25)), (CAT, speech(25))]);
    room.changes();
    room
}

#[test]
fn the_first_word_takes_an_empty_place_with_its_first_frame() {
    let mut room = Room::new();
    assert_eq!(room.step(&[(ANN, QUIET)]), [false]);
    assert_eq!(room.step(&[(ANN, speech(30))]), [true]);
    let expected =
        [Event::Selected { track: ANN, from: FrameNumber(8) }, Event::Dominant { track: ANN }];
    assert_eq!(room.events, expected);
}

#[test]
fn pauses_of_a_holder_are_forwarded_and_cost_no_place() {
    let mut room = full_room();
    let forwarded = room.run(30_000, &[(ANN, QUIET), (BEN, speech(25)), (CAT, speech(25))]);
    assert_eq!(forwarded, [true, true, true]);
    assert!(!room.events.contains(&Event::Deselected { track: ANN }));
}

#[test]
fn a_silent_holder_gives_way_to_the_first_frame_of_a_new_speaker() {
    let mut room = full_room();
    room.run(700, &[(ANN, QUIET), (BEN, speech(25)), (CAT, speech(25))]);
    let from = FrameNumber(room.step * 8);
    assert_eq!(room.step(&[(DAN, speech(35))]), [true]);
    assert!(room.events.contains(&Event::Deselected { track: ANN }));
    assert!(room.events.contains(&Event::Selected { track: DAN, from }));
}

#[test]
fn the_holder_silent_longest_gives_way_first() {
    let mut room = full_room();
    room.run(700, &[(BEN, QUIET), (ANN, speech(25)), (CAT, speech(25))]);
    room.run(700, &[(CAT, speech(25))]);
    room.step(&[(DAN, speech(30))]);
    assert!(!room.speakers.is_selected(BEN));
    assert!(room.speakers.is_selected(ANN));
}

#[test]
fn somebody_louder_displaces_the_quietest_after_the_window() {
    let mut room = Room::new();
    room.run(2_000, &[(ANN, speech(25)), (BEN, speech(40)), (CAT, speech(25))]);
    let sounds = [(ANN, speech(25)), (BEN, speech(40)), (CAT, speech(25)), (DAN, speech(25))];
    assert!(!room.run(300, &sounds)[3], "300 ms are not enough");
    assert!(room.run(200, &sounds)[3]);
    assert!(!room.speakers.is_selected(BEN));
}

#[test]
fn two_equally_loud_speakers_do_not_take_turns() {
    let mut room = full_room();
    room.run(1_000, &[(ANN, speech(25)), (BEN, speech(25)), (CAT, speech(25)), (DAN, speech(25))]);
    for step in 0..3_000_u64 {
        let ripple = u8::try_from(step % 7).unwrap();
        let sounds = [
            (ANN, speech(25)),
            (BEN, speech(25)),
            (CAT, speech(22 + ripple)),
            (DAN, speech(28 - ripple)),
        ];
        room.step(&sounds);
    }
    assert_eq!(room.changes(), 0);
}

#[test]
fn a_cough_displaces_nobody() {
    let mut room = full_room();
    let voices = [(ANN, speech(25)), (BEN, speech(25)), (CAT, speech(25))];
    let cough = [voices[0], voices[1], voices[2], (DAN, speech(10))];
    for _ in 0..5 {
        room.run(300, &cough);
        room.run(700, &voices);
    }
    assert_eq!(room.changes(), 0);
}

#[test]
fn a_liar_with_tiny_packets_gets_no_place_at_all() {
    let mut room = Room::new();
    for bytes in [1, 2, 3, 8] {
        let lie = Sound { minus_dbov: 0, voice: true, bytes };
        assert_eq!(room.run(2_000, &[(DAN, lie)]), [false], "{bytes} bytes");
    }
}

#[test]
fn a_liar_who_pads_tiny_packets_gets_no_place_either() {
    let mut room = Room::new();
    let lie = Sound { minus_dbov: 0, voice: true, bytes: SPEECH_BYTES };
    let mut payload = vec![0x78 | 3, 0b0100_0001, 70, 1, 2];
    payload.resize(payload.len() + 70, 0);
    for step in 0..100 {
        let frame = frame(DAN, FrameNumber(step * 8), lie);
        let frame = Frame { payload: Bytes::from(payload.clone()), ..frame };
        assert!(!room.speakers.handle_frame(&frame, room.now), "step {step}");
        room.now += STEP;
    }
}

#[test]
fn a_liar_with_small_packets_displaces_no_honest_speaker() {
    let mut room = full_room();
    let lie = Sound { minus_dbov: 0, voice: true, bytes: 20 };
    room.run(20_000, &[(ANN, speech(25)), (BEN, speech(25)), (CAT, speech(25)), (DAN, lie)]);
    assert_eq!(room.changes(), 0);
}

#[test]
fn no_place_is_lost_within_the_minimum_hold() {
    let mut room = Room::new();
    room.step(&[(ANN, speech(60)), (BEN, speech(60)), (CAT, speech(60))]);
    room.run(940, &[(DAN, speech(15))]);
    assert_eq!(room.selected().len(), 3);
    assert!(!room.speakers.is_selected(DAN));
    assert!(room.run(100, &[(DAN, speech(15))])[0]);
}

#[test]
fn the_dominant_speaker_changes_with_the_first_word_after_a_pause() {
    let mut room = full_room();
    assert_eq!(room.speakers.dominant(), Some(ANN));
    room.run(300, &[(ANN, QUIET), (BEN, QUIET), (CAT, QUIET)]);
    room.step(&[(BEN, speech(30))]);
    assert_eq!(room.speakers.dominant(), Some(BEN));
}

#[test]
fn the_dominant_speaker_is_outspoken_only_by_the_margin() {
    let mut room = full_room();
    room.run(2_000, &[(ANN, speech(25)), (BEN, speech(22)), (CAT, speech(25))]);
    assert_eq!(room.speakers.dominant(), Some(ANN));
    room.run(2_000, &[(ANN, speech(25)), (BEN, speech(15)), (CAT, speech(25))]);
    assert_eq!(room.speakers.dominant(), Some(BEN));
}

#[test]
fn a_removed_track_frees_its_place_and_hands_on_dominance() {
    let mut room = full_room();
    room.speakers.handle_track_removed(ANN, room.now);
    room.collect();
    let expected = [Event::Deselected { track: ANN }, Event::Dominant { track: BEN }];
    assert_eq!(room.events, expected);
    assert_eq!(room.step(&[(DAN, speech(50))]), [true]);
}

#[test]
fn a_muted_track_is_silent_whatever_it_sends_until_it_is_unmuted() {
    let mut room = full_room();
    room.speakers.handle_muted(ANN, true, room.now);
    assert_eq!(room.run(1_000, &[(ANN, speech(10))]), [false]);
    room.speakers.handle_timeout(room.now + FORGET_AFTER * 3);
    assert_eq!(room.step(&[(ANN, speech(10))]), [false]);
    room.speakers.handle_muted(ANN, false, room.now);
    assert_eq!(room.step(&[(ANN, speech(10))]), [true]);
}

#[test]
fn selected_lists_the_loudest_first() {
    let mut room = Room::new();
    room.run(1_000, &[(ANN, speech(40)), (BEN, speech(20)), (CAT, speech(30))]);
    assert_eq!(room.selected(), [BEN, CAT, ANN]);
}

#[test]
fn tracks_beyond_the_maximum_are_refused_and_counted_until_others_are_forgotten() {
    let mut room = Room::new();
    for track in 0..TRACKS_MAX as u64 {
        room.step(&[(TrackId(1_000 + track), QUIET)]);
    }
    assert_eq!(room.step(&[(ANN, speech(20))]), [false]);
    assert_eq!(room.speakers.refused_frames(), 1);
    room.now += FORGET_AFTER;
    assert!(room.speakers.poll_timeout().unwrap() <= room.now);
    room.speakers.handle_timeout(room.now);
    assert_eq!(room.step(&[(ANN, speech(20))]), [true]);
}

#[test]
fn an_owner_that_never_asks_for_events_loses_the_oldest_and_can_see_it() {
    let mut room = Room::new();
    for _ in 0..EVENTS_MAX {
        let frame = frame(ANN, FrameNumber(0), speech(20));
        room.speakers.handle_frame(&frame, room.now);
        room.speakers.handle_track_removed(ANN, room.now);
    }
    assert_eq!(room.speakers.lost_events(), EVENTS_MAX as u64 * 2);
}

/// One thing that happens to a room.
#[derive(Clone, Debug)]
enum Happening {
    Frame { track: u64, minus_dbov: u8, voice: bool, bytes: usize, units: u8 },
    Remove { track: u64 },
    Mute { track: u64, muted: bool },
    Wait { ms: u64 },
}

fn happening() -> impl Strategy<Value = Happening> {
    let frame = (0_u64..7, any::<u8>(), any::<bool>(), 0_usize..200, 1_u8..=48).prop_map(
        |(track, minus_dbov, voice, bytes, units)| Happening::Frame {
            track,
            minus_dbov,
            voice,
            bytes,
            units,
        },
    );
    prop_oneof![
        40 => frame,
        1 => (0_u64..7).prop_map(|track| Happening::Remove { track }),
        1 => (0_u64..7, any::<bool>()).prop_map(|(track, muted)| Happening::Mute { track, muted }),
        10 => (1_u64..200).prop_map(|ms| Happening::Wait { ms }),
        1 => (1_u64..100_000).prop_map(|ms| Happening::Wait { ms }),
    ]
}

proptest! {
    #[test]
    fn never_more_than_n_are_selected_and_events_tell_the_whole_story(
        places in 1_usize..=4,
        happenings in proptest::collection::vec(happening(), 1..400),
    ) {
        let mut speakers = Speakers::new(places);
        let mut now = Instant::now();
        let mut told = std::collections::BTreeSet::new();
        let mut told_dominant = None;
        for (step, happening) in happenings.into_iter().enumerate() {
            match happening {
                Happening::Frame { track, minus_dbov, voice, bytes, units } => {
                    let sound = Sound { minus_dbov, voice, bytes };
                    let mut frame = frame(TrackId(track), FrameNumber(step as u64), sound);
                    frame.duration = FrameDuration::from_units(units).unwrap();
                    let forwarded = speakers.handle_frame(&frame, now);
                    prop_assert_eq!(forwarded, speakers.is_selected(frame.track));
                }
                Happening::Remove { track } => speakers.handle_track_removed(TrackId(track), now),
                Happening::Mute { track, muted } => {
                    speakers.handle_muted(TrackId(track), muted, now);
                }
                Happening::Wait { ms } => now += Duration::from_millis(ms),
            }
            speakers.handle_timeout(now);
            while let Some(event) = speakers.next_event() {
                match event {
                    Event::Selected { track, .. } => prop_assert!(told.insert(track)),
                    Event::Deselected { track } => {
                        prop_assert!(told.remove(&track));
                        told_dominant = told_dominant.filter(|dominant| *dominant != track);
                    }
                    Event::Dominant { track } => told_dominant = Some(track),
                }
            }
            let selected: std::collections::BTreeSet<_> =
                speakers.selected(now).into_iter().collect();
            prop_assert!(selected.len() <= places);
            prop_assert_eq!(&told, &selected);
            prop_assert_eq!(told_dominant, speakers.dominant());
            prop_assert_eq!(speakers.dominant().is_some(), !selected.is_empty());
        }
    }
}
