//! Which frames of a room's tracks have come: along the tree, for the audience and whoever hangs from here, and for the
//! stage, which also hears what comes over its lane.

use std::collections::BTreeMap;
use std::time::Instant;

use stoa_audio::frame::{Frame, TrackId};
use stoa_protocol::ids::ParticipantId;

use super::window::{Verdict, Window};

/// Tracks of a room whose frames are remembered; beyond it the longest silent one is forgotten.
pub(super) const TRACKS_MAX: usize = 256;

/// By which way a frame has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Heard {
    /// Along the tree, as the owner has selected.
    Tree,
    /// By the stage, whichever way was faster.
    Stage,
}

/// A track whose frames came over the mesh.
#[derive(Debug)]
struct Track {
    tree: Window,
    stage: Window,
    at: Instant,
    participant: Option<ParticipantId>,
}

/// The tracks of a room.
#[derive(Debug, Default)]
pub(super) struct Tracks(BTreeMap<TrackId, Track>);

impl Tracks {
    /// Takes note of a frame. Says too whether another track was forgotten to make room.
    pub(super) fn note(
        &mut self,
        heard: Heard,
        frame: &Frame,
        participant: Option<&ParticipantId>,
        now: Instant,
    ) -> (Verdict, bool) {
        let crowded = self.0.len() >= TRACKS_MAX && !self.0.contains_key(&frame.track);
        if crowded {
            let silent = self.0.iter().min_by_key(|(_, known)| known.at);
            if let Some(track) = silent.map(|(track, _)| *track) {
                self.0.remove(&track);
            }
        }
        let known = self.0.entry(frame.track).or_insert_with(|| Track {
            tree: Window::new(frame.epoch),
            stage: Window::new(frame.epoch),
            at: now,
            participant: None,
        });
        known.at = now;
        if known.participant.is_none() {
            known.participant = participant.cloned();
        }
        let window = match heard {
            Heard::Tree => &mut known.tree,
            Heard::Stage => &mut known.stage,
        };
        (window.check(frame.epoch, frame.number), crowded)
    }

    /// Whose microphone a track is, as whoever sends it has said.
    pub(super) fn participant_of(&self, track: TrackId) -> Option<ParticipantId> {
        self.0.get(&track)?.participant.clone()
    }
}
