//! `bench demo --scenario`: somebody speaks and somebody listens at every edge, while a part of the network dies.
//!
//! | module | what it holds |
//! |---|---|
//! | `account` | what each listener missed, frame by frame |
//! | `feeds` | who sends the room to whom, as the ways between nodes show it |
//! | `play` | the course of a scenario |
//! | `report` | the figures |

mod account;
mod feeds;
mod play;
mod report;

pub(in crate::load) use account::Heard;
pub(crate) use play::{AFTER_S, Scenario, play};
