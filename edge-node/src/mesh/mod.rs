//! The edge's place in the mesh: its links, and the origins that they lead to.
//!
//! | module | what it holds |
//! |---|---|
//! | `io` | the mesh thread |
//! | `parents` | which links lead to origins |
//! | `targets` | which addresses are dialled because origins name them |

mod io;
mod parents;
mod targets;
#[cfg(test)]
#[cfg(feature = "standalone")]
mod tests;

pub use io::{Mesh, Start};
pub use parents::Parents;
pub use targets::{Noted, Targets, is_address};
