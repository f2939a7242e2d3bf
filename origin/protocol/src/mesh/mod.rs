//! The mesh: what two nodes exchange over one link.
//!
//! | module | what it holds |
//! |---|---|
//! | [`control`] | messages of the control stream (Protocol Buffers) |

pub mod control;
