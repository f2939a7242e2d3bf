//! The archive and the stores.
//!
//! | module | what it holds |
//! |---|---|
//! | `shell` | [`Archive`]: what is asked of it, and the periodic work of retention |
//! | `reading` | a page of a stored log, for whoever may read it |
//! | `erasing` | an identity is erased from what is stored |

mod erasing;
mod reading;
mod shell;
#[cfg(test)]
mod tests;

pub use shell::{Archive, Tally};
