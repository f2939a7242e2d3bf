//! Which neighbour sends what to whom: the distribution tree of one room as this node sees it.
//!
//! Today the tree is one level deep, the owner is the parent of every edge. What is kept here holds
//! for any node of a deeper tree and for a second feed as well: children, what each of them asked
//! for, and the tracks that flow to them.
//!
//! | module | what it holds |
//! |---|---|
//! | `subscriptions` | [`Subscriptions`]: children, their [`Interest`]s, tracks bound to them |

mod subscriptions;

pub use subscriptions::{Change, Interest, RELEASE_AFTER, Subscriptions};

#[cfg(test)]
mod tests;
