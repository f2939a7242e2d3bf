//! The outside of an Opus packet (RFC 6716 section 3); nothing is decoded.
//!
//! | module | what it holds |
//! |---|---|
//! | `toc` | the first byte: configuration, channels, framing code |
//! | `packet` | frame lengths and the validity rules R1 to R7 |
//! | `split` | a packet of several frames as several packets of one |
//! | `join` | several packets of one frame as a packet of several |

mod join;
mod packet;
mod split;
mod toc;

pub use join::{DTX_BYTES_MAX, JOINED_BYTES_MAX, Joiner, Refused, is_joinable};
pub use packet::{FRAME_BYTES_MAX, FRAMES_MAX, Malformed, Packet, duration, unpadded_bytes};
pub use split::{SILENT_FRAME, Split, split};
pub use toc::{Bandwidth, Mode, Toc};
