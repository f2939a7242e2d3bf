//! Voices that move to another edge: what comes by the old one is heard until the new one brings the voice, so that
//! nobody hears a gap.

use std::time::{Duration, Instant};

use stoa_audio::frame::{Frame, TrackId};
use stoa_link::LinkId;

use super::core::Service;
use super::hall::RoomKey;

/// How long the old track is heard at most.
const HANDOVER_MAX: Duration = Duration::from_secs(10);

/// A track that is heard until another brings the same voice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Handover {
    pub(super) from: TrackId,
    pub(super) until: Instant,
}

impl Service {
    /// Somebody who had the track `from` has come through `link` with another one. A settlement must follow.
    pub(super) fn hand_over_voice(
        &mut self,
        key: RoomKey,
        from: TrackId,
        to: Option<TrackId>,
        link: LinkId,
        now: Instant,
    ) {
        // He may have moved twice.
        self.end_handover(key, from, now);
        let heard = self.publications.get(&from).is_some_and(|p| p.link != link && !p.muted);
        match (to, self.halls.get_mut(&key)) {
            (Some(to), Some(hall)) if heard => {
                self.counts.voices_handed_over += 1;
                hall.handovers.insert(to, Handover { from, until: now + HANDOVER_MAX });
            }
            _ => self.forget_track(key, from, now),
        }
    }

    /// A frame has come that may be heard: what was heard in place of its track until now has done its part.
    pub(super) fn note_arrival(&mut self, key: RoomKey, frame: &Frame, now: Instant) {
        // In a pause there is nothing to miss, and a voice that is not let in yet must not end the one that is.
        if frame.voice {
            self.end_handover(key, frame.track, now);
        }
    }

    /// Nothing is heard in place of this track any more. A settlement must follow.
    pub(super) fn end_handover(&mut self, key: RoomKey, to: TrackId, now: Instant) {
        let ended = self.halls.get_mut(&key).and_then(|hall| hall.handovers.remove(&to));
        if let Some(Handover { from, .. }) = ended {
            self.forget_track(key, from, now);
        }
    }

    /// Ends what has taken too long.
    pub(super) fn end_handovers_due(&mut self, key: RoomKey, now: Instant) {
        let Some(hall) = self.halls.get(&key) else { return };
        let due: Vec<TrackId> =
            hall.handovers.iter().filter(|(_, h)| h.until <= now).map(|(to, _)| *to).collect();
        for to in due {
            self.end_handover(key, to, now);
        }
    }

    /// A track is nobody's any more.
    pub(super) fn forget_track(&mut self, key: RoomKey, track: TrackId, now: Instant) {
        self.end_track(track, key, now);
        self.owners.remove(&track);
    }
}
