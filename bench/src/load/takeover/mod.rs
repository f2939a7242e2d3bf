//! `bench takeover`: what people notice when the origin of their room dies, freezes or leaves.
//!
//! | module | what it holds |
//! |---|---|
//! | `command` | `bench takeover` |
//! | `network` | three origins on a Cassandra, and three edges |
//! | `census` | whose rooms are |
//! | `people` | who is in the room, and what they do all the while |
//! | `voice` | who speaks in it, and who listens at another edge |
//! | `rounds` | what happens to origins, once |
//! | `report` | the figures |

pub(in crate::load) mod census;
mod command;
mod network;
mod people;
mod report;
mod rounds;
mod voice;

pub use command::{Arguments, run};
