//! What is counted of the mesh endpoint: connections that became links, and those that did not.

use std::fmt;

use prometheus::{IntCounterVec, Registry};
use stoa_protocol::ids::NodeRole;

use super::table::{ENDPOINT, Family};
use crate::statistics::EndpointStatistics;

/// Every metric of an endpoint; a node with nothing but links inside its process has none.
pub struct EndpointMetrics(Vec<(&'static Family<EndpointStatistics, u64>, IntCounterVec)>);

impl EndpointMetrics {
    /// Registers every metric of a node of this role.
    ///
    /// # Errors
    /// When `registry` holds a metric of the same name already.
    pub fn register(registry: &Registry, role: NodeRole) -> prometheus::Result<Self> {
        let families = ENDPOINT.iter();
        let families = families.map(|family| Ok((family, family.counter(role, &[], registry)?)));
        families.collect::<prometheus::Result<_>>().map(Self)
    }

    /// Brings the endpoint's counts up to date.
    pub fn note(&self, now: &EndpointStatistics) {
        for (family, counters) in &self.0 {
            for (label, figure) in family.figures {
                let counter = counters.with_label_values(&family.values(&[], label));
                counter.inc_by(figure(now).saturating_sub(counter.get()));
            }
        }
    }
}

impl fmt::Debug for EndpointMetrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EndpointMetrics").finish_non_exhaustive()
    }
}
