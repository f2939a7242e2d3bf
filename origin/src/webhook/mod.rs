//! Webhooks: what happens in rooms, told to back ends over HTTP; signed, retried, in order within a room.
//!
//! At least once and in memory: ids are stable, so that a receiver can tell what it has seen, and what waits
//! when the process dies is lost.
//!
//! | module | what it holds |
//! |---|---|
//! | `address` | which addresses may be reached |
//! | `event` | what is told |
//! | `io` | the thread that delivers |
//! | `lane` | what waits for one endpoint, room by room |
//! | `metrics` | what Prometheus gets to know |
//! | `queue` | what waits for whom, and when it is tried |
//! | `settings` | what an operator may set |
//! | `signature` | how a receiver knows that it was us |

mod address;
mod event;
mod io;
mod lane;
mod metrics;
mod queue;
mod settings;
mod signature;

pub use address::{Network, NetworkError, is_public};
pub use event::{Event, Facts, Kind};
pub use io::{Sender, Webhooks, start};
pub use queue::{Attempt, Counts, Limits, Outcome, Queue};
pub use settings::{ENDPOINTS_MAX, Endpoint, Settings, WebhookError};
pub use signature::{SECRET_BYTES_MIN, SigningSecret};
