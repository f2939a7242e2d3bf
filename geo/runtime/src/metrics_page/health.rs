//! Whether this process wants new work, and why not. Only the process itself decides: a store or a
//! peer that is down never makes it unhealthy by this type alone.

use std::sync::{Arc, Mutex, PoisonError};

/// A shared note on the readiness of this process. Starts as "not ready: starting".
#[derive(Clone, Debug)]
pub struct Health {
    state: Arc<Mutex<State>>,
}

#[derive(Debug)]
struct State {
    ready: bool,
    reason: String,
    draining: bool,
}

impl Default for Health {
    fn default() -> Self {
        Self::new()
    }
}

impl Health {
    /// Not ready yet.
    #[must_use]
    pub fn new() -> Self {
        let state = State { ready: false, reason: "starting".to_owned(), draining: false };
        Self { state: Arc::new(Mutex::new(state)) }
    }

    /// Notes whether new work is welcome; `reason` is shown when it is not. No secrets in there.
    pub fn set_ready(&self, ready: bool, reason: impl Into<String>) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.ready = ready;
        state.reason = reason.into();
    }

    /// Not ready from now on, whatever `set_ready` says, until [`Self::set_undrained`].
    pub fn set_draining(&self) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).draining = true;
    }

    /// Takes a drain back; readiness is again what `set_ready` last said.
    pub fn set_undrained(&self) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).draining = false;
    }

    /// Whether new work is welcome.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.refusal().is_none()
    }

    /// Why new work is not welcome; `None` when it is.
    #[must_use]
    pub fn refusal(&self) -> Option<String> {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        match (state.draining, state.ready) {
            (true, _) => Some("draining".to_owned()),
            (false, false) => Some(state.reason.clone()),
            (false, true) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_process_is_not_ready_until_it_says_so() {
        let health = Health::new();
        assert_eq!(health.refusal().as_deref(), Some("starting"));
        health.set_ready(true, "");
        assert!(health.is_ready());
    }

    #[test]
    fn a_draining_process_stays_unready_until_the_drain_is_taken_back() {
        let health = Health::new();
        health.set_draining();
        health.set_ready(true, "");
        assert_eq!(health.refusal().as_deref(), Some("draining"));
        health.set_undrained();
        assert!(health.is_ready());
    }
}
