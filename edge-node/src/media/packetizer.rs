//! Frames of one slot, waiting to leave in packets of one length and phase.
//!
//! Time is cut into stretches of the packets' length. Where the cuts are is the *phase*: listeners of
//! a long length are spread over its phases, so that every 20 ms only some of them are sent to.

use std::collections::VecDeque;
use std::time::Instant;

use bytes::Bytes;
use stoa_audio::opus::Joiner;

use super::PacketLength;
use super::pace::Pace;
use super::packet_length::CELL_SAMPLES;
use crate::webrtc::SessionId;

/// Frames that may wait: 120 ms of the shortest frames, and as much again for those behind.
const WAITING_MAX: usize = 96;

/// One frame, placed on its slot's timeline.
#[derive(Clone, Debug)]
pub(super) struct Piece {
    /// Where it begins, in samples.
    pub start: u64,
    /// How long it is, in samples.
    pub samples: u32,
    /// Sound begins after a pause.
    pub marker: bool,
    /// Who must not hear it: whose voice it is.
    pub except: Option<SessionId>,
    /// One Opus packet.
    pub payload: Bytes,
}

impl Piece {
    pub(super) fn end(&self) -> u64 {
        self.start.saturating_add(u64::from(self.samples))
    }
}

/// See the module.
#[derive(Debug)]
pub(super) struct Packetizer {
    length: PacketLength,
    phase: u8,
    /// In order of time.
    waiting: VecDeque<Piece>,
}

/// The frames at the front that will leave together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Front {
    frames: usize,
    start: u64,
    end: u64,
    /// Nothing more can be added.
    closed: bool,
}

impl Packetizer {
    /// `phase` is below `length`'s cells.
    pub(super) fn new(length: PacketLength, phase: u8) -> Self {
        Self { length, phase, waiting: VecDeque::new() }
    }

    /// Takes a frame; one that comes late finds its place before those that wait.
    pub(super) fn push(&mut self, piece: Piece) {
        let later = self.waiting.iter().rev().take_while(|w| w.start > piece.start).count();
        if later == 0 {
            self.waiting.push_back(piece);
        } else {
            self.waiting.insert(self.waiting.len() - later, piece);
        }
    }

    /// Takes out the frames of the next packet that must leave by `now`, into `frames`; says whether
    /// there is one.
    pub(super) fn next(
        &mut self,
        now: Instant,
        pace: &Pace,
        joiner: &mut Joiner,
        frames: &mut Vec<Piece>,
    ) -> bool {
        let Some(front) = self.front(joiner) else { return false };
        if self.due(front, pace, now) > now && self.waiting.len() <= WAITING_MAX {
            return false;
        }
        frames.clear();
        frames.extend(self.waiting.drain(..front.frames));
        true
    }

    /// When [`Self::next`] has something, if nothing more comes.
    pub(super) fn poll_timeout(
        &self,
        pace: &Pace,
        joiner: &mut Joiner,
        now: Instant,
    ) -> Option<Instant> {
        self.front(joiner).map(|front| self.due(front, pace, now))
    }

    /// What waits.
    pub(super) fn waiting(&self) -> impl Iterator<Item = &Piece> {
        self.waiting.iter()
    }

    fn due(&self, front: Front, pace: &Pace, now: Instant) -> Instant {
        let samples = self.length.samples();
        if front.end - front.start >= samples {
            return now;
        }
        let at_age = pace.expected(front.start.saturating_add(samples), now);
        if front.closed { at_age } else { at_age + pace.patience() }
    }

    fn front(&self, joiner: &mut Joiner) -> Option<Front> {
        let first = self.waiting.front()?;
        let cell = self.cell(first.start);
        joiner.clear();
        let mut front = Front { frames: 0, start: first.start, end: first.start, closed: false };
        for piece in &self.waiting {
            let follows = piece.start == front.end
                && piece.except == first.except
                && self.cell(piece.start) == cell;
            if front.frames > 0 && !(follows && joiner.push(&piece.payload).is_ok()) {
                front.closed = true;
                return Some(front);
            }
            front.frames += 1;
            front.end = piece.end();
            if front.frames == 1 && joiner.push(&piece.payload).is_err() {
                // It travels whole.
                front.closed = true;
                return Some(front);
            }
        }
        front.closed = self.cell(front.end) != cell;
        Some(front)
    }

    /// Which stretch a position lies in.
    fn cell(&self, position: u64) -> u64 {
        let cells = u64::from(self.length.cells());
        (position / CELL_SAMPLES + cells - u64::from(self.phase)) / cells
    }
}

#[cfg(test)]
#[path = "packetizer_tests.rs"]
mod tests;
