//! The figures of `bench fanout`.

use serde::Serialize;

use crate::measure::machine::Machine;

/// One size. Keys are never renamed, because other tools read them.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Size {
    /// Listeners of the room.
    pub(super) listeners: u32,
    /// Length of their packets.
    pub(super) packet_ms: u32,
    /// Bytes that the kernel gets for a packet.
    pub(super) packet_bytes: usize,
    /// What was measured in turns; the figures are medians.
    pub(super) rounds: usize,
    /// CPU time of the sending thread per packet, our fan-out, everything included.
    pub(super) ns_per_packet: f64,
    /// The same of a bare `sendmmsg` loop with packets of the same size to the same sockets.
    pub(super) floor_ns_per_packet: f64,
    /// Ours over the floor: the median of the ratios of each round.
    pub(super) ratio_to_floor: f64,
    /// The same of str0m's own way to write packets, with the same `sendmmsg` behind it.
    pub(super) str0m_ns_per_packet: f64,
    /// Sessions that str0m had: its cost grows with them.
    pub(super) str0m_sessions: u32,
    /// Ours over str0m's.
    pub(super) ratio_to_str0m: f64,
    /// Calls of the allocator per packet of ours.
    pub(super) allocations_per_packet: f64,
    /// Packets that arrived over packets sent, of all three.
    pub(super) delivered_ratio: f64,
}

/// A run: the last size at the top, all of them below.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Report {
    #[serde(flatten)]
    pub(super) last: Size,
    pub(super) profile: &'static str,
    pub(super) sizes: Vec<Size>,
    pub(super) machine: Machine,
}

impl Report {
    /// A table.
    pub(super) fn rows(&self) -> Vec<Vec<String>> {
        let heading = [
            "listeners",
            "packet",
            "ours",
            "floor",
            "ratio",
            "str0m",
            "ours/str0m",
            "allocations",
            "delivered",
        ];
        let mut rows = vec![heading.map(String::from).to_vec()];
        for size in &self.sizes {
            rows.push(vec![
                size.listeners.to_string(),
                format!("{} ms, {} B", size.packet_ms, size.packet_bytes),
                format!("{:.0} ns", size.ns_per_packet),
                format!("{:.0} ns", size.floor_ns_per_packet),
                format!("{:.3}", size.ratio_to_floor),
                format!("{:.0} ns ({})", size.str0m_ns_per_packet, size.str0m_sessions),
                format!("{:.3}", size.ratio_to_str0m),
                format!("{:.4}", size.allocations_per_packet),
                format!("{:.6}", size.delivered_ratio),
            ]);
        }
        rows
    }
}
