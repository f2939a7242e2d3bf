//! What people do to each other in a room.

use std::time::Instant;

use stoa_link::LinkId;
use stoa_protocol::ids::{ParticipantId, Role};
use stoa_protocol::mesh::control::{self, Deed, RoomSettings, WireRole};

use super::changes::Change;
use super::exclusions::Ban;
use super::limits::{HANDS_MAX, IDENTITY_CHARS_MAX, REASON_CHARS_MAX};
use super::log::Happening;
use super::membership::Room;
use super::participant::{Participant, readable};
use super::refusal::Refusal;
use super::rights::{Whom, may};

/// Who does something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Actor {
    /// Somebody in the room, whose edge is at this link.
    Participant(ParticipantId, LinkId),
    /// A service of the room's tenant; its edge has checked its right to act so.
    BackEnd {
        /// What it may do as.
        authority: Role,
        /// Its identity, for the log.
        identity: String,
    },
    /// Somebody who need not be in the room, see [`Room::person`].
    Person {
        /// Who.
        identity: String,
        /// What he is in this room.
        role: Role,
    },
}

impl Actor {
    /// Who a person or a service says this is; empty for somebody in the room, of whom the room knows it.
    #[must_use]
    pub fn identity(&self) -> &str {
        match self {
            Self::Participant(..) => "",
            Self::BackEnd { identity, .. } | Self::Person { identity, .. } => identity,
        }
    }

    /// From the wire: `by` is empty for a back end.
    ///
    /// # Errors
    /// [`Refusal::NameInvalid`], [`Refusal::RoleUnknown`].
    pub fn read(by: &str, authority: i32, identity: &str, link: LinkId) -> Result<Self, Refusal> {
        if by.is_empty() {
            let identity = readable("The identity", identity, IDENTITY_CHARS_MAX)?;
            return Ok(Self::BackEnd { authority: role(authority)?, identity });
        }
        Ok(Self::Participant(ParticipantId::new(by).map_err(Refusal::NameInvalid)?, link))
    }
}

/// What is done, checked from the wire.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Act {
    /// What.
    pub deed: Deed,
    /// To whom; the actor himself or nobody when absent.
    pub participant: Option<ParticipantId>,
    /// The new role.
    pub role: Role,
    /// Why.
    pub reason: String,
    /// To whom, by identity.
    pub identity: String,
    /// For how long, in seconds; 0 for good.
    pub seconds: u32,
}

impl TryFrom<&control::Act> for Act {
    type Error = Refusal;

    fn try_from(wire: &control::Act) -> Result<Self, Refusal> {
        let participant = Some(wire.participant.as_str()).filter(|id| !id.is_empty());
        let participant =
            participant.map(ParticipantId::new).transpose().map_err(Refusal::NameInvalid)?;
        let text = |what, text: &str, max| match text {
            "" => Ok(String::new()),
            _ => readable(what, text, max),
        };
        Ok(Self {
            deed: Deed::try_from(wire.deed).unwrap_or(Deed::Unknown),
            participant,
            role: role(wire.role)?,
            reason: text("The reason", &wire.text, REASON_CHARS_MAX)?,
            identity: text("The identity", &wire.identity, IDENTITY_CHARS_MAX)?,
            seconds: wire.seconds,
        })
    }
}

fn role(wire: i32) -> Result<Role, Refusal> {
    WireRole::try_from(wire).map(Role::from).map_err(|_| Refusal::RoleUnknown(wire))
}

/// The actor, as far as a deed needs to know him.
pub(super) struct Doer {
    pub(super) id: Option<ParticipantId>,
    pub(super) role: Role,
    pub(super) identity: String,
    /// Whether this is a service, to which nobody in the room is equal.
    pub(super) back_end: bool,
}

impl Doer {
    /// The rank of somebody's role to him: no host stands in the way of the service that made the room.
    pub(super) fn rank(&self, role: Role) -> Role {
        if self.back_end && self.role == Role::Host { role.min(Role::Moderator) } else { role }
    }

    /// Whether this is the doer himself: by his id, or by his identity where he acts from outside the room.
    pub(super) fn is(&self, one: &Participant) -> bool {
        match &self.id {
            Some(id) => *id == one.id,
            None => !self.back_end && self.identity == one.identity,
        }
    }
}

impl Room {
    /// Somebody does something.
    ///
    /// # Errors
    /// [`Refusal::DeedForbidden`] by [`may`]; one for each way in which the room's state is against it; nothing has
    /// changed then.
    pub fn handle_act(&mut self, actor: &Actor, act: &Act, now: Instant) -> Result<(), Refusal> {
        let doer = self.doer(actor)?;
        // Who names nobody means himself, where the deed has somebody to mean.
        let alone = matches!(act.deed, Deed::MuteAll | Deed::Unban | Deed::Ban);
        let target = act.participant.clone().or_else(|| doer.id.clone().filter(|_| !alone));
        let whom = match &target {
            None => Whom::Nobody,
            Some(id) => match self.found(id)? {
                one if doer.is(one) => Whom::Oneself,
                other => Whom::Other(doer.rank(other.role)),
            },
        };
        if !may(doer.role, act.deed, whom, act.role) {
            return Err(Refusal::DeedForbidden { own: doer.role, deed: phrase(act.deed) });
        }
        match (act.deed, &target) {
            (Deed::MuteAll, _) => self.mute_all(doer.role, &doer.identity, now),
            (Deed::Ban, target) => self.ban(&doer, target.as_ref(), act, now)?,
            (Deed::Unban, _) => self.unban(&doer, &act.identity, now)?,
            (_, Some(target)) => self.act_on(&doer, target, act, now)?,
            (_, None) => return Err(Refusal::DeedMalformed("it takes a participant")),
        }
        Ok(())
    }

    fn act_on(
        &mut self,
        doer: &Doer,
        id: &ParticipantId,
        act: &Act,
        now: Instant,
    ) -> Result<(), Refusal> {
        let by = doer.identity.as_str();
        match act.deed {
            Deed::RaiseHand => self.raise_hand(id, now),
            Deed::LowerHand | Deed::DeclineHand => {
                if self.take_down_hand(id) {
                    self.tell(id);
                    let subject = self.identity_of(id);
                    self.note(Happening::HandLowered, [by, &subject, ""], now);
                }
                Ok(())
            }
            Deed::AcceptHand => {
                if self.found(id)?.turn.is_none() {
                    return Err(Refusal::HandNotRaised { participant: id.clone() });
                }
                self.set_role(id, Role::Speaker, true, by, now)
            }
            Deed::Invite => self.set_invited(id, true, by, now),
            Deed::DeclineInvitation => self.set_invited(id, false, by, now),
            Deed::AcceptInvitation => {
                if !self.found(id)?.invited {
                    return Err(Refusal::NotInvited);
                }
                self.set_role(id, Role::Speaker, true, by, now)
            }
            Deed::SetRole => self.set_role(id, act.role, false, by, now),
            Deed::Remove => {
                let subject = self.identity_of(id);
                self.send_out(id, "removed", now);
                self.note(Happening::Removed, [by, &subject, &act.reason], now);
                Ok(())
            }
            Deed::HandOver => self.hand_over(doer, id, now),
            Deed::Report => {
                if act.reason.is_empty() {
                    return Err(Refusal::DeedMalformed("a report takes a reason"));
                }
                let subject = self.identity_of(id);
                self.note(Happening::ReportFiled, [by, &subject, &act.reason], now);
                Ok(())
            }
            _ => Err(Refusal::DeedMalformed(
                "this origin does not know it; it may be older than the edge",
            )),
        }
    }

    /// Changes what is set of the room.
    ///
    /// # Errors
    /// [`Refusal::DeedForbidden`] for everybody below host, except the topic, which moderators may change;
    /// those of the settings.
    pub fn handle_change(
        &mut self,
        actor: &Actor,
        change: &RoomSettings,
        now: Instant,
    ) -> Result<(), Refusal> {
        let doer = self.doer(actor)?;
        let rest = RoomSettings { topic: None, ..change.clone() };
        let least = if rest == RoomSettings::default() { Role::Moderator } else { Role::Host };
        if doer.role < least {
            let deed = "change what is set of this room";
            return Err(Refusal::DeedForbidden { own: doer.role, deed });
        }
        let changed = self.settings.changed(change)?;
        if changed != self.settings {
            self.settings = changed;
            self.changes.push_back(Change::Settings);
            self.announcer.note_change();
            self.note(Happening::RoomChanged, [&doer.identity, "", ""], now);
        }
        Ok(())
    }

    pub(super) fn doer(&self, actor: &Actor) -> Result<Doer, Refusal> {
        match actor {
            Actor::Participant(id, link) => {
                let own = self.hosted(id, *link)?;
                let (role, identity) = (own.role, own.identity.clone());
                Ok(Doer { id: Some(id.clone()), role, identity, back_end: false })
            }
            Actor::BackEnd { authority: role, identity } => {
                Ok(Doer { id: None, role: *role, identity: identity.clone(), back_end: true })
            }
            Actor::Person { role, identity } => {
                Ok(Doer { id: None, role: *role, identity: identity.clone(), back_end: false })
            }
        }
    }

    fn raise_hand(&mut self, id: &ParticipantId, now: Instant) -> Result<(), Refusal> {
        if !self.settings.hands {
            return Err(Refusal::HandsClosed);
        }
        if self.found(id)?.turn.is_some() {
            return Ok(());
        }
        if self.hands.len() >= HANDS_MAX {
            return Err(Refusal::HandsFull { max: HANDS_MAX });
        }
        let turn = self.hands.raise(id, self.founding.start.unix_ms_at(now));
        if let Some(participant) = self.participants.get_mut(id) {
            participant.turn = Some(turn);
            self.changes.push_back(Change::Raised { participant: id.clone(), turn });
        }
        self.tell(id);
        self.announcer.note_change();
        let subject = self.identity_of(id);
        self.note(Happening::HandRaised, [&subject, &subject, ""], now);
        Ok(())
    }

    fn set_invited(
        &mut self,
        id: &ParticipantId,
        invited: bool,
        by: &str,
        now: Instant,
    ) -> Result<(), Refusal> {
        self.found(id)?;
        let Some(participant) = self.participants.get_mut(id) else { return Ok(()) };
        if std::mem::replace(&mut participant.invited, invited) != invited {
            let subject = participant.identity.clone();
            self.remember(id);
            self.tell(id);
            self.announcer.note_change();
            if invited {
                self.note(Happening::Invited, [by, &subject, ""], now);
            }
        }
        Ok(())
    }

    fn ban(
        &mut self,
        doer: &Doer,
        target: Option<&ParticipantId>,
        act: &Act,
        now: Instant,
    ) -> Result<(), Refusal> {
        let identity = target.map_or_else(|| act.identity.clone(), |id| self.identity_of(id));
        if identity.is_empty() {
            return Err(Refusal::DeedMalformed("a ban takes a participant or an identity"));
        }
        // Nobody gets past the ranks by naming an identity instead of a participant.
        let here = self.participants.values().filter(|one| one.identity == identity);
        let above = here.clone().map(|one| one.role).chain(self.exclusions.appointed(&identity));
        if above.into_iter().any(|role| doer.rank(role) >= doer.role) || identity == doer.identity {
            return Err(Refusal::DeedForbidden { own: doer.role, deed: phrase(Deed::Ban) });
        }
        let here: Vec<ParticipantId> = here.map(|one| one.id.clone()).collect();
        let at_ms = self.founding.start.unix_ms_at(now);
        let until_ms = (act.seconds > 0).then(|| at_ms + u64::from(act.seconds) * 1_000);
        let (by, reason) = (doer.identity.clone(), act.reason.clone());
        let ban = Ban { by, at_ms, until_ms, reason };
        self.exclusions.ban(&identity, ban.clone())?;
        self.changes.push_back(Change::Banned { identity: identity.clone(), ban });
        for id in here {
            self.send_out(&id, "banned", now);
        }
        self.note(Happening::Banned, [&doer.identity, &identity, &act.reason], now);
        Ok(())
    }

    fn unban(&mut self, doer: &Doer, identity: &str, now: Instant) -> Result<(), Refusal> {
        if identity.is_empty() {
            return Err(Refusal::DeedMalformed("it takes an identity"));
        }
        if self.exclusions.unban(identity) {
            self.changes.push_back(Change::Unbanned { identity: identity.to_owned() });
            self.note(Happening::Unbanned, [&doer.identity, identity, ""], now);
        }
        Ok(())
    }
}

/// A deed as the end of a sentence about who may not do it.
fn phrase(deed: Deed) -> &'static str {
    match deed {
        Deed::Unknown => "do this",
        Deed::RaiseHand => "raise a hand: he may speak already, or it is another's",
        Deed::LowerHand => "take down another's hand this way",
        Deed::AcceptHand => "accept hands",
        Deed::DeclineHand => "decline hands",
        Deed::Invite => "invite this participant to the stage",
        Deed::AcceptInvitation => "follow another's invitation",
        Deed::DeclineInvitation => "turn down another's invitation",
        Deed::SetRole => "give this participant this role",
        Deed::MuteAll => "mute everybody",
        Deed::Remove => "remove this participant",
        Deed::Ban => "ban this participant",
        Deed::Unban => "let the banned in again",
        Deed::HandOver => "make this participant the host",
        Deed::Report => "report himself",
    }
}
