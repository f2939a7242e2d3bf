//! How this edge leaves: (1) readiness goes, joins are answered 503, origins and clients are told, media goes on, and the
//! whole can be undone, whoever has asked for it; (2) once nobody is here and no other edge hangs from here, or at the
//! deadline, whoever is left is taken out; (3) the HTTP server stops; (4) links and media say goodbye, the port closes.
//! A second signal skips what is left of each wait. `io` holds the switch, which the composition root watches.

mod io;

use std::time::Duration;

use anyhow::ensure;
use prometheus::{IntGauge, Registry};
use serde::{Deserialize, Serialize};

pub use io::{DrainSwitch, Leaving};

/// Longest deadline that may be configured, in seconds.
pub const DEADLINE_S_MAX: u64 = 3_600;

/// How long the last goodbyes may take, after the deadline.
pub const GOODBYE_LIMIT: Duration = Duration::from_secs(5);

/// How this edge leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DrainConfig {
    /// Seconds that clients have to go elsewhere, 0 to [`DEADLINE_S_MAX`].
    pub deadline_s: u64,
}

impl Default for DrainConfig {
    fn default() -> Self {
        Self { deadline_s: 30 }
    }
}

impl DrainConfig {
    /// How long clients have to go elsewhere.
    #[must_use]
    pub fn deadline(self) -> Duration {
        Duration::from_secs(self.deadline_s)
    }

    /// Checks what types cannot.
    ///
    /// # Errors
    /// A sentence that names the key, its value and what is allowed.
    pub fn check(self) -> anyhow::Result<()> {
        ensure!(
            self.deadline_s <= DEADLINE_S_MAX,
            "drain.deadline_s is {}; it may be 0 to {DEADLINE_S_MAX}",
            self.deadline_s
        );
        Ok(())
    }
}

/// Says whether this edge drains.
///
/// # Errors
/// When `registry` holds the name already.
pub fn register(registry: &Registry) -> prometheus::Result<IntGauge> {
    let draining = IntGauge::new(
        "stoa_edge_draining",
        "Whether this edge takes nobody in because it is about to leave.",
    )?;
    registry.register(Box::new(draining.clone()))?;
    Ok(draining)
}
