//! What a client that has joined may ask, and the answers.

use stoa_protocol::ids::ParticipantId;
use tokio::time::Instant;

use super::super::problem::Problem;
use super::conversation::Talk;
use super::ending::Ending;
use super::message::{MessageId, Told};
use crate::media::PacketLength;
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
        match self.app.ask(self.app.rooms.set_muted(session, participant, muted)).await {
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
