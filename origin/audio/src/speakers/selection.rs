//! Who has a place, who gets one, who loses one.
//!
//! An empty place goes to the first voiced frame, so no first word is cut. A taken one changes hands
//! only after its minimum hold: at once when its holder is silent, else when somebody is louder by a
//! margin over a window.

use std::cmp::Reverse;
use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

use super::loudness::{Loudness, WINDOW};
use crate::frame::{Frame, FrameNumber, TrackId};
use crate::level::{Claim, Judge};
use crate::opus;

/// How many speakers are heard at once unless the room says otherwise.
pub const PLACES_DEFAULT: usize = 3;

/// Most places a room can have.
pub const PLACES_MAX: usize = 8;

/// Most tracks that are watched; frames of others are refused and counted.
pub const TRACKS_MAX: usize = 1_024;

/// How much louder somebody must be to take a place or become dominant, in dB.
pub const MARGIN_DB: u32 = 6;

/// How much of the last 600 ms must be voiced before somebody is compared: longer than a cough.
pub const VOICED_MIN: Duration = Duration::from_millis(400);

/// No place is lost sooner than this after it was taken.
pub const HOLD_MIN: Duration = Duration::from_secs(1);

/// After this long without voice a holder gives way to anybody who speaks.
pub const SILENCE: Duration = WINDOW;

/// After this long without voice the dominant speaker gives way to another who speaks. It is longer
/// than a pause within a sentence usually is.
pub const DOMINANT_SILENCE: Duration = Duration::from_millis(250);

/// A track without a place and without frames for this long is forgotten.
pub const FORGET_AFTER: Duration = Duration::from_secs(60);

/// Most events that wait; a frame causes three at most, so only an owner that never asks loses any.
const EVENTS_MAX: usize = 256;

/// What the owner of a room must tell others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// The track has a place.
    Selected {
        /// Which track.
        track: TrackId,
        /// The first of its frames that is forwarded.
        from: FrameNumber,
    },
    /// The track has lost its place; none of its frames is forwarded from now on.
    Deselected {
        /// Which track.
        track: TrackId,
    },
    /// Listeners with one audio line hear this track from now on. It has a place.
    Dominant {
        /// Which track.
        track: TrackId,
    },
}

#[derive(Debug)]
struct Track {
    judge: Judge,
    loudness: Loudness,
    last_frame: Instant,
    last_voice: Option<Instant>,
    selected_at: Option<Instant>,
    muted: bool,
}

impl Track {
    fn new(now: Instant) -> Self {
        Self {
            judge: Judge::default(),
            loudness: Loudness::new(now),
            last_frame: now,
            last_voice: None,
            selected_at: None,
            muted: false,
        }
    }

    fn is_silent_for(&self, span: Duration, now: Instant) -> bool {
        self.last_voice.is_none_or(|at| now.saturating_duration_since(at) >= span)
    }

    /// Whether it spoke for long enough, and louder than a mean by the margin.
    fn outspeaks(&self, mean: u32, now: Instant) -> bool {
        self.loudness.voiced(now) >= VOICED_MIN && self.loudness.mean(now) >= mean + MARGIN_DB
    }
}

/// The loudest N of a room.
#[derive(Debug)]
pub struct Speakers {
    places: usize,
    tracks: BTreeMap<TrackId, Track>,
    /// Tracks with a place, in the order in which they took it.
    selected: Vec<TrackId>,
    dominant: Option<TrackId>,
    events: VecDeque<Event>,
    next_sweep: Option<Instant>,
    refused_frames: u64,
    lost_events: u64,
}

impl Default for Speakers {
    fn default() -> Self {
        Self::new(PLACES_DEFAULT)
    }
}

impl Speakers {
    /// With a number of places, held to 1 to [`PLACES_MAX`].
    #[must_use]
    pub fn new(places: usize) -> Self {
        Self {
            places: places.clamp(1, PLACES_MAX),
            tracks: BTreeMap::new(),
            selected: Vec::with_capacity(PLACES_MAX),
            dominant: None,
            events: VecDeque::new(),
            next_sweep: None,
            refused_frames: 0,
            lost_events: 0,
        }
    }

    /// Takes note of a frame; true when it is forwarded. Its claimed level is checked against its size.
    pub fn handle_frame(&mut self, frame: &Frame, now: Instant) -> bool {
        if self.tracks.len() >= TRACKS_MAX && !self.tracks.contains_key(&frame.track) {
            self.refused_frames += 1;
            return false;
        }
        self.next_sweep.get_or_insert(now + FORGET_AFTER);
        let track = self.tracks.entry(frame.track).or_insert_with(|| Track::new(now));
        track.last_frame = now;
        if track.muted {
            return false;
        }
        let claim = Claim { level: frame.level, voice: frame.voice };
        let size = opus::unpadded_bytes(&frame.payload);
        let believed = track.judge.weigh(claim, size, frame.duration);
        if !believed.voice {
            return track.selected_at.is_some();
        }
        track.loudness.add(believed.level, frame.duration, now);
        track.last_voice = Some(now);
        if track.selected_at.is_none() && !self.find_place(frame.track, frame.number, now) {
            return false;
        }
        self.reconsider_dominant(frame.track, now);
        true
    }

    /// Forgets a track that has ended; its place is free.
    pub fn handle_track_removed(&mut self, track: TrackId, now: Instant) {
        self.deselect(track, now);
        self.tracks.remove(&track);
    }

    /// A muted track loses its place at once and gets none until it is unmuted.
    pub fn handle_muted(&mut self, track: TrackId, muted: bool, now: Instant) {
        if muted {
            self.deselect(track, now);
        }
        if self.tracks.len() >= TRACKS_MAX && !self.tracks.contains_key(&track) {
            return;
        }
        self.next_sweep.get_or_insert(now + FORGET_AFTER);
        let entry = self.tracks.entry(track).or_insert_with(|| Track::new(now));
        entry.muted = muted;
        if muted {
            entry.loudness = Loudness::new(now);
            entry.last_voice = None;
        }
    }

    /// Forgets tracks that neither have a place nor sent a frame for [`FORGET_AFTER`]. Muted ones
    /// stay until they are removed: a forgotten mute would be no mute.
    pub fn handle_timeout(&mut self, now: Instant) {
        if self.next_sweep.is_none_or(|at| now < at) {
            return;
        }
        self.tracks.retain(|_, track| {
            let recent = now.saturating_duration_since(track.last_frame) < FORGET_AFTER;
            recent || track.muted || track.selected_at.is_some()
        });
        self.next_sweep = (!self.tracks.is_empty()).then(|| now + FORGET_AFTER);
    }

    /// When [`Self::handle_timeout`] has something to do.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.next_sweep
    }

    /// What happened since the last call. Ask after every `handle_` until `None`.
    pub fn next_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// The tracks with a place, loudest first; equally loud ones in order of arrival.
    #[must_use]
    pub fn selected(&self, now: Instant) -> Vec<TrackId> {
        let mut selected = self.selected.clone();
        selected.sort_by_key(|track| Reverse(self.mean(*track, now)));
        selected
    }

    /// Whether the track has a place.
    #[must_use]
    pub fn is_selected(&self, track: TrackId) -> bool {
        self.selected.contains(&track)
    }

    /// Whom listeners with one audio line hear; stays while nobody else speaks.
    #[must_use]
    pub fn dominant(&self) -> Option<TrackId> {
        self.dominant
    }

    /// Frames refused because [`TRACKS_MAX`] tracks were watched already.
    #[must_use]
    pub fn refused_frames(&self) -> u64 {
        self.refused_frames
    }

    /// Events lost because nobody asked for them.
    #[must_use]
    pub fn lost_events(&self) -> u64 {
        self.lost_events
    }

    /// Gives `track` a place if one is empty or somebody has to give his up.
    fn find_place(&mut self, track: TrackId, from: FrameNumber, now: Instant) -> bool {
        if self.selected.len() >= self.places {
            let Some(weakest) = self.weakest(now) else { return false };
            if !self.gives_way(weakest, track, now) {
                return false;
            }
            self.release(weakest);
        }
        self.selected.push(track);
        if let Some(entry) = self.tracks.get_mut(&track) {
            entry.selected_at = Some(now);
        }
        self.tell(Event::Selected { track, from });
        true
    }

    /// Of the holders past their minimum hold, the one silent longest, else the quietest.
    fn weakest(&self, now: Instant) -> Option<TrackId> {
        let held = |id: &TrackId| Some((*id, self.tracks.get(id)?));
        let past_hold = |track: &Track| {
            track.selected_at.is_some_and(|at| now.saturating_duration_since(at) >= HOLD_MIN)
        };
        self.selected
            .iter()
            .filter_map(held)
            .filter(|(_, track)| past_hold(track))
            .min_by_key(|(id, track)| {
                let silent_since = track.last_voice.filter(|_| track.is_silent_for(SILENCE, now));
                // Silent ones first, the longest silent of them; then by loudness; ties by id.
                let rank = silent_since.map_or((1, None), |since| (0, Some(since)));
                (rank, track.loudness.mean(now), *id)
            })
            .map(|(id, _)| id)
    }

    fn gives_way(&self, holder: TrackId, to: TrackId, now: Instant) -> bool {
        let (Some(holder), Some(to)) = (self.tracks.get(&holder), self.tracks.get(&to)) else {
            return false;
        };
        holder.is_silent_for(SILENCE, now) || to.outspeaks(holder.loudness.mean(now), now)
    }

    /// `speaking` has a place and has just spoken: is it his turn to be the dominant one?
    fn reconsider_dominant(&mut self, speaking: TrackId, now: Instant) {
        if self.dominant == Some(speaking) {
            return;
        }
        let current = self.dominant.and_then(|track| self.tracks.get(&track));
        let takes_over = match (current, self.tracks.get(&speaking)) {
            (Some(current), Some(speaking)) => {
                current.is_silent_for(DOMINANT_SILENCE, now)
                    || speaking.outspeaks(current.loudness.mean(now), now)
            }
            _ => true,
        };
        if takes_over {
            self.dominant = Some(speaking);
            self.tell(Event::Dominant { track: speaking });
        }
    }

    /// Frees a place; if the dominant speaker had it, the loudest of the others follows him.
    fn deselect(&mut self, track: TrackId, now: Instant) {
        self.release(track);
        if self.dominant.is_none()
            && let Some(&next) = self.selected(now).first()
        {
            self.dominant = Some(next);
            self.tell(Event::Dominant { track: next });
        }
    }

    fn release(&mut self, track: TrackId) {
        let before = self.selected.len();
        self.selected.retain(|selected| *selected != track);
        if self.selected.len() == before {
            return;
        }
        if let Some(entry) = self.tracks.get_mut(&track) {
            entry.selected_at = None;
        }
        if self.dominant == Some(track) {
            self.dominant = None;
        }
        self.tell(Event::Deselected { track });
    }

    fn mean(&self, track: TrackId, now: Instant) -> u32 {
        self.tracks.get(&track).map_or(0, |track| track.loudness.mean(now))
    }

    fn tell(&mut self, event: Event) {
        if self.events.len() >= EVENTS_MAX {
            self.events.pop_front();
            self.lost_events += 1;
        }
        self.events.push_back(event);
    }
}

#[cfg(test)]
#[path = "selection_tests.rs"]
mod tests;
