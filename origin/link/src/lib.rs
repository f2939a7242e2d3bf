//! A mesh link on the wire. The rules of a link live in `stoa_protocol::mesh`; here is its shell:
//! quinn endpoint, certificates, congestion control, reconnects, and links inside one process.
//!
//! | module | what it holds |
//! |---|---|
//! | `admission` | which incoming connections are looked at; pure |
//! | `backoff` | how long to wait before the next attempt; pure |
//! | `certificates` | who a node is, and how it proves it |
//! | [`config`] | what an endpoint needs to know to start |
//! | `congestion` | congestion control that audio can live with |
//! | `connector` | keeps one link up |
//! | [`endpoint`] | one UDP port for all links of a node |
//! | [`event`] | what a link tells its owner |
//! | `failure` | why a connection did not become a link |
//! | [`handle`] | the sending half of a link |
//! | [`mod@in_process`] | a link inside one process |
//! | [`mod@inbox`] | the queue through which all links tell their owner |
//! | [`metrics`] | what links and their endpoint tell Prometheus |
//! | `node` | what all tasks of one endpoint share |
//! | `queue` | between the handles of a link and its task |
//! | `registry` | the links of an endpoint by node |
//! | `runtime` | tokio for quinn, with an eye on what still runs |
//! | `session` | one connection from its handshake to its end |
//! | [`statistics`] | counters of links and endpoints |
//! | [`subscriptions`] | which child gets which track; pure |
//! | [`trails`] | sampled frames on their way through a node |
//! | `transport` | how quinn is set up for links |

mod admission;
mod backoff;
mod certificates;
pub mod config;
mod congestion;
mod connector;
pub mod endpoint;
pub mod event;
mod failure;
pub mod handle;
pub mod in_process;
pub mod inbox;
pub mod metrics;
mod node;
mod queue;
mod registry;
mod runtime;
mod session;
pub mod statistics;
pub mod subscriptions;
pub mod trails;
mod transport;

pub use config::{EndpointConfig, Identity, Limits};
pub use endpoint::Endpoint;
pub use event::{Event, LinkEvent, LinkId, PeerName, TrackBinding};
pub use handle::{Link, SendError};
pub use in_process::in_process;
pub use inbox::{Inbox, InboxSender, inbox};
pub use metrics::{EndpointMetrics, LinkMetrics};
pub use statistics::{EndpointStatistics, LinkStatistics};
pub use subscriptions::{Interest, Subscriptions};
pub use trails::Trails;

#[cfg(test)]
mod tests;
