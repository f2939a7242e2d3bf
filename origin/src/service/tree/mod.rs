//! How frames of this origin's rooms are spread over edges, and of rooms of which it is the standby.
//!
//! | module | what it holds |
//! |---|---|
//! | `blue` | a room of another origin, of which this one roots the blue tree |
//! | `branches` | one room's plan, and what each edge of it was told |
//! | `delays` | how far all nodes are from each other, at hand |
//! | `lanes` | which edges of a stage send voices to each other |
//! | `leaving` | edges that leave, and where clients may go instead |
//! | `map` | which edges there are, what they offer, how far they are from each other |
//! | `planning` | plans made and kept, and told to edges |
//! | `rooting` | frames of rooms of other origins |
//! | `trees` | what an origin keeps for all rooms |
//! | `voices` | what a standby must know to root the blue tree |

mod blue;
mod branches;
mod delays;
mod lanes;
mod leaving;
mod map;
mod planning;
mod rooting;
mod trees;
mod voices;

pub(super) use blue::BlueRoute;
pub(super) use branches::{Branches, Hanging};
pub(super) use lanes::Lanes;
pub(super) use map::hop_ms;
pub(super) use trees::Trees;
pub(super) use voices::Told;
