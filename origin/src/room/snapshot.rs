//! A room for its next owner: everything but whose edges are linked.

use std::collections::BTreeMap;
use std::time::Instant;

use stoa_audio::frame::Epoch;
use stoa_protocol::ids::ParticipantId;

use super::calendar::Start;
use super::exclusions::Exclusions;
use super::hands::Hands;
use super::limits::AWAY_GRACE;
use super::log::Log;
use super::membership::{Capacity, Founding, Room};
use super::participant::{Participant, Whereabouts};
use super::settings::Settings;

/// A room as it was at a moment.
#[derive(Clone, Debug)]
pub struct Snapshot {
    founding: Founding,
    settings: Settings,
    participants: BTreeMap<ParticipantId, Participant>,
    stage: Vec<ParticipantId>,
    hands: Hands,
    exclusions: Exclusions,
    log: Log,
}

impl Snapshot {
    /// The epoch of the owner that it was taken from.
    #[must_use]
    pub fn epoch(&self) -> Epoch {
        self.founding.epoch
    }
}

impl Room {
    /// The room as it is.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        Snapshot {
            founding: self.founding.clone(),
            settings: self.settings.clone(),
            participants: self.participants.clone(),
            stage: self.stage.clone(),
            hands: self.hands.clone(),
            exclusions: self.exclusions.clone(),
            log: self.log.clone(),
        }
    }

    /// The room under another owner, whose epoch must be newer. Everybody counts as away until his edge says that he
    /// is there.
    #[must_use]
    pub fn restore(
        snapshot: Snapshot,
        epoch: Epoch,
        capacity: Capacity,
        start: Start,
        now: Instant,
    ) -> Self {
        let founding = Founding { epoch, start, ..snapshot.founding };
        let mut room = Self::vacant(founding, snapshot.settings, capacity, now);
        let until = now + AWAY_GRACE;
        room.participants = snapshot.participants;
        for participant in room.participants.values_mut() {
            participant.whereabouts = Whereabouts::Away { until };
            room.away.insert((until, participant.id.clone()));
        }
        if !room.participants.is_empty() {
            room.empty_since = None;
        }
        (room.stage, room.hands) = (snapshot.stage, snapshot.hands);
        (room.exclusions, room.log) = (snapshot.exclusions, snapshot.log);
        room.announcer.note_change();
        room
    }
}
