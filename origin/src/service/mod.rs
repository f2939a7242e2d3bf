//! All rooms of this origin behind its links: a pure core, and the shell that drives it.
//!
//! | module | what it holds |
//! |---|---|
//! | `core` | [`Service`]: links come and go, timers, commands owed |
//! | `asks` | requests about rooms and their answers |
//! | `personal` | requests of persons who need not be in the room |
//! | `people` | requests about people in a room |
//! | `tracks` | who may publish what, and the way of a frame |
//! | `settle` | brings selection, bindings, snapshots and timers in line after a change |
//! | `durable` | what the store is told, and how rooms come out of it again |
//! | `hall` | one room with its stage and its tree |
//! | `neighbour` | what is known of a link's other end, and how long it is trusted |
//! | `counts` | what happened, by reason |
//! | `looks` | what memory cannot answer, and what is erased in memory and store |
//! | `limits` | every maximum of the service |
//! | `quotas` | what tenants have of what is bounded for them, across all edges |
//! | `revocations` | access tokens that hold no longer, for every edge |
//! | `refusal` | [`Refusal`]: each way a request can be wrong |
//! | `io` | [`Server`]: inbox, links, timers and metrics around the core |

mod asks;
mod core;
mod counts;
mod durable;
mod hall;
mod io;
mod limits;
mod looks;
mod neighbour;
mod people;
mod personal;
mod quotas;
mod refusal;
mod revocations;
mod settle;
mod tracks;

pub use self::core::{Command, Happened, Service};
pub use counts::{ClaimRefusal, ControlRefusal, Counts, FrameDrop};
pub use durable::Kept;
pub(crate) use durable::{entry_from_store, tenant_of};
pub use hall::RoomKey;
pub use io::{Server, Steering};
pub use limits::{
    EMPTY_ROOM_LIFE, INTERESTS_PER_ROOM_MAX, LINKS_MAX, LIST_PAGE_MAX, Limits, ROOM_ID_CHARS,
    ROOMS_MAX, ROOMS_PER_LINK_MAX,
};
pub use looks::{Look, Person};
pub use refusal::Refusal;
pub use tracks::Route;

#[cfg(test)]
mod tests;
