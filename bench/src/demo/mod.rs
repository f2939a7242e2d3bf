//! The whole network on one machine: an origin and three edges as processes of their own, with links
//! between them that take as long as across the real world.
//!
//! | module | what it holds |
//! |---|---|
//! | `distance` | round-trip times: measured, or from the model |
//! | `network` | origin, paths and edges, started in order |
//! | `scrape` | values from a node's metrics page |
//! | `table` | what is shown of them |
//! | `command` | `bench demo` |

mod command;
mod distance;
mod network;
mod scrape;
mod table;

pub use command::{Arguments, run};
pub(crate) use distance::{Matrix, round_trip};
pub(crate) use network::{Network, Wish};
pub(crate) use scrape::Page;
