//! What is counted of the mesh endpoint: connections that became links, and those that did not.

use prometheus::{IntCounter, IntCounterVec, Opts, Registry};
use stoa_link::EndpointStatistics;

use super::{boxed, raise};

metrics! { EndpointFamilies:
    /// Links of the endpoint that came up.
    endpoint_links_up: IntCounter = "stoa_origin_endpoint_links_up_total";
    /// Links of the endpoint that went down.
    endpoint_links_down: IntCounter = "stoa_origin_endpoint_links_down_total";
    /// Links that the endpoint closed by itself, by reason.
    endpoint_links_closed: IntCounterVec = "stoa_origin_endpoint_links_closed_total" ["reason"];
    /// Connections that the endpoint refused, by reason.
    endpoint_refused: IntCounterVec = "stoa_origin_endpoint_refused_total" ["reason"];
    /// Connections that failed before they became links, by reason.
    endpoint_failed: IntCounterVec = "stoa_origin_endpoint_failed_total" ["reason"];
    /// Connections that were asked to prove their address first.
    endpoint_retries: IntCounter = "stoa_origin_endpoint_retries_total";
}

/// Every metric of an origin's endpoint; an embedded origin has none.
#[derive(Debug)]
pub struct EndpointMetrics(EndpointFamilies);

impl EndpointMetrics {
    /// Registers every metric of an endpoint.
    ///
    /// # Errors
    /// When `registry` holds a metric of the same name already.
    pub fn register(registry: &Registry) -> prometheus::Result<Self> {
        EndpointFamilies::register(registry).map(Self)
    }

    /// Brings the endpoint's counts up to date.
    pub fn note(&self, now: &EndpointStatistics) {
        let f = &self.0;
        raise(&f.endpoint_links_up, now.links_up);
        raise(&f.endpoint_links_down, now.links_down);
        raise(&f.endpoint_retries, now.retries);
        let closed = [("replaced", now.links_replaced), ("queue_full", now.links_queue_full)];
        let refused = [
            ("links", now.refused_links),
            ("handshakes", now.refused_handshakes),
            ("rate", now.refused_rate),
        ];
        let failed = [
            ("certificate", now.failed_certificate),
            ("version", now.failed_version),
            ("identity", now.failed_identity),
            ("refused", now.failed_refused),
            ("timeout", now.failed_timeout),
            ("resolution", now.failed_resolution),
            ("other", now.failed_other),
        ];
        let families = [
            (&f.endpoint_links_closed, closed.as_slice()),
            (&f.endpoint_refused, refused.as_slice()),
            (&f.endpoint_failed, failed.as_slice()),
        ];
        for (family, counts) in families {
            for (reason, count) in counts {
                raise(&family.with_label_values(&[*reason]), *count);
            }
        }
    }
}
