//! All rooms of this origin behind its links: a pure core, and the shell that drives it.
//!
//! | module | what it holds |
//! |---|---|
//! | `core` | [`Service`]: links come and go, timers |
//! | `effects` | [`Command`]s owed, and what [`Happened`] |
//! | `blocks` | who may not come in because of the host |
//! | `blocklist` | who keeps whom out, in memory |
//! | `asks` | requests about rooms and their answers |
//! | `personal` | requests of persons who need not be in the room |
//! | `people` | requests about people in a room |
//! | `tree` | how frames are spread over edges |
//! | `tracks` | who may publish what, and the way of a frame |
//! | `settle` | brings selection, bindings, snapshots and timers in line after a change |
//! | `durable` | what the store is told, and how rooms come out of it again |
//! | `handovers` | voices that move to another edge |
//! | `hall` | one room with its stage and its tree |
//! | `neighbour` | what is known of a link's other end, and how long it is trusted |
//! | `origins` | what origins agree on with each other: who owns a room, who takes it, where it is best |
//! | `post` | what this origin is to a room, for who looks at the whole network |
//! | `survey` | what the status page tells |
//! | `counts` | what happened, by reason |
//! | `looks` | what memory cannot answer, and what is erased in memory and store |
//! | `limits` | every maximum of the service |
//! | `quotas` | what tenants have of what is bounded for them, across all edges |
//! | `revocations` | access tokens that hold no longer, for every edge |
//! | `refusal` | [`Refusal`]: each way a request can be wrong |
//! | `io` | [`Server`]: inbox, links, timers and metrics around the core |

mod asks;
mod blocklist;
mod blocks;
mod core;
mod counts;
mod durable;
mod effects;
mod hall;
mod handovers;
mod io;
mod limits;
mod looks;
mod neighbour;
mod origins;
mod people;
mod personal;
mod post;
mod quotas;
mod refusal;
mod revocations;
mod settle;
mod survey;
mod tracks;
mod tree;

pub use self::core::Service;
pub use blocklist::BLOCKS_MAX;
pub use counts::{ClaimRefusal, ControlRefusal, Counts, FrameDrop};
pub(crate) use durable::{entry_from_store, tenant_of};
pub use effects::{Command, Happened};
pub use hall::RoomKey;
pub use io::{Server, Steering};
pub use limits::{
    EMPTY_ROOM_LIFE, FAN_OUT, FAN_OUT_MAX, INTERESTS_PER_ROOM_MAX, LINKS_MAX, LIST_PAGE_MAX,
    Limits, ROOM_ID_CHARS, ROOMS_MAX, ROOMS_PER_LINK_MAX,
};
pub use looks::{Look, Person};
pub use origins::{Moved, NetworkCounts, Why};
pub use post::Post;
pub use refusal::Refusal;
pub use tracks::Route;

#[cfg(test)]
mod tests;
