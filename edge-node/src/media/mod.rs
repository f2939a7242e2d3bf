//! The listeners' hot path: one header, one seal and one slot in a batch per listener and packet.
//! Nothing here allocates, locks, awaits or logs per packet.
//!
//! | module | what it holds |
//! |---|---|
//! | [`srtp`] | sealing and opening packets (RFC 3711, RFC 7714) |
//! | `outbox` | where packets are written to be sent |
//! | `timeline`, `pace` | frames of changing speakers on one RTP timeline, and when they are expected |
//! | `packet_length`, `packetizer` | how much audio goes into a packet, and which |
//! | `listener` | one listener's streams |
//! | `group` | listeners whose packets are cut alike, in sending order |
//! | `hall` | what one class of one room hears |
//! | `fanout` | who hears what: all rooms of a worker |
//! | `report`, `report_turns` | RTCP sender reports and BYE, and when they are due |
//! | [`kernel`] | the system calls |

mod fanout;
mod group;
mod hall;
pub mod kernel;
mod listener;
mod outbox;
mod pace;
mod packet_length;
mod packetizer;
mod report;
mod report_turns;
pub mod srtp;
mod timeline;

pub use fanout::{Fanout, FanoutCounters, ROOMS_MAX};
pub use listener::{Downstream, Listener};
pub use outbox::Outbox;
pub use packet_length::PacketLength;
