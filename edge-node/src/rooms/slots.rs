//! Which track is heard on which slot: stable while the track is active, so that a listener's
//! decoder and level meter stay with one voice.
//!
//! Frames may come before the owner's decision that explains them, so the first frame of a track
//! assigns its slot.

use std::time::{Duration, Instant};

use stoa_audio::frame::{FrameDuration, TrackId};

use crate::webrtc::SLOTS_MAX;

/// How long beyond two of its own frames a track may pause before another may take its slot.
///
/// Long enough for the jitter of a mesh hop, short enough that a new speaker loses at most three
/// frames when the owner's decision comes late.
pub(super) const QUIET_GRACE: Duration = Duration::from_millis(20);

#[derive(Clone, Copy, Debug)]
struct Held {
    track: TrackId,
    active_at: Instant,
    duration: FrameDuration,
    /// The owner's latest decision does not hold this track.
    deselected: bool,
}

impl Held {
    fn quiet(&self, now: Instant) -> bool {
        let patience = 2 * self.duration.to_std() + QUIET_GRACE;
        now.saturating_duration_since(self.active_at) >= patience
    }
}

/// Where a track is heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Placed {
    /// The slot, below `SLOTS_MAX`.
    pub(super) slot: u8,
    /// Whether the track came to this slot by this very frame.
    pub(super) changed: bool,
}

/// The slots of one room and class.
#[derive(Debug, Default)]
pub(super) struct Slots {
    held: [Option<Held>; SLOTS_MAX],
}

impl Slots {
    /// Takes note of a frame of `track`; `None` when every slot belongs to another active track.
    pub(super) fn place(
        &mut self,
        track: TrackId,
        duration: FrameDuration,
        now: Instant,
    ) -> Option<Placed> {
        for (slot, held) in (0u8..).zip(&mut self.held) {
            if let Some(held) = held.as_mut().filter(|held| held.track == track) {
                held.active_at = now;
                held.duration = duration;
                return Some(Placed { slot, changed: false });
            }
        }
        let (slot, place) = (0u8..)
            .zip(&mut self.held)
            .filter(|(_, held)| held.is_none_or(|held| held.deselected || held.quiet(now)))
            .min_by_key(|(slot, held)| {
                // Empty first, then deselected, then the least recently active.
                let rank = held.map(|held| (!held.deselected, held.active_at));
                (rank, *slot)
            })?;
        *place = Some(Held { track, active_at: now, duration, deselected: false });
        Some(Placed { slot, changed: true })
    }

    /// Takes note of the owner's decision: tracks outside `selected` give way to new ones at once.
    pub(super) fn select(&mut self, selected: &[TrackId]) {
        for held in self.held.iter_mut().flatten() {
            held.deselected = !selected.contains(&held.track);
        }
    }

    /// The track has ended. Says whether it had a slot.
    pub(super) fn free(&mut self, track: TrackId) -> bool {
        let mut freed = false;
        for held in &mut self.held {
            if held.is_some_and(|held| held.track == track) {
                *held = None;
                freed = true;
            }
        }
        freed
    }

    /// The tracks by slot.
    #[must_use]
    pub(super) fn tracks(&self) -> [Option<TrackId>; SLOTS_MAX] {
        self.held.map(|held| held.map(|held| held.track))
    }
}

#[cfg(test)]
#[path = "slots_tests.rs"]
mod tests;
