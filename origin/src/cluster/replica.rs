//! A room as its standby holds it: what its owner writes, kept in memory instead of a store.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use serde::{Deserialize, Serialize};
use stoa_audio::frame::Epoch;
use stoa_protocol::ids::{NodeId, ParticipantId, Role};

use crate::room::LOG_ENTRIES_MAX;
use crate::store::{
    Appointment, Ban, Hand, HotChange, HotRoom, Kept, LogEntry, Operation, Present, RoomChange,
    RoomRecord,
};

/// Changes of a room's record that are kept to be written once more after a take-over: the owner may have died before
/// its store had them. Each is harmless twice.
const RECENT_MAX: usize = 512;

/// Changes of who is here in one line: even the longest names fit into a message.
const PEOPLE_PER_LINE: usize = 8;

/// One thing that a standby is told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Line {
    /// The room's record.
    Record(Box<RoomRecord>),
    /// A change of it.
    Change(RoomChange),
    /// Changes of who is here.
    People(Vec<HotChange>),
}

impl Line {
    /// What a standby must know of a write; nothing of reads, trims and ownership.
    #[must_use]
    pub fn of(operation: &Operation) -> Option<Self> {
        match operation {
            Operation::Create(record) => Some(Self::Record(record.clone())),
            Operation::Change { change, .. } => Some(Self::Change(change.clone())),
            Operation::Note { changes, .. } => Some(Self::People(changes.clone())),
            _ => None,
        }
    }

    /// A whole room, in lines that fit into messages.
    #[must_use]
    pub fn all_of(kept: Kept) -> Vec<Self> {
        let mut lines = vec![Self::Record(Box::new(kept.record))];
        let appoint =
            |one: Appointment| RoomChange::Appoint { identity: one.identity, role: Some(one.role) };
        lines.extend(kept.appointments.into_iter().map(appoint).map(Self::Change));
        lines.extend(kept.bans.into_iter().map(RoomChange::Ban).map(Self::Change));
        let log = kept.log.into_iter();
        lines.extend(log.map(|entry| Self::Change(RoomChange::Append(vec![entry]))));
        let here = kept.hot.present.into_iter().map(HotChange::Here);
        let raised = kept
            .hot
            .hands
            .into_iter()
            .map(|hand| HotChange::Raise { participant: hand.participant, place: hand.place });
        let people: Vec<HotChange> = here.chain(raised).collect();
        let people = people.chunks(PEOPLE_PER_LINE);
        lines.extend(people.map(|changes| Self::People(changes.to_vec())));
        lines
    }
}

/// A room of another origin.
#[derive(Clone, Debug)]
pub struct Replica {
    /// Its owner.
    pub owner: NodeId,
    /// The owner's epoch.
    pub epoch: Epoch,
    /// Edges with people in it.
    pub edges: BTreeSet<NodeId>,
    record: RoomRecord,
    appointments: BTreeMap<String, Role>,
    bans: BTreeMap<String, Ban>,
    log: VecDeque<LogEntry>,
    people: BTreeMap<ParticipantId, Present>,
    hands: BTreeMap<ParticipantId, u64>,
    recent: VecDeque<RoomChange>,
}

impl Replica {
    /// A room of which nothing but its record is known yet.
    #[must_use]
    pub fn new(owner: NodeId, epoch: Epoch, record: RoomRecord) -> Self {
        Self {
            owner,
            epoch,
            record,
            edges: BTreeSet::new(),
            appointments: BTreeMap::new(),
            bans: BTreeMap::new(),
            log: VecDeque::new(),
            people: BTreeMap::new(),
            hands: BTreeMap::new(),
            recent: VecDeque::new(),
        }
    }

    /// Takes what the owner tells.
    pub fn apply(&mut self, line: Line) {
        match line {
            Line::Record(record) => self.record = *record,
            Line::Change(change) => {
                if self.recent.len() >= RECENT_MAX {
                    self.recent.pop_front();
                }
                self.recent.push_back(change.clone());
                self.change(change);
            }
            Line::People(changes) => changes.into_iter().for_each(|change| self.person(change)),
        }
    }

    /// The room as a store would give it.
    #[must_use]
    pub fn kept(&self) -> Kept {
        let appointments = self.appointments.iter();
        let hands = self.hands.iter();
        let hot = HotRoom {
            epoch: u64::from(self.epoch.0),
            present: self.people.values().cloned().collect(),
            hands: hands
                .map(|(participant, place)| Hand {
                    place: *place,
                    participant: participant.clone(),
                })
                .collect(),
        };
        Kept {
            record: self.record.clone(),
            appointments: appointments
                .map(|(identity, role)| Appointment { identity: identity.clone(), role: *role })
                .collect(),
            bans: self.bans.values().cloned().collect(),
            log: self.log.iter().cloned().collect(),
            hot: hot.sorted(),
        }
    }

    /// Changes of the record that its store may lack, in order.
    pub fn recent(&self) -> impl Iterator<Item = &RoomChange> {
        self.recent.iter()
    }

    /// The tenant's part of it is the room service's business; this is the record as it stands.
    #[must_use]
    pub fn record(&self) -> &RoomRecord {
        &self.record
    }

    fn change(&mut self, change: RoomChange) {
        match change {
            RoomChange::Settings(settings) => self.record.settings = settings,
            RoomChange::Close { at_ms } => {
                self.record.closed_ms.get_or_insert(at_ms);
            }
            RoomChange::Appoint { identity, role: Some(role) } => {
                self.appointments.insert(identity, role);
            }
            RoomChange::Appoint { identity, role: None } => {
                self.appointments.remove(&identity);
            }
            RoomChange::Ban(ban) => {
                self.bans.insert(ban.identity.clone(), ban);
            }
            RoomChange::Unban { identity } => {
                self.bans.remove(&identity);
            }
            RoomChange::Amend(entries) => {
                for entry in entries {
                    let place = self.log.iter_mut().find(|old| old.sequence == entry.sequence);
                    if let Some(old) = place {
                        *old = entry;
                    }
                }
            }
            RoomChange::Append(entries) => {
                for entry in entries {
                    if self.log.back().is_some_and(|last| last.sequence >= entry.sequence) {
                        continue;
                    }
                    self.record.log_end = self.record.log_end.max(entry.sequence);
                    if self.log.len() >= LOG_ENTRIES_MAX {
                        self.log.pop_front();
                    }
                    self.log.push_back(entry);
                }
            }
        }
    }

    fn person(&mut self, change: HotChange) {
        match change {
            HotChange::Here(present) => {
                self.people.insert(present.id.clone(), present);
            }
            HotChange::Gone(id) => {
                self.people.remove(&id);
                self.hands.remove(&id);
            }
            HotChange::Raise { participant, place } => {
                if self.people.contains_key(&participant) {
                    self.hands.insert(participant, place);
                }
            }
            HotChange::Lower(id) => {
                self.hands.remove(&id);
            }
        }
    }
}
