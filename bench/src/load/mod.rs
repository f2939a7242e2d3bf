//! Load: many real listeners in one process against a real edge, and one real speaker.
//!
//! | module | what it holds |
//! |---|---|
//! | `client` | the core of a WebRTC client: handshake, consent, opening packets, reports |
//! | `stamp` | frames that carry when they were sent |
//! | `window` | which frames count |
//! | `addresses` | a loopback address and a socket for each of many clients |
//! | `sockets` | few sockets for many clients |
//! | `letter` | a datagram between socket and listener |
//! | `member` | one of the listeners: how he comes, and how far he is |
//! | `tally` | what all listeners count |
//! | `swarm` | all listeners: one thread |
//! | `speaker` | the speaker: one thread |
//! | `http` | rooms, WHIP and WHEP over warm connections |
//! | `network` | an origin with a chosen store, and edges |
//! | `entrance` | how people come in as pages do |
//! | `crowd` | many who join, so many at a time |
//! | `joining` | how a speaker and listeners come in |
//! | `overload` | an edge with too little CPU time |
//! | `report` | the figures |
//! | `command` | `bench listen` |
//! | [`stage`] | `bench stage` |
//! | [`rooms`] | `bench rooms` |
//! | [`outage`] | `bench outage` |
//! | `scenario` | `bench demo --scenario` |
//! | [`takeover`] | `bench takeover` |
//! | `talk` | a room's WebSocket |
//! | [`storm`], `storm_report` | `bench join-storm`, and its figures |

mod addresses;
mod client;
mod command;
mod crowd;
mod entrance;
mod http;
mod joining;
mod letter;
mod member;
mod network;
pub mod outage;
mod overload;
mod report;
pub mod rooms;
pub(crate) mod scenario;
mod sockets;
mod speaker;
pub mod stage;
mod stamp;
pub mod storm;
mod storm_report;
mod swarm;
pub mod takeover;
mod talk;
mod tally;
mod window;

pub use command::{Arguments, run};
pub use http::{Answer, Connection, Room, Tokens};
pub(crate) use scenario::Scenario;
pub(crate) use sockets::Sockets;
