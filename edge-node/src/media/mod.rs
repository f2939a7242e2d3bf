//! The listeners' hot path: one header, one seal and one slot in a batch per listener and packet.
//! Nothing here allocates, locks, awaits or logs per packet.
//!
//! | module | what it holds |
//! |---|---|
//! | [`srtp`] | sealing and opening packets (RFC 3711, RFC 7714) |
//! | `outbox` | where packets are written to be sent |
//! | `timeline` | frames of changing speakers on one RTP timeline |
//! | `listener` | one listener's streams |
//! | `report` | RTCP sender reports and BYE |
//! | `fanout` | who hears what: a room's listeners, packed in sending order |
//! | [`kernel`] | the system calls |

mod fanout;
pub mod kernel;
mod listener;
mod outbox;
mod report;
pub mod srtp;
mod timeline;

pub use fanout::{Fanout, FanoutCounters, ROOMS_MAX};
pub use listener::{Downstream, Listener};
pub use outbox::Outbox;
