//! Structured logs on standard error, in text for people or JSON for machines.
//!
//! | module | what it holds |
//! |---|---|
//! | `start` | installs the subscriber; levels come from the configuration or from `STOA_LOG` |
//! | `flood` | how many events each place in the code may write, so that a flood cannot fill a disk |

mod flood;
mod start;

pub use flood::{EVENTS_PER_CALLSITE_MAX, EVENTS_PER_PERIOD_MAX, PERIOD, suppressed_events};
pub use start::{LOG_VARIABLE, LogFormat, TelemetryConfig, TelemetryError, start};
