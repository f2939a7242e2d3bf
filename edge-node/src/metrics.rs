//! What this edge tells Prometheus about itself and its links; rooms, media and signaling have their
//! own. The doc comment of a field is the metric's help text.

use std::collections::BTreeMap;

use prometheus::core::Collector;
use prometheus::{GaugeVec, IntCounter, IntCounterVec, IntGaugeVec, Opts, Registry};
use stoa_link::{EndpointStatistics, InboxSender, LinkId, LinkStatistics, PeerName};

macro_rules! metrics {
    (@make $type:ident, $name:literal, $help:expr) => {
        $type::with_opts(Opts::new($name, $help))
    };
    (@make $type:ident, $name:literal, $help:expr, $($label:literal),+) => {
        $type::new(Opts::new($name, $help), &[$($label),+])
    };
    ($families:ident: $($(#[doc = $help:literal])+ $field:ident: $type:ident = $name:literal $([$($label:literal),+])?;)+) => {
        #[derive(Clone, Debug)]
        struct $families {
            $($(#[doc = $help])+ $field: $type,)+
        }

        impl $families {
            fn register(registry: &Registry) -> prometheus::Result<Self> {
                $(
                    let help = concat!($($help),+).trim();
                    let $field = metrics!(@make $type, $name, help $(, $($label),+)?)?;
                    registry.register(boxed(&$field))?;
                )+
                Ok(Self { $($field,)+ })
            }
        }
    };
}

metrics! { LinkFamilies:
    /// Frames dropped because this edge did not keep up with its links.
    inbox_frames_dropped: IntCounter = "stoa_edge_inbox_frames_dropped_total";
    /// How often a link had to wait because this edge did not keep up.
    inbox_waits: IntCounter = "stoa_edge_inbox_waits_total";
    /// Whether the link is up.
    link_up: IntGaugeVec = "stoa_edge_link_up" ["node", "region"];
    /// Smoothed round-trip time of a link in seconds.
    link_rtt_seconds: GaugeVec = "stoa_edge_link_rtt_seconds" ["node", "region"];
    /// Share of a link's datagrams lost in the last period, 0 to 1, by direction.
    link_loss_ratio: GaugeVec = "stoa_edge_link_loss_ratio" ["node", "region", "direction"];
    /// UDP payload bytes of a link, by direction.
    link_bytes: IntCounterVec = "stoa_edge_link_bytes_total" ["node", "region", "direction"];
    /// Frames of a link, by direction.
    link_frames: IntCounterVec = "stoa_edge_link_frames_total" ["node", "region", "direction"];
    /// Frames that a link could not send or deliver, by reason.
    link_frames_dropped: IntCounterVec = "stoa_edge_link_frames_dropped_total" ["node", "region", "reason"];
    /// What a link did against loss: frames that rode along with later ones, frames recovered by that or by asking (repaired), datagrams asked for, sent again, asked for too late, refused.
    link_repairs: IntCounterVec = "stoa_edge_link_repairs_total" ["node", "region", "what"];
    /// Datagrams that a link did not send because the network did not take them fast enough.
    link_datagrams_dropped: IntCounterVec = "stoa_edge_link_datagrams_dropped_total" ["node", "region"];
    /// What a link's peer sent and should not have.
    link_peer_mistakes: IntCounterVec = "stoa_edge_link_peer_mistakes_total" ["node", "region"];
}

metrics! { EndpointFamilies:
    /// Links of the endpoint that came up.
    endpoint_links_up: IntCounter = "stoa_edge_endpoint_links_up_total";
    /// Links of the endpoint that went down.
    endpoint_links_down: IntCounter = "stoa_edge_endpoint_links_down_total";
    /// Links that the endpoint closed by itself, by reason.
    endpoint_links_closed: IntCounterVec = "stoa_edge_endpoint_links_closed_total" ["reason"];
    /// Connections that the endpoint refused, by reason.
    endpoint_refused: IntCounterVec = "stoa_edge_endpoint_refused_total" ["reason"];
    /// Connections that failed before they became links, by reason.
    endpoint_failed: IntCounterVec = "stoa_edge_endpoint_failed_total" ["reason"];
}

metrics! { NodeFamilies:
    /// Always 1; its labels say which node this is.
    node: IntGaugeVec = "stoa_edge_node" ["node", "region", "version", "latitude", "longitude"];
}

/// Says which node this is.
///
/// # Errors
/// When `registry` says so already.
pub fn register_node(
    registry: &Registry,
    name: &PeerName,
    coordinates: Option<(f64, f64)>,
) -> prometheus::Result<()> {
    let families = NodeFamilies::register(registry)?;
    let degrees = |value: Option<f64>| value.map(|v| v.to_string()).unwrap_or_default();
    let labels = [
        name.node.as_str(),
        name.region.as_str(),
        env!("CARGO_PKG_VERSION"),
        &degrees(coordinates.map(|(latitude, _)| latitude)),
        &degrees(coordinates.map(|(_, longitude)| longitude)),
    ];
    families.node.with_label_values(&labels).set(1);
    Ok(())
}

/// Metrics of links, and what of each link is exported already.
#[derive(Debug)]
pub struct LinkMetrics {
    families: LinkFamilies,
    exported: BTreeMap<LinkId, LinkStatistics>,
}

impl LinkMetrics {
    /// Registers every metric.
    ///
    /// # Errors
    /// When `registry` holds a metric of the same name already.
    pub fn register(registry: &Registry) -> prometheus::Result<Self> {
        Ok(Self { families: LinkFamilies::register(registry)?, exported: BTreeMap::new() })
    }

    /// Brings the inbox's counts up to date.
    pub fn note_inbox(&self, inbox: &InboxSender) {
        raise(&self.families.inbox_frames_dropped, inbox.frames_dropped());
        raise(&self.families.inbox_waits, inbox.facts_waited());
    }

    /// Brings a link's figures up to date.
    pub fn note(&mut self, id: LinkId, peer: &PeerName, now: LinkStatistics) {
        let f = &self.families;
        let before = self.exported.insert(id, now).unwrap_or_default();
        let (node, region) = (peer.node.as_str(), peer.region.as_str());
        let here = [node, region];
        f.link_up.with_label_values(&here).set(1);
        f.link_rtt_seconds.with_label_values(&here).set(now.rtt_ms / 1_000.0);
        for (direction, permille) in [("in", now.loss_in_permille), ("out", now.loss_out_permille)]
        {
            let labels = [node, region, direction];
            f.link_loss_ratio.with_label_values(&labels).set(f64::from(permille) / 1_000.0);
        }
        let add = |family: &IntCounterVec, label: &str, before: u64, now: u64| {
            family.with_label_values(&[node, region, label]).inc_by(now.saturating_sub(before));
        };
        add(&f.link_bytes, "in", before.bytes_in, now.bytes_in);
        add(&f.link_bytes, "out", before.bytes_out, now.bytes_out);
        add(&f.link_frames, "in", before.frames_in, now.frames_in);
        add(&f.link_frames, "out", before.frames_out, now.frames_out);
        for ((what, before), (_, now)) in before.repairs().into_iter().zip(now.repairs()) {
            add(&f.link_repairs, what, before, now);
        }
        let dropped = &f.link_frames_dropped;
        add(dropped, "unbound", before.frames_unbound, now.frames_unbound);
        add(dropped, "queue_full", before.frames_queue_full, now.frames_queue_full);
        add(dropped, "inbox_full", before.frames_inbox_full, now.frames_inbox_full);
        let add = |family: &IntCounterVec, before: u64, now: u64| {
            family.with_label_values(&here).inc_by(now.saturating_sub(before));
        };
        add(&f.link_datagrams_dropped, before.datagrams_dropped, now.datagrams_dropped);
        add(&f.link_peer_mistakes, before.peer_mistakes, now.peer_mistakes);
    }

    /// Notes that a link went down. Its round-trip time and loss leave the page; its counters stay.
    pub fn forget(&mut self, id: LinkId, peer: &PeerName) {
        let f = &self.families;
        let (node, region) = (peer.node.as_str(), peer.region.as_str());
        self.exported.remove(&id);
        f.link_up.with_label_values(&[node, region]).set(0);
        // Removing what was never exported is an error that means nothing.
        let _ = f.link_rtt_seconds.remove_label_values(&[node, region]);
        for direction in ["in", "out"] {
            let _ = f.link_loss_ratio.remove_label_values(&[node, region, direction]);
        }
    }
}

/// Metrics of the mesh endpoint; an edge with nothing but its own origin has none.
#[derive(Clone, Debug)]
pub struct EndpointMetrics(EndpointFamilies);

impl EndpointMetrics {
    /// Registers every metric.
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

fn boxed<C: Collector + Clone + 'static>(collector: &C) -> Box<dyn Collector> {
    Box::new(collector.clone())
}

/// Brings a counter up to a total that is kept elsewhere.
fn raise(counter: &IntCounter, total: u64) {
    counter.inc_by(total.saturating_sub(counter.get()));
}

#[cfg(test)]
mod tests {
    use stoa_protocol::ids::{NodeId, NodeRole, Region};

    use super::*;

    #[test]
    fn counters_of_a_second_link_to_a_node_add_to_those_of_the_first() {
        let registry = Registry::new();
        let mut metrics = LinkMetrics::register(&registry).unwrap();
        let peer = PeerName {
            node: NodeId::new("origin-1").unwrap(),
            role: NodeRole::Origin,
            region: Region::new("ams").unwrap(),
        };
        let carried = |frames_in| LinkStatistics { frames_in, ..LinkStatistics::default() };
        metrics.note(LinkId(1), &peer, carried(10));
        metrics.note(LinkId(1), &peer, carried(15));
        metrics.forget(LinkId(1), &peer);
        metrics.note(LinkId(2), &peer, carried(4));
        let frames = metrics.families.link_frames.with_label_values(&["origin-1", "ams", "in"]);
        assert_eq!(frames.get(), 19);
        assert_eq!(metrics.families.link_up.with_label_values(&["origin-1", "ams"]).get(), 1);
    }
}
