//! Who of a room's stage is heard: the owner's decisions, numbered and with the frames from which
//! they hold.
//!
//! | module | what it holds |
//! |---|---|
//! | `selection` | [`Stage`]: the loudest speakers, as edges get to know them |

mod selection;

pub use selection::{Heard, Stage};

#[cfg(test)]
mod tests;
