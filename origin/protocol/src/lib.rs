//! What nodes say to each other. No input or output: bytes and times come in, bytes and facts go out.
//!
//! | module | what it holds |
//! |---|---|
//! | [`ids`] | names of rooms, participants, nodes |
//! | [`mesh`] | what two nodes exchange over one link |
//! | [`token`] | access tokens of participants |

pub mod ids;
pub mod mesh;
pub mod token;
