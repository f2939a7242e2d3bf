//! Which worker has which session.
//!
//! A session is made on a signaling thread and waits here until its first connectivity check: the
//! worker that sees it owns the session from then on. Workers come here for checks from addresses
//! they do not know, never for media.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use super::SessionId;
use super::session::{CONNECT_MAX, Session};

/// Index of a worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct WorkerIndex(pub usize);

/// Whose a user fragment is.
pub(super) enum Claim {
    /// The asking worker's from now on.
    Taken(Box<Session>),
    /// That worker's.
    Owned(WorkerIndex),
    /// Nobody's.
    Unknown,
}

/// Where a session is.
pub(super) enum Whereabouts<'a> {
    Waiting(&'a mut Session),
    Owned(WorkerIndex),
    Unknown,
}

#[derive(Default)]
pub(super) struct Registry {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    sessions: HashMap<SessionId, Entry>,
    by_ufrag: HashMap<String, SessionId>,
    waiting: usize,
}

struct Entry {
    place: Option<Place>,
    ufrags: Vec<String>,
    since: Instant,
}

enum Place {
    Waiting(Box<Session>),
    Owned(WorkerIndex),
}

/// User fragments that a session may have at a time: each ICE restart adds one.
const UFRAGS_MAX: usize = 4;

impl Registry {
    /// Takes a new session; gives it back when there are `sessions_max` already.
    pub(super) fn insert(
        &self,
        session: Session,
        ufrag: String,
        sessions_max: usize,
        now: Instant,
    ) -> Result<(), Box<Session>> {
        let mut state = self.lock();
        let session = Box::new(session);
        if state.sessions.len() >= sessions_max {
            return Err(session);
        }
        let id = session.id;
        state.by_ufrag.insert(ufrag.clone(), id);
        state.waiting += 1;
        let place = Some(Place::Waiting(session));
        state.sessions.insert(id, Entry { place, ufrags: vec![ufrag], since: now });
        Ok(())
    }

    /// A worker has seen a check for `ufrag`.
    pub(super) fn claim(&self, ufrag: &str, worker: WorkerIndex) -> Claim {
        let mut state = self.lock();
        let Some(id) = state.by_ufrag.get(ufrag).copied() else { return Claim::Unknown };
        let Some(entry) = state.sessions.get_mut(&id) else { return Claim::Unknown };
        match entry.place.take() {
            Some(Place::Waiting(session)) => {
                entry.place = Some(Place::Owned(worker));
                state.waiting -= 1;
                Claim::Taken(session)
            }
            Some(Place::Owned(owner)) => {
                entry.place = Some(Place::Owned(owner));
                Claim::Owned(owner)
            }
            None => Claim::Unknown,
        }
    }

    /// Looks a session up and lets `visit` act on it while nobody else can claim it.
    pub(super) fn visit<T>(&self, id: SessionId, visit: impl FnOnce(Whereabouts<'_>) -> T) -> T {
        let mut state = self.lock();
        match state.sessions.get_mut(&id).and_then(|entry| entry.place.as_mut()) {
            Some(Place::Waiting(session)) => visit(Whereabouts::Waiting(session)),
            Some(Place::Owned(worker)) => visit(Whereabouts::Owned(*worker)),
            None => visit(Whereabouts::Unknown),
        }
    }

    /// After an ICE restart a session answers to a further user fragment; the oldest beyond the
    /// limit is forgotten.
    pub(super) fn add_ufrag(&self, id: SessionId, ufrag: String) {
        let mut state = self.lock();
        let Some(entry) = state.sessions.get_mut(&id) else { return };
        entry.ufrags.push(ufrag.clone());
        let oldest = (entry.ufrags.len() > UFRAGS_MAX).then(|| entry.ufrags.remove(0));
        if let Some(oldest) = oldest {
            state.by_ufrag.remove(&oldest);
        }
        state.by_ufrag.insert(ufrag, id);
    }

    /// Forgets a session; says whether it was known.
    pub(super) fn remove(&self, id: SessionId) -> bool {
        let mut state = self.lock();
        let Some(entry) = state.sessions.remove(&id) else { return false };
        for ufrag in &entry.ufrags {
            state.by_ufrag.remove(ufrag);
        }
        state.waiting -= usize::from(matches!(entry.place, Some(Place::Waiting(_))));
        true
    }

    /// Forgets sessions that have waited too long and says which; cheap while none waits.
    pub(super) fn expire(&self, now: Instant) -> Vec<SessionId> {
        let mut overdue: Vec<SessionId> = {
            let state = self.lock();
            if state.waiting == 0 {
                return Vec::new();
            }
            let late = |entry: &Entry| {
                matches!(entry.place, Some(Place::Waiting(_)))
                    && now.saturating_duration_since(entry.since) >= CONNECT_MAX
            };
            state.sessions.iter().filter(|(_, e)| late(e)).map(|(id, _)| *id).collect()
        };
        overdue.sort_unstable();
        overdue.retain(|id| self.remove(*id));
        overdue
    }

    /// How many sessions there are, waiting ones included.
    pub(super) fn sessions(&self) -> usize {
        self.lock().sessions.len()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
