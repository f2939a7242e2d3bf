//! Congestion control for audio: it yields to queueing delay, never to isolated loss, and never below
//! the booked audio rate. The stock controllers would starve audio on a long lossy path.
//!
//! | module | what it holds |
//! |---|---|
//! | `controller` | the adapter to `quinn_proto::congestion` |
//! | `window` | the rules; pure |

mod controller;
mod window;

pub(crate) use controller::AudioFirst;
