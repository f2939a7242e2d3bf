//! What nodes say to each other. No input or output: bytes and times come in, bytes and facts go out.
//!
//! | module | what it holds |
//! |---|---|
//! | [`ids`] | names of rooms, participants, nodes |
//! | [`mesh`] | control messages of a mesh link |

pub mod ids;
pub mod mesh;
