//! The distribution trees of a room, as its owner plans them.
//!
//! The planner is pure: a [`Network`] of nodes with what they may carry, a [`Planner`] with a knob between
//! delay and cost, a [`Plan`] of two feeds that share no relay, and a [`check()`] that proves it. What
//! flows on the links of one node is in [`stoa_link::Subscriptions`].
//!
//! | module | what it holds |
//! |---|---|
//! | `network` | [`Network`]: nodes, their limits, the delays between them |
//! | `feed` | [`Feed`]: one tree, with delays and depths |
//! | `plan` | [`Plan`]: both feeds, their members, what each node is told |
//! | `planner` | [`Planner`]: plan, join, leave, mend, improve |
//! | `price` | [`Knobs`], and what a tree costs by them |
//! | `slots` | who may take one more child |
//! | `workshop` | a feed while it is changed, and the moves |
//! | `grow` | the first tree |
//! | `search` | making it better |
//! | `recruit` | relays that are no members |
//! | `backup` | whom a node asks when its parent dies |
//! | `check` | [`check()`]: whether a plan keeps what it promises |

mod backup;
mod check;
mod feed;
mod grow;
mod network;
mod plan;
mod planner;
mod price;
mod recruit;
mod search;
mod slots;
mod workshop;

pub use check::{Flaw, check};
pub use feed::Feed;
pub use network::{DELAY_MS_MAX, NODES_MAX, Network, Node, NodeIndex, RELAY_LOAD_PERMILLE_MAX};
pub use plan::{DEPTH_MAX, Parents, Plan, Roots};
pub use planner::{Colour, Planner};
pub use price::Knobs;

#[cfg(test)]
mod planner_tests;
