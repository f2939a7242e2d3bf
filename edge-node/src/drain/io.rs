//! Whether this edge is to leave: thrown by a signal or over the API, watched by the composition root.

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use super::DrainConfig;

/// That this edge leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Leaving {
    /// When it will be gone at the latest.
    pub by: Instant,
}

impl Leaving {
    /// How much time is left.
    #[must_use]
    pub fn left(&self) -> Duration {
        self.by.saturating_duration_since(Instant::now())
    }
}

/// Says whether this edge is to leave. Clones are the same switch.
#[derive(Clone, Debug)]
pub struct DrainSwitch {
    config: DrainConfig,
    state: watch::Sender<Option<Leaving>>,
}

impl DrainSwitch {
    /// Of an edge that stays.
    #[must_use]
    pub fn new(config: DrainConfig) -> Self {
        Self { config, state: watch::channel(None).0 }
    }

    /// From now on it leaves, within that time or the configured one; called again it changes the time.
    pub fn leave(&self, within: Option<Duration>) {
        let by = Instant::now() + within.unwrap_or(self.config.deadline());
        self.state.send_replace(Some(Leaving { by }));
    }

    /// It stays after all; says whether it was about to leave.
    pub fn stay(&self) -> bool {
        self.state.send_replace(None).is_some()
    }

    /// Whether it leaves.
    #[must_use]
    pub fn leaving(&self) -> Option<Leaving> {
        *self.state.borrow()
    }

    /// Resolves once it is another state than this one.
    pub async fn changed_from(&self, known: Option<Leaving>) {
        let mut state = self.state.subscribe();
        // The sender is ours, so there is no error.
        let _ = state.wait_for(|state| *state != known).await;
    }
}
