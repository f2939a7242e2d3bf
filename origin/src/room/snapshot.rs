//! A room for its next owner: everything but whose edges are linked.

use std::collections::BTreeMap;
use std::time::Instant;

use stoa_audio::frame::Epoch;
use stoa_protocol::ids::ParticipantId;
use stoa_protocol::mesh::control::LogEntry;

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

/// What a store has kept of a room.
#[derive(Clone, Debug)]
pub struct Remains {
    /// What is set.
    pub settings: Settings,
    /// Bans and appointments.
    pub exclusions: Exclusions,
    /// The number of the newest entry of the log.
    pub log_end: u64,
    /// The newest entries, in order.
    pub log: Vec<LogEntry>,
    /// Who was there; all of them away when they come out of a store.
    pub people: BTreeMap<ParticipantId, Participant>,
}

impl Room {
    /// A room out of a store, under an owner whose epoch must be newer.
    #[must_use]
    pub fn from_remains(
        founding: Founding,
        remains: Remains,
        capacity: Capacity,
        now: Instant,
    ) -> Self {
        let mut room = Self::vacant(founding, remains.settings, capacity, now);
        room.exclusions = remains.exclusions;
        room.log = Log::from_store(remains.log, remains.log_end);
        for (id, participant) in remains.people {
            if participant.role.may_speak() {
                room.stage.push(id.clone());
            }
            if let Some(turn) = participant.turn {
                room.hands.put_back(turn, &id);
            }
            if let Whereabouts::Away { until } = participant.whereabouts {
                room.away.insert((until, id.clone()));
            }
            room.participants.insert(id, participant);
            room.empty_since = None;
        }
        room.announcer.note_change();
        room
    }

    /// What a store should have of the room.
    #[must_use]
    pub fn remains(&self) -> Remains {
        let (log, log_end) = self.log.contents();
        Remains {
            settings: self.settings.clone(),
            exclusions: self.exclusions.clone(),
            log_end,
            log,
            people: self.participants.clone(),
        }
    }

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
