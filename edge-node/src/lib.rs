//! The edge: every byte of media that a client hears or says.
//!
//! | module | what it holds |
//! |---|---|
//! | [`config`] | configuration file and command line |
//! | [`drain`] | how this edge leaves |
//! | [`edge`] | composition root |
//! | [`media`] | the fan-out to listeners |
//! | [`mesh`] | links to origins, and the thread they live on |
//! | [`metrics`] | what Prometheus hears of the node and its links |
//! | [`rooms`] | who is here, and where each frame goes |
//! | [`signaling`] | HTTP and WebSocket |
//! | [`webrtc`] | sessions of clients |

pub mod config;
pub mod drain;
pub mod edge;
pub mod media;
pub mod mesh;
pub mod metrics;
pub mod rooms;
pub mod signaling;
pub mod webrtc;
