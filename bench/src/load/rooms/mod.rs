//! `bench rooms`: what rooms cost their owner: joins, deeds and hands in many rooms, and in a big one.
//!
//! | module | what it holds |
//! |---|---|
//! | `command` | `bench rooms` |
//! | `store` | the store that the origin is given |
//! | `people` | who comes in |
//! | `deeds` | what hosts and guests do to each other |
//! | `hands` | hands, until a moderator sees them |
//! | `report` | the figures |

mod command;
mod deeds;
mod hands;
mod people;
mod report;
mod store;

pub use command::{Arguments, run};
