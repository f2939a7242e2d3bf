//! A network that behaves badly on purpose: delay, jitter, loss, rate and cuts for UDP.
//!
//! | module | what it holds |
//! |---|---|
//! | `profile` | what a path does to packets, and the checks on it |
//! | `model` | the pure core: one direction of a path, packet by packet |
//! | `flows` | which client of the proxy uses which socket towards the target |
//! | `counters` | what happened, shared with whoever watches |
//! | `io` | the proxy: sockets, the clock, one thread |
//! | `command` | `bench impair` |

mod command;
mod counters;
mod flows;
mod io;
mod model;
mod profile;

pub use command::{Arguments, run};
pub use counters::{Direction, Sample};
pub use io::{Entrance, Plan, Proxy, spawn};
pub use model::{Cause, Model, Verdict};
pub use profile::{Cut, Loss, Profile, ProfileError};
