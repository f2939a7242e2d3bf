//! The status page: what this origin knows of the network, and the live tree of a room, for people and for programs.
//!
//! | module | what it holds |
//! |---|---|
//! | [`survey`] | what is known at one moment |
//! | `html` | text that cannot become markup |
//! | [`map`] | a tree as SVG |
//! | `page` | the page for people |
//! | `query` | what is asked for |
//! | `io` | the routes, how they ask the thread of the rooms, and who serves them |

mod html;
mod io;
pub mod map;
mod page;
mod query;
pub mod survey;

pub use io::{Asked, Asker, channel, serve};
pub use query::Query;
pub use survey::{Site, Survey};

#[cfg(test)]
mod tests;
