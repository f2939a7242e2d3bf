//! The service among links, stores and clocks.
//!
//! | module | what it holds |
//! |---|---|
//! | `server` | [`Server`]: inbox, links, timers and metrics around the core |
//! | `steering` | [`Steering`]: what the composition root asks of it |
//! | `acknowledging` | answers that wait until what they say is kept |
//! | `reading` | what the core wants to know of the store |

mod acknowledging;
mod reading;
mod server;
mod steering;

pub use server::Server;
pub use steering::Steering;
