//! Reactions: which there are, how they are summed up, and their way to the owner and back.

use std::time::{Duration, Instant};

use stoa_link::LinkId;
use stoa_protocol::mesh::control::{self, Body, Problem};

use super::hub::{Hub, Timer};
use super::news::News;
use super::order::{Reply, Ticket};
use super::pace::Due;
use super::problem;
use crate::webrtc::{RoomKey, SessionId};

/// What can be given.
const REACTIONS: [&str; 6] = ["👍", "👏", "❤️", "😂", "😮", "🎉"];

/// Least time between two messages to the owner about a room's reactions.
const UP_INTERVAL: Duration = Duration::from_millis(250);

/// One of the reactions that the protocol knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reaction(usize);

impl Reaction {
    /// The reaction of this text; nothing for any other text.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        REACTIONS.iter().position(|known| *known == text).map(Self)
    }
}

/// How often each reaction was given.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReactionCounts([u32; REACTIONS.len()]);

impl ReactionCounts {
    /// Adds what was given.
    pub fn note(&mut self, reaction: Reaction, times: u32) {
        if let Some(count) = self.0.get_mut(reaction.0) {
            *count = count.saturating_add(times);
        }
    }

    /// Adds what others have counted.
    pub fn add(&mut self, others: &Self) {
        for (count, more) in self.0.iter_mut().zip(others.0) {
            *count = count.saturating_add(more);
        }
    }

    /// Those that were given, and how often.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, u32)> {
        REACTIONS.into_iter().zip(self.0).filter(|(_, count)| *count > 0)
    }

    /// Whether none was given.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.iter().all(|count| *count == 0)
    }
}

impl Hub {
    pub(super) fn react(
        &mut self,
        ticket: Ticket,
        by: SessionId,
        reaction: Reaction,
        now: Instant,
    ) -> Result<(), Problem> {
        let (_, seat) = self.seats.of_session(by).ok_or_else(problem::session_unknown)?;
        let key = seat.room;
        let room = self.directory.get_mut(key).ok_or_else(problem::session_unknown)?;
        room.given.note(reaction, 1);
        self.metrics.reactions_up.inc();
        match room.given_pace.note(UP_INTERVAL, now) {
            Due::Now => self.send_reactions(key),
            Due::At(at) => self.set_timer(at, Timer::Reactions(key)),
            Due::Later => {}
        }
        self.answer(ticket, Ok(Reply::Done));
        Ok(())
    }

    pub(super) fn fire_reactions(&mut self, key: RoomKey, now: Instant) {
        if self.directory.get_mut(key).is_some_and(|room| room.given_pace.take(now)) {
            self.send_reactions(key);
        }
    }

    /// What cannot be sent is not kept: applause is of the moment.
    fn send_reactions(&mut self, key: RoomKey) {
        let Some(room) = self.directory.get_mut(key) else { return };
        let given = std::mem::take(&mut room.given);
        let Some(link) = room.owner.filter(|_| !given.is_empty()) else { return };
        let wire = |(reaction, count): (&str, u32)| control::Reaction {
            reaction: reaction.to_owned(),
            count,
        };
        let counts = given.iter().map(wire).collect();
        let reactions = control::Reactions { room: room.id.as_str().to_owned(), counts };
        self.send(link, Body::Reactions(reactions));
    }

    /// What was given at all edges, this one among them.
    pub(super) fn handle_reactions(
        &mut self,
        link: LinkId,
        reactions: &control::Reactions,
        now: Instant,
    ) {
        let key = self.room_of_owner(link, &reactions.room, None, now);
        let Some(room) = key.and_then(|key| self.directory.get_mut(key)) else { return };
        let key = room.key;
        // A newer owner may know more of them than this edge.
        for given in reactions.counts.iter().take(4 * REACTIONS.len()) {
            match Reaction::new(&given.reaction) {
                Some(reaction) => room.applause.note(reaction, given.count),
                None => self.metrics.refused.malformed.inc(),
            }
        }
        if !room.applause.is_empty() {
            self.note(key, News::Reactions, now);
        }
    }
}
