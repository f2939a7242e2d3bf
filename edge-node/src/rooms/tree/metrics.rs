//! What is counted of this edge's place in the trees.

use prometheus::{IntCounter, IntCounterVec, IntGauge, Opts, Registry};
use stoa_protocol::mesh::control::Feed;

use super::feeds::Said;

/// Counters and gauges of the trees, `stoa_edge_tree_*`.
#[derive(Clone, Debug)]
pub(in crate::rooms) struct TreeMetrics {
    pub(in crate::rooms) edges: IntGauge,
    pub(in crate::rooms) children: IntGauge,
    pub(in crate::rooms) doubled: IntGauge,
    pub(in crate::rooms) relayed: IntCounter,
    pub(in crate::rooms) back_filled: IntCounter,
    switches: IntCounterVec,
    pub(in crate::rooms) refused_children: IntCounter,
    pub(in crate::rooms) refused_edges: IntCounter,
}

impl TreeMetrics {
    pub(in crate::rooms) fn new(registry: &Registry) -> prometheus::Result<Self> {
        let counter = |name: &str, text: &str| {
            let counter = IntCounter::new(name, text)?;
            registry.register(Box::new(counter.clone()))?;
            Ok::<_, prometheus::Error>(counter)
        };
        let gauge = |name: &str, text: &str| {
            let gauge = IntGauge::new(name, text)?;
            registry.register(Box::new(gauge.clone()))?;
            Ok::<_, prometheus::Error>(gauge)
        };
        let switches = IntCounterVec::new(
            Opts::new(
                "stoa_edge_tree_feed_switches_total",
                "Neighbours that were asked for a feed of a room, because an owner planned so or because another was lost, and those that were let go.",
            ),
            &["feed", "reason"],
        )?;
        registry.register(Box::new(switches.clone()))?;
        let refused = IntCounterVec::new(
            Opts::new(
                "stoa_edge_tree_refused_total",
                "Edges that were not served because there were too many, by what they wanted.",
            ),
            &["wanted"],
        )?;
        registry.register(Box::new(refused.clone()))?;
        Ok(Self {
            edges: gauge("stoa_edge_tree_edges", "Other edges that are linked.")?,
            children: gauge(
                "stoa_edge_tree_children",
                "Edges that hang from this one, counted once for each room.",
            )?,
            doubled: gauge(
                "stoa_edge_tree_rooms_doubled",
                "Rooms whose frames come from two different neighbours (feeds_effective is 2).",
            )?,
            relayed: counter(
                "stoa_edge_tree_frames_relayed_total",
                "Frames passed on to other edges, counted once for each of them.",
            )?,
            back_filled: counter(
                "stoa_edge_tree_frames_back_filled_total",
                "Frames of the last moments sent to edges that had lost a parent.",
            )?,
            switches,
            refused_children: refused.with_label_values(&["room"]),
            refused_edges: refused.with_label_values(&["link"]),
        })
    }

    /// A neighbour was asked for a feed, or let go.
    pub(in crate::rooms) fn note_switch(&self, said: Said) {
        let (feed, reason) = match said {
            Said::Subscribe { feed, back_fill: true, .. } => (feed, "lost"),
            Said::Subscribe { feed, back_fill: false, .. } => (feed, "planned"),
            Said::Unsubscribe { feed, .. } => (feed, "let-go"),
        };
        let feed = match feed {
            Feed::Red => "red",
            Feed::Blue => "blue",
        };
        self.switches.with_label_values(&[feed, reason]).inc();
    }
}

/// Counters and gauges of the stage lane, `stoa_edge_lane_*`.
#[derive(Clone, Debug)]
pub(in crate::rooms) struct LaneMetrics {
    pub(in crate::rooms) links: IntGauge,
    pub(in crate::rooms) sent: IntCounter,
    /// Frames that came over it, by what became of them.
    pub(in crate::rooms) first: IntCounter,
    pub(in crate::rooms) behind: IntCounter,
    pub(in crate::rooms) unnamed: IntCounter,
    pub(in crate::rooms) unheard: IntCounter,
    /// Frames that came along the tree before the lane brought them.
    pub(in crate::rooms) late: IntCounter,
}

impl LaneMetrics {
    pub(in crate::rooms) fn new(registry: &Registry) -> prometheus::Result<Self> {
        let links = IntGauge::new(
            "stoa_edge_lane_links",
            "Other edges that voices of stages go to without a detour, counted once for each room.",
        )?;
        registry.register(Box::new(links.clone()))?;
        let sent = IntCounter::new(
            "stoa_edge_lane_frames_sent_total",
            "Frames sent to other edges of a stage, counted once for each of them.",
        )?;
        registry.register(Box::new(sent.clone()))?;
        let heard = IntCounterVec::new(
            Opts::new(
                "stoa_edge_lane_frames_total",
                "Frames of other edges of a stage: first over the lane, behind the tree's, late so that the tree's came first, \
                 unnamed by the owner, or unheard because nobody here is on the stage.",
            ),
            &["outcome"],
        )?;
        registry.register(Box::new(heard.clone()))?;
        Ok(Self {
            links,
            sent,
            first: heard.with_label_values(&["first"]),
            behind: heard.with_label_values(&["behind"]),
            unnamed: heard.with_label_values(&["unnamed"]),
            unheard: heard.with_label_values(&["unheard"]),
            late: heard.with_label_values(&["late"]),
        })
    }
}
