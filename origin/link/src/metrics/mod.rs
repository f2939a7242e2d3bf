//! What links and their endpoint tell Prometheus, the same of every node: `stoa_edge_*` of an edge, `stoa_origin_*` of
//! an origin.
//!
//! | module | what it holds |
//! |---|---|
//! | `table` | every family with its help, its label and where its figures stand |
//! | `links` | what each link tells |
//! | `endpoint` | connections that became links, and those that did not |
//! | `peers` | how many peers have figures of their own |

mod endpoint;
mod links;
mod peers;
mod table;

pub use endpoint::EndpointMetrics;
pub use links::LinkMetrics;
pub use peers::PEERS_MAX;
pub(crate) use peers::{OTHER, Peers};
pub(crate) use table::prefix;
