//! Several origins as one: who is alive, who owns which room, who takes over. Pure; `io` keeps the lease.
//!
//! | module | what it holds |
//! |---|---|
//! | `tenure` | [`Tenure`]: until when an origin may act on the strength of its lease |
//! | `directory` | [`Directory`]: rooms of other origins |
//! | `moves` | [`Moves`]: when a room moves to a better origin |
//! | `placement` | which origin is a room's standby, and which takes it over when both are gone |
//! | `replica` | [`Replica`]: a room as its standby holds it, and the [`Line`]s that it is told |
//! | `votes` | [`Votes`]: which edges have lost which owner |
//! | `io` | [`Keeper`]: takes the lease, renews it, and tells who else is alive |

mod directory;
mod io;
mod moves;
mod placement;
mod replica;
mod tenure;
mod votes;

pub use directory::{Directory, Known};
pub use io::{Keeper, LEASE_RENEWED_EVERY};
pub use moves::Moves;
pub use placement::{standby_of, successor_of};
pub use replica::{Line, Replica};
pub use tenure::{LiveOrigin, Tenure, Tidings};
pub use votes::Votes;
