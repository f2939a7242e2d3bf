//! What a client that has joined may ask, and the answers.

use stoa_protocol::ids::ParticipantId;
use stoa_protocol::mesh::control::Deed;
use tokio::time::Instant;

use super::super::metrics::Limit;
use super::super::problem::Problem;
use super::super::rest::{PAGE_DEFAULT, PAGE_MAX, Participant};
use super::actions;
use super::conversation::Talk;
use super::ending::Ending;
use super::said::{MessageId, StageAction};
use super::told::Told;
use crate::media::PacketLength;
use crate::rooms::{Action, Reaction};
use crate::webrtc::{Restarted, SessionId};

impl Talk {
    pub(super) fn change_packets(&mut self, id: Option<MessageId>, session: SessionId, ms: u32) {
        match PacketLength::exactly(ms) {
            Some(length) => {
                self.app.rooms.change_packets(session, length);
                self.tell(&Told::Ok { id });
            }
            None => {
                let detail = "Packets are 20, 40, 60, 100 or 120 ms long.";
                self.refuse(id, &Problem::bad_request("packets-malformed", detail), false);
            }
        }
    }

    pub(super) async fn restart(
        &mut self,
        session: SessionId,
        sdp: &str,
    ) -> Result<Restarted, Problem> {
        let offer = self.app.read_offer(sdp)?;
        self.app.check_restart(self.restarts.admit(Instant::now().into_std()))?;
        self.app.ask(self.app.rooms.restart(session, offer.to_text())).await
    }

    pub(super) async fn mute(
        &mut self,
        id: Option<MessageId>,
        session: SessionId,
        participant: Option<ParticipantId>,
        muted: bool,
    ) {
        let done = self.app.ask(self.app.rooms.set_muted(session, participant, muted)).await;
        self.done(id, done);
    }

    pub(super) async fn raise_hand(
        &mut self,
        id: Option<MessageId>,
        session: SessionId,
        raised: bool,
    ) {
        let deed = if raised { Deed::RaiseHand } else { Deed::LowerHand };
        let done = self.app.ask(self.app.rooms.act(session, Action::new(deed))).await;
        self.done(id, done);
    }

    pub(super) async fn act(
        &mut self,
        id: Option<MessageId>,
        session: SessionId,
        action: StageAction,
    ) {
        let done = match actions::read(action) {
            Ok(action) => self.app.ask(self.app.rooms.act(session, action)).await,
            Err(problem) => Err(problem),
        };
        self.done(id, done);
    }

    pub(super) async fn react(
        &mut self,
        id: Option<MessageId>,
        session: SessionId,
        reaction: &str,
    ) {
        let done = match self.reaction(reaction) {
            Ok(reaction) => self.app.ask(self.app.rooms.react(session, reaction)).await,
            Err(problem) => Err(problem),
        };
        self.done(id, done);
    }

    fn reaction(&mut self, text: &str) -> Result<Reaction, Problem> {
        let reaction = Reaction::new(text).ok_or_else(|| {
            let detail = "This reaction is not one of those that are known.";
            Problem::bad_request("reaction-unknown", detail).about("reaction")
        })?;
        if self.reactions.admit(Instant::now().into_std()) {
            return Ok(reaction);
        }
        self.app.metrics.reached(Limit::ReactionRate);
        Err(Problem::too_many(
            "reactions-too-many",
            "Somebody may give four reactions a second, twelve at once.",
        ))
    }

    pub(super) async fn list_people(
        &mut self,
        id: Option<MessageId>,
        session: SessionId,
        after: Option<ParticipantId>,
        limit: Option<u32>,
    ) {
        let limit = limit.unwrap_or(PAGE_DEFAULT);
        if !(1..=PAGE_MAX).contains(&limit) {
            let detail = format!("The field `limit` must be from 1 to {PAGE_MAX}.");
            let problem = Problem::bad_request("field-malformed", detail).about("limit");
            return self.refuse(id, &problem, false);
        }
        let after = after.map_or_else(String::new, String::from);
        match self.app.ask(self.app.rooms.list_people(session, after, limit)).await {
            Ok(page) => {
                let participants = page.participants.into_iter().map(Participant::from).collect();
                self.tell(&Told::Participants { id, participants, next: page.next });
            }
            Err(problem) => self.refuse(id, &problem, false),
        }
    }

    fn done(&mut self, id: Option<MessageId>, done: Result<(), Problem>) {
        match done {
            Ok(()) => self.tell(&Told::Ok { id }),
            Err(problem) => self.refuse(id, &problem, false),
        }
    }

    pub(super) async fn leave(&mut self, id: Option<MessageId>, session: SessionId) {
        match self.app.ask(self.app.rooms.leave(session)).await {
            Err(problem) if problem.status.as_u16() != 404 => self.refuse(id, &problem, false),
            // Who has gone already has what he asked for.
            _ => {
                self.tell(&Told::Ok { id });
                self.outbox.end(Ending::new(1000, "left"));
            }
        }
    }
}
