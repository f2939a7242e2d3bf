//! The figures of `bench repair`.

use std::time::Duration;

use serde::Serialize;

use super::death::Deaths;
use super::hop::Loss;
use super::journey::{Journey, Outcome, Speech, ratio, target};

/// One kind of path. Keys are never renamed, because other tools read them.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Row {
    /// Share of datagrams that each hop loses, in percent, in each direction.
    pub(super) loss_percent: f64,
    /// `independent`, or `bursts` of three datagrams in the mean (Gilbert-Elliott).
    pub(super) model: &'static str,
    /// Round-trip time of each hop.
    pub(super) rtt_ms: u128,
    /// Whether the speech has pauses.
    pub(super) pauses: bool,
    /// Frames that were counted.
    pub(super) frames: u64,
    /// Those that had not come in time.
    pub(super) lost: u64,
    pub(super) lost_percent: f64,
    /// The same without any repair.
    pub(super) bare_percent: f64,
    /// How much may be lost; none for bursts.
    pub(super) target_percent: Option<f64>,
    pub(super) met: Option<bool>,
    /// How much later than without loss a frame may come.
    pub(super) allowed_ms: f64,
    pub(super) added_p50_ms: f64,
    pub(super) added_p99_ms: f64,
    pub(super) added_max_ms: f64,
    /// Bytes on the wire, both directions, over those of the same frames without loss and repair.
    pub(super) bandwidth_ratio: f64,
    /// Frames that rode along, for each frame and hop.
    pub(super) riders: f64,
    /// Datagrams sent again, for each frame and hop.
    pub(super) repairs: f64,
    /// Links taken for dead although they were not.
    pub(super) alarms: u64,
}

impl Row {
    /// `bare` is the same journey without remedy, `bytes` what each frame takes without loss.
    pub(super) fn new(journey: &Journey, outcome: &Outcome, bare: &Outcome, bytes: f64) -> Self {
        let (share, model) = match journey.path.loss {
            Loss::Independent(share) => (share, "independent"),
            Loss::Bursts(share, _) => (share, "bursts"),
        };
        let lost = ratio(outcome.lost, outcome.frames);
        let target = target(journey.path.loss);
        Self {
            loss_percent: percent(share),
            model,
            rtt_ms: journey.path.rtt.as_millis(),
            pauses: journey.speech == Speech::WithPauses,
            frames: outcome.frames,
            lost: outcome.lost,
            lost_percent: percent(lost),
            bare_percent: percent(ratio(bare.lost, bare.frames)),
            target_percent: target.map(percent),
            met: target.map(|target| lost <= target),
            allowed_ms: ms(journey.added_max()),
            added_p50_ms: ms(outcome.added_p50),
            added_p99_ms: ms(outcome.added_p99),
            added_max_ms: ms(outcome.added_max),
            bandwidth_ratio: ratio(outcome.bytes, journey.frames) / bytes,
            riders: outcome.riders,
            repairs: outcome.repairs,
            alarms: outcome.alarms,
        }
    }
}

/// How soon a peer that has died is noticed, beyond the time of the way.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Death {
    pub(super) loss_percent: f64,
    /// Each datagram comes later by up to this.
    pub(super) jitter_ms: u64,
    pub(super) p50_ms: f64,
    pub(super) p95_ms: f64,
    pub(super) max_ms: f64,
    /// Share that was noticed within 150 ms.
    pub(super) in_time_percent: f64,
    /// Peers taken for dead before they died.
    pub(super) alarms: usize,
}

impl Death {
    pub(super) fn new(share: f64, jitter_ms: u64, deaths: &Deaths) -> Self {
        Self {
            loss_percent: percent(share),
            jitter_ms,
            p50_ms: ms(deaths.p50),
            p95_ms: ms(deaths.p95),
            max_ms: ms(deaths.most),
            in_time_percent: percent(deaths.in_time),
            alarms: deaths.alarms,
        }
    }
}

/// A run.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Report {
    pub(super) hops: u32,
    pub(super) seed: u64,
    /// Whether every target was met.
    pub(super) met: bool,
    pub(super) rows: Vec<Row>,
    pub(super) deaths: Vec<Death>,
}

impl Report {
    /// A table.
    pub(super) fn table(&self) -> Vec<Vec<String>> {
        let heading = [
            "loss of each hop",
            "RTT",
            "lost",
            "target",
            "",
            "without repair",
            "added p50 / p99 / max",
            "allowed",
            "bandwidth",
            "riders",
            "repairs",
            "alarms",
        ];
        let mut table = vec![heading.map(String::from).to_vec()];
        table.extend(self.rows.iter().map(cells));
        table
    }

    /// Another, of who dies.
    pub(super) fn deaths_table(&self) -> Vec<Vec<String>> {
        let heading = ["loss", "jitter", "noticed p50 / p95 / max", "within 150 ms", "alarms"];
        let mut table = vec![heading.map(String::from).to_vec()];
        table.extend(self.deaths.iter().map(death_cells));
        table
    }
}

fn death_cells(death: &Death) -> Vec<String> {
    vec![
        format!("{} %", death.loss_percent),
        format!("{} ms", death.jitter_ms),
        format!("{:.0} / {:.0} / {:.0} ms", death.p50_ms, death.p95_ms, death.max_ms),
        format!("{:.1} %", death.in_time_percent),
        death.alarms.to_string(),
    ]
}

fn cells(row: &Row) -> Vec<String> {
    let pauses = if row.pauses { ", pauses" } else { "" };
    let verdict = match row.met {
        Some(true) => "met",
        Some(false) => "MISSED",
        None => "",
    };
    vec![
        format!("{} %, {}{pauses}", row.loss_percent, row.model),
        format!("{} ms", row.rtt_ms),
        format!("{:.4} %", row.lost_percent),
        row.target_percent.map_or_else(String::new, |target| format!("{target:.3} %")),
        verdict.to_owned(),
        format!("{:.1} %", row.bare_percent),
        format!("{:.0} / {:.0} / {:.0} ms", row.added_p50_ms, row.added_p99_ms, row.added_max_ms),
        format!("{:.0} ms", row.allowed_ms),
        format!("{:.2}", row.bandwidth_ratio),
        format!("{:.2}", row.riders),
        format!("{:.3}", row.repairs),
        row.alarms.to_string(),
    ]
}

fn percent(share: f64) -> f64 {
    (share * 1e8).round() / 1e6
}

fn ms(span: Duration) -> f64 {
    span.as_secs_f64() * 1_000.0
}
