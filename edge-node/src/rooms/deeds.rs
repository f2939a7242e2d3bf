//! What people do in a room and ask of it, passed on to the owner, who decides.

use std::time::Instant;

use stoa_link::LinkId;
use stoa_protocol::ids::{ParticipantId, Role};
use stoa_protocol::mesh::control::{Act, Ask, Body, Deed, ListParticipants, Problem, Request};

use super::hub::Hub;
use super::order::Ticket;
use super::problem;
use super::requests::Purpose;
use super::seat::wire_role;
use crate::webrtc::SessionId;

/// What a participant does, or a back end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Action {
    /// What is done.
    pub deed: Deed,
    /// To whom; `None` where it concerns oneself, an identity or the room.
    pub participant: Option<ParticipantId>,
    /// The new role.
    pub role: Option<Role>,
    /// Why, for people.
    pub text: String,
    /// To whom, by identity.
    pub identity: String,
    /// For how long; 0 for good.
    pub seconds: u32,
}

impl Action {
    /// One that concerns the room or oneself.
    #[must_use]
    pub fn new(deed: Deed) -> Self {
        let (text, identity) = (String::new(), String::new());
        Self { deed, participant: None, role: None, text, identity, seconds: 0 }
    }

    /// One that is done to somebody.
    #[must_use]
    pub fn to(deed: Deed, participant: ParticipantId) -> Self {
        Self { participant: Some(participant), ..Self::new(deed) }
    }

    /// For the wire; who does it is left open.
    #[must_use]
    pub fn to_wire(&self, room: &str) -> Act {
        Act {
            room: room.to_owned(),
            deed: self.deed.into(),
            participant: self.participant.as_ref().map_or("", ParticipantId::as_str).to_owned(),
            role: self.role.map_or(0, |role| wire_role(role).into()),
            text: self.text.clone(),
            identity: self.identity.clone(),
            seconds: self.seconds,
            ..Act::default()
        }
    }
}

/// Whether a deed is done to oneself.
fn concerns_oneself(deed: Deed) -> bool {
    matches!(
        deed,
        Deed::RaiseHand | Deed::LowerHand | Deed::AcceptInvitation | Deed::DeclineInvitation
    )
}

impl Hub {
    /// A participant does something.
    pub(super) fn act(
        &mut self,
        ticket: Ticket,
        by: SessionId,
        action: &Action,
        now: Instant,
    ) -> Result<(), Problem> {
        let (_, seat) = self.seats.of_session(by).ok_or_else(problem::session_unknown)?;
        let room = self.directory.get(seat.room).ok_or_else(problem::session_unknown)?;
        let own = seat.participant.as_str().to_owned();
        let mut act = action.to_wire(room.id.as_str());
        if act.participant.is_empty() && concerns_oneself(action.deed) {
            act.participant.clone_from(&own);
        }
        act.by = own;
        act.tenant.clone_from(&seat.tenant);
        self.ask(Ask::Act(act), Purpose::Pass(ticket), now)
    }

    /// A participant wants to know who is here; moderators learn identities too.
    pub(super) fn list_people(
        &mut self,
        ticket: Ticket,
        by: SessionId,
        after: String,
        limit: u32,
        now: Instant,
    ) -> Result<(), Problem> {
        let (_, seat) = self.seats.of_session(by).ok_or_else(problem::session_unknown)?;
        let room = self.directory.get(seat.room).ok_or_else(problem::session_unknown)?;
        let (room, identities) = (room.id.as_str().to_owned(), seat.role.may_moderate());
        let tenant = seat.tenant.clone();
        let list = ListParticipants { room, after, limit, identities, hands: false, tenant };
        self.ask(Ask::ListParticipants(list), Purpose::Pass(ticket), now)
    }

    /// Passes a question on to the owner and its answer back.
    pub(super) fn pass(&mut self, ticket: Ticket, ask: Ask, now: Instant) -> Result<(), Problem> {
        match ask {
            Ask::ListRooms(list) if self.parents.each().len() > 1 => {
                self.gather(ticket, &list, now)
            }
            Ask::Revoke(_) | Ask::EraseIdentity(_) | Ask::Block(_) => {
                self.tell_other_origins(&ask);
                self.ask(ask, Purpose::Pass(ticket), now)
            }
            _ => self.ask(ask, Purpose::Pass(ticket), now),
        }
    }

    /// Each origin tells its own edges or decides by itself, so each must hear of it; the one that answers stands for
    /// all.
    fn tell_other_origins(&mut self, ask: &Ask) {
        let answers = self.parents.any();
        let others: Vec<LinkId> =
            self.parents.links().filter(|link| Some(*link) != answers).collect();
        for link in others {
            let id = self.requests.unregistered();
            self.send(link, Body::Request(Request { id, ask: Some(ask.clone()) }));
        }
    }
}
