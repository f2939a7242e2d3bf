//! What is shown of the network: a row per edge, from what the edges and the paths count.

use serde::Serialize;

use super::network::Edge;
use super::scrape::Page;
use crate::impair::Sample;

/// What one edge's counters stood at.
#[derive(Clone, Debug, Default)]
pub(super) struct Reading {
    pub(super) page: Page,
    pub(super) path: [Sample; 2],
}

/// One row.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Row {
    /// The region's code.
    edge: &'static str,
    /// Clients.
    participants: u64,
    /// Of these, clients that audio is sent to.
    listeners: u64,
    /// Frames per second from its clients.
    frames_up_per_second: f64,
    /// Frames per second over its link from the origin.
    frames_in_per_second: f64,
    /// Datagrams per second to its clients.
    packets_per_second: f64,
    /// Round-trip time that the path was given.
    asked_rtt_ms: f64,
    /// Round-trip time that the link measures.
    link_rtt_ms: Option<f64>,
    /// Loss on the link in the worse direction, in percent.
    link_loss_percent: Option<f64>,
    /// Packets that the path lost, both directions.
    path_lost: u64,
    /// Cores in use.
    cores: f64,
    /// Resident memory in MiB.
    rss_mib: f64,
}

impl Row {
    pub(super) fn new(edge: &Edge, last: &Reading, now: &Reading, seconds: f64) -> Self {
        let rate = |metric: &str, label: &str| {
            let sum = |reading: &Reading| reading.page.sum(metric, label).unwrap_or(0.0);
            if seconds > 0.0 { (sum(now) - sum(last)).max(0.0) / seconds } else { 0.0 }
        };
        let page = &now.page;
        let count = |metric: &str| page.sum(metric, "").unwrap_or(0.0).max(0.0);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "counts of clients: whole, not negative, small"
        )]
        let whole = |metric: &str| count(metric) as u64;
        Self {
            edge: edge.site.place.code,
            participants: whole("stoa_edge_participants"),
            listeners: whole("stoa_edge_listeners"),
            frames_up_per_second: rate("stoa_edge_frames_up_total", ""),
            frames_in_per_second: rate("stoa_edge_link_frames_total", "direction=\"in\""),
            packets_per_second: rate("stoa_edge_sent_packets_total", ""),
            asked_rtt_ms: edge.round_trip.ms,
            link_rtt_ms: page.max("stoa_edge_link_rtt_seconds", "-origin\"").map(|s| s * 1_000.0),
            link_loss_percent: page
                .max("stoa_edge_link_loss_ratio", "-origin\"")
                .map(|loss| loss * 100.0),
            path_lost: now.path.iter().map(|sample| sample.lost).sum(),
            cores: rate("stoa_process_cpu_seconds_total", ""),
            rss_mib: count("stoa_process_resident_memory_bytes") / f64::from(1 << 20),
        }
    }

    fn cells(&self) -> Vec<String> {
        let measured = |value: Option<f64>, unit: &str| {
            value.map_or_else(|| "-".to_owned(), |value| format!("{value:.1}{unit}"))
        };
        vec![
            self.edge.to_owned(),
            self.participants.to_string(),
            self.listeners.to_string(),
            format!("{:.0}", self.frames_up_per_second),
            format!("{:.0}", self.frames_in_per_second),
            format!("{:.0}", self.packets_per_second),
            format!("{:.1} ms", self.asked_rtt_ms),
            measured(self.link_rtt_ms, " ms"),
            measured(self.link_loss_percent, " %"),
            format!("{:.1} %", self.cores * 100.0),
            format!("{:.0} MiB", self.rss_mib),
        ]
    }
}

/// Heading and rows.
pub(super) fn rows(rows: &[Row]) -> Vec<Vec<String>> {
    let heading = [
        "edge", "clients", "hearing", "up/s", "in/s", "out/s", "path", "link RTT", "loss", "CPU",
        "RSS",
    ];
    let heading = heading.map(String::from).to_vec();
    std::iter::once(heading).chain(rows.iter().map(Row::cells)).collect()
}
