//! Every family of links and endpoints: its name after the node's prefix, its help, its label, and where its figures stand.

use prometheus::core::Collector;
use prometheus::{GaugeVec, IntCounterVec, Opts, Registry};
use stoa_protocol::ids::NodeRole;

use crate::statistics::{EndpointStatistics, LinkStatistics};

/// Values of a label, and where their figures stand.
type Figures<S, T> = &'static [(&'static str, fn(&S) -> T)];

/// One family.
pub(super) struct Family<S: 'static, T: 'static> {
    pub(super) name: &'static str,
    pub(super) help: &'static str,
    /// Empty for a family of one figure.
    pub(super) label: &'static str,
    pub(super) figures: Figures<S, T>,
}

/// Figures of a link that go up and down.
pub(super) const LINK_GAUGES: [Family<LinkStatistics, f64>; 6] = [
    Family {
        name: "link_rtt_seconds",
        help: "Smoothed round-trip time of a link in seconds.",
        label: "",
        figures: &[("", |s| s.rtt_ms / 1_000.0)],
    },
    Family {
        name: "link_rtt_min_seconds",
        help: "Least round-trip time of a link in the last 30 to 60 seconds.",
        label: "",
        figures: &[("", |s| s.rtt_min_ms / 1_000.0)],
    },
    Family {
        name: "link_one_way_excess_seconds",
        help: "How much longer a link's datagrams take to this node, smoothed, than the quickest of the last 10 to 20 seconds.",
        label: "",
        figures: &[("", |s| s.queueing_ms / 1_000.0)],
    },
    Family {
        name: "link_jitter_seconds",
        help: "How unevenly a link's datagrams arrive here (RFC 3550 section A.8).",
        label: "",
        figures: &[("", |s| s.jitter_ms / 1_000.0)],
    },
    Family {
        name: "link_loss_ratio",
        help: "Share of a link's datagrams lost in the last period, 0 to 1, by direction.",
        label: "direction",
        figures: &[
            ("in", |s| f64::from(s.loss_in_permille) / 1_000.0),
            ("out", |s| f64::from(s.loss_out_permille) / 1_000.0),
        ],
    },
    Family {
        name: "link_riding_frames",
        help: "Earlier frames that ride along with each frame of a link now, against loss.",
        label: "",
        figures: &[("", |s| f64::from(s.riding))],
    },
];

/// Figures of a link that only go up.
pub(super) const LINK_COUNTERS: [Family<LinkStatistics, u64>; 11] = [
    Family {
        name: "link_bytes_total",
        help: "UDP payload bytes of a link, by direction.",
        label: "direction",
        figures: &[("in", |s| s.bytes_in), ("out", |s| s.bytes_out)],
    },
    Family {
        name: "link_frames_total",
        help: "Frames of a link, by direction, each once.",
        label: "direction",
        figures: &[("in", |s| s.frames_in), ("out", |s| s.frames_out)],
    },
    Family {
        name: "link_datagrams_total",
        help: "Datagrams of a link, by direction.",
        label: "direction",
        figures: &[("in", |s| s.datagrams_in), ("out", |s| s.datagrams_out)],
    },
    Family {
        name: "link_datagrams_astray_total",
        help: "Datagrams of a link that did not arrive here (lost), that arrived after they had counted as lost (late), or twice (duplicate).",
        label: "what",
        figures: &[
            ("lost", |s| s.datagrams_lost + s.datagrams_late),
            ("late", |s| s.datagrams_late),
            ("duplicate", |s| s.datagrams_duplicate),
        ],
    },
    Family {
        name: "link_frames_dropped_total",
        help: "Frames that a link could not send or deliver, by reason.",
        label: "reason",
        figures: &[
            ("unbound", |s| s.frames_unbound),
            ("queue_full", |s| s.frames_queue_full),
            ("inbox_full", |s| s.frames_inbox_full),
        ],
    },
    Family {
        name: "link_repairs_total",
        help: "What a link did against loss: frames that rode along with later ones, frames that came because of that (recovered), because they were asked for (repaired), or once more (duplicate); datagrams asked for, in vain (failed), sent again, asked of us too late, refused.",
        label: "what",
        figures: &[
            ("frames_redundant", |s| s.frames_redundant),
            ("frames_recovered", |s| s.frames_recovered),
            ("frames_repaired", |s| s.frames_repaired),
            ("frames_duplicate", |s| s.frames_duplicate),
            ("asked", |s| s.repairs_asked),
            ("failed", |s| s.repairs_failed),
            ("sent", |s| s.repairs_out),
            ("late", |s| s.repairs_late),
            ("refused", |s| s.repairs_refused),
        ],
    },
    Family {
        name: "link_trails_total",
        help: "Frames of a link that tell what each hop has added: sent, received, with impossible times (clamped), not wanted (refused).",
        label: "what",
        figures: &[
            ("out", |s| s.trails_out),
            ("in", |s| s.trails_in),
            ("clamped", |s| s.trails_clamped),
            ("refused", |s| s.trails_refused),
        ],
    },
    Family {
        name: "link_datagrams_dropped_total",
        help: "Datagrams that a link did not send because the network did not take them fast enough.",
        label: "",
        figures: &[("", |s| s.datagrams_dropped)],
    },
    Family {
        name: "link_peer_mistakes_total",
        help: "What a link's peer sent and should not have.",
        label: "",
        figures: &[("", |s| s.peer_mistakes)],
    },
    Family {
        name: "link_over_limit_total",
        help: "What a link dropped because one of its maximums was reached.",
        label: "",
        figures: &[("", |s| s.over_limit)],
    },
    Family {
        name: "link_suspicions_total",
        help: "Times that a link's peer was so silent that it was suspected to be dead.",
        label: "",
        figures: &[("", |s| s.suspicions)],
    },
];

/// Figures of an endpoint.
pub(super) const ENDPOINT: [Family<EndpointStatistics, u64>; 6] = [
    Family {
        name: "endpoint_links_up_total",
        help: "Links of the endpoint that came up.",
        label: "",
        figures: &[("", |s| s.links_up)],
    },
    Family {
        name: "endpoint_links_down_total",
        help: "Links of the endpoint that went down.",
        label: "",
        figures: &[("", |s| s.links_down)],
    },
    Family {
        name: "endpoint_links_closed_total",
        help: "Links that the endpoint closed by itself, by reason.",
        label: "reason",
        figures: &[("replaced", |s| s.links_replaced), ("queue_full", |s| s.links_queue_full)],
    },
    Family {
        name: "endpoint_refused_total",
        help: "Connections that the endpoint refused, by reason, and targets that it did not connect to.",
        label: "reason",
        figures: &[
            ("links", |s| s.refused_links),
            ("handshakes", |s| s.refused_handshakes),
            ("rate", |s| s.refused_rate),
            ("targets", |s| s.targets_refused),
        ],
    },
    Family {
        name: "endpoint_failed_total",
        help: "Connections that failed before they became links, by reason.",
        label: "reason",
        figures: &[
            ("certificate", |s| s.failed_certificate),
            ("version", |s| s.failed_version),
            ("identity", |s| s.failed_identity),
            ("refused", |s| s.failed_refused),
            ("timeout", |s| s.failed_timeout),
            ("resolution", |s| s.failed_resolution),
            ("other", |s| s.failed_other),
        ],
    },
    Family {
        name: "endpoint_retries_total",
        help: "Connections that were asked to prove their address first.",
        label: "",
        figures: &[("", |s| s.retries)],
    },
];

/// What the names of a node's metrics begin with.
pub(crate) fn prefix(role: NodeRole) -> &'static str {
    match role {
        NodeRole::Edge => "stoa_edge",
        NodeRole::Origin => "stoa_origin",
    }
}

impl<S, T> Family<S, T> {
    fn opts(&self, role: NodeRole) -> Opts {
        Opts::new(format!("{}_{}", prefix(role), self.name), self.help)
    }

    /// The labels `shared` and this family's own.
    fn labels<'a>(&self, shared: &[&'a str]) -> Vec<&'a str>
    where
        'static: 'a,
    {
        let own = Some(self.label).filter(|label| !label.is_empty());
        shared.iter().copied().chain(own).collect()
    }

    /// The values of `shared` and one of this family's own.
    pub(super) fn values<'a>(&self, shared: &[&'a str], own: &'a str) -> Vec<&'a str> {
        let own = Some(own).filter(|_| !self.label.is_empty());
        shared.iter().copied().chain(own).collect()
    }
}

impl<S> Family<S, f64> {
    pub(super) fn gauge(
        &self,
        role: NodeRole,
        shared: &[&str],
        registry: &Registry,
    ) -> prometheus::Result<GaugeVec> {
        register(registry, GaugeVec::new(self.opts(role), &self.labels(shared))?)
    }
}

impl<S> Family<S, u64> {
    pub(super) fn counter(
        &self,
        role: NodeRole,
        shared: &[&str],
        registry: &Registry,
    ) -> prometheus::Result<IntCounterVec> {
        register(registry, IntCounterVec::new(self.opts(role), &self.labels(shared))?)
    }
}

/// Registers a collector and gives it back.
pub(super) fn register<C: Collector + Clone + 'static>(
    registry: &Registry,
    collector: C,
) -> prometheus::Result<C> {
    registry.register(Box::new(collector.clone()))?;
    Ok(collector)
}
