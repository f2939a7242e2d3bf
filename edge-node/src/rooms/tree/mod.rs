//! This edge's place in the trees of rooms: from whom it gets their frames, and to whom it passes them on.
//!
//! Both feeds meet here: a frame is passed on when it comes for the first time, over whichever of the two, to everybody
//! who hangs from this edge. So an edge goes on as long as any way from a root to it is left.
//!
//! | module | what it holds |
//! |---|---|
//! | `branches` | what owners plan, carried out: whom to ask, make before break |
//! | `children` | who hangs from this edge in one room |
//! | `edges` | links to other edges: whom to dial, what they measure |
//! | `feeds` | whom one room's frames are asked of |
//! | `lanes` | voices of the stage between its edges, without a detour |
//! | `metrics` | what is counted |
//! | `position` | where this edge stands, for who looks at the whole network |
//! | `relaying` | what other edges ask of this one |
//! | `uplink` | a speaker's way to both roots |

mod branches;
mod children;
mod edges;
mod feeds;
mod lanes;
mod metrics;
mod position;
mod relaying;
mod uplink;

pub(super) use children::Children;
pub(super) use edges::Edges;
pub(super) use feeds::Feeds;
pub(super) use lanes::Lanes;
pub(super) use metrics::{LaneMetrics, TreeMetrics};
pub use position::{Parent, Position};
