//! Tracks that we send: their aliases, and the previous frames that ride along with each.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::{Duration, Instant};

use stoa_audio::frame::{Epoch, Frame, FrameNumber, PAYLOAD_BYTES_MAX, TrackId};

use super::vocabulary::PeerError;
use super::wire::Wire;
use crate::mesh::VARINT_MAX;
use crate::mesh::datagram::Record;
use crate::mesh::trail::Departure;

/// Most tracks that a link carries in one direction. Both ends count to this number, as does whoever
/// takes speakers in or grants their claims.
pub const TRACKS_PER_LINK_MAX: usize = 8_192;
/// Most previous frames that may ride along with each frame.
pub const REDUNDANCY_MAX: u8 = 3;
/// A frame that first left longer ago than this is not worth repeating.
const RIDE_AGE_MAX: Duration = Duration::from_millis(120);
/// Nor is one from before a pause, this many units of 2.5 ms ago.
const RIDE_UNITS_MAX: u64 = 128;
/// Most frames of a track that are kept: those on their way and as many that came late, repaired.
const KEPT_MAX: usize = 2 * REDUNDANCY_MAX as usize;
/// Aliases count up to here and start again, so that one is not used again while frames sent under
/// it may still be on their way.
const ALIAS_END: u32 = 1 << 30;

/// A frame that was sent and may be repeated.
#[derive(Debug)]
struct Kept {
    record: Record,
    /// The datagram that carried it last. Frames that a hop before has delayed leave together, and one
    /// that rode along twice in one datagram would have wasted a ride.
    sequence: u64,
    /// When it left first.
    since: Instant,
    /// How often it has yet to ride along.
    rides: u8,
}

#[derive(Debug)]
struct Track {
    alias: u32,
    epoch: Epoch,
    kept: VecDeque<Kept>,
}

/// What a bind changes on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Bound {
    /// The new alias; `None` when the track was bound already.
    pub(super) alias: Option<u32>,
    /// The alias of an older epoch, which is free now.
    pub(super) freed: Option<u32>,
}

/// The tracks that we send.
#[derive(Debug, Default)]
pub(super) struct Outgoing {
    tracks: BTreeMap<TrackId, Track>,
    aliases: BTreeSet<u32>,
    next_alias: u32,
}

impl Outgoing {
    pub(super) fn len(&self) -> usize {
        self.tracks.len()
    }

    /// Gives a track an alias. Binding it again under a newer epoch changes the alias.
    pub(super) fn bind(&mut self, track: TrackId, epoch: Epoch) -> Result<Bound, PeerError> {
        let freed = match self.tracks.get(&track) {
            Some(bound) if bound.epoch == epoch => return Ok(Bound { alias: None, freed: None }),
            Some(bound) if bound.epoch > epoch => return Err(PeerError::OldEpoch),
            Some(bound) => Some(bound.alias),
            None if self.tracks.len() >= TRACKS_PER_LINK_MAX => {
                return Err(PeerError::TooManyTracks);
            }
            None => None,
        };
        let alias = self.allocate();
        if let Some(freed) = freed {
            self.aliases.remove(&freed);
        }
        self.tracks.insert(track, Track { alias, epoch, kept: VecDeque::new() });
        Ok(Bound { alias: Some(alias), freed })
    }

    /// Forgets a track; gives its alias.
    pub(super) fn unbind(&mut self, track: TrackId) -> Option<u32> {
        let alias = self.tracks.remove(&track)?.alias;
        self.aliases.remove(&alias);
        Some(alias)
    }

    /// Writes a frame, with the trail that it carries, and up to `redundancy` frames before it, oldest first, so that the
    /// receiver gets them in order. Room is made by sending what waits, then by leaving out the oldest.
    pub(super) fn send_frame(
        &mut self,
        (frame, trail): (&Frame, Option<Departure>),
        redundancy: u8,
        wire: &mut Wire,
        now: Instant,
    ) {
        let track = self.tracks.get_mut(&frame.track).filter(|track| track.epoch == frame.epoch);
        let Some(track) = track else {
            wire.counters.frames_refused += 1;
            return;
        };
        let length = frame.payload.len();
        if length == 0 || length > PAYLOAD_BYTES_MAX || frame.number.0 > VARINT_MAX {
            wire.counters.over_limit += 1;
            return;
        }
        wire.counters.trails_out += u64::from(trail.is_some());
        let record = Record { trail, ..track.record(frame) };
        track.forget(record.number, redundancy, now);
        if !track.fits(&record, 0, wire) {
            wire.flush(now);
        }
        let Some(skipped) =
            (0..=track.kept.len()).find(|skipped| track.fits(&record, *skipped, wire))
        else {
            wire.counters.over_limit += 1;
            return;
        };
        let open = wire.open_sequence();
        for kept in track.kept.iter_mut().filter(|kept| kept.sequence != open).skip(skipped) {
            wire.push_rider(&kept.record, now);
            wire.counters.redundant_out += 1;
            kept.rides -= 1;
            kept.sequence = open;
        }
        wire.push(&record, now);
        wire.counters.frames_out += 1;
        if redundancy > 0 {
            let record = Record { redundant: true, ..record };
            track.keep(Kept { record, sequence: open, since: now, rides: redundancy });
        }
    }

    /// Sends frames that have yet to ride along in a datagram of their own, when a beat is due and no
    /// frame came that they could ride with; gives whether there were any.
    pub(super) fn ride_alone(&mut self, wire: &mut Wire, now: Instant) -> bool {
        wire.flush(now);
        let open = wire.open_sequence();
        let mut any = false;
        for kept in self.tracks.values_mut().flat_map(|track| &mut track.kept) {
            let young = now.saturating_duration_since(kept.since) <= RIDE_AGE_MAX;
            if kept.rides > 0 && young && wire.fits(kept.record.encoded_len(), 1) {
                wire.push_rider(&kept.record, now);
                wire.counters.redundant_out += 1;
                kept.rides -= 1;
                kept.sequence = open;
                any = true;
            }
        }
        wire.flush(now);
        any
    }

    fn allocate(&mut self) -> u32 {
        // Ends after at most as many steps as there are tracks.
        while self.aliases.contains(&self.next_alias) {
            self.next_alias = (self.next_alias + 1) % ALIAS_END;
        }
        let alias = self.next_alias;
        self.aliases.insert(alias);
        self.next_alias = (alias + 1) % ALIAS_END;
        alias
    }
}

impl Track {
    fn record(&self, frame: &Frame) -> Record {
        Record {
            alias: self.alias,
            number: frame.number,
            duration: frame.duration,
            level: frame.level,
            voice: frame.voice,
            redundant: false,
            trail: None,
            payload: frame.payload.clone(),
        }
    }

    /// Drops what is not worth repeating beside the frame of `number`. A frame that was repaired on its
    /// way here may be older than those that are kept, which then stay.
    fn forget(&mut self, number: FrameNumber, redundancy: u8, now: Instant) {
        if redundancy == 0 {
            self.kept.clear();
        }
        self.kept.retain_mut(|kept| {
            kept.rides = kept.rides.min(redundancy);
            kept.rides > 0
                && kept.record.number != number
                && now.saturating_duration_since(kept.since) <= RIDE_AGE_MAX
                && number.0.saturating_sub(kept.record.number.0) <= RIDE_UNITS_MAX
        });
    }

    /// Keeps a frame that is to ride along, in the order of numbers.
    fn keep(&mut self, frame: Kept) {
        let at = self.kept.partition_point(|kept| kept.record.number <= frame.record.number);
        self.kept.insert(at, frame);
        if self.kept.len() > KEPT_MAX {
            self.kept.pop_front();
        }
    }

    /// The kept frames without the `skipped` oldest and those already in the open datagram.
    fn riders(&self, skipped: usize, open: u64) -> impl Iterator<Item = &Kept> {
        self.kept.iter().filter(move |kept| kept.sequence != open).skip(skipped)
    }

    fn fits(&self, record: &Record, skipped: usize, wire: &Wire) -> bool {
        let riders =
            self.riders(skipped, wire.open_sequence()).map(|kept| kept.record.encoded_len());
        let (bytes, records) = riders.fold((record.encoded_len(), 1), |(bytes, records), rider| {
            (bytes + rider, records + 1)
        });
        wire.fits(bytes, records)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alias_is_not_used_again_until_all_others_were() {
        let mut outgoing = Outgoing::default();
        for id in 0..70_000 {
            let bound = outgoing.bind(TrackId(id), Epoch(0)).unwrap();
            assert_eq!(bound.alias, Some(u32::try_from(id).unwrap()));
            outgoing.unbind(TrackId(id));
        }
        outgoing.next_alias = ALIAS_END - 1;
        let alias = |outgoing: &mut Outgoing, id| {
            outgoing.bind(TrackId(id), Epoch(0)).unwrap().alias.unwrap()
        };
        assert_eq!(alias(&mut outgoing, 1), ALIAS_END - 1);
        assert_eq!(alias(&mut outgoing, 2), 0);
        outgoing.next_alias = ALIAS_END - 1;
        assert_eq!(alias(&mut outgoing, 3), 1);
    }

    #[test]
    fn a_link_takes_no_more_tracks_than_its_maximum() {
        let mut outgoing = Outgoing::default();
        for id in 0..TRACKS_PER_LINK_MAX as u64 {
            outgoing.bind(TrackId(id), Epoch(0)).unwrap();
        }
        assert_eq!(outgoing.bind(TrackId(u64::MAX), Epoch(0)), Err(PeerError::TooManyTracks));
        assert_eq!(outgoing.bind(TrackId(0), Epoch(0)), Ok(Bound { alias: None, freed: None }));
    }

    #[test]
    fn a_newer_epoch_takes_a_new_alias_and_an_older_one_is_refused() {
        let mut outgoing = Outgoing::default();
        outgoing.bind(TrackId(1), Epoch(5)).unwrap();
        assert_eq!(
            outgoing.bind(TrackId(1), Epoch(6)),
            Ok(Bound { alias: Some(1), freed: Some(0) })
        );
        assert_eq!(outgoing.bind(TrackId(1), Epoch(5)), Err(PeerError::OldEpoch));
    }
}
