//! What one class of one room hears: who is loud enough, on which slot, and who is dominant.

use std::time::{Duration, Instant};

use stoa_audio::frame::{Frame, TrackId};
use stoa_audio::speakers::{self, Speakers};

use super::pace::Pace;
use super::slots::{Placed, Slots};
use crate::webrtc::SLOTS_MAX;

/// Least time between two announcements of slots in a room and class.
pub(super) const SLOTS_INTERVAL: Duration = Duration::from_millis(100);

/// Where a frame is heard in a lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Heard {
    pub(super) placed: Placed,
    pub(super) dominant: bool,
}

/// Why a frame is not heard in a lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unheard {
    /// Others are louder.
    Unselected,
    /// Every slot belongs to another active track.
    NoSlot,
}

/// What one class of a room hears.
#[derive(Debug)]
pub(super) struct Lane {
    pub(super) pace: Pace,
    slots: Slots,
    speakers: Speakers,
    /// Whether this lane chooses who is heard; otherwise the owner has chosen already.
    chooses: bool,
}

impl Lane {
    /// For the stage: local voices must not wait for the owner's choice, so the lane makes its own
    /// over everything that this edge hears of the room.
    pub(super) fn of_stage() -> Self {
        Self::new(true)
    }

    /// For the audience: what comes down the tree is the owner's choice.
    pub(super) fn of_audience() -> Self {
        Self::new(false)
    }

    fn new(chooses: bool) -> Self {
        Self {
            pace: Pace::default(),
            slots: Slots::default(),
            speakers: Speakers::new(SLOTS_MAX),
            chooses,
        }
    }

    /// Takes note of a frame and says where it is heard.
    pub(super) fn hear(&mut self, frame: &Frame, now: Instant) -> Result<Heard, Unheard> {
        self.speakers.handle_timeout(now);
        let selected = self.speakers.handle_frame(frame, now);
        let mut reselected = false;
        while let Some(event) = self.speakers.next_event() {
            reselected |= !matches!(event, speakers::Event::Dominant { .. });
        }
        if self.chooses {
            if reselected {
                self.slots.select(&self.speakers.selected(now));
            }
            if !selected {
                return Err(Unheard::Unselected);
            }
        }
        let placed = self.slots.place(frame.track, frame.duration, now).ok_or(Unheard::NoSlot)?;
        Ok(Heard { placed, dominant: self.speakers.dominant() == Some(frame.track) })
    }

    /// The owner's choice: others give way at once.
    pub(super) fn select(&mut self, tracks: &[TrackId]) {
        if !self.chooses {
            self.slots.select(tracks);
        }
    }

    /// The track has ended. Says whether it had a slot.
    pub(super) fn free(&mut self, track: TrackId, now: Instant) -> bool {
        self.speakers.handle_track_removed(track, now);
        while self.speakers.next_event().is_some() {}
        self.slots.free(track)
    }

    /// The tracks by slot.
    pub(super) fn tracks(&self) -> [Option<TrackId>; SLOTS_MAX] {
        self.slots.tracks()
    }
}
