//! What is kept of somebody who has gone, for the case that he comes back as himself.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use stoa_protocol::ids::{ParticipantId, Role};

use super::hands::Turn;
use super::limits::{PLACE_KEPT, PLACES_MAX};
use super::participant::{MutedBy, Participant};

/// What is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) identity: String,
    /// His role, where neither his token nor an appointment gives it.
    pub(super) role: Option<Role>,
    pub(super) turn: Option<Turn>,
    pub(super) muted: Option<MutedBy>,
    until: Instant,
}

/// Places of those who have gone lately.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Places {
    by_id: BTreeMap<ParticipantId, Place>,
    by_age: BTreeSet<(Instant, ParticipantId)>,
}

impl Places {
    /// Keeps what would be lost; `appointed` is the role that he would have at his next join.
    pub(super) fn keep(&mut self, gone: &Participant, appointed: Role, now: Instant) {
        let by_moderator = gone.muted == Some(MutedBy::Moderator);
        let role = Some(gone.role).filter(|role| *role != appointed);
        if gone.turn.is_none() && role.is_none() && !by_moderator {
            return;
        }
        self.forget_overdue(now);
        if self.by_id.len() >= PLACES_MAX
            && let Some((_, oldest)) = self.by_age.pop_first()
        {
            self.by_id.remove(&oldest);
        }
        let until = now + PLACE_KEPT;
        let (identity, turn, muted) = (gone.identity.clone(), gone.turn, gone.muted);
        let place = Place { identity, role, turn, muted, until };
        if let Some(before) = self.by_id.insert(gone.id.clone(), place) {
            self.by_age.remove(&(before.until, gone.id.clone()));
        }
        self.by_age.insert((until, gone.id.clone()));
    }

    /// What was kept for somebody, if it is his.
    pub(super) fn take(
        &mut self,
        id: &ParticipantId,
        identity: &str,
        now: Instant,
    ) -> Option<Place> {
        self.by_id.get(id).filter(|place| place.identity == identity)?;
        self.forget(id).filter(|place| place.until > now)
    }

    /// Nothing is kept for somebody any longer.
    pub(super) fn forget(&mut self, id: &ParticipantId) -> Option<Place> {
        let place = self.by_id.remove(id)?;
        self.by_age.remove(&(place.until, id.clone()));
        Some(place)
    }

    /// Nothing is kept for anybody of this identity.
    pub(super) fn forget_identity(&mut self, identity: &str) {
        let his = self.by_id.iter().filter(|(_, place)| place.identity == identity);
        let his: Vec<ParticipantId> = his.map(|(id, _)| id.clone()).collect();
        for id in his {
            self.forget(&id);
        }
    }

    fn forget_overdue(&mut self, now: Instant) {
        while let Some((until, id)) =
            self.by_age.first().cloned().filter(|(until, _)| *until <= now)
        {
            self.by_age.remove(&(until, id.clone()));
            self.by_id.remove(&id);
        }
    }
}
