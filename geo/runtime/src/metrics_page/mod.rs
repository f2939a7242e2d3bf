//! What a site-reliability engineer asks a running binary.
//!
//! | module | what it holds |
//! |---|---|
//! | `page` | the routes `/metrics`, `/health/live` and `/health/ready` |
//! | `health` | whether this process wants new work, and why not |
//! | `usage` | CPU, memory and open files of this process, from `/proc` |
//! | `serve` | an HTTP server for binaries that have no other |

mod health;
mod page;
mod serve;
mod usage;

pub use health::Health;
pub use page::router;
pub use serve::{ServeError, serve, serve_on};
