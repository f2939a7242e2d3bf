//! What the media plane tells Prometheus.

use prometheus::{IntCounter, IntCounterVec, IntGauge, Opts, Registry};

use super::counters::SessionsCounters;
use crate::media::FanoutCounters;
use crate::media::kernel::Sent;

/// Counters of the media plane; workers add to them a few times a second, never per packet.
#[derive(Clone)]
pub struct PlaneMetrics {
    /// WebRTC sessions, waiting for their first check or connected.
    pub(super) sessions: IntGauge,
    /// Offers refused because the edge had as many sessions as it may have.
    pub(super) refused_full: IntCounter,
    /// Listeners that are being sent to.
    pub(super) listeners: IntGauge,
    sent_packets: IntCounter,
    sent_bytes: IntCounter,
    sent_calls: IntCounter,
    express_packets: IntCounter,
    dropped: IntCounterVec,
    received: IntCounter,
    uplink_frames: IntCounterVec,
    fenced: IntCounter,
    panics: IntCounter,
    forwarded: IntCounter,
    clock_restarts: IntCounter,
}

impl PlaneMetrics {
    /// Registers everything under `stoa_edge_`.
    ///
    /// # Errors
    /// When a name is registered already.
    pub fn new(registry: &Registry) -> prometheus::Result<Self> {
        let counter = |name: &str, help: &str| {
            let counter = IntCounter::new(format!("stoa_edge_{name}"), help)?;
            registry.register(Box::new(counter.clone()))?;
            prometheus::Result::Ok(counter)
        };
        let gauge = |name: &str, help: &str| {
            let gauge = IntGauge::new(format!("stoa_edge_{name}"), help)?;
            registry.register(Box::new(gauge.clone()))?;
            prometheus::Result::Ok(gauge)
        };
        let labelled = |name: &str, help: &str, label: &str| {
            let opts = Opts::new(format!("stoa_edge_{name}"), help);
            let counter = IntCounterVec::new(opts, &[label])?;
            registry.register(Box::new(counter.clone()))?;
            prometheus::Result::Ok(counter)
        };
        Ok(Self {
            sessions: gauge("sessions", "WebRTC sessions, connecting or connected.")?,
            refused_full: counter(
                "sessions_refused_total",
                "Offers refused because the edge had as many sessions as it may have.",
            )?,
            listeners: gauge("listeners", "Clients that audio is sent to.")?,
            sent_packets: counter("sent_packets_total", "Datagrams taken by the kernel.")?,
            sent_bytes: counter(
                "sent_bytes_total",
                "Bytes of those datagrams, without IP and UDP headers.",
            )?,
            sent_calls: counter("sendmmsg_calls_total", "System calls that sent them.")?,
            express_packets: counter(
                "express_packets_total",
                "Datagrams among those sent that took the express path.",
            )?,
            dropped: labelled(
                "dropped_total",
                "Datagrams, frames and packets dropped, by reason.",
                "reason",
            )?,
            received: counter("received_datagrams_total", "Datagrams received on the media port.")?,
            uplink_frames: labelled(
                "uplink_frames_total",
                "Frames from clients, by how they came: in time, or by redundancy alone.",
                "by",
            )?,
            fenced: counter(
                "fenced_reports_total",
                "Control packets on one of our SSRCs that str0m wanted to send; none may.",
            )?,
            panics: counter(
                "session_panics_total",
                "Sessions that ended because their code panicked; a bug, please report it.",
            )?,
            forwarded: counter(
                "forwarded_datagrams_total",
                "Datagrams handed to another worker, because a client's address changed.",
            )?,
            clock_restarts: counter(
                "uplink_clock_restarts_total",
                "Times a client's RTP clock jumped.",
            )?,
        })
    }

    pub(super) fn add_sent(&self, sent: Sent) {
        self.sent_packets.inc_by(sent.packets);
        self.sent_bytes.inc_by(sent.bytes);
        self.sent_calls.inc_by(sent.calls);
        self.express_packets.inc_by(sent.express_packets);
        self.drop_by("socket-full", sent.dropped_full);
        self.drop_by("kernel-refused", sent.dropped_refused);
    }

    pub(super) fn add_fanout(&self, counters: FanoutCounters) {
        self.drop_by("late-frame", counters.late_frames);
        self.drop_by("seal-failed", counters.failed_packets);
        self.drop_by("room-limit", counters.over_limit);
    }

    pub(super) fn add_sessions(&self, counters: SessionsCounters) {
        self.drop_by("unknown-kind", counters.unknown_kind);
        self.drop_by("unasked-stun", counters.unasked_stun);
        self.drop_by("unknown-source", counters.unknown_source);
        self.drop_by("unknown-ufrag", counters.unknown_ufrag);
        self.drop_by("refused", counters.refused);
        self.drop_by("muted", counters.muted);
        self.drop_by("unknown-payload-type", counters.uplink.unknown_payload_type);
        self.drop_by("malformed-payload", counters.uplink.malformed);
        self.drop_by("erratic-clock", counters.uplink.erratic);
        self.drop_by("unknown-stream", counters.unknown_stream);
        self.drop_by("frame-too-large", counters.uplink.too_large);
        self.forwarded.inc_by(counters.forwarded);
        self.fenced.inc_by(counters.fenced);
        self.panics.inc_by(counters.panics);
        self.clock_restarts.inc_by(counters.uplink.clock_restarts);
        let recovered = counters.uplink.recovered;
        self.uplink_frames.with_label_values(&["redundancy"]).inc_by(recovered);
        let in_time = counters.uplink.frames.saturating_sub(recovered);
        self.uplink_frames.with_label_values(&["time"]).inc_by(in_time);
    }

    pub(super) fn add_received(&self, datagrams: u64, truncated: u64) {
        self.received.inc_by(datagrams);
        self.drop_by("truncated", truncated);
    }

    pub(super) fn drop_by(&self, reason: &str, count: u64) {
        if count > 0 {
            self.dropped.with_label_values(&[reason]).inc_by(count);
        }
    }
}
