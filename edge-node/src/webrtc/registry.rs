//! Which worker has which session.
//!
//! A session is made on a signaling thread and waits here until its first connectivity check: the
//! worker that sees it owns the session from then on. Workers come here for checks from addresses
//! they do not know, never for media.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use super::SessionId;
use super::change::Change;
use super::session::{CONNECT_MAX, Session};

/// Index of a worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct WorkerIndex(pub usize);

/// Whose a user fragment is.
pub(super) enum Claim {
    /// The asking worker's from now on, with everything that it answers to.
    Taken(Box<Session>, Vec<String>),
    /// That worker's.
    Owned(WorkerIndex),
    /// Nobody's.
    Unknown,
}

/// A session that was taken out for work that takes a while, or where it is instead.
pub(super) enum Borrowed {
    Taken(Box<Session>),
    Owned(WorkerIndex),
    Unknown,
}

/// What became of a session that was to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dismissed {
    /// Nobody had claimed it; it is forgotten.
    Forgotten,
    /// That worker must end it.
    Owned(WorkerIndex),
    /// It has ended before.
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
    /// None while it is borrowed.
    place: Option<Place>,
    /// What is to change of it once it has been given back.
    changes: Vec<Change>,
    ufrags: Vec<String>,
    since: Instant,
}

enum Place {
    Waiting(Box<Session>),
    Owned(WorkerIndex),
}

/// User fragments that a session may have at a time: each ICE restart adds one.
pub(super) const UFRAGS_MAX: usize = 4;

impl State {
    fn forget(&mut self, id: SessionId) {
        let Some(entry) = self.sessions.remove(&id) else { return };
        for ufrag in &entry.ufrags {
            self.by_ufrag.remove(ufrag);
        }
        // One that is borrowed counts as waiting.
        self.waiting -= usize::from(!matches!(entry.place, Some(Place::Owned(_))));
    }
}

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
        state
            .sessions
            .insert(id, Entry { place, changes: Vec::new(), ufrags: vec![ufrag], since: now });
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
                let ufrags = entry.ufrags.clone();
                state.waiting -= 1;
                Claim::Taken(session, ufrags)
            }
            Some(Place::Owned(owner)) => {
                entry.place = Some(Place::Owned(owner));
                Claim::Owned(owner)
            }
            None => Claim::Unknown,
        }
    }

    /// Changes a session that nobody has claimed, or says who must change it.
    pub(super) fn change(&self, id: SessionId, change: Change) -> Option<WorkerIndex> {
        let mut state = self.lock();
        let entry = state.sessions.get_mut(&id)?;
        match &mut entry.place {
            Some(Place::Waiting(session)) => session.change(change),
            Some(Place::Owned(worker)) => return Some(*worker),
            None => change.add_to(&mut entry.changes),
        }
        None
    }

    /// Takes a waiting session out, so that nobody waits for the lock meanwhile; checks for it go
    /// unanswered until [`Self::give_back`].
    pub(super) fn borrow(&self, id: SessionId) -> Borrowed {
        let mut state = self.lock();
        let Some(entry) = state.sessions.get_mut(&id) else { return Borrowed::Unknown };
        match entry.place.take() {
            Some(Place::Waiting(session)) => Borrowed::Taken(session),
            Some(Place::Owned(worker)) => {
                entry.place = Some(Place::Owned(worker));
                Borrowed::Owned(worker)
            }
            None => Borrowed::Unknown,
        }
    }

    /// The counterpart of [`Self::borrow`]; a session that was dismissed meanwhile is gone.
    pub(super) fn give_back(&self, mut session: Box<Session>) {
        if let Some(entry) = self.lock().sessions.get_mut(&session.id) {
            entry.changes.drain(..).for_each(|change| session.change(change));
            entry.place = Some(Place::Waiting(session));
        }
    }

    /// Forgets a session that nobody has claimed, or says who must end it.
    pub(super) fn dismiss(&self, id: SessionId) -> Dismissed {
        let mut state = self.lock();
        match state.sessions.get(&id).map(|entry| &entry.place) {
            Some(Some(Place::Owned(worker))) => Dismissed::Owned(*worker),
            Some(_) => {
                state.forget(id);
                Dismissed::Forgotten
            }
            None => Dismissed::Unknown,
        }
    }

    /// After an ICE restart a session answers to a further user fragment; the oldest beyond the
    /// limit is forgotten.
    pub(super) fn add_ufrag(&self, id: SessionId, ufrag: String) {
        let mut state = self.lock();
        let Some(entry) = state.sessions.get_mut(&id) else { return };
        if entry.ufrags.contains(&ufrag) {
            // An offer that restarts nothing changes no name.
            return;
        }
        entry.ufrags.push(ufrag.clone());
        let oldest = (entry.ufrags.len() > UFRAGS_MAX).then(|| entry.ufrags.remove(0));
        if let Some(oldest) = oldest {
            state.by_ufrag.remove(&oldest);
        }
        state.by_ufrag.insert(ufrag, id);
    }

    /// A worker has ended its session.
    pub(super) fn remove(&self, id: SessionId) {
        self.lock().forget(id);
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
        // Somebody may have claimed one in between.
        overdue.retain(|id| self.dismiss(*id) == Dismissed::Forgotten);
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
