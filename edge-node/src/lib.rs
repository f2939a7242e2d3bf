//! The edge: every byte of media that a client hears or says.
//!
//! | module | what it holds |
//! |---|---|
//! | [`mesh`] | links to origins |
//! | [`rooms`] | who is here, and where each frame goes |
//! | [`media`] | the fan-out to listeners |
//! | [`webrtc`] | sessions of clients |

pub mod mesh;
pub mod rooms;
pub mod media;
pub mod webrtc;
