//! The loudest speakers of a room, as a numbered decision that edges can follow.

use std::collections::BTreeMap;
use std::time::Instant;

use stoa_audio::frame::{Frame, FrameNumber, TrackId};
use stoa_audio::speakers::{Event, Speakers};
use stoa_protocol::mesh::control::{SelectedTrack, Selection};

use crate::room::Room;

/// What became of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Heard {
    /// It goes to the listeners.
    pub forward: bool,
    /// It changed who is heard; the new decision must travel first.
    pub changed: bool,
}

/// The loudest speakers of a room.
#[derive(Debug, Default)]
pub struct Stage {
    speakers: Speakers,
    /// The first frame that is forwarded of each selected track.
    from: BTreeMap<TrackId, FrameNumber>,
    /// The decision in force, the dominant speaker first, then loudest first.
    decided: Vec<SelectedTrack>,
    /// Counts decisions in the room's epoch.
    decision: u64,
    changed: bool,
}

impl Stage {
    /// Takes note of a frame of somebody who may be heard.
    pub fn handle_frame(&mut self, frame: &Frame, now: Instant) -> Heard {
        let selected = self.speakers.handle_frame(frame, now);
        self.follow(now);
        // A frame that was overtaken by the one that won the place would contradict the decision.
        let forward =
            selected && self.from.get(&frame.track).is_some_and(|from| frame.number >= *from);
        Heard { forward, changed: self.changed }
    }

    /// A track is muted, paused or gone: it is not heard from now on.
    pub fn handle_track_end(&mut self, track: TrackId, now: Instant) {
        self.speakers.handle_track_removed(track, now);
        self.follow(now);
    }

    /// Forgets tracks that have been silent for long.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.speakers.handle_timeout(now);
        self.follow(now);
    }

    /// When to call [`Self::handle_timeout`] next.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.speakers.poll_timeout()
    }

    /// Whether there is a new decision since the last call.
    pub fn take_change(&mut self) -> bool {
        std::mem::take(&mut self.changed)
    }

    /// The tracks that are heard: the dominant speaker first, then loudest first.
    pub fn selected(&self) -> impl Iterator<Item = TrackId> {
        self.decided.iter().map(|selected| TrackId(selected.track))
    }

    /// The decision in force, as edges get it. Before the first decision its number is 0.
    #[must_use]
    pub fn selection(&self, room: &Room) -> Selection {
        Selection {
            room: room.id().as_str().to_owned(),
            epoch: room.epoch().0,
            decision: self.decision,
            selected: self.decided.clone(),
        }
    }

    /// Turns what the speakers tell into a decision.
    fn follow(&mut self, now: Instant) {
        let mut told = false;
        while let Some(event) = self.speakers.next_event() {
            told = true;
            match event {
                Event::Selected { track, from } => {
                    self.from.insert(track, from);
                }
                Event::Deselected { track } => {
                    self.from.remove(&track);
                }
                Event::Dominant { .. } => {}
            }
        }
        if !told {
            return;
        }
        let dominant = self.speakers.dominant();
        let others = self.speakers.selected(now).into_iter().filter(|t| Some(*t) != dominant);
        let ordered = dominant.into_iter().chain(others);
        self.decided = ordered
            .filter_map(|track| {
                let from = self.from.get(&track)?;
                Some(SelectedTrack { track: track.0, from_number: from.0 })
            })
            .collect();
        self.decision += 1;
        self.changed = true;
    }
}
