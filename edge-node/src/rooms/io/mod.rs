//! The hub's shell on the mesh thread: links, the media plane and the signaling side in, effects out.
//!
//! | module | what it holds |
//! |---|---|
//! | `shell` | the loop, and what becomes of commands |
//! | `steering` | what the composition root wants of it |
//! | `tellers` | the connections that hear of events |

mod shell;
mod steering;
mod tellers;

pub use shell::{OnEnded, OnRecommended, OnRevoked, OnTargets, Shell, Surroundings};
pub use steering::Steering;
