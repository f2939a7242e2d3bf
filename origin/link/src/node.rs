//! What all tasks of one endpoint share.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use stoa_protocol::mesh::identity::Identity;
use tokio::sync::{mpsc, watch};

use crate::admission::Refusal;
use crate::config::Limits;
use crate::event::PeerName;
use crate::failure::{Failure, Kind};
use crate::inbox::InboxSender;
use crate::registry::Registry;
use crate::statistics::{EndpointCounters, EndpointStatistics, count};
use crate::trails::Trails;

/// What all tasks of one endpoint share.
#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) name: PeerName,
    pub(crate) identity: Identity,
    pub(crate) limits: Limits,
    pub(crate) inbox: InboxSender,
    pub(crate) registry: Registry,
    pub(crate) trails: Trails,
    pub(crate) counters: EndpointCounters,
    pub(crate) handshakes: AtomicUsize,
    /// Set once, when the endpoint closes: why.
    pub(crate) closing: watch::Sender<Option<String>>,
}

/// Keeps the endpoint waiting at its close until the task that holds it has ended.
pub(crate) type Alive = mpsc::Sender<()>;

/// A place among the handshakes under way.
#[derive(Debug)]
pub(crate) struct Handshake(Arc<Node>);

impl Handshake {
    pub(crate) fn begin(node: &Arc<Node>) -> Self {
        node.handshakes.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(node))
    }
}

impl Drop for Handshake {
    fn drop(&mut self) {
        self.0.handshakes.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Node {
    /// Waits until the endpoint closes, and says why.
    pub(crate) async fn closing(&self) -> String {
        let mut closing = self.closing.subscribe();
        match closing.wait_for(Option::is_some).await {
            Ok(reason) => reason.clone().unwrap_or_default(),
            // The sender lives in `self`.
            Err(_) => String::new(),
        }
    }

    /// Tells all tasks to end: links say goodbye, nothing new begins. The first reason stands.
    pub(crate) fn close(&self, reason: &str) {
        let first = self.closing.send_if_modified(|closing| {
            let first = closing.is_none();
            closing.get_or_insert_with(|| reason.to_owned());
            first
        });
        if first {
            for link in self.registry.all() {
                link.close(reason);
            }
        }
    }

    pub(crate) fn count_failure(&self, failure: &Failure) {
        count(match failure.kind {
            Kind::Certificate => &self.counters.failed_certificate,
            Kind::Version => &self.counters.failed_version,
            Kind::Identity => &self.counters.failed_identity,
            Kind::Refused => &self.counters.failed_refused,
            Kind::Timeout => &self.counters.failed_timeout,
            Kind::Resolution => &self.counters.failed_resolution,
            Kind::Other => &self.counters.failed_other,
        });
    }

    pub(crate) fn count_refusal(&self, refusal: Refusal) {
        count(match refusal {
            Refusal::Links => &self.counters.refused_links,
            Refusal::Handshakes => &self.counters.refused_handshakes,
            Refusal::Rate => &self.counters.refused_rate,
        });
    }

    pub(crate) fn statistics(&self) -> EndpointStatistics {
        let links = u64::try_from(self.registry.len()).unwrap_or(u64::MAX);
        EndpointStatistics { links, ..self.counters.snapshot() }
    }
}
