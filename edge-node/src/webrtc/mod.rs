//! WebRTC sessions: str0m for ICE and DTLS; our own SRTP both ways.
//!
//! | module | what it holds |
//! |---|---|
//! | `plane` | the vocabulary between this folder and the rest of the edge |
//! | `handle` | the handle: open, restart, mute, promote, close, deliver |
//! | `offer`, `sdp` | from an offer to a session and an answer |
//! | `candidates` | the addresses at which clients reach us |
//! | [`keys`], `dtls` | how a session's SRTP keys are learned; the DTLS that yields them |
//! | [`datagram`] | what a datagram is |
//! | `registry`, `directory` | whose a datagram is: across workers, and on one |
//! | `session`, `engine` | one client, and what runs it |
//! | `capacity`, `meter` | what a worker can bear, and what it measures to know |
//! | `admission` | whether there is room for one more |
//! | `consent` | connectivity checks, answered |
//! | `asleep` | what is left of a session once it is connected |
//! | `sessions`, `upkeep` | all clients of a worker; waking, polling and ending them |
//! | `wheel` | deadlines at a fixed cost |
//! | `change` | what the room side may change of a session |
//! | `reception`, `receipts` | what clients report of what they receive; what they are told of what they send |
//! | `hearing` | what a connected client says, and what becomes of it |
//! | `microphone`, `rtp` | its audio, opened and read |
//! | `uplink` | the same as frames |
//! | `mailbox`, `io`, `publish` | the worker's thread, how others reach it, and what it tells |
//! | `backlog` | datagrams of handshakes, which wait until nothing else does |
//! | `containment` | one session's fault is not another's |
//! | `clock` | NTP time for sender reports |
//! | `counters`, `metrics` | what happened, and what Prometheus hears of it |

mod admission;
mod asleep;
mod backlog;
mod candidates;
mod capacity;
mod change;
mod clock;
mod consent;
mod containment;
mod counters;
pub mod datagram;
mod directory;
mod dtls;
mod engine;
mod handle;
mod hearing;
mod io;
pub mod keys;
mod mailbox;
mod meter;
mod metrics;
mod microphone;
mod offer;
mod plane;
mod publish;
mod receipts;
mod reception;
mod registry;
mod rtp;
mod sdp;
mod session;
mod sessions;
#[cfg(test)]
mod tests;
mod upkeep;
mod uplink;
mod wheel;

pub use handle::{FromPlaneQueue, Plane, PlaneConfig};
pub use metrics::PlaneMetrics;
pub use offer::rehearse;
pub use plane::{
    Class, Delivery, Downlink, FromPlane, OfferError, OpenSession, Opened, Restarted, RoomKey,
    SLOTS_MAX, SessionEvent, SessionId, Uplinked,
};
