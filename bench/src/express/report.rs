//! The figures of `bench express`.

use serde::{Deserialize, Serialize};

use super::audience::Seen;
use super::proof::Step;
use crate::measure::floor::median;
use crate::measure::machine::Machine;

/// CPU time per packet of one turn, in nanoseconds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cost {
    /// Of the sending thread.
    pub(super) sender: f64,
    /// And of the audience, and of the kernel's threads.
    pub(super) machine: f64,
}

/// Medians over all rounds. Keys are never renamed, because other tools read them.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Line {
    /// What sent the packets.
    pub(super) path: String,
    /// CPU time of the sending thread per packet.
    pub(super) sender_ns_per_packet: f64,
    /// The same with the audience's and the kernel's threads.
    pub(super) machine_ns_per_packet: f64,
    /// Over the line that it is compared with, in the same round.
    pub(super) sender_ratio: f64,
    /// The same of the whole machine.
    pub(super) machine_ratio: f64,
}

impl Line {
    pub(super) fn new(path: &str, costs: &[Cost], base: &[Cost]) -> Self {
        let of = |figure: fn(&Cost) -> f64| median(costs.iter().map(figure).collect());
        let ratio = |figure: fn(&Cost) -> f64| {
            median(costs.iter().zip(base).map(|(own, base)| figure(own) / figure(base)).collect())
        };
        Self {
            path: path.to_owned(),
            sender_ns_per_packet: of(|cost| cost.sender),
            machine_ns_per_packet: of(|cost| cost.machine),
            sender_ratio: ratio(|cost| cost.sender),
            machine_ratio: ratio(|cost| cost.machine),
        }
    }
}

/// What the sender tells.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Told {
    /// What was checked.
    pub(super) steps: Vec<Step>,
    /// Packets of those steps that the audience must have got.
    pub(super) expected: u64,
    /// Bytes that the kernel gets for a packet of the measurement.
    pub(super) packet_bytes: usize,
    /// Packets of the measurement, warm-up included.
    pub(super) measured: u64,
    /// Those of them that took the express path.
    pub(super) express: u64,
    /// What they cost.
    pub(super) lines: Vec<Line>,
}

/// A run.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Report {
    pub(super) listeners: u32,
    pub(super) rounds: u32,
    #[serde(flatten)]
    pub(super) told: Told,
    /// What arrived of that.
    pub(super) seen: Seen,
    /// Packets of the measurement that were read over those that were sent.
    pub(super) delivered_ratio: f64,
    pub(super) machine: Machine,
}

impl Report {
    /// What went which way.
    pub(super) fn step_rows(&self) -> Vec<Vec<String>> {
        let mut rows = vec![["packets to", "sent", "express"].map(String::from).to_vec()];
        for step in &self.told.steps {
            rows.push(vec![step.what.clone(), step.packets.to_string(), step.express.to_string()]);
        }
        rows
    }

    /// What it cost.
    pub(super) fn cost_rows(&self) -> Vec<Vec<String>> {
        let heading = ["path", "sender", "ratio", "machine", "ratio"];
        let mut rows = vec![heading.map(String::from).to_vec()];
        for line in &self.told.lines {
            rows.push(vec![
                line.path.clone(),
                format!("{:.0} ns", line.sender_ns_per_packet),
                format!("{:.3}", line.sender_ratio),
                format!("{:.0} ns", line.machine_ns_per_packet),
                format!("{:.3}", line.machine_ratio),
            ]);
        }
        rows
    }
}
