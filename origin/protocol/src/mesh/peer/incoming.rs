//! Tracks that we receive: their aliases, de-duplication, and records that overtook their binding.

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

use stoa_audio::frame::{Epoch, Frame, FrameNumber, TrackId};

use super::outgoing::TRACKS_PER_LINK_MAX;
use super::statistics::Statistics;
use crate::mesh::datagram::Record;

/// Most records that wait for the `BindTrack` of their alias; the oldest give way.
pub const PARKED_RECORDS_MAX: usize = 128;
/// A record that waited longer is of no use to a listener.
const PARKED_AGE_MAX: Duration = Duration::from_millis(250);
/// How far back repeated frames are recognised, in units of 2.5 ms: 640 ms, more than a back-fill.
const WINDOW_UNITS: u64 = 256;

/// Why a binding was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BindRefused {
    /// The link carries [`TRACKS_PER_LINK_MAX`] tracks.
    TooMany,
    /// The alias or the track is bound already.
    Contradiction,
}

/// Whether a frame's number was seen on its track.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Seen {
    New,
    Duplicate,
    TooOld,
}

/// The numbers seen lately on one track: a ring of bits, one for each of the newest numbers.
#[derive(Debug, Default)]
struct Numbers {
    highest: Option<u64>,
    bits: [u64; 4],
}

impl Numbers {
    fn see(&mut self, number: FrameNumber) -> Seen {
        let number = number.0;
        match self.highest {
            Some(highest) if number > highest => {
                let first = number.saturating_sub(WINDOW_UNITS).max(highest) + 1;
                for passed in first..=number {
                    self.set(passed, false);
                }
                self.highest = Some(number);
            }
            Some(highest) if highest - number >= WINDOW_UNITS => return Seen::TooOld,
            Some(_) => {}
            None => self.highest = Some(number),
        }
        if self.is_set(number) {
            return Seen::Duplicate;
        }
        self.set(number, true);
        Seen::New
    }

    fn slot(number: u64) -> (usize, u64) {
        let bit = number % WINDOW_UNITS;
        ((bit / 64) as usize, 1 << (bit % 64))
    }

    fn is_set(&self, number: u64) -> bool {
        let (word, mask) = Self::slot(number);
        self.bits[word] & mask != 0
    }

    fn set(&mut self, number: u64, value: bool) {
        let (word, mask) = Self::slot(number);
        if value {
            self.bits[word] |= mask;
        } else {
            self.bits[word] &= !mask;
        }
    }
}

#[derive(Debug)]
struct Track {
    id: TrackId,
    epoch: Epoch,
    numbers: Numbers,
}

/// The tracks that we receive.
#[derive(Debug, Default)]
pub(super) struct Incoming {
    tracks: BTreeMap<u32, Track>,
    aliases: BTreeMap<TrackId, u32>,
    parked: VecDeque<(Instant, Record)>,
}

impl Incoming {
    pub(super) fn len(&self) -> usize {
        self.tracks.len()
    }

    /// Takes a binding.
    pub(super) fn bind(
        &mut self,
        alias: u32,
        id: TrackId,
        epoch: Epoch,
    ) -> Result<(), BindRefused> {
        if self.tracks.contains_key(&alias) || self.aliases.contains_key(&id) {
            return Err(BindRefused::Contradiction);
        }
        if self.tracks.len() >= TRACKS_PER_LINK_MAX {
            return Err(BindRefused::TooMany);
        }
        self.tracks.insert(alias, Track { id, epoch, numbers: Numbers::default() });
        self.aliases.insert(id, alias);
        Ok(())
    }

    /// Frees an alias; gives its track.
    pub(super) fn unbind(&mut self, alias: u32) -> Option<TrackId> {
        let id = self.tracks.remove(&alias)?.id;
        self.aliases.remove(&id);
        Some(id)
    }

    /// Makes a record a frame; `None` when it was seen, is too old or its alias is unknown.
    pub(super) fn handle_record(
        &mut self,
        record: Record,
        counters: &mut Statistics,
        now: Instant,
    ) -> Option<Frame> {
        let Some(track) = self.tracks.get_mut(&record.alias) else {
            self.park(record, counters, now);
            return None;
        };
        match track.numbers.see(record.number) {
            Seen::New => {}
            Seen::Duplicate => {
                counters.duplicates += 1;
                return None;
            }
            Seen::TooOld => {
                counters.frames_late += 1;
                return None;
            }
        }
        counters.frames_in += 1;
        counters.frames_recovered += u64::from(record.redundant);
        Some(Frame {
            track: track.id,
            epoch: track.epoch,
            number: record.number,
            duration: record.duration,
            level: record.level,
            voice: record.voice,
            payload: record.payload,
        })
    }

    /// The frames of records that came before the binding of `alias`.
    pub(super) fn take_parked(
        &mut self,
        alias: u32,
        counters: &mut Statistics,
        now: Instant,
    ) -> Vec<Frame> {
        let mut frames = Vec::new();
        for (arrived, record) in std::mem::take(&mut self.parked) {
            if now.saturating_duration_since(arrived) > PARKED_AGE_MAX {
                counters.unknown_alias += 1;
            } else if record.alias == alias {
                frames.extend(self.handle_record(record, counters, now));
            } else {
                self.parked.push_back((arrived, record));
            }
        }
        frames
    }

    fn park(&mut self, record: Record, counters: &mut Statistics, now: Instant) {
        if self.parked.len() >= PARKED_RECORDS_MAX {
            self.parked.pop_front();
            counters.unknown_alias += 1;
        }
        // By the time it is given to the owner it has waited for a message, which is no delay of the path.
        self.parked.push_back((now, Record { trail: None, ..record }));
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn numbers_that_share_a_bit_are_told_apart() {
        let mut numbers = Numbers::default();
        assert_eq!(numbers.see(FrameNumber(1)), Seen::New);
        assert_eq!(numbers.see(FrameNumber(1 + WINDOW_UNITS)), Seen::New);
        assert_eq!(numbers.see(FrameNumber(1)), Seen::TooOld);
        assert_eq!(numbers.see(FrameNumber(2)), Seen::New);
        assert_eq!(numbers.see(FrameNumber(u64::MAX)), Seen::New);
        assert_eq!(numbers.see(FrameNumber(u64::MAX)), Seen::Duplicate);
    }

    proptest! {
        #[test]
        fn a_ring_of_bits_agrees_with_a_set_of_all_numbers(steps in proptest::collection::vec(0_u64..700, 1..200)) {
            let (mut numbers, mut model, mut highest) = (Numbers::default(), BTreeSet::new(), 0);
            for (index, step) in steps.into_iter().enumerate() {
                // The range creeps forward, with reordering beyond the window and jumps.
                let number = 30 * index as u64 + step;
                highest = if index == 0 { number } else { highest.max(number) };
                let expected = if highest - number >= WINDOW_UNITS {
                    Seen::TooOld
                } else if model.insert(number) {
                    Seen::New
                } else {
                    Seen::Duplicate
                };
                prop_assert_eq!(numbers.see(FrameNumber(number)), expected);
            }
        }
    }
}
