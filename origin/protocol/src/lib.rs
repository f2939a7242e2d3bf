//! What nodes say to each other. No input or output: bytes and times come in, bytes and facts go out.
//!
//! | module | what it holds |
//! |---|---|
//! | [`ids`] | names of rooms, participants, nodes |
//! | [`mesh`] | what two nodes exchange over one link |
//! | [`moment`] | moments as people write them |
//! | [`tenant`] | who rooms belong to, and how much each may use |
//! | [`token`] | access tokens of participants and back ends |

pub mod ids;
pub mod mesh;
pub mod moment;
pub mod tenant;
pub mod token;
