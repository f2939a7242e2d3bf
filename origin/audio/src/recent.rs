//! The frames of the last moments of a room, for nodes that have lost whom they got them from.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::frame::Frame;

/// How far back frames are kept.
const AGE_MAX: Duration = Duration::from_millis(500);

/// Frames that are kept of one room: half a second of five voices with frames of 20 ms.
const FRAMES_MAX: usize = 128;

/// The frames of the last moments, oldest first.
#[derive(Debug, Default)]
pub struct Recent {
    frames: VecDeque<(Instant, Frame)>,
}

impl Recent {
    /// A frame has come; frames that are too old by then are forgotten.
    pub fn push(&mut self, frame: &Frame, now: Instant) {
        let old = |at: Instant| now.saturating_duration_since(at) > AGE_MAX;
        while self.frames.len() >= FRAMES_MAX || self.frames.front().is_some_and(|(at, _)| old(*at))
        {
            self.frames.pop_front();
        }
        self.frames.push_back((now, frame.clone()));
    }

    /// Those not older than half a second at `now`, oldest first.
    pub fn since(&self, now: Instant) -> impl Iterator<Item = &Frame> {
        let fresh = move |at: Instant| now.saturating_duration_since(at) <= AGE_MAX;
        self.frames.iter().filter(move |(at, _)| fresh(*at)).map(|(_, frame)| frame)
    }

    /// Nothing that comes from there is of use any more.
    pub fn clear(&mut self) {
        self.frames.clear();
    }
}

#[cfg(test)]
mod tests {
    use crate::frame::{Epoch, FrameDuration, FrameNumber, Level, TrackId};
    use bytes::Bytes;

    use super::*;

    fn frame(number: u64) -> Frame {
        Frame {
            track: TrackId(1),
            epoch: Epoch(0),
            number: FrameNumber(number),
            duration: FrameDuration::MS_20,
            level: Level::from_minus_dbov(20),
            voice: true,
            payload: Bytes::from_static(&[0x78, 1]),
        }
    }

    #[test]
    fn half_a_second_is_kept_and_no_more_than_so_many_frames() {
        let (mut recent, start) = (Recent::default(), Instant::now());
        let at = |frames: u64| start + Duration::from_millis(20) * u32::try_from(frames).unwrap();
        for number in 0..100 {
            recent.push(&frame(number), at(number));
        }
        let numbers: Vec<u64> = recent.since(at(99)).map(|frame| frame.number.0).collect();
        assert_eq!(numbers, (74..100).collect::<Vec<_>>());
        assert_eq!(recent.since(at(200)).count(), 0);
        for number in 0..500 {
            recent.push(&frame(number), at(200));
        }
        assert_eq!(recent.frames.len(), FRAMES_MAX);
    }
}
