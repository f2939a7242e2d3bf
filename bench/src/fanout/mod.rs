//! What the fan-out costs a packet, beside the floor and beside str0m's own way of writing packets.
//!
//! | module | what it holds |
//! |---|---|
//! | `command` | `bench fanout` |
//! | `ours` | our fan-out, as a media worker runs it |
//! | `str0m_path` | the same packets written by str0m |
//! | `drain` | the receiving side |
//! | `report` | the figures |

mod command;
mod drain;
mod ours;
mod report;
mod str0m_path;

pub use command::{Arguments, run};
pub(crate) use ours::{Ours, packet_bytes};
