//! Decisions are numbered, ordered, and carry the frame from which they hold.

use std::time::{Duration, Instant};

use bytes::Bytes;
use stoa_audio::frame::{Epoch, Frame, FrameDuration, FrameNumber, Level, TrackId};
use stoa_protocol::ids::RoomId;

use super::{Heard, Stage};
use crate::room::{Capacity, Founding, Room, Settings, Start};

const ANN: TrackId = TrackId(1);
const BEN: TrackId = TrackId(2);

#[test]
fn a_decision_travels_with_the_number_of_the_frame_that_won() {
    let mut stage = Stage::default();
    let now = Instant::now();

    let heard = stage.handle_frame(&speech(ANN, 80, 25), now);

    assert_eq!(heard, Heard { forward: true, changed: true });
    assert!(stage.take_change());
    let selection = stage.selection(&room());
    assert_eq!((selection.decision, selection.epoch), (1, 7));
    let selected: Vec<_> = selection.selected.iter().map(|s| (s.track, s.from_number)).collect();
    assert_eq!(selected, [(ANN.0, 80)]);
    let next = stage.handle_frame(&speech(ANN, 88, 25), now + Duration::from_millis(20));
    assert_eq!(next, Heard { forward: true, changed: false });
}

#[test]
fn a_frame_that_was_overtaken_by_the_winning_one_stays_out() {
    let mut stage = Stage::default();
    let now = Instant::now();
    stage.handle_frame(&speech(ANN, 80, 25), now);

    let late = stage.handle_frame(&speech(ANN, 72, 25), now);

    assert!(!late.forward);
}

#[test]
fn the_dominant_speaker_stands_first() {
    let mut stage = Stage::default();
    let start = Instant::now();
    for step in 0..100_u32 {
        let now = start + Duration::from_millis(20) * step;
        stage.handle_frame(&speech(ANN, u64::from(step) * 8, 40), now);
        stage.handle_frame(&speech(BEN, u64::from(step) * 8, 20), now);
    }

    assert_eq!(stage.selected().collect::<Vec<_>>(), [BEN, ANN]);
}

#[test]
fn a_track_that_ended_is_out_of_the_next_decision() {
    let mut stage = Stage::default();
    let now = Instant::now();
    stage.handle_frame(&speech(ANN, 80, 25), now);
    stage.handle_frame(&speech(BEN, 80, 25), now);
    let before = stage.selection(&room()).decision;

    stage.handle_track_end(ANN, now);

    assert_eq!(stage.selected().collect::<Vec<_>>(), [BEN]);
    assert!(stage.selection(&room()).decision > before);
}

fn speech(track: TrackId, number: u64, minus_dbov: u8) -> Frame {
    Frame {
        track,
        epoch: Epoch(7),
        number: FrameNumber(number),
        duration: FrameDuration::MS_20,
        level: Level::from_minus_dbov(minus_dbov),
        voice: true,
        payload: Bytes::from_static(&[0x78; 80]),
    }
}

fn room() -> Room {
    let id = RoomId::new("r").unwrap();
    let (tenant, now) = (String::new(), Instant::now());
    let start = Start { now, unix_ms: 0 };
    let founding = Founding { id, tenant, created_ms: 0, epoch: Epoch(7), start };
    Room::new(founding, Settings::named("R"), Capacity::default(), "", now).unwrap()
}
