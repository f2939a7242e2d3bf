//! What origins agree on with each other: who owns a room, who takes it when its owner is gone, and where it is best.
//!
//! | module | what it holds |
//! |---|---|
//! | `network` | what is known of other origins, and what is about to be done with their rooms |
//! | `links` | links to other origins, and what each owns |
//! | `standby` | who would take a room of this origin over, and what it is told |
//! | `successors` | replicas of others' rooms, who may act, rooms that are given up |
//! | `carrying` | voices of edges that only the standby still hears |
//! | `takeover` | rooms of others are taken |
//! | `moving` | rooms go where their speakers are nearer |

mod carrying;
mod links;
mod moving;
mod network;
mod standby;
mod successors;
mod takeover;

#[cfg(test)]
pub(super) use moving::MOVES_AT_ONCE;
pub(super) use moving::Relocations;
pub(super) use network::{HELD_MAX, Moving, Network, REPLICAS_MAX, Readiness, Standby};
pub use network::{Moved, NetworkCounts, Why};
