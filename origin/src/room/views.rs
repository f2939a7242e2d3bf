//! The room as others see it.

use std::ops::Bound;

use stoa_protocol::ids::ParticipantId;
use stoa_protocol::mesh::control::{BanPage, Hand, LogPage, ParticipantPage, RoomInfo, RoomState};

use super::limits::HANDS_SHOWN_MAX;
use super::membership::Room;
use super::participant::Participant;
use super::settings::Settings;

impl Room {
    /// What is set of the room.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// When it was made, in milliseconds since 1970.
    #[must_use]
    pub fn created_ms(&self) -> u64 {
        self.founding.created_ms
    }

    /// Whose room it is; empty for the default tenant.
    #[must_use]
    pub fn tenant(&self) -> &str {
        &self.founding.tenant
    }

    /// How many are here, those included whose edge is away.
    #[must_use]
    pub fn participants_len(&self) -> usize {
        self.participants.len()
    }

    /// What everybody may know of the room.
    #[must_use]
    pub fn info(&self) -> RoomInfo {
        RoomInfo {
            room: self.founding.id.as_str().to_owned(),
            name: self.settings.name.clone(),
            created_ms: self.founding.created_ms,
            speakers: count(self.stage.len()),
            listeners: count(self.participants.len() - self.stage.len()),
            settings: Some(self.settings.to_wire()),
            hands: count(self.hands.len()),
            tenant: self.founding.tenant.clone(),
            // Whoever spreads the room knows.
            feeds_effective: None,
        }
    }

    /// The room as edges see it.
    #[must_use]
    pub fn state(&self) -> RoomState {
        let members = self.stage.iter().filter_map(|id| self.participants.get(id));
        RoomState {
            info: Some(self.info()),
            epoch: self.founding.epoch.0,
            version: self.announcer.version(),
            stage: members.map(Participant::stage_member).collect(),
            closed: self.closed,
            hands: self
                .hands
                .iter()
                .take(HANDS_SHOWN_MAX)
                .filter_map(|(_, id)| self.hand(id))
                .collect(),
        }
    }

    /// Participants whose ids sort after `after`.
    #[must_use]
    pub fn participants_page(
        &self,
        after: Option<&ParticipantId>,
        limit: usize,
        identities: bool,
    ) -> ParticipantPage {
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let mut later = self.participants.range::<ParticipantId, _>((from, Bound::Unbounded));
        let page = later.by_ref().take(limit).map(|(_, one)| one.info(identities));
        let participants: Vec<_> = page.collect();
        let last = participants.last().filter(|_| later.next().is_some());
        let next = last.map(|one| one.participant.clone()).unwrap_or_default();
        ParticipantPage { participants, next }
    }

    /// Whose hands are up, in the order of the queue, behind `after`; from the first one if that has none up.
    #[must_use]
    pub fn hands_page(
        &self,
        after: Option<&ParticipantId>,
        limit: usize,
        identities: bool,
    ) -> ParticipantPage {
        let turn = after.and_then(|id| self.participants.get(id)?.turn);
        let behind = self.hands.iter().filter(|(place, _)| turn.is_none_or(|turn| **place > turn));
        let mut people = behind.filter_map(|(_, id)| self.participants.get(id));
        let participants: Vec<_> =
            people.by_ref().take(limit).map(|one| one.info(identities)).collect();
        let last = participants.last().filter(|_| people.next().is_some());
        let next = last.map(|one| one.participant.clone()).unwrap_or_default();
        ParticipantPage { participants, next }
    }

    /// Entries of the log below `before` (0: all), newest first.
    #[must_use]
    pub fn log_page(&self, before: u64, limit: usize) -> LogPage {
        self.log.page(before, limit)
    }

    /// Whether what such a page begins with is in memory; older entries are in the store alone.
    #[must_use]
    pub fn log_covers(&self, before: u64) -> bool {
        self.log.covers(before)
    }

    /// The number of the oldest entry of the log in memory.
    #[must_use]
    pub fn log_oldest(&self) -> u64 {
        self.log.oldest()
    }

    /// Bans whose identities sort after `after`.
    #[must_use]
    pub fn bans_page(&self, after: &str, limit: usize) -> BanPage {
        let (bans, more) = self.exclusions.page(after, limit);
        let next = bans.last().filter(|_| more).map(|ban| ban.identity.clone()).unwrap_or_default();
        BanPage { bans, next }
    }

    fn hand(&self, id: &ParticipantId) -> Option<Hand> {
        let participant = self.participants.get(id)?;
        Some(Hand {
            participant: id.as_str().to_owned(),
            name: participant.name.clone(),
            raised_ms: participant.turn?.raised_ms,
            invited: participant.invited,
        })
    }
}

fn count(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}
