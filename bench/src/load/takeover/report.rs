//! The figures of take-overs.

use serde::Serialize;

use super::command::Fate;
use crate::load::report::{Percentiles, percentiles};
use crate::measure::histogram::Histogram;

/// What a run has shown. Written as JSON; keys are never renamed, because other tools read them.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Report {
    /// In the order in which they were gone through.
    pub(super) takeovers: Vec<Takeover>,
}

impl Report {
    /// One screen of text.
    pub(super) fn text(&self) -> String {
        self.takeovers.iter().map(Takeover::text).collect()
    }
}

/// The owner has gone, one way, a few times.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Takeover {
    pub(super) fate: Fate,
    /// Times that it happened.
    pub(super) rounds: u32,
    /// People in the room, at three edges.
    pub(super) people: u32,
    /// Of these, who was not connected any more at the end, by WebSocket or by media.
    pub(super) disconnected: u32,
    /// From the origin's end until something that somebody says then is done.
    pub(super) commands_again_ms: Percentiles,
    /// Things that were said then.
    pub(super) commands: u64,
    /// How often one of them was refused before it was done.
    pub(super) refused: u64,
    /// Hands whose raising was acknowledged.
    pub(super) acknowledged: u64,
    /// Of these, those that were not up afterwards.
    pub(super) lost: u64,
    /// Rooms that another origin has taken: one each round.
    pub(super) taken: f64,
    /// Rooms that the old owner gave up when it woke.
    pub(super) given_up: f64,
    /// Writes of the old owner that the store has refused when it woke.
    pub(super) fenced: f64,
}

impl Takeover {
    /// Nothing has happened yet.
    pub(super) fn new(fate: Fate, rounds: u32, people: u32) -> Self {
        Self {
            fate,
            rounds,
            people,
            disconnected: 0,
            commands_again_ms: percentiles(&Histogram::default()),
            commands: 0,
            refused: 0,
            acknowledged: 0,
            lost: 0,
            taken: 0.0,
            given_up: 0.0,
            fenced: 0.0,
        }
    }

    /// What was not as it should be.
    pub(super) fn complaints(&self) -> Vec<String> {
        let mut complaints = Vec::new();
        let mut complain = |is_so: bool, what: String| complaints.extend(is_so.then_some(what));
        complain(self.disconnected > 0, format!("{} people were disconnected", self.disconnected));
        complain(self.lost > 0, format!("{} acknowledged changes were lost", self.lost));
        let rounds = f64::from(self.rounds);
        complain(
            (self.taken - rounds).abs() > 0.5,
            format!("{} rooms were taken in {rounds} rounds", self.taken),
        );
        complaints
    }

    fn text(&self) -> String {
        let Percentiles { p50, p99, max } = self.commands_again_ms;
        format!(
            "the owner {} {} times, {} people at three edges\n\
             commands    done again after {p50:.0} ms (p50), {p99:.0} ms (p99), {max:.0} ms (max); {} of them, {} refused before\n\
             changes     {} acknowledged, {} lost\n\
             people      {} disconnected\n\
             rooms       {} taken, {} given up, {} writes of the old owner refused\n",
            self.fate.told(),
            self.rounds,
            self.people,
            self.commands,
            self.refused,
            self.acknowledged,
            self.lost,
            self.disconnected,
            self.taken,
            self.given_up,
            self.fenced,
        )
    }
}
