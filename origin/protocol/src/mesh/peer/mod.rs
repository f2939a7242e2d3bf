//! The rules of one link between two nodes, without IO: hello, tracks, frames, beats, its end.
//!
//! | module | what it holds |
//! |---|---|
//! | `vocabulary` | configuration, commands, events, errors |
//! | `machine` | the state machine: inputs, deadlines, life and death |
//! | `control` | what each control message does |
//! | `wire` | datagrams on their way out: aggregation, sequence, beats |
//! | `frames` | frames in both directions, and what their hops have added |
//! | `outgoing` | tracks we send: aliases, frames that ride along |
//! | `incoming` | tracks we receive: aliases, de-duplication, records that came too early |
//! | `gaps` | which datagrams are missing, and when to ask for them |
//! | `kept` | which datagrams we may send again |
//! | `repair` | questions for missing datagrams and their answers |
//! | `pace` | how fast beats come, by loss |
//! | `redundancy` | how many frames ride along, by loss and round trip |
//! | `reports` | the loss that the peer reports |
//! | `sequences` | which datagrams arrived; loss |
//! | `liveness` | how long a silence may last |
//! | `timing` | round-trip time and jitter |
//! | `timers` | every deadline of a link |
//! | `statistics` | counters |

mod control;
mod frames;
mod gaps;
mod incoming;
mod kept;
mod liveness;
mod machine;
mod outgoing;
mod pace;
mod redundancy;
mod repair;
mod reports;
mod sequences;
mod statistics;
mod timers;
mod timing;
mod vocabulary;
mod wire;

#[cfg(test)]
mod tests;

pub use gaps::GAPS_MAX;
pub use incoming::PARKED_RECORDS_MAX;
pub use kept::{KEPT_BYTES_MAX, KEPT_DATAGRAMS_MAX};
pub use liveness::{SILENCE_ACTIVE_MAX, SILENCE_ACTIVE_MIN, SILENCE_IDLE};
pub use machine::Peer;
pub use outgoing::{REDUNDANCY_MAX, TRACKS_PER_LINK_MAX};
pub use statistics::Statistics;
pub use vocabulary::{Command, Config, Event, PeerError, TrackParams};
pub use wire::{
    AGGREGATION, BEAT_ACTIVE, BEAT_IDLE, BEAT_LOSSY, BEAT_URGENT, COMMANDS_MAX, ECHO_INTERVAL,
};
