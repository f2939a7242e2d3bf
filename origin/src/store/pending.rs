//! What waits of one room's hot state: the newest change of each participant and of each hand.

use std::collections::BTreeMap;

use stoa_protocol::ids::{ParticipantId, RoomId};

use crate::store::error::StoreError;
use crate::store::hot::{HotChange, Present};
use crate::store::journal::Ticket;
use crate::store::operation::{Operation, RoomChange};

/// What an entry costs beside its texts, roughly.
const ENTRY_BYTES: usize = 128;

#[derive(Debug, Default)]
pub(super) struct Pending {
    epoch: u64,
    /// [`HotChange::Here`] or [`HotChange::Gone`].
    people: BTreeMap<ParticipantId, HotChange>,
    /// [`HotChange::Raise`] or [`HotChange::Lower`].
    hands: BTreeMap<ParticipantId, HotChange>,
    /// Settled when everything that waits here is stored.
    pub(super) tickets: Vec<Ticket>,
    bytes: usize,
    /// Whether even no change is to be written, for the sake of its epoch.
    is_due: bool,
}

impl Pending {
    /// Writes and bytes.
    pub(super) fn weight(&self) -> (usize, usize) {
        (self.people.len() + self.hands.len() + usize::from(self.is_due), self.bytes)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.weight().0 == 0
    }

    /// Refuses what is older than what waits.
    pub(super) fn raise_epoch(&mut self, epoch: u64) -> Result<(), StoreError> {
        if epoch < self.epoch {
            return Err(StoreError::Fenced { stored: self.epoch });
        }
        self.epoch = epoch;
        self.is_due = true;
        Ok(())
    }

    pub(super) fn merge(&mut self, changes: impl IntoIterator<Item = HotChange>) {
        for change in changes {
            let id = change.participant().clone();
            match &change {
                HotChange::Here(_) => self.keep_person(id, change),
                // A hand falls with its owner, also when he is back before this is written.
                HotChange::Gone(_) => {
                    self.keep_hand(id.clone(), HotChange::Lower(id.clone()));
                    self.keep_person(id, change);
                }
                // Who is gone raises no hand.
                HotChange::Raise { .. } => {
                    if !matches!(self.people.get(&id), Some(HotChange::Gone(_))) {
                        self.keep_hand(id, change);
                    }
                }
                HotChange::Lower(_) => self.keep_hand(id, change),
            }
        }
    }

    /// Lays what is newer over this.
    pub(super) fn absorb(&mut self, newer: Self) {
        self.epoch = self.epoch.max(newer.epoch);
        self.is_due |= newer.is_due;
        self.merge(newer.people.into_values());
        self.merge(newer.hands.into_values());
        self.tickets.extend(newer.tickets);
    }

    /// Takes the first changes out, people before hands; the tickets go with the last of them.
    pub(super) fn take(&mut self, most: usize) -> Self {
        let mut part = Self { epoch: self.epoch, is_due: true, ..Self::default() };
        self.is_due = false;
        for _ in 0..most {
            if let Some((id, change)) = self.people.pop_first() {
                self.bytes -= change_bytes(&change);
                part.keep_person(id, change);
            } else if let Some((id, change)) = self.hands.pop_first() {
                self.bytes -= change_bytes(&change);
                part.keep_hand(id, change);
            } else {
                break;
            }
        }
        if self.is_empty() {
            part.tickets = std::mem::take(&mut self.tickets);
        }
        part
    }

    /// As the store takes it.
    pub(super) fn note(&self, room: &RoomId) -> Operation {
        let changes = self.people.values().chain(self.hands.values()).cloned().collect();
        Operation::Note { room: room.clone(), epoch: self.epoch, changes }
    }

    fn keep_person(&mut self, id: ParticipantId, change: HotChange) {
        self.bytes += change_bytes(&change);
        let before = self.people.insert(id, change);
        self.bytes -= before.as_ref().map_or(0, change_bytes);
    }

    fn keep_hand(&mut self, id: ParticipantId, change: HotChange) {
        self.bytes += change_bytes(&change);
        let before = self.hands.insert(id, change);
        self.bytes -= before.as_ref().map_or(0, change_bytes);
    }
}

fn change_bytes(change: &HotChange) -> usize {
    let texts = match change {
        HotChange::Here(Present { identity, name, muted_by, .. }) => {
            identity.len() + name.len() + muted_by.as_ref().map_or(0, String::len)
        }
        _ => 0,
    };
    ENTRY_BYTES + texts
}

/// How many writes an operation stands for, and how many bytes it takes, roughly.
pub(super) fn weight(operation: &Operation) -> (usize, usize) {
    match operation {
        Operation::Note { changes, .. } => {
            // A departure also lowers a hand.
            (1 + 2 * changes.len(), changes.iter().map(|change| 2 * change_bytes(change)).sum())
        }
        Operation::Create(record) => (1, ENTRY_BYTES + settings_bytes(&record.settings)),
        Operation::Change { change, .. } => (1, ENTRY_BYTES + room_change_bytes(change)),
        Operation::Revoke(kept) => (1, ENTRY_BYTES + kept.id.len() + kept.body.len()),
        Operation::Block(kept) => (1, ENTRY_BYTES + key_bytes(&kept.key)),
        Operation::Unblock(key) => (1, ENTRY_BYTES + key_bytes(key)),
        _ => (1, ENTRY_BYTES),
    }
}

fn key_bytes(key: &crate::store::record::BlockKey) -> usize {
    key.tenant.len() + key.identity.len() + key.other.len()
}

fn settings_bytes(settings: &crate::store::record::Settings) -> usize {
    [&settings.name, &settings.topic, &settings.description, &settings.language, &settings.policy]
        .iter()
        .map(|text| text.len())
        .sum()
}

fn room_change_bytes(change: &RoomChange) -> usize {
    match change {
        RoomChange::Settings(settings) => settings_bytes(settings),
        RoomChange::Close { .. } => 0,
        RoomChange::Appoint { identity, .. } | RoomChange::Unban { identity } => identity.len(),
        RoomChange::Ban(ban) => ban.identity.len() + ban.by.len() + ban.reason.len(),
        RoomChange::Append(entries) | RoomChange::Amend(entries) => entries
            .iter()
            .map(|entry| {
                let texts = [&entry.actor, &entry.what, &entry.subject, &entry.detail];
                ENTRY_BYTES + texts.iter().map(|text| text.len()).sum::<usize>()
            })
            .sum(),
    }
}
