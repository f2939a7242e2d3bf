//! Who is believed here: keys, what was revoked, whose sessions live, and how often each may join.
//!
//! Locks are held for a look into a table and never across an await.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard};
use std::time::Instant;

use stoa_protocol::ids::{RoomId, TenantId};
use stoa_protocol::tenant::{ADDRESSES_MAX, JoinFrom, Network, QuotaReached, Quotas, Rates};
use stoa_protocol::token::{
    Bearer, Keys, REVOCATIONS_MAX, Revocation, Revocations, TableFull, TokenError, Trace,
};

use crate::webrtc::SessionId;

/// Most sessions that may have ended before they were noted; beyond it the oldest is forgotten.
const EARLY_MAX: usize = 1_024;

/// Keys, quotas, revocations and the sessions that they concern.
pub struct Authority {
    keys: Keys,
    quotas: BTreeMap<TenantId, Quotas>,
    revocations: RwLock<Revocations>,
    rates: Mutex<Rates>,
    live: Mutex<Live>,
}

impl fmt::Debug for Authority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authority").field("keys", &self.keys).finish_non_exhaustive()
    }
}

/// The sessions of this edge, with what opened them.
#[derive(Default)]
struct Live {
    sessions: BTreeMap<SessionId, Trace>,
    of_tenant: BTreeMap<TenantId, usize>,
    /// Sessions that ended before their opener could note them. Ids are never used again.
    early: VecDeque<SessionId>,
}

impl Live {
    fn insert(&mut self, session: SessionId, trace: Trace) {
        if let Some(at) = self.early.iter().position(|early| *early == session) {
            self.early.remove(at);
            return;
        }
        *self.of_tenant.entry(trace.tenant.clone()).or_default() += 1;
        self.sessions.insert(session, trace);
    }

    fn remove(&mut self, session: SessionId) {
        match self.sessions.remove(&session) {
            Some(trace) => {
                if let Some(count) = self.of_tenant.get_mut(&trace.tenant) {
                    *count = count.saturating_sub(1);
                }
            }
            None => {
                if self.early.len() >= EARLY_MAX {
                    self.early.pop_front();
                }
                self.early.push_back(session);
            }
        }
    }
}

impl Authority {
    /// Believes these keys. Who has no quotas is not held back.
    #[must_use]
    pub fn new(keys: Keys, quotas: BTreeMap<TenantId, Quotas>) -> Self {
        Self {
            keys,
            quotas,
            revocations: RwLock::new(Revocations::new(REVOCATIONS_MAX)),
            rates: Mutex::new(Rates::new(ADDRESSES_MAX)),
            live: Mutex::default(),
        }
    }

    /// The keys.
    #[must_use]
    pub fn keys(&self) -> &Keys {
        &self.keys
    }

    /// Checks a token as [`Keys::verify`] does, and that it was not revoked.
    ///
    /// # Errors
    /// [`TokenError`].
    pub fn verify(
        &self,
        token: &str,
        room: Option<&RoomId>,
        now_unix_s: u64,
    ) -> Result<Bearer, TokenError> {
        let bearer = self.keys.verify(token, room, now_unix_s)?;
        if self.is_revoked(&bearer.trace(room)) {
            return Err(TokenError::Revoked);
        }
        Ok(bearer)
    }

    /// Whether a token or session of this kind was revoked.
    #[must_use]
    pub fn is_revoked(&self, trace: &Trace) -> bool {
        self.revocations().covers(trace)
    }

    /// Puts revocations in force. Says which of them are news here, and whether the table could not hold one; that one
    /// is not in force for new sessions, but those that live may still be ended.
    pub fn put_in_force(
        &self,
        revocations: impl IntoIterator<Item = Revocation>,
        now_unix_s: u64,
    ) -> (Vec<Revocation>, Option<TableFull>) {
        // Every mutation of the table is complete before anything could panic.
        let mut table = self.revocations.write().unwrap_or_else(PoisonError::into_inner);
        let mut full = None;
        let mut news = Vec::new();
        for revocation in revocations {
            // An origin repeats all of them whenever a link comes up.
            if table.holds(&revocation) {
                continue;
            }
            full = table.insert(revocation.clone(), now_unix_s).err().or(full);
            news.push(revocation);
        }
        (news, full)
    }

    /// The sessions of this edge that revocations end. Ask after they are in force: a session that opens in between
    /// finds itself in the table.
    #[must_use]
    pub fn ended_by(&self, revocations: &[Revocation]) -> Vec<SessionId> {
        let live = self.live();
        let sessions = live.sessions.iter();
        sessions
            .filter(|(_, trace)| revocations.iter().any(|revocation| revocation.covers(trace)))
            .map(|(session, _)| *session)
            .collect()
    }

    /// How many revocations are in force.
    #[must_use]
    pub fn revoked(&self) -> usize {
        self.revocations().len()
    }

    /// Whether somebody may join now. `Ok(true)` says that an address had to be forgotten.
    ///
    /// The participants counted are those of this edge alone: the network has at least as many.
    ///
    /// # Errors
    /// [`QuotaReached`].
    pub fn admit(
        &self,
        bearer: &Bearer,
        network: Network,
        now: Instant,
    ) -> Result<bool, QuotaReached> {
        let Some(quotas) = self.quotas.get(&bearer.tenant) else { return Ok(false) };
        let present = self.live().of_tenant.get(&bearer.tenant).copied().unwrap_or_default();
        quotas.check_participants(present)?;
        let from = JoinFrom { tenant: &bearer.tenant, key: &bearer.key, network };
        let mut rates = self.rates.lock().unwrap_or_else(PoisonError::into_inner);
        rates.admit(from, quotas, now)
    }

    /// How many participants a tenant may have, if that is bounded. Here those of this edge are counted at once
    /// ([`Self::admit`]); the rooms' owner counts all of them.
    #[must_use]
    pub fn participants_max(&self, tenant: &TenantId) -> Option<u32> {
        self.quotas.get(tenant).and_then(|quotas| quotas.participants)
    }

    /// How many rooms a tenant may have, if that is bounded.
    #[must_use]
    pub fn rooms_max(&self, tenant: &TenantId) -> Option<u32> {
        self.quotas.get(tenant).and_then(|quotas| quotas.rooms)
    }

    /// A session was opened. The caller asks afterwards whether its token was revoked meanwhile.
    pub fn opened(&self, session: SessionId, trace: Trace) {
        self.live().insert(session, trace);
    }

    /// What opened a session that lives.
    #[must_use]
    pub fn trace(&self, session: SessionId) -> Option<Trace> {
        self.live().sessions.get(&session).cloned()
    }

    /// A session has ended.
    pub fn ended(&self, session: SessionId) {
        self.live().remove(session);
    }

    fn revocations(&self) -> RwLockReadGuard<'_, Revocations> {
        self.revocations.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn live(&self) -> MutexGuard<'_, Live> {
        self.live.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use stoa_protocol::token::Revoked;

    use super::*;

    fn trace(identity: &str) -> Trace {
        Trace {
            tenant: TenantId::default(),
            key: "k".into(),
            jti: String::new(),
            identity: identity.into(),
            room: None,
            issued_unix_s: 5,
        }
    }

    fn authority() -> Authority {
        let keys = Keys::new([("k".to_owned(), [7; 32])]).expect("keys");
        Authority::new(keys, BTreeMap::new())
    }

    fn of_key() -> Revocation {
        Revocation::new(TenantId::default(), Revoked::Key { key: "k".into() }, 10)
    }

    #[test]
    fn a_revocation_names_the_live_sessions_and_not_those_that_have_ended() {
        let authority = authority();
        for number in 1..=3 {
            authority.opened(SessionId(number), trace("ada"));
        }
        authority.ended(SessionId(2));
        let (news, full) = authority.put_in_force([of_key()], 10);
        assert_eq!((news.as_slice(), full), (&[of_key()][..], None));
        assert_eq!(authority.ended_by(&news), [SessionId(1), SessionId(3)]);
        assert!(authority.is_revoked(&trace("bob")));
        assert_eq!(authority.revoked(), 1);
    }

    #[test]
    fn a_revocation_that_is_repeated_is_no_news() {
        let authority = authority();
        authority.put_in_force([of_key()], 10);
        assert_eq!(authority.put_in_force([of_key()], 10), (vec![], None));
        assert_eq!(authority.revoked(), 1);
    }

    #[test]
    fn a_session_that_ends_before_it_is_noted_is_not_kept() {
        let authority = authority();
        authority.ended(SessionId(1));
        authority.opened(SessionId(1), trace("ada"));
        assert!(authority.live().sessions.is_empty());
        assert!(authority.live().early.is_empty());
    }

    #[test]
    fn early_ends_do_not_pile_up() {
        let authority = authority();
        for number in 0..5_000 {
            authority.ended(SessionId(number));
        }
        assert_eq!(authority.live().early.len(), EARLY_MAX);
    }
}
