//! What stores keep beyond what rooms have in memory: read on demand, erased on demand, and when its time is over.
//!
//! | module | what it holds |
//! |---|---|
//! | `retention` | the `[retention]` section, and what it says of a moment |
//! | `pages` | which entries of a stored log a page has |
//! | `io` | [`Archive`]: answers and periodic work, bounded and counted |

mod io;
mod pages;
mod retention;

pub use io::{Archive, Tally};
pub use retention::Retention;
