//! The edge's place in the mesh: its links, and which of them lead to the owners of rooms.
//!
//! | module | what it holds |
//! |---|---|
//! | `io` | the mesh thread |
//! | `parents` | which links lead towards the owners of rooms |

mod io;
mod parents;
#[cfg(test)]
#[cfg(feature = "standalone")]
mod tests;

pub use io::{Mesh, Start};
pub use parents::Parents;
