//! Between the rooms and their stores: what changes is written down, and read again when the origin starts.
//!
//! | module | what it holds |
//! |---|---|
//! | `io` | [`Scribe`]: writes in the order of each room, through outages; [`load`], [`load_revocations`], [`load_blocks`]: everything that is kept |

mod io;

pub use io::{
    ACKNOWLEDGED_WITHIN, Opened, Promise, Scribe, Stored, load, load_blocks, load_revocations,
    read, records,
};
