//! One connection from its handshake to its end: the task that drives a link's core.
//!
//! | module | what it holds |
//! |---|---|
//! | `establish` | who is there, the control stream, and what came of it all |
//! | `driver` | the loop: inputs to the core, its commands to the wire |
//! | `standing` | the link as its owner sees it: up, events, down |

mod driver;
mod establish;
mod standing;

pub(crate) use establish::{Outcome, Side, run};
