//! The figures of a run.

use std::time::Duration;

use serde::Serialize;

use super::tally::Tally;
use crate::measure::histogram::Histogram;
use crate::measure::machine::{Machine, Usage};

/// What a run has shown. Written as JSON; keys are never renamed, because other tools read them.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Report {
    /// Listeners that were connected and hearing for the whole window.
    pub(super) listeners: u64,
    /// Listeners that were asked for.
    pub(super) listeners_asked: u64,
    /// Listeners that never connected, or lost the edge.
    pub(super) listeners_failed: u64,
    /// What happened when the edge was left too little CPU time, before the window; `null` when it was not.
    pub(super) overload: Option<Overload>,
    /// Length of the packets that listeners asked for.
    pub(super) packet_ms: u32,
    /// Length of the window in which everything was counted, in seconds.
    pub(super) seconds: f64,
    /// Frames that the speaker sent in the window.
    pub(super) sent_frames: u64,
    /// Those times listeners.
    pub(super) expected_frames: u64,
    /// Frames that reached a listener for the first time, within a second.
    pub(super) delivered_frames: u64,
    /// Frames in a packet, on average.
    pub(super) frames_per_packet: f64,
    /// Packets that the expected frames make at that many frames per packet.
    pub(super) expected_packets: u64,
    /// RTP packets that brought a frame of the window.
    pub(super) delivered_packets: u64,
    /// Delivered frames over expected ones.
    pub(super) delivered_ratio: f64,
    /// Frames that came again.
    pub(super) duplicate_frames: u64,
    /// Frames that came more than a second after they were sent.
    pub(super) late_frames: u64,
    /// Frames that are not the speaker's: comfort noise.
    pub(super) foreign_frames: u64,
    /// Datagrams that could not be opened.
    pub(super) refused_datagrams: u64,
    /// CPU time of the edge per packet delivered, all of the process counted.
    pub(super) edge_cpu_ns_per_packet: f64,
    /// CPU time per packet of a bare `sendmmsg` loop with packets of the same size to the same sockets, just before.
    pub(super) floor_ns_per_packet: f64,
    /// The edge's CPU time per packet over that.
    pub(super) edge_cpu_over_floor: f64,
    /// Packets delivered per second of the edge's CPU time.
    pub(super) edge_packets_per_cpu_second: f64,
    /// Cores that the edge kept busy, on average.
    pub(super) edge_cores: f64,
    /// Cores that the edge may use for this to count as reached: one, or more where the floor is above 4 us.
    pub(super) edge_cores_limit: f64,
    /// Listeners that one core would bear at this rate.
    pub(super) listeners_per_core: f64,
    /// Cores that the edge kept busy while the speaker paused; `null` when it did not.
    pub(super) idle_edge_cores: Option<f64>,
    /// What the edge's resident memory grew by from no listener to all, per listener.
    pub(super) edge_rss_bytes_per_listener: f64,
    /// From the speaker's socket to the listener's, of the newest frame of each packet: until the
    /// kernel had it, whenever this generator found time to read it.
    pub(super) latency_ms: Percentiles,
    /// What packets took longer than their own length demands: from the moment the speaker's socket sent a packet's
    /// last frame, or would have, to the listener's socket.
    pub(super) added_delay_ms: Percentiles,
    /// Interarrival jitter (RFC 3550 section 6.4.1) that each listener reports, by what the kernel noted.
    pub(super) jitter_ms: Percentiles,
    /// From the request on a warm connection to the first audio.
    pub(super) join_ms: JoinPercentiles,
    /// Listeners over the time from the first request to the last listener's first audio.
    pub(super) joins_per_second: f64,
    /// Joins per second of the edge's CPU time.
    pub(super) joins_per_edge_cpu_second: f64,
    /// Cores that this generator kept busy in the window.
    pub(super) generator_cores: f64,
    /// How long datagrams waited in the kernel for the generator.
    pub(super) generator_read_delay_ms: Percentiles,
    /// Datagrams that the generator read too late, so that the kernel dropped them: its fault, not the edge's.
    pub(super) generator_dropped_datagrams: u64,
    /// Datagrams that the kernel dropped before the edge because it read them too late.
    pub(super) edge_dropped_datagrams: u64,
    /// Consent checks that the edge answered.
    pub(super) consents: u64,
    /// Sender reports of the edge.
    pub(super) sender_reports: u64,
    /// On what machine.
    pub(super) machine: Machine,
}

/// How an edge bore too little CPU time.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct Overload {
    /// CPU time that it was left, over what it had taken.
    pub(super) cpu_share: f64,
    /// Cores that it had kept busy.
    pub(super) needed_cores: f64,
    /// Listeners to whom it said goodbye.
    pub(super) sent_away: u64,
    /// From the beginning of the shortage to the last of these, in seconds.
    pub(super) relieved_after_s: f64,
}

/// A distribution in ms.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct Percentiles {
    pub(super) p50: f64,
    pub(super) p99: f64,
    pub(super) max: f64,
}

/// A distribution in ms.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct JoinPercentiles {
    pub(super) p50: f64,
    pub(super) p95: f64,
    pub(super) max: f64,
}

/// What was read at a moment of the run.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reading {
    pub(super) at: std::time::Instant,
    pub(super) edge: Usage,
    pub(super) generator: Usage,
}

/// Everything a report is made of.
#[derive(Debug)]
pub(super) struct Run {
    pub(super) asked: u64,
    pub(super) listeners: u64,
    pub(super) failed: u64,
    pub(super) overload: Option<Overload>,
    pub(super) sent_frames: u64,
    pub(super) packet_ms: u32,
    /// Nanoseconds.
    pub(super) floor: f64,
    /// At both ends of the speaker's pause.
    pub(super) idle: Option<[Reading; 2]>,
    /// Before the first join, when all were hearing, at both ends of the window.
    pub(super) before_joins: Reading,
    pub(super) after_joins: Reading,
    pub(super) window: [Reading; 2],
    pub(super) tally: Tally,
    /// Datagrams dropped before the generator and before the edge.
    pub(super) dropped: [u64; 2],
}

impl Report {
    pub(super) fn new(run: &Run) -> Self {
        let tally = &run.tally;
        let [begin, end] = &run.window;
        let seconds = (end.at - begin.at).as_secs_f64();
        let edge_s = cpu_s(&begin.edge, &end.edge);
        let edge_cores = ratio(edge_s, seconds);
        let edge_cpu_ns_per_packet = ratio(edge_s * 1e9, tally.packets as f64);
        let cores = |[begin, end]: &[Reading; 2]| {
            ratio(cpu_s(&begin.edge, &end.edge), (end.at - begin.at).as_secs_f64())
        };
        let joining_s = (run.after_joins.at - run.before_joins.at).as_secs_f64();
        let expected_frames = run.sent_frames * run.listeners;
        let frames_per_packet = ratio(tally.frames as f64, tally.packets as f64);
        let joined = (run.listeners + run.overload.map_or(0, |overload| overload.sent_away)) as f64;
        let grown = run.after_joins.edge.rss_bytes.saturating_sub(run.before_joins.edge.rss_bytes);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a rounded count, far below the type's range"
        )]
        let expected_packets = ratio(expected_frames as f64, frames_per_packet).round() as u64;
        Self {
            listeners: run.listeners,
            listeners_asked: run.asked,
            listeners_failed: run.failed,
            overload: run.overload,
            packet_ms: run.packet_ms,
            seconds,
            sent_frames: run.sent_frames,
            expected_frames,
            delivered_frames: tally.frames,
            frames_per_packet,
            expected_packets,
            delivered_packets: tally.packets,
            delivered_ratio: ratio(tally.frames as f64, expected_frames as f64),
            duplicate_frames: tally.duplicates,
            late_frames: tally.late,
            foreign_frames: tally.foreign,
            refused_datagrams: tally.refused,
            edge_cpu_ns_per_packet,
            floor_ns_per_packet: run.floor,
            edge_cpu_over_floor: ratio(edge_cpu_ns_per_packet, run.floor),
            edge_packets_per_cpu_second: ratio(tally.packets as f64, edge_s),
            edge_cores,
            edge_cores_limit: (run.floor / 4_000.0).max(1.0),
            listeners_per_core: ratio(run.listeners as f64, edge_cores),
            idle_edge_cores: run.idle.as_ref().map(cores),
            edge_rss_bytes_per_listener: ratio(grown as f64, joined),
            latency_ms: percentiles(&tally.latency),
            added_delay_ms: percentiles(&tally.added_delay),
            jitter_ms: percentiles(&tally.jitter),
            generator_read_delay_ms: percentiles(&tally.read_delay),
            join_ms: joins(&tally.joins),
            joins_per_second: ratio(joined, joining_s),
            joins_per_edge_cpu_second: ratio(
                joined,
                cpu_s(&run.before_joins.edge, &run.after_joins.edge),
            ),
            generator_cores: ratio(cpu_s(&begin.generator, &end.generator), seconds),
            generator_dropped_datagrams: run.dropped[0],
            edge_dropped_datagrams: run.dropped[1],
            consents: tally.consents,
            sender_reports: tally.reports,
            machine: Machine::here(),
        }
    }

    /// One screen of text.
    pub(super) fn text(&self) -> String {
        format!(
            "{} listeners, {:.1} s, {:.1} frames a packet\n{}\
             delivered   {:.6} of {} frames ({} late, {} twice, {} dropped by this generator)\n\
             edge        {:.2} cores, {:.0} ns a packet ({:.2} of the floor's {:.0} ns), {:.0} KiB a listener\n\
             one core    {:.0} packets a second, {:.0} listeners{}\n\
             delay       {:.2} ms p50, {:.2} ms p99, {:.2} ms max, beyond the packet's length; jitter {:.2} ms p99\n\
             joins       {:.0} ms p50, {:.0} ms p95, {:.0} a second, {:.0} a CPU second\n\
             machine     {}, {} cores, Linux {}; this generator used {:.2} cores, {:.1} ms late p99\n",
            self.listeners,
            self.seconds,
            self.frames_per_packet,
            self.overload.as_ref().map_or(String::new(), Overload::text),
            self.delivered_ratio,
            self.expected_frames,
            self.late_frames,
            self.duplicate_frames,
            self.generator_dropped_datagrams,
            self.edge_cores,
            self.edge_cpu_ns_per_packet,
            self.edge_cpu_over_floor,
            self.floor_ns_per_packet,
            self.edge_rss_bytes_per_listener / 1_024.0,
            self.edge_packets_per_cpu_second,
            self.listeners_per_core,
            self.idle_edge_cores
                .map_or(String::new(), |idle| format!("; {:.3} cores while idle", idle)),
            self.added_delay_ms.p50,
            self.added_delay_ms.p99,
            self.added_delay_ms.max,
            self.jitter_ms.p99,
            self.join_ms.p50,
            self.join_ms.p95,
            self.joins_per_second,
            self.joins_per_edge_cpu_second,
            self.machine.cpu,
            self.machine.cores,
            self.machine.kernel,
            self.generator_cores,
            self.generator_read_delay_ms.p99,
        )
    }
}

impl Overload {
    fn text(&self) -> String {
        format!(
            "overload    {:.0} % of the {:.2} cores it takes: {} listeners sent away within {:.1} s\n",
            self.cpu_share * 100.0,
            self.needed_cores,
            self.sent_away,
            self.relieved_after_s
        )
    }
}

pub(super) fn percentiles(histogram: &Histogram) -> Percentiles {
    Percentiles {
        p50: ms(histogram.percentile(0.50)),
        p99: ms(histogram.percentile(0.99)),
        max: ms(histogram.max()),
    }
}

fn joins(histogram: &Histogram) -> JoinPercentiles {
    JoinPercentiles {
        p50: ms(histogram.percentile(0.50)),
        p95: ms(histogram.percentile(0.95)),
        max: ms(histogram.max()),
    }
}

pub(super) fn cpu_s(begin: &Usage, end: &Usage) -> f64 {
    end.cpu.saturating_sub(begin.cpu).as_secs_f64()
}

pub(super) fn ms(latency: Duration) -> f64 {
    latency.as_secs_f64() * 1_000.0
}

/// Zero where there is nothing to divide by: JSON knows no infinity.
pub(super) fn ratio(part: f64, whole: f64) -> f64 {
    if whole > 0.0 { part / whole } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::{Reading, Report, Run};
    use crate::load::tally::Tally;
    use crate::measure::machine::Usage;

    #[test]
    fn the_figures_follow_from_what_was_counted() {
        let start = Instant::now();
        let reading = |second: u64, cpu_ms: u64, rss_bytes: u64| {
            let usage = Usage { cpu: Duration::from_millis(cpu_ms), rss_bytes, threads: 3 };
            Reading { at: start + Duration::from_secs(second), edge: usage, generator: usage }
        };
        let tally = Tally { frames: 29_700, packets: 9_900, late: 300, ..Tally::default() };
        let run = Run {
            asked: 100,
            listeners: 100,
            failed: 0,
            overload: None,
            sent_frames: 300,
            packet_ms: 60,
            floor: 5_000.0,
            idle: Some([reading(0, 0, 0), reading(10, 1_000, 0)]),
            before_joins: reading(0, 0, 1_000_000),
            after_joins: reading(2, 200, 8_000_000),
            window: [reading(3, 250, 8_000_000), reading(9, 349, 8_000_000)],
            tally,
            dropped: [0, 0],
        };
        let report = Report::new(&run);
        assert_eq!((report.expected_frames, report.expected_packets), (30_000, 10_000));
        assert!((report.delivered_ratio - 0.99).abs() < 1e-9);
        assert!((report.edge_cpu_ns_per_packet - 10_000.0).abs() < 1e-6);
        assert!((report.edge_packets_per_cpu_second - 100_000.0).abs() < 1e-6);
        assert!((report.edge_cores - 0.0165).abs() < 1e-9);
        assert!((report.edge_cpu_over_floor - 2.0).abs() < 1e-9);
        assert!((report.edge_cores_limit - 1.25).abs() < 1e-9);
        assert!((report.idle_edge_cores.unwrap() - 0.1).abs() < 1e-9);
        assert!((report.edge_rss_bytes_per_listener - 70_000.0).abs() < 1e-9);
        assert!((report.joins_per_second - 50.0).abs() < 1e-9);
        assert!((report.joins_per_edge_cpu_second - 500.0).abs() < 1e-9);
        assert!(report.text().contains("100 listeners"));
        let json = serde_json::to_value(&report).unwrap();
        for key in ["listeners", "expected_packets", "delivered_packets", "delivered_ratio"] {
            assert!(json.get(key).is_some(), "{key}");
        }
        assert!(json["latency_ms"]["p99"].is_number() && json["join_ms"]["p95"].is_number());
    }
}
