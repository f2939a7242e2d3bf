//! The figures of a storm of joins.

use std::time::Duration;

use serde::Serialize;

use super::report::{Percentiles, Reading, cpu_s, ms, percentiles, ratio};
use super::tally::Tally;
use crate::measure::histogram::Histogram;
use crate::measure::machine::Machine;

/// What a run has shown. Written as JSON; keys are never renamed, because other tools read them.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Report {
    /// Listeners who wanted to join.
    pub(super) joins: u64,
    /// Those who never heard anything: refused, not connected, or without audio.
    pub(super) failed_joins: u64,
    /// Those of them whose request was refused or not answered.
    pub(super) refused_joins: u64,
    /// Joins over the time from the first request to the last first audio.
    pub(super) joins_per_second: f64,
    /// Joins per second of the edge's CPU time, what it plays meanwhile included.
    pub(super) joins_per_edge_cpu_second: f64,
    /// The edge's CPU time during the storm over joins, what it plays meanwhile included.
    pub(super) edge_cpu_ms_per_join: f64,
    /// From the request on a warm connection to the first audio.
    pub(super) join_ms: JoinPercentiles,
    /// Listeners who were there before.
    pub(super) established: u64,
    /// Frames of the speaker during the storm times those listeners.
    pub(super) established_expected_frames: u64,
    /// Those that did not reach their listener within a second.
    pub(super) established_lost_frames: u64,
    /// Those that reached him more than once.
    pub(super) established_duplicate_frames: u64,
    /// Packets that the expected frames make at as many frames per packet as came.
    pub(super) established_expected_packets: u64,
    /// Packets that the lost frames make.
    pub(super) established_lost_packets: u64,
    /// From the speaker's socket to the established listeners', of the newest frame of each packet.
    pub(super) established_latency_ms: Percentiles,
    /// Cores that the edge kept busy during the storm.
    pub(super) edge_cores: f64,
    /// Cores that the edge kept busy after it, with everybody listening and nobody joining.
    pub(super) edge_cores_after: f64,
    /// Cores that this generator kept busy during the storm: its clients shake hands as the edge does.
    pub(super) generator_cores: f64,
    /// Cores that neither of them kept busy but others on this machine: they make all figures worse.
    pub(super) other_cores: f64,
    /// What the edge's resident memory grew by during the storm, per join.
    pub(super) edge_rss_bytes_per_listener: f64,
    /// Datagrams that the kernel dropped because this generator read them too late.
    pub(super) generator_dropped_datagrams: u64,
    /// Datagrams that the kernel dropped because the edge read them too late.
    pub(super) edge_dropped_datagrams: u64,
    /// On what machine.
    pub(super) machine: Machine,
}

/// A distribution in ms.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct JoinPercentiles {
    pub(super) p50: f64,
    pub(super) p95: f64,
    pub(super) p99: f64,
    pub(super) max: f64,
}

/// Everything a report is made of.
#[derive(Debug)]
pub(super) struct Run {
    /// Joins that were wanted, came to audio, and were refused.
    pub(super) joins: u64,
    pub(super) heard: u64,
    pub(super) refused: u64,
    /// From the first request to the last first audio.
    pub(super) took: Duration,
    /// Before the first request and after the last first audio.
    pub(super) storm: [Reading; 2],
    /// CPU time of everything on this machine between the two.
    pub(super) busy: Duration,
    /// At both ends of a while without joins.
    pub(super) steady: [Reading; 2],
    /// Frames that the speaker sent during the storm.
    pub(super) sent_frames: u64,
    /// Listeners who were there before.
    pub(super) listeners: u64,
    pub(super) established: Tally,
    pub(super) newcomers: Tally,
    /// Datagrams dropped before the generator and before the edge.
    pub(super) dropped: [u64; 2],
}

impl Report {
    pub(super) fn new(run: &Run) -> Self {
        let [before, after] = &run.storm;
        let storm_s = (after.at - before.at).as_secs_f64();
        let edge_s = cpu_s(&before.edge, &after.edge);
        let generator_s = cpu_s(&before.generator, &after.generator);
        let [rested, resting] = &run.steady;
        let rest_s = (resting.at - rested.at).as_secs_f64();
        let grown = after.edge.rss_bytes.saturating_sub(before.edge.rss_bytes);
        let tally = &run.established;
        let expected_frames = run.sent_frames * run.listeners;
        let lost_frames = expected_frames.saturating_sub(tally.frames);
        let frames_per_packet = ratio(tally.frames as f64, tally.packets as f64).max(1.0);
        let heard = run.heard as f64;
        Self {
            joins: run.joins,
            failed_joins: run.joins.saturating_sub(run.heard),
            refused_joins: run.refused,
            joins_per_second: ratio(heard, run.took.as_secs_f64()),
            joins_per_edge_cpu_second: ratio(heard, edge_s),
            edge_cpu_ms_per_join: ratio(edge_s * 1e3, heard),
            join_ms: joins(&run.newcomers.joins),
            established: run.listeners,
            established_expected_frames: expected_frames,
            established_lost_frames: lost_frames,
            established_duplicate_frames: tally.duplicates,
            established_expected_packets: packets(expected_frames, frames_per_packet),
            established_lost_packets: packets(lost_frames, frames_per_packet),
            established_latency_ms: percentiles(&tally.latency),
            edge_cores: ratio(edge_s, storm_s),
            edge_cores_after: ratio(cpu_s(&rested.edge, &resting.edge), rest_s),
            generator_cores: ratio(generator_s, storm_s),
            other_cores: ratio((run.busy.as_secs_f64() - edge_s - generator_s).max(0.0), storm_s),
            edge_rss_bytes_per_listener: ratio(grown as f64, heard),
            generator_dropped_datagrams: run.dropped[0],
            edge_dropped_datagrams: run.dropped[1],
            machine: Machine::here(),
        }
    }

    /// One screen of text.
    pub(super) fn text(&self) -> String {
        format!(
            "{} joins, {} failed, {} listened already\n\
             joins       {:.0} a second, {:.0} an edge CPU second, {:.2} ms of the edge's CPU each\n\
             to audio    {:.0} ms p50, {:.0} ms p95, {:.0} ms p99, {:.0} ms max, from the request\n\
             established {} of {} packets lost, {} frames twice\n\
             latency     {:.2} ms p50, {:.2} ms p99, {:.2} ms max, of the established during the storm\n\
             edge        {:.2} cores in the storm, {:.2} cores after it, {:.0} KiB a listener, {} datagrams missed\n\
             machine     {}, {} cores, Linux {}; this generator used {:.2} cores, others {:.2}, {} datagrams missed\n\
             limit       {}\n",
            self.joins,
            self.failed_joins,
            self.established,
            self.joins_per_second,
            self.joins_per_edge_cpu_second,
            self.edge_cpu_ms_per_join,
            self.join_ms.p50,
            self.join_ms.p95,
            self.join_ms.p99,
            self.join_ms.max,
            self.established_lost_packets,
            self.established_expected_packets,
            self.established_duplicate_frames,
            self.established_latency_ms.p50,
            self.established_latency_ms.p99,
            self.established_latency_ms.max,
            self.edge_cores,
            self.edge_cores_after,
            self.edge_rss_bytes_per_listener / 1_024.0,
            self.edge_dropped_datagrams,
            self.machine.cpu,
            self.machine.cores,
            self.machine.kernel,
            self.generator_cores,
            self.other_cores,
            self.generator_dropped_datagrams,
            self.limit(),
        )
    }

    /// What kept the joins from being faster, as far as cores tell.
    fn limit(&self) -> &'static str {
        let cores = self.machine.cores as f64;
        let idle = cores - self.edge_cores - self.generator_cores - self.other_cores;
        if idle > cores * 0.1 {
            "nothing filled the machine: more joins at once may go faster"
        } else if self.other_cores > cores * 0.1 {
            "other processes on this machine: measure again without them"
        } else {
            "the machine, which edge and generator share: every join is shaken hands on by both"
        }
    }
}

/// Packets of that many frames, rounded up: half a packet is a packet.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a rounded count, far below the type's range"
)]
fn packets(frames: u64, frames_per_packet: f64) -> u64 {
    (frames as f64 / frames_per_packet).ceil() as u64
}

fn joins(histogram: &Histogram) -> JoinPercentiles {
    JoinPercentiles {
        p50: ms(histogram.percentile(0.50)),
        p95: ms(histogram.percentile(0.95)),
        p99: ms(histogram.percentile(0.99)),
        max: ms(histogram.max()),
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::{Report, Run};
    use crate::load::report::Reading;
    use crate::load::tally::Tally;
    use crate::measure::machine::Usage;

    #[test]
    fn the_figures_follow_from_what_was_counted() {
        let report = Report::new(&run(3_000));
        assert_eq!((report.failed_joins, report.refused_joins), (10, 4));
        assert!((report.joins_per_second - 495.0).abs() < 1e-9);
        assert!((report.joins_per_edge_cpu_second - 660.0).abs() < 1e-9);
        assert!((report.edge_cpu_ms_per_join - 1.0 / 0.66).abs() < 1e-9);
        assert!((report.edge_cores - 0.75).abs() < 1e-9);
        assert!((report.other_cores - 0.25).abs() < 1e-9);
        assert!((report.edge_cores_after - 0.1).abs() < 1e-9);
        assert!((report.edge_rss_bytes_per_listener - 70_000.0).abs() < 1e-9);
        assert_eq!(report.established_expected_packets, 1_000);
        assert_eq!((report.established_lost_frames, report.established_lost_packets), (0, 0));
        assert!(report.text().contains("1000 joins, 10 failed"), "{}", report.text());
    }

    #[test]
    fn a_single_lost_frame_is_a_lost_packet() {
        let report = Report::new(&run(2_999));
        assert_eq!((report.established_lost_frames, report.established_lost_packets), (1, 1));
    }

    /// 1,000 joins in 2 s beside 20 listeners, who heard `frames` of 3,000 frames in 1,000 packets.
    fn run(frames: u64) -> Run {
        let start = Instant::now();
        let reading = |second: u64, cpu_ms: u64, rss_bytes: u64| {
            let usage = Usage { cpu: Duration::from_millis(cpu_ms), rss_bytes, threads: 3 };
            Reading { at: start + Duration::from_secs(second), edge: usage, generator: usage }
        };
        Run {
            joins: 1_000,
            heard: 990,
            refused: 4,
            took: Duration::from_secs(2),
            storm: [reading(0, 100, 1_000_000), reading(2, 1_600, 70_300_000)],
            busy: Duration::from_millis(3_500),
            steady: [reading(4, 2_000, 70_300_000), reading(5, 2_100, 70_300_000)],
            sent_frames: 150,
            listeners: 20,
            established: Tally { frames, packets: 1_000, ..Tally::default() },
            newcomers: Tally::default(),
            dropped: [0, 0],
        }
    }
}
