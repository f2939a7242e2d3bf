//! The core of a WebRTC client, without socket or clock. str0m shakes hands; then it is dropped, and
//! what is left per listener is keys and counters, so that ten thousand fit beside the edge.
//!
//! | module | what it holds |
//! |---|---|
//! | `handshake` | ICE and DTLS, by str0m |
//! | `listener` | an established listener |
//! | `consent` | STUN binding requests, at Chromium's pace (RFC 7675) |
//! | `reception` | what a receiver report says (RFC 3550 section 6.4, appendix A.8) |

mod consent;
mod handshake;
mod listener;
mod reception;

pub(crate) use handshake::{Handshake, Progress, Purpose};
pub(crate) use listener::{Heard, Listener};
