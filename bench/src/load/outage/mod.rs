//! `bench outage`: what people notice when the store of their rooms is away, slow or wiped, and what is stored afterwards.
//!
//! | module | what it holds |
//! |---|---|
//! | `command` | `bench outage` |
//! | `trouble` | what happens to a store, and how it ends |
//! | `stage` | the room that goes through it |
//! | `watch` | what is looked at all the while |
//! | `kept` | what the store holds afterwards |
//! | `report` | the figures |

mod command;
mod kept;
mod report;
mod stage;
mod trouble;
mod watch;

pub use command::{Arguments, run};
