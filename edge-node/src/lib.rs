//! The edge: every byte of media that a client hears or says.
//!
//! | module | what it holds |
//! |---|---|
//! | [`webrtc`] | sessions of clients |

pub mod webrtc;
