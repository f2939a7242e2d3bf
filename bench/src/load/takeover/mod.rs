//! `bench takeover`: what people notice when the origin of their room dies, freezes or leaves.
//!
//! | module | what it holds |
//! |---|---|
//! | `command` | `bench takeover` |
//! | `network` | three origins on a Cassandra, and three edges |
//! | `people` | who is in the room, and what they do all the while |
//! | `report` | the figures |

mod command;
mod network;
mod people;
mod report;

pub use command::{Arguments, run};
