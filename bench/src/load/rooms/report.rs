//! The figures of many rooms.

use std::time::Duration;

use serde::Serialize;

use super::deeds::Done;
use crate::load::report::{Percentiles, percentiles, ratio};
use crate::measure::histogram::Histogram;
use crate::measure::machine::{Machine, Usage};

/// What a run has shown. Written as JSON; keys are never renamed, because other tools read them.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Report {
    /// Which store: `embedded`, `redis` or `cassandra`.
    pub(super) store: &'static str,
    /// Rooms, each with its host.
    pub(super) rooms: u64,
    /// People in the biggest of them.
    pub(super) biggest_room: u64,
    /// Edges through which people came.
    pub(super) edges: u64,
    /// Rooms made over the time that it took, each stored before it was answered.
    pub(super) rooms_per_second: f64,
    /// People who were let in: each over a WebSocket of his own, with lines for a microphone and for listening, real
    /// ICE and DTLS afterwards, and nobody who speaks.
    pub(super) joins: u64,
    /// Those who were not.
    pub(super) failed_joins: u64,
    /// People let in over the time from the first request to the last `joined`, handshakes of the others under way.
    pub(super) joins_per_second: f64,
    /// Why the first join or deed failed that did.
    pub(super) complaint: Option<String>,
    /// From connecting to `joined`.
    pub(super) join_ms: Percentiles,
    /// Operations of the origin's stores that all joins took, reads included, over joins.
    pub(super) store_operations_per_join: f64,
    /// Deeds: hands raised, accepted and lowered, mutes, roles; each acknowledged by the room's owner.
    pub(super) operations: u64,
    /// Rounds of deeds that ended with one that was refused or not answered.
    pub(super) failed_operations: u64,
    /// Deeds over the time that they took.
    pub(super) operations_per_second: f64,
    /// From saying it to the owner's word.
    pub(super) operation_ms: Percentiles,
    /// Operations of the origin's stores over deeds.
    pub(super) store_operations_per_operation: f64,
    /// Hands whose way was timed.
    pub(super) hands: u64,
    /// From a guest's word to the moderator's WebSocket, in a quiet room.
    pub(super) hand_to_moderator_ms: Percentiles,
    /// CPU time of the origin, by what it was spent on.
    pub(super) origin_cpu_ms: Spent,
    /// CPU time of all edges, handshakes included.
    pub(super) edge_cpu_ms: Spent,
    /// Resident memory of the origin at the end.
    pub(super) origin_rss_bytes: u64,
    /// Resident memory of all edges at the end.
    pub(super) edge_rss_bytes: u64,
    /// Cores that this generator kept busy while people joined.
    pub(super) generator_cores: f64,
    /// Cores that others on this machine kept busy while people joined, servers of stores included.
    pub(super) other_cores: f64,
    /// On what machine.
    pub(super) machine: Machine,
}

/// CPU time in ms.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct Spent {
    /// Of each room that was made.
    pub(super) per_room: f64,
    /// Of each join.
    pub(super) per_join: f64,
    /// Of each deed.
    pub(super) per_operation: f64,
}

/// What was read between two parts of a run.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mark {
    pub(super) origin: Usage,
    pub(super) edge: Usage,
    pub(super) generator: Usage,
    /// CPU time of everything on this machine.
    pub(super) busy: Duration,
    /// Since the run began.
    pub(super) at: Duration,
    pub(super) store_operations: f64,
}

/// Everything a report is made of.
pub(super) struct Run {
    pub(super) store: &'static str,
    pub(super) rooms: u64,
    pub(super) edges: u64,
    pub(super) biggest_room: u64,
    pub(super) making_took: Duration,
    pub(super) joined: u64,
    pub(super) failed: u64,
    pub(super) complaint: Option<String>,
    pub(super) joining_took: Duration,
    pub(super) joining: Histogram,
    pub(super) done: Done,
    pub(super) hands: Histogram,
    /// Before the rooms, before the joins, after them, before and after the deeds; nothing waited for a store.
    pub(super) marks: [Mark; 4],
}

impl Report {
    pub(super) fn new(run: &Run) -> Self {
        let [begin, made, joined, done] = &run.marks;
        let (rooms, joins, deeds) = (run.rooms as f64, run.joined as f64, run.done.deeds as f64);
        let cpu_ms = |from: Usage, to: Usage| to.cpu.saturating_sub(from.cpu).as_secs_f64() * 1e3;
        let spent = |of: fn(&Mark) -> Usage| Spent {
            per_room: ratio(cpu_ms(of(begin), of(made)), rooms),
            per_join: ratio(cpu_ms(of(made), of(joined)), joins),
            per_operation: ratio(cpu_ms(of(joined), of(done)), deeds),
        };
        let joining_s = joined.at.saturating_sub(made.at).as_secs_f64();
        let ours: f64 =
            [cpu_ms(made.origin, joined.origin), cpu_ms(made.edge, joined.edge)].iter().sum();
        let generator_ms = cpu_ms(made.generator, joined.generator);
        let busy_ms = joined.busy.saturating_sub(made.busy).as_secs_f64() * 1e3;
        let store = |from: &Mark, to: &Mark, over: f64| {
            ratio(to.store_operations - from.store_operations, over)
        };
        Self {
            store: run.store,
            rooms: run.rooms,
            edges: run.edges,
            biggest_room: run.biggest_room,
            rooms_per_second: ratio(rooms, run.making_took.as_secs_f64()),
            joins: run.joined,
            failed_joins: run.failed,
            complaint: run.complaint.clone().or_else(|| run.done.complaint.clone()),
            joins_per_second: ratio(joins, run.joining_took.as_secs_f64()),
            join_ms: percentiles(&run.joining),
            store_operations_per_join: store(made, joined, joins),
            operations: run.done.deeds,
            failed_operations: run.done.failed,
            operations_per_second: ratio(deeds, run.done.took.as_secs_f64()),
            operation_ms: percentiles(&run.done.latency),
            store_operations_per_operation: store(joined, done, deeds),
            hands: run.hands.count(),
            hand_to_moderator_ms: percentiles(&run.hands),
            origin_cpu_ms: spent(|mark| mark.origin),
            edge_cpu_ms: spent(|mark| mark.edge),
            origin_rss_bytes: done.origin.rss_bytes,
            edge_rss_bytes: done.edge.rss_bytes,
            generator_cores: ratio(generator_ms / 1e3, joining_s),
            other_cores: ratio((busy_ms - ours - generator_ms).max(0.0) / 1e3, joining_s),
            machine: Machine::here(),
        }
    }

    /// One screen of text.
    pub(super) fn text(&self) -> String {
        const MIB: f64 = 1_048_576.0;
        let line = |what: &str, rate: f64, ms: &Percentiles, store: f64| {
            format!(
                "{what:<12}{rate:>8.0} a second {:>8.1} ms p50 {:>8.1} ms p99 {:>8.1} ms max {store:>6.2} store operations each\n",
                ms.p50, ms.p99, ms.max
            )
        };
        let hand = &self.hand_to_moderator_ms;
        format!(
            "{} rooms, {} people in the biggest, through {} edges; rooms kept by: {}\n\
             rooms made  {:>8.0} a second\n{}{}\
             hands       {:>8} raised   {:>8.1} ms p50 {:>8.1} ms p99 {:>8.1} ms max, to the moderator\n\
             failed      {} of {} joins, {} rounds of deeds\n\
             CPU         origin {:.3} ms a join, {:.3} a deed, {:.3} a room; edge {:.2} ms a join, {:.3} a deed\n\
             memory      origin {:.0} MiB, edge {:.0} MiB\n\
             machine     {}, {} cores, Linux {}; this generator used {:.2} cores for the joins, others {:.2}\n\
             Each join is a WebSocket of its own through edge, mesh and owner; ICE and DTLS follow, on the same cores.\n",
            self.rooms,
            self.biggest_room,
            self.edges,
            self.store,
            self.rooms_per_second,
            line("joins", self.joins_per_second, &self.join_ms, self.store_operations_per_join),
            line(
                "deeds",
                self.operations_per_second,
                &self.operation_ms,
                self.store_operations_per_operation
            ),
            self.hands,
            hand.p50,
            hand.p99,
            hand.max,
            self.failed_joins,
            self.joins + self.failed_joins,
            self.failed_operations,
            self.origin_cpu_ms.per_join,
            self.origin_cpu_ms.per_operation,
            self.origin_cpu_ms.per_room,
            self.edge_cpu_ms.per_join,
            self.edge_cpu_ms.per_operation,
            self.origin_rss_bytes as f64 / MIB,
            self.edge_rss_bytes as f64 / MIB,
            self.machine.cpu,
            self.machine.cores,
            self.machine.kernel,
            self.generator_cores,
            self.other_cores,
        )
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Mark, Report, Run};
    use crate::load::rooms::deeds::Done;
    use crate::measure::histogram::Histogram;
    use crate::measure::machine::Usage;

    #[test]
    fn the_figures_follow_from_what_was_counted() {
        let mark = |second: u64, cpu_ms: u64, store_operations: f64| {
            let cpu = Duration::from_millis(cpu_ms);
            let usage = Usage { cpu, rss_bytes: 1 << 20, threads: 1 };
            let (busy, at) = (4 * cpu, Duration::from_secs(second));
            Mark { origin: usage, edge: usage, generator: usage, busy, at, store_operations }
        };
        let report = Report::new(&Run {
            store: "embedded",
            rooms: 10,
            edges: 1,
            biggest_room: 30,
            making_took: Duration::from_millis(500),
            joined: 40,
            failed: 1,
            complaint: None,
            joining_took: Duration::from_secs(2),
            joining: Histogram::default(),
            done: Done { deeds: 60, failed: 0, took: Duration::from_secs(1), ..Done::default() },
            hands: Histogram::default(),
            marks: [mark(0, 0, 5.0), mark(1, 10, 15.0), mark(5, 410, 75.0), mark(7, 470, 195.0)],
        });
        let close = |found: f64, wanted: f64| assert!((found - wanted).abs() < 1e-9, "{found}");
        close(report.rooms_per_second, 20.0);
        close(report.joins_per_second, 20.0);
        close(report.store_operations_per_join, 1.5);
        close(report.operations_per_second, 60.0);
        close(report.store_operations_per_operation, 2.0);
        close(report.origin_cpu_ms.per_room, 1.0);
        close(report.origin_cpu_ms.per_join, 10.0);
        close(report.edge_cpu_ms.per_operation, 1.0);
        close(report.generator_cores, 0.1);
        close(report.other_cores, 0.1);
        assert!(report.text().contains("1 of 41 joins"), "{}", report.text());
    }
}
