//! What a change in a room owes to others, and what it was.

use std::time::Instant;

use stoa_audio::frame::TrackId;
use stoa_link::LinkId;
use stoa_protocol::ids::ParticipantId;
use stoa_protocol::mesh::control::{LogEntry, Standing, WireRole};

use super::changes::Change;
use super::log::Happening;
use super::membership::{Departed, Room};
use super::participant::Participant;

/// An effect owed.
#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    /// Tell an edge how one of its participants stands.
    Tell {
        /// Through which link.
        link: LinkId,
        /// How.
        standing: Box<Standing>,
    },
    /// Let a track's frames in, or keep them out.
    SetTrackMuted {
        /// Which.
        track: TrackId,
        /// The new state.
        muted: bool,
    },
    /// A track's participant has left the stage: it is heard no more.
    EndTrack {
        /// Which.
        track: TrackId,
    },
    /// Take down what somebody who was sent out leaves behind.
    ClearUp(Departed),
}

/// A fact, for the log, the store and webhooks.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// What happened.
    pub happening: Happening,
    /// The same as the log tells it; its number is 0 when the log leaves it out.
    pub entry: LogEntry,
}

impl Room {
    /// The next effect that is owed; call until `None` after every input.
    pub fn next_command(&mut self) -> Option<Command> {
        self.commands.pop_front()
    }

    /// The next thing that happened; call until `None` after every input.
    pub fn next_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// Tells somebody's edge how he stands.
    pub(super) fn tell(&mut self, who: &ParticipantId) {
        let Some(participant) = self.participants.get(who) else { return };
        if let Some(link) = participant.link() {
            let standing = Box::new(self.standing_of(participant, ""));
            self.commands.push_back(Command::Tell { link, standing });
        }
    }

    pub(super) fn standing_of(&self, participant: &Participant, ended: &str) -> Standing {
        Standing {
            room: self.founding.id.as_str().to_owned(),
            epoch: self.founding.epoch.0,
            participant: participant.id.as_str().to_owned(),
            role: WireRole::from(participant.role).into(),
            muted: participant.muted.is_some(),
            hand: participant.turn.is_some(),
            invited: participant.invited,
            ended: ended.to_owned(),
        }
    }

    /// Notes what happened, for the log too.
    pub(super) fn note(
        &mut self,
        happening: Happening,
        [actor, subject, detail]: [&str; 3],
        now: Instant,
    ) {
        let entry = self.entry(happening, [actor, subject, detail], now);
        let entry = self.log.note(entry);
        self.changes.push_back(Change::Logged(entry.clone()));
        self.events.push_back(Event { happening, entry });
    }

    /// Notes what happened, but not in the log: thousands come and go.
    pub(super) fn note_unlogged(&mut self, happening: Happening, subject: &str, now: Instant) {
        let entry = self.entry(happening, ["", subject, ""], now);
        self.events.push_back(Event { happening, entry });
    }

    fn entry(
        &self,
        happening: Happening,
        [actor, subject, detail]: [&str; 3],
        now: Instant,
    ) -> LogEntry {
        LogEntry {
            number: 0,
            at_ms: self.founding.start.unix_ms_at(now),
            event: happening.name().to_owned(),
            actor: actor.to_owned(),
            subject: subject.to_owned(),
            detail: detail.to_owned(),
        }
    }
}
