//! The edge's place in the mesh: its links, and which of them lead to the owners of rooms.
//!
//! | module | what it holds |
//! |---|---|
//! | `parents` | which links lead towards the owners of rooms |

mod parents;

pub use parents::Parents;
