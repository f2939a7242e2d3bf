//! What the store is told of rooms, and how rooms come out of it again after this origin has died.

use std::collections::BTreeMap;
use std::time::Instant;

use serde::{Deserialize, Serialize};
use stoa_audio::frame::Epoch;
use stoa_protocol::ids::{NodeId, ParticipantId, RoomId};

use super::core::Service;
use super::hall::{Hall, RoomKey};
use crate::room::{
    self, AWAY_GRACE, Ban, Change, Exclusions, FEEDS_MAX, Founding, Happening, MutedBy,
    Participant, Room, Turn, Whereabouts,
};
use crate::store::{
    Appointment, HotChange, HotRoom, Kept, LogEntry, Operation, Ownership, Present, RoomChange,
    RoomRecord, Settings, Visibility,
};

/// Muted by himself, as the store has it; anybody else's mute is a moderator's.
const ONESELF: &str = "oneself";
const MODERATOR: &str = "moderator";

/// What of a room's settings the store need not understand.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct Policy {
    tenant: String,
    hands_closed: bool,
    muted_on_entry: bool,
    one_feed: bool,
}

impl Service {
    /// The next write that is owed to the store; call until `None` after every input.
    pub fn next_write(&mut self) -> Option<Operation> {
        self.writes.pop_front()
    }

    /// Writes anew who is in every room: the store of that has come back with an older copy, in which somebody may
    /// stand who has left since.
    pub fn write_people_anew(&mut self) {
        for key in self.halls.keys().copied().collect::<Vec<_>>() {
            self.write_people_of(key);
        }
    }

    /// A new room.
    pub(super) fn write_room(&mut self, room: &Room) {
        let id = room.id().clone();
        if let Some(epoch) = self.closed.remove(&id) {
            let epoch = u64::from(epoch.0);
            self.writes.push_back(Operation::Erase { room: id.clone(), epoch });
        }
        let ownership = self.ownership(room.epoch());
        let record = RoomRecord::new(id, settings_of(room), ownership, room.created_ms());
        self.writes.push_back(Operation::Create(Box::new(record)));
    }

    /// Writes down what has changed in a room.
    pub(super) fn write_changes(&mut self, key: RoomKey) {
        let Some(hall) = self.halls.get_mut(&key) else { return };
        let operations = write_down(&mut hall.room);
        // Also without anything to write: edges may have come or gone.
        if hall.standby.is_some() {
            self.replicate(key, &operations);
        }
        self.writes.extend(operations);
    }

    /// The room has ended: the same id may be used anew.
    pub(super) fn write_end(&mut self, room: &mut Room) {
        let last = write_down(room);
        self.writes.extend(last);
        let (id, epoch) = (room.id().clone(), room.epoch());
        self.writes.push_back(Operation::Dissolve { room: id.clone(), epoch: u64::from(epoch.0) });
        self.closed.insert(id, epoch);
    }

    /// Takes a room over from the store, in a new epoch. Whoever was there counts as away until his edge says that he
    /// is still there. A room that had ended is remembered by its epoch alone; another origin's is left to it.
    pub fn restore(&mut self, kept: &Kept, now: Instant) {
        let before = Epoch(u32::try_from(kept.record.ownership.epoch).unwrap_or(u32::MAX));
        let id = kept.record.room.clone();
        self.epoch_past = self.epoch_past.max(before);
        if kept.record.closed_ms.is_some() {
            self.closed.insert(id, before);
            return;
        }
        let owner = kept.record.ownership.owner.as_ref();
        if owner.is_some_and(|owner| *owner != self.node) {
            self.handle_record(&id, Some(&kept.record), now);
            return;
        }
        if self.rooms.contains_key(&id) || self.halls.len() >= self.limits.rooms {
            return;
        }
        if self.network.is_shared() && kept.record.ownership.standby.is_some() {
            // It may have taken the room already, and it holds what was acknowledged last.
            self.leave_to_standby(&kept.record, now);
            return;
        }
        let next = self.ownership(self.epoch(self.start.unix_ms_at(now)));
        let before = kept.record.ownership.clone();
        self.writes.push_back(Operation::Claim { room: id, before, next: next.clone() });
        let mut kept = kept.clone();
        kept.record.ownership = next;
        self.install(&kept, now);
    }

    /// Opens a room out of what is kept of it, in the epoch of its record.
    pub(super) fn install(&mut self, kept: &Kept, now: Instant) -> RoomKey {
        let ownership = kept.record.ownership.clone();
        let epoch = Epoch(u32::try_from(ownership.epoch).unwrap_or(u32::MAX));
        let room = self.room_of(kept, epoch, now);
        self.network.directory.forget(room.id(), epoch);
        let key = self.open_hall(room, ownership);
        if let Some(hall) = self.halls.get_mut(&key) {
            hall.moves.settle(now);
        }
        self.settle(key, now);
        self.tell_ownership(key);
        self.assign_standby(key, now);
        key
    }

    /// A room of this origin from now on.
    pub(super) fn open_hall(&mut self, room: Room, ownership: Ownership) -> RoomKey {
        let key = RoomKey(self.next_key);
        self.next_key += 1;
        self.rooms.insert(room.id().clone(), key);
        self.halls.insert(key, Hall::new(room, ownership));
        key
    }

    /// Everything that a store should have of a room.
    pub(super) fn kept_of(&self, hall: &Hall) -> Kept {
        let room = &hall.room;
        let remains = room.remains();
        let (id, settings) = (room.id().clone(), settings_of(room));
        let record = RoomRecord::new(id, settings, hall.ownership.clone(), room.created_ms());
        let appoint =
            |(identity, role): (&str, _)| Appointment { identity: identity.to_owned(), role };
        let ban = |(identity, ban): (&str, &Ban)| ban_to_store(identity, ban.clone());
        let hands = remains.people.values().filter_map(|participant| {
            let (place, participant) = (participant.turn?.number, participant.id.clone());
            Some(crate::store::Hand { place, participant })
        });
        let hot = HotRoom {
            epoch: u64::from(room.epoch().0),
            present: remains.people.values().map(present).collect(),
            hands: hands.collect(),
        };
        Kept {
            record: RoomRecord { log_end: remains.log_end, ..record },
            appointments: remains.exclusions.appointments().map(appoint).collect(),
            bans: remains.exclusions.bans().map(ban).collect(),
            log: remains.log.into_iter().map(entry_to_store).collect(),
            hot: hot.sorted(),
        }
    }

    fn room_of(&self, kept: &Kept, epoch: Epoch, now: Instant) -> Room {
        let policy = policy_of(&kept.record.settings.policy);
        let founding = Founding {
            id: kept.record.room.clone(),
            tenant: policy.tenant.clone(),
            created_ms: kept.record.created_ms,
            epoch,
            start: self.start,
        };
        let exclusions = exclusions_of(&kept.appointments, &kept.bans);
        let log = kept.log.iter().map(entry_from_store).collect();
        let settings = settings_from_store(&kept.record.settings, &policy);
        let people = people_of(kept, &self.node, now + AWAY_GRACE);
        let remains =
            room::Remains { settings, exclusions, log_end: kept.record.log_end, log, people };
        Room::from_remains(founding, remains, self.limits.capacity, now)
    }

    pub(super) fn ownership(&self, epoch: Epoch) -> Ownership {
        Ownership { owner: Some(self.node.clone()), standby: None, epoch: u64::from(epoch.0) }
    }
}

fn write_down(room: &mut Room) -> Vec<Operation> {
    let mut operations = Vec::new();
    while let Some(change) = room.next_change() {
        operations.push(operation_of(room, change));
    }
    operations
}

pub(super) fn operation_of(room: &Room, change: Change) -> Operation {
    let durable = |change| Operation::Change {
        room: room.id().clone(),
        epoch: u64::from(room.epoch().0),
        change,
    };
    let hot = |change| Operation::Note {
        room: room.id().clone(),
        epoch: u64::from(room.epoch().0),
        changes: vec![change],
    };
    match change {
        Change::Settings => durable(RoomChange::Settings(settings_of(room))),
        Change::Closed { at_ms } => durable(RoomChange::Close { at_ms }),
        Change::Appointed { identity, role } => durable(RoomChange::Appoint { identity, role }),
        Change::Banned { identity, ban } => durable(RoomChange::Ban(ban_to_store(&identity, ban))),
        Change::Unbanned { identity } => durable(RoomChange::Unban { identity }),
        Change::Logged(entry) => durable(RoomChange::Append(vec![entry_to_store(entry)])),
        Change::Amended(entries) => {
            durable(RoomChange::Amend(entries.into_iter().map(entry_to_store).collect()))
        }
        Change::Here(participant) => hot(HotChange::Here(present(&participant))),
        Change::Gone(id) => hot(HotChange::Gone(id)),
        Change::Raised { participant, turn } => {
            hot(HotChange::Raise { participant, place: turn.number })
        }
        Change::Lowered(id) => hot(HotChange::Lower(id)),
    }
}

fn ban_to_store(identity: &str, ban: Ban) -> crate::store::Ban {
    let Ban { by, at_ms, until_ms, reason } = ban;
    crate::store::Ban { identity: identity.to_owned(), by, at_ms, reason, until_ms }
}

fn present(participant: &Participant) -> Present {
    let muted_by = participant.muted.map(|by| match by {
        MutedBy::Oneself => ONESELF.to_owned(),
        MutedBy::Moderator => MODERATOR.to_owned(),
    });
    Present {
        id: participant.id.clone(),
        identity: participant.identity.clone(),
        name: participant.name.clone(),
        role: participant.role,
        muted_by,
        invited: participant.invited,
    }
}

fn settings_of(room: &Room) -> Settings {
    let settings = room.settings();
    let policy = Policy {
        tenant: room.tenant().to_owned(),
        hands_closed: !settings.hands,
        muted_on_entry: settings.muted_on_entry,
        one_feed: settings.feeds < FEEDS_MAX,
    };
    Settings {
        name: settings.name.clone(),
        topic: settings.topic.clone(),
        description: settings.description.clone(),
        visibility: match settings.visibility {
            room::Visibility::Open => Visibility::Open,
            room::Visibility::Unlisted => Visibility::Unlisted,
            room::Visibility::Private => Visibility::Private,
        },
        language: settings.language.clone(),
        scheduled_ms: Some(settings.scheduled_ms).filter(|ms| *ms > 0),
        participants_max: settings.participants_max,
        stage_max: settings.stage_max,
        // Nothing in it can fail to become text.
        policy: serde_json::to_string(&policy).unwrap_or_default(),
    }
}

fn settings_from_store(kept: &Settings, policy: &Policy) -> room::Settings {
    room::Settings {
        name: kept.name.clone(),
        topic: kept.topic.clone(),
        description: kept.description.clone(),
        visibility: match kept.visibility {
            Visibility::Open => room::Visibility::Open,
            Visibility::Unlisted => room::Visibility::Unlisted,
            Visibility::Private => room::Visibility::Private,
        },
        language: kept.language.clone(),
        scheduled_ms: kept.scheduled_ms.unwrap_or(0),
        participants_max: kept.participants_max,
        stage_max: kept.stage_max,
        hands: !policy.hands_closed,
        muted_on_entry: policy.muted_on_entry,
        feeds: if policy.one_feed { 1 } else { FEEDS_MAX },
    }
}

/// A policy that cannot be read, of a newer version perhaps, is the default one.
fn policy_of(text: &str) -> Policy {
    serde_json::from_str(text).unwrap_or_default()
}

fn exclusions_of(appointments: &[Appointment], bans: &[crate::store::Ban]) -> Exclusions {
    let mut exclusions = Exclusions::default();
    for Appointment { identity, role } in appointments {
        // The store's limits are not above ours.
        let _ = exclusions.appoint(identity, *role);
    }
    for kept in bans {
        let (by, reason) = (kept.by.clone(), kept.reason.clone());
        let ban = Ban { by, at_ms: kept.at_ms, until_ms: kept.until_ms, reason };
        let _ = exclusions.ban(&kept.identity, ban);
    }
    exclusions
}

fn entry_to_store(entry: stoa_protocol::mesh::control::LogEntry) -> LogEntry {
    LogEntry {
        sequence: entry.number,
        at_ms: entry.at_ms,
        actor: entry.actor,
        what: entry.event,
        subject: entry.subject,
        detail: entry.detail,
    }
}

/// Whose room a record is; empty for the default tenant.
pub(crate) fn tenant_of(record: &RoomRecord) -> String {
    policy_of(&record.settings.policy).tenant
}

/// As it stands in answers.
pub(crate) fn entry_from_store(kept: &LogEntry) -> stoa_protocol::mesh::control::LogEntry {
    stoa_protocol::mesh::control::LogEntry {
        number: kept.sequence,
        at_ms: kept.at_ms,
        event: kept.what.clone(),
        actor: kept.actor.clone(),
        subject: kept.subject.clone(),
        detail: kept.detail.clone(),
    }
}

/// Whoever was there, away `until` then. Since when hands are up is what the log says: 0 where it goes no further back.
fn people_of(kept: &Kept, node: &NodeId, until: Instant) -> BTreeMap<ParticipantId, Participant> {
    let turns: BTreeMap<&ParticipantId, u64> =
        kept.hot.hands.iter().map(|hand| (&hand.participant, hand.place)).collect();
    let raised = kept.log.iter().filter(|entry| entry.what == Happening::HandRaised.name());
    // Of several entries the newest, which comes last.
    let raised: BTreeMap<&str, u64> =
        raised.map(|entry| (entry.subject.as_str(), entry.at_ms)).collect();
    let people = kept.hot.present.iter().map(|present| {
        let raised_ms = raised.get(present.identity.as_str()).copied().unwrap_or_default();
        let turn = turns.get(&present.id).map(|number| Turn { number: *number, raised_ms });
        let muted = present.muted_by.as_deref().map(|by| match by {
            ONESELF => MutedBy::Oneself,
            _ => MutedBy::Moderator,
        });
        let participant = Participant {
            id: present.id.clone(),
            identity: present.identity.clone(),
            name: present.name.clone(),
            role: present.role,
            // Until his edge tells what his token says.
            token_role: present.role,
            turn,
            invited: present.invited,
            muted,
            track: None,
            left: None,
            node: node.clone(),
            whereabouts: Whereabouts::Away { until },
        };
        (present.id.clone(), participant)
    });
    people.collect()
}

/// Rooms that have ended, with the epoch of their last owner; their ids may be used anew.
pub(super) type Closed = BTreeMap<RoomId, Epoch>;
