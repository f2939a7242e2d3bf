//! The embedded store: one crash-safe file (`redb`), no server. A second process that opens it is refused.
//!
//! | module | what it holds |
//! |---|---|
//! | `tables` | the tables, their rows, and how redb's errors are told |
//! | `rooms` | records, appointments, bans and logs in a transaction |
//! | `blocks` | blocks in a transaction |
//! | `hot` | who is here, in a transaction |
//! | `revocations` | revocations in a transaction |
//! | `io` | the thread that owns the file and puts waiting writes into one commit |

mod blocks;
mod hot;
mod io;
mod revocations;
mod rooms;
mod tables;

pub use io::{Embedded, Grouping};
