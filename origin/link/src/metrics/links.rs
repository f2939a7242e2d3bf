//! What each link tells, by its peer.

use std::collections::BTreeMap;
use std::fmt;

use prometheus::{
    Gauge, GaugeVec, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry,
};
use stoa_protocol::ids::NodeRole;

use super::peers::{OTHER, Peers};
use super::table::{Family, LINK_COUNTERS, LINK_GAUGES, prefix, register};
use crate::event::{LinkId, PeerName};
use crate::inbox::InboxSender;
use crate::statistics::LinkStatistics;

/// Labels that all families share.
const SHARED: [&str; 2] = ["peer", "region"];

/// Metrics of links, and what of each link is exported already.
pub struct LinkMetrics {
    up: IntGaugeVec,
    gauges: Vec<(&'static Family<LinkStatistics, f64>, GaugeVec)>,
    counters: Vec<(&'static Family<LinkStatistics, u64>, IntCounterVec)>,
    inbox_frames_dropped: IntCounter,
    inbox_waits: IntCounter,
    peers: Peers,
    exported: BTreeMap<LinkId, Exported>,
}

/// Where each figure stands, and where it goes.
type Own<T, M> = Vec<(fn(&LinkStatistics) -> T, M)>;

/// A link's own figures, found once: looking them up by their labels each second would take longer than all else.
struct Exported {
    /// Whether the peer has figures of its own.
    shown: bool,
    statistics: LinkStatistics,
    up: IntGauge,
    gauges: Own<f64, Gauge>,
    counters: Own<u64, IntCounter>,
}

impl Exported {
    fn note(&mut self, now: LinkStatistics) {
        let before = std::mem::replace(&mut self.statistics, now);
        self.up.set(1);
        for (figure, gauge) in &self.gauges {
            gauge.set(figure(&now));
        }
        for (figure, counter) in &self.counters {
            counter.inc_by(figure(&now).saturating_sub(figure(&before)));
        }
    }
}

impl LinkMetrics {
    /// Registers every metric of a node of this role.
    ///
    /// # Errors
    /// When `registry` holds a metric of the same name already.
    pub fn register(registry: &Registry, role: NodeRole) -> prometheus::Result<Self> {
        let named = |name: &str| format!("{}_{name}", prefix(role));
        let up = Opts::new(named("link_up"), "Whether the link is up.");
        let dropped = "Frames dropped because this node did not keep up with its links.";
        let waits = "How often a link had to wait because this node did not keep up.";
        let gauges = LINK_GAUGES.iter();
        let gauges = gauges.map(|family| Ok((family, family.gauge(role, &SHARED, registry)?)));
        let counters = LINK_COUNTERS.iter();
        let counters =
            counters.map(|family| Ok((family, family.counter(role, &SHARED, registry)?)));
        Ok(Self {
            up: register(registry, IntGaugeVec::new(up, &SHARED)?)?,
            gauges: gauges.collect::<prometheus::Result<_>>()?,
            counters: counters.collect::<prometheus::Result<_>>()?,
            inbox_frames_dropped: register(
                registry,
                IntCounter::new(named("inbox_frames_dropped_total"), dropped)?,
            )?,
            inbox_waits: register(registry, IntCounter::new(named("inbox_waits_total"), waits)?)?,
            peers: Peers::default(),
            exported: BTreeMap::new(),
        })
    }

    /// Brings the inbox's counts up to date.
    pub fn note_inbox(&self, inbox: &InboxSender) {
        raise(&self.inbox_frames_dropped, inbox.frames_dropped());
        raise(&self.inbox_waits, inbox.facts_waited());
    }

    /// Brings a link's figures up to date.
    pub fn note(&mut self, id: LinkId, peer: &PeerName, now: LinkStatistics) {
        if let Some(known) = self.exported.get_mut(&id) {
            return known.note(now);
        }
        let entered = self.peers.enter(peer);
        if let Some((node, region)) = entered.dropped {
            self.drop_figures(&[node.as_str(), region.as_str()]);
        }
        let mut exported = self.exported(peer, entered.shown);
        exported.note(now);
        self.exported.insert(id, exported);
    }

    fn exported(&self, peer: &PeerName, shown: bool) -> Exported {
        let here = if shown { [peer.node.as_str(), peer.region.as_str()] } else { [OTHER, ""] };
        let (mut gauges, mut counters) = (Vec::new(), Vec::new());
        for (family, all) in &self.gauges {
            gauges.extend(family.figures.iter().map(|(label, figure)| {
                (*figure, all.with_label_values(&family.values(&here, label)))
            }));
        }
        for (family, all) in &self.counters {
            counters.extend(family.figures.iter().map(|(label, figure)| {
                (*figure, all.with_label_values(&family.values(&here, label)))
            }));
        }
        let (statistics, up) = (LinkStatistics::default(), self.up.with_label_values(&here));
        Exported { shown, statistics, up, gauges, counters }
    }

    /// Takes the gauges of a link that went down off the page; its counters stay, as counters do.
    pub fn forget(&mut self, id: LinkId, peer: &PeerName) {
        let Some(known) = self.exported.remove(&id) else { return };
        if !known.shown || !self.peers.leave(&peer.node) {
            return;
        }
        let here = [peer.node.as_str(), peer.region.as_str()];
        self.up.with_label_values(&here).set(0);
        self.drop_gauges(&here);
    }

    fn drop_gauges(&self, here: &[&str; 2]) {
        for (family, gauges) in &self.gauges {
            for (label, _) in family.figures {
                // Removing what was never exported is an error that means nothing.
                let _ = gauges.remove_label_values(&family.values(here, label));
            }
        }
    }

    fn drop_figures(&self, here: &[&str; 2]) {
        let _ = self.up.remove_label_values(here);
        self.drop_gauges(here);
        for (family, counters) in &self.counters {
            for (label, _) in family.figures {
                let _ = counters.remove_label_values(&family.values(here, label));
            }
        }
    }
}

impl fmt::Debug for LinkMetrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LinkMetrics").field("links", &self.exported.len()).finish_non_exhaustive()
    }
}

/// Brings a counter up to a total that is kept elsewhere.
fn raise(counter: &IntCounter, total: u64) {
    counter.inc_by(total.saturating_sub(counter.get()));
}

#[cfg(test)]
mod tests {
    use prometheus::TextEncoder;

    use super::*;
    use crate::metrics::PEERS_MAX;
    use crate::tests::support::{edge, origin};

    fn page(registry: &Registry) -> String {
        TextEncoder::new().encode_to_string(&registry.gather()).unwrap()
    }

    fn carried(frames_in: u64) -> LinkStatistics {
        LinkStatistics { frames_in, rtt_ms: 80.0, ..LinkStatistics::default() }
    }

    #[test]
    fn a_link_that_went_down_leaves_its_counters_but_not_its_gauges() {
        let registry = Registry::new();
        let mut metrics = LinkMetrics::register(&registry, NodeRole::Edge).unwrap();
        let peer = origin("origin-1");
        metrics.note(LinkId(1), &peer, carried(100));
        metrics.note(LinkId(1), &peer, carried(150));
        let up = page(&registry);
        assert!(
            up.contains("stoa_edge_link_rtt_seconds{peer=\"origin-1\",region=\"ams\"} 0.08"),
            "{up}"
        );
        metrics.forget(LinkId(1), &peer);
        metrics.note(LinkId(2), &peer, carried(30));
        metrics.forget(LinkId(2), &peer);
        let down = page(&registry);
        let frames =
            "stoa_edge_link_frames_total{direction=\"in\",peer=\"origin-1\",region=\"ams\"} 180";
        assert!(down.contains(frames), "{down}");
        assert!(down.contains("stoa_edge_link_up{peer=\"origin-1\",region=\"ams\"} 0"), "{down}");
        assert!(!down.contains("stoa_edge_link_rtt_seconds{"), "{down}");
    }

    #[test]
    fn edges_and_origins_tell_the_same_under_their_own_names() {
        let (edge_side, origin_side) = (Registry::new(), Registry::new());
        let registries = [(&edge_side, NodeRole::Edge), (&origin_side, NodeRole::Origin)];
        let pages = registries.map(|(registry, role)| {
            let mut metrics = LinkMetrics::register(registry, role).unwrap();
            super::super::EndpointMetrics::register(registry, role)
                .unwrap()
                .note(&Default::default());
            metrics.note(LinkId(1), &edge("edge-1"), carried(1));
            page(registry)
        });
        assert_eq!(pages[0].replace("stoa_edge_", "stoa_origin_"), pages[1]);
        assert!(LinkMetrics::register(&edge_side, NodeRole::Edge).is_err());
    }

    #[test]
    fn a_page_has_room_for_so_many_peers_and_forgets_who_is_gone_first() {
        let registry = Registry::new();
        let mut metrics = LinkMetrics::register(&registry, NodeRole::Origin).unwrap();
        for index in 0..PEERS_MAX as u64 + 10 {
            let peer = edge(&format!("e-{index}"));
            metrics.note(LinkId(index), &peer, carried(5));
            if index % 2 == 0 {
                metrics.forget(LinkId(index), &peer);
            }
        }
        let lines =
            |text: &str, family: &str| text.lines().filter(|line| line.starts_with(family)).count();
        let text = page(&registry);
        assert_eq!(lines(&text, "stoa_origin_link_suspicions_total{"), PEERS_MAX);
        assert!(!text.contains("peer=\"e-0\"") && text.contains("peer=\"e-1\""), "{text}");
    }
}
