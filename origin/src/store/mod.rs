//! What survives: rooms for good, who is here now, and which origins are alive, behind one trait.
//!
//! | module | what it holds |
//! |---|---|
//! | [`operation`] | the vocabulary: [`Store`], [`Operation`], [`Answer`] |
//! | `rules` | what holds of every operation whatever the backend |
//! | [`record`] | what is kept of a room for good |
//! | [`hot`] | who is in a room now, in small changes |
//! | [`lease`] | which origin is alive |
//! | [`error`] | why a store did not do what it was asked |
//! | [`limits`] | every maximum and interval |
//! | [`embedded`] | backend: one file (`redb`) |

pub mod embedded;
pub mod error;
pub mod hot;
pub mod lease;
pub mod limits;
pub mod operation;
pub mod record;
mod rules;

pub use embedded::{Embedded, Grouping};
pub use error::StoreError;
pub use hot::{Hand, HotChange, HotRoom, Present, difference, in_writes};
pub use lease::{Holder, Lease};
pub use limits::{
    CALL_LIMIT, CHANGES_PER_WRITE_MAX, LEASE_LIFE, LEASE_MS_MAX, PAGE_MAX, TRIM_MAX,
};
pub use operation::{Answer, Answering, Kind, Operation, RoomChange, Store};
pub use record::{Appointment, Ban, LogEntry, Ownership, RoomRecord, Settings, Visibility};
