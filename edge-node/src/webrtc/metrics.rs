//! What the media plane tells Prometheus.

use prometheus::{Histogram, HistogramOpts, IntCounter, IntCounterVec, IntGauge, Opts, Registry};

use super::admission::Admission;
use super::capacity::{Capacity, whole};
use super::counters::SessionsCounters;
use super::reception::Report;
use crate::media::FanoutCounters;
use crate::media::kernel::Sent;

/// Upper bounds of a loss that is hardly heard, is concealed well, and so on to one that nobody bears.
const LOSS_RATIOS: [f64; 7] = [0.0, 0.005, 0.01, 0.02, 0.05, 0.1, 0.3];

/// Upper bounds of jitter and of round trips, in seconds.
const JITTERS_S: [f64; 8] = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2];
const ROUND_TRIPS_S: [f64; 8] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.4, 0.8];

/// Counters of the media plane; workers add to them a few times a second, never per packet.
#[derive(Clone)]
pub struct PlaneMetrics {
    /// WebRTC sessions, waiting for their first check or connected.
    pub(super) sessions: IntGauge,
    /// Offers refused, by what there was too much of.
    pub(super) refused: IntCounterVec,
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
    voices_ended: IntCounter,
    reports: ReportMetrics,
    pub(super) load: LoadMetrics,
}

/// What the machine bears.
#[derive(Clone)]
pub(super) struct LoadMetrics {
    pub shed: IntCounter,
    pub packets: IntGauge,
    pub bytes: IntGauge,
    pub bookable: IntGauge,
    pub booked: IntGauge,
}

/// What listeners say of what they receive.
#[derive(Clone)]
struct ReportMetrics {
    loss: Histogram,
    jitter: Histogram,
    round_trip: Histogram,
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
            refused: labelled(
                "sessions_refused_total",
                "Offers refused, by what was at its limit: sessions, or the packets that the machine can send.",
                "reason",
            )?,
            load: LoadMetrics::new(registry)?,
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
            voices_ended: counter(
                "voices_ended_total",
                "Voices that broke off without a pause; listeners were given silence for an end.",
            )?,
            clock_restarts: counter(
                "uplink_clock_restarts_total",
                "Times a client's RTP clock jumped.",
            )?,
            reports: ReportMetrics::new(registry)?,
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
        self.voices_ended.inc_by(counters.voices_ended);
    }

    pub(super) fn add_sessions(&self, counters: SessionsCounters) {
        self.drop_by("unknown-kind", counters.unknown_kind);
        self.drop_by("unasked-stun", counters.unasked_stun);
        self.drop_by("unknown-source", counters.unknown_source);
        self.drop_by("unknown-ufrag", counters.unknown_ufrag);
        self.drop_by("refused", counters.refused);
        self.drop_by("muted", counters.muted);
        self.drop_by("off-stage", counters.off_stage);
        self.drop_by("uplink-early", counters.early_packets);
        self.drop_by("uplink-forged", counters.forged_packets);
        self.drop_by("uplink-replayed", counters.replayed_packets);
        self.drop_by("uplink-malformed", counters.malformed_packets);
        self.drop_by("unknown-payload-type", counters.uplink.unknown_payload_type);
        self.drop_by("malformed-payload", counters.uplink.malformed);
        self.drop_by("erratic-clock", counters.uplink.erratic);
        self.drop_by("unknown-stream", counters.unknown_stream);
        self.drop_by("frame-too-large", counters.uplink.too_large);
        self.drop_by("report-forged", counters.forged_reports);
        self.drop_by("report-replayed", counters.replayed_reports);
        self.drop_by("report-malformed", counters.malformed_reports);
        self.drop_by("report-untold", counters.untold_reports);
        self.forwarded.inc_by(counters.forwarded);
        self.fenced.inc_by(counters.fenced);
        self.panics.inc_by(counters.panics);
        self.clock_restarts.inc_by(counters.uplink.clock_restarts);
        let recovered = counters.uplink.recovered;
        self.uplink_frames.with_label_values(&["redundancy"]).inc_by(recovered);
        let in_time = counters.uplink.frames.saturating_sub(recovered);
        self.uplink_frames.with_label_values(&["time"]).inc_by(in_time);
    }

    pub(super) fn add_reports(&self, reports: impl Iterator<Item = Report>) {
        for Report { loss, jitter_ms, round_trip_ms, .. } in reports {
            let ReportMetrics { loss: losses, jitter, round_trip } = &self.reports;
            loss.iter().for_each(|loss| losses.observe(f64::from(*loss)));
            jitter_ms.iter().for_each(|ms| jitter.observe(f64::from(*ms) / 1_000.0));
            round_trip_ms.iter().for_each(|ms| round_trip.observe(f64::from(*ms) / 1_000.0));
        }
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

impl ReportMetrics {
    fn new(registry: &Registry) -> prometheus::Result<Self> {
        let histogram = |name: &str, help: &str, bounds: &[f64]| {
            let opts = HistogramOpts::new(format!("stoa_edge_{name}"), help);
            let histogram = Histogram::with_opts(opts.buckets(bounds.to_vec()))?;
            registry.register(Box::new(histogram.clone()))?;
            prometheus::Result::Ok(histogram)
        };
        Ok(Self {
            loss: histogram(
                "listener_loss_ratio",
                "Share of packets lost between two reports of a listener.",
                &LOSS_RATIOS,
            )?,
            jitter: histogram(
                "listener_jitter_seconds",
                "Interarrival jitter (RFC 3550) that listeners report.",
                &JITTERS_S,
            )?,
            round_trip: histogram(
                "listener_round_trip_seconds",
                "Round-trip time to listeners, from their reports.",
                &ROUND_TRIPS_S,
            )?,
        })
    }
}

impl LoadMetrics {
    fn new(registry: &Registry) -> prometheus::Result<Self> {
        let gauge = |name: &str, help: &str| {
            let gauge = IntGauge::new(format!("stoa_edge_{name}"), help)?;
            registry.register(Box::new(gauge.clone()))?;
            prometheus::Result::Ok(gauge)
        };
        let shed = IntCounter::new(
            "stoa_edge_listeners_shed_total",
            "Listeners sent away because the machine could not bear all; those who came last.",
        )?;
        registry.register(Box::new(shed.clone()))?;
        Ok(Self {
            shed,
            packets: gauge(
                "capacity_packets_per_second",
                "Packets that all media workers can send in a second, as learned.",
            )?,
            bytes: gauge(
                "capacity_bytes_per_second",
                "The same in bytes, at the usual size of packets.",
            )?,
            bookable: gauge(
                "bookable_packets_per_second",
                "Packets that may be promised to listeners, at one voice each; beyond it joins are refused.",
            )?,
            booked: gauge(
                "booked_packets_per_second",
                "Packets that have been promised to listeners, at one voice each.",
            )?,
        })
    }

    /// Takes what one worker can bear; `told` is what it had said before.
    pub(super) fn note(&self, capacity: &Capacity, told: &mut [i64; 2], admission: &Admission) {
        let now =
            [capacity.packets_per_second(), capacity.bytes_per_second()].map(whole).map(gauge);
        self.packets.add(now[0] - told[0]);
        self.bytes.add(now[1] - told[1]);
        *told = now;
        self.bookable.set(gauge(admission.bookable()));
        self.booked.set(gauge(admission.booked()));
    }
}

fn gauge(rate: u64) -> i64 {
    i64::try_from(rate).unwrap_or(i64::MAX)
}
