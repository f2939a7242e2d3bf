//! The figures of take-overs.

use std::fmt::Write as _;

use serde::Serialize;

use super::command::Fate;
use super::network::Hot;
use crate::load::report::{Percentiles, percentiles};
use crate::measure::histogram::Histogram;

/// What a run has shown. Written as JSON; keys are never renamed, because other tools read them.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Report {
    /// Where it is written who is in the rooms.
    pub(super) hot: Hot,
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
    /// Rooms of all origins.
    pub(super) rooms: u32,
    /// Rooms whose owner has gone, over all rounds.
    pub(super) orphaned: f64,
    /// Rooms that other origins have taken: as many.
    pub(super) taken: f64,
    /// Rooms that moved without need.
    pub(super) moved_needlessly: f64,
    /// Rooms of which an origin that came is the standby.
    pub(super) newcomer_replicas: f64,
    /// Edges' lists of rooms that were looked at.
    pub(super) lists: u64,
    /// Of these, those that did not hold exactly the rooms that there were.
    pub(super) lists_wrong: u64,
    /// These, in words.
    pub(super) wrong: Vec<String>,
    /// What a listener at another edge has heard of somebody who spoke all the while.
    pub(super) voice: Option<Gap>,
    /// Rooms that the old owner gave up when it woke.
    pub(super) given_up: f64,
    /// Writes of the old owner that the store has refused when it woke.
    pub(super) fenced: f64,
}

/// What a listener has missed of a voice, over all rounds.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub(super) struct Gap {
    /// Frames of 20 ms that were spoken around the events.
    pub(super) frames: u64,
    /// Of these, those that were never heard.
    pub(super) lost: u64,
    /// The longest time without any sound.
    pub(super) silence_max_ms: f64,
}

impl Takeover {
    /// Nothing has happened yet.
    pub(super) fn new(fate: Fate, rounds: u32, people: u32, rooms: u32) -> Self {
        Self {
            fate,
            rounds,
            people,
            rooms,
            orphaned: 0.0,
            moved_needlessly: 0.0,
            newcomer_replicas: 0.0,
            lists: 0,
            lists_wrong: 0,
            wrong: Vec::new(),
            voice: None,
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
        let Self { orphaned, taken, moved_needlessly, lists, wrong, .. } = self;
        complain(
            (taken - orphaned).abs() > 0.5,
            format!("{taken} rooms were taken of {orphaned} that had lost their owner"),
        );
        complain(*moved_needlessly > 0.5, format!("{moved_needlessly} rooms moved without need"));
        let count = wrong.len();
        complain(count > 0, format!("{count} of {lists} lists were wrong: {}", wrong.join(", ")));
        if self.fate == Fate::Added {
            complain(self.refused > 0, format!("{} requests failed", self.refused));
            complain(self.newcomer_replicas < 0.5, "the newcomer is nobody's standby".to_owned());
        }
        complaints
    }

    fn text(&self) -> String {
        let Percentiles { p50, p99, max } = self.commands_again_ms;
        let mut text = format!(
            "{} {} times, {} people at three edges, {} rooms\n\
             commands    done again after {p50:.0} ms (p50), {p99:.0} ms (p99), {max:.0} ms (max); {} of them, {} refused before\n\
             changes     {} acknowledged, {} lost\n\
             people      {} disconnected\n\
             rooms       {} lost their owner, {} taken, {} moved without need, {} given up, {} writes of the old owner refused\n\
             lists       {} looked at, {} wrong\n",
            self.fate.told(),
            self.rounds,
            self.people,
            self.rooms,
            self.commands,
            self.refused,
            self.acknowledged,
            self.lost,
            self.disconnected,
            self.orphaned,
            self.taken,
            self.moved_needlessly,
            self.given_up,
            self.fenced,
            self.lists,
            self.lists_wrong,
        );
        // Writing to a `String` cannot fail.
        if self.fate == Fate::Added {
            let _ = writeln!(text, "newcomer    standby of {} rooms", self.newcomer_replicas);
        }
        if let Some(Gap { frames, lost, silence_max_ms }) = self.voice {
            let _ = writeln!(
                text,
                "voice       {lost} of {frames} frames lost, {silence_max_ms:.0} ms of silence at most"
            );
        }
        text
    }
}
