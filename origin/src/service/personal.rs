//! What persons ask of rooms they need not be in: decided by what each is there, not by his token alone.

use std::time::Instant;

use stoa_protocol::ids::{ParticipantId, Role};
use stoa_protocol::mesh::control::{
    Answer, Ask, Done, ListParticipants, Personal, RoomSettings, WireRole,
};

use super::core::Service;
use super::hall::RoomKey;
use super::refusal::Refusal;
use crate::room::{self, Act, Actor, MuteAsk, Room};

impl Service {
    /// Answers what a person asks.
    pub(super) fn personal(&mut self, ask: Personal, now: Instant) -> Result<Answer, Refusal> {
        let inner = ask.request.and_then(|request| request.ask).ok_or(Refusal::UnknownAsk)?;
        let (room, tenant) = place_of(&inner).ok_or(Refusal::UnknownAsk)?;
        let (id, key) = self.find(room, tenant)?;
        let role = WireRole::try_from(ask.role)
            .map_err(|_| Refusal::Room(room::Refusal::RoleUnknown(ask.role)))?;
        let hall = self.halls.get(&key).ok_or(Refusal::RoomNotFound(id))?;
        let actor = hall.room.person(&ask.identity, role.into(), now).map_err(Refusal::from);
        if let Ask::ListParticipants(ask) = inner {
            let moderates =
                actor.and_then(|actor| check_rank(&hall.room, &actor, "read raised hands"));
            if ask.hands {
                moderates.clone()?;
            }
            // Who is in the room everybody sees; as whom they came, its moderators.
            let identities = ask.identities && moderates.is_ok();
            let ask = ListParticipants { identities, ..ask };
            return self.list_participants(&ask).map(Answer::Participants);
        }
        let actor = actor?;
        match inner {
            Ask::ReadLog(ask) => {
                check_rank(&hall.room, &actor, "read what happened in a room")?;
                self.read_log(&ask).map(Answer::Log)
            }
            Ask::ListBans(ask) => {
                check_rank(&hall.room, &actor, "read who is kept out of a room")?;
                self.list_bans(&ask).map(Answer::Bans)
            }
            inner => self.personal_deed(key, &actor, &inner, now),
        }
    }

    fn personal_deed(
        &mut self,
        key: RoomKey,
        actor: &Actor,
        inner: &Ask,
        now: Instant,
    ) -> Result<Answer, Refusal> {
        if matches!(inner, Ask::CloseRoom(_)) {
            let hall = self.halls.get_mut(&key).ok_or(Refusal::UnknownAsk)?;
            hall.room.check_rank(actor, Role::Host, "close a room")?;
            self.end_room_by(key, actor.identity(), now);
            return Ok(Answer::Done(Done {}));
        }
        let hall = self.halls.get_mut(&key).ok_or(Refusal::UnknownAsk)?;
        let answer = match deed(&mut hall.room, actor, inner, now)? {
            Answer::Room(_) => Answer::Room(hall.info()),
            answer => answer,
        };
        self.settle(key, now);
        Ok(answer)
    }
}

fn check_rank(room: &Room, actor: &Actor, deed: &'static str) -> Result<(), Refusal> {
    Ok(room.check_rank(actor, Role::Moderator, deed)?)
}

fn deed(room: &mut Room, actor: &Actor, inner: &Ask, now: Instant) -> Result<Answer, Refusal> {
    match inner {
        Ask::ChangeRoom(ask) => {
            let nothing = RoomSettings::default();
            room.handle_change(actor, ask.settings.as_ref().unwrap_or(&nothing), now)?;
            Ok(Answer::Room(room.info()))
        }
        Ask::SetMuted(ask) => {
            let participant = ParticipantId::new(&ask.participant)
                .map_err(|error| Refusal::Room(room::Refusal::NameInvalid(error)))?;
            room.handle_mute(&MuteAsk { participant, muted: ask.muted, by: actor.clone() }, now)?;
            Ok(Answer::Done(Done {}))
        }
        Ask::Act(ask) => {
            room.handle_act(actor, &Act::try_from(ask)?, now)?;
            Ok(Answer::Done(Done {}))
        }
        _ => Err(Refusal::UnknownAsk),
    }
}

/// The room and tenant of what a person can ask.
fn place_of(ask: &Ask) -> Option<(&str, &str)> {
    match ask {
        Ask::ChangeRoom(ask) => Some((&ask.room, &ask.tenant)),
        Ask::CloseRoom(ask) => Some((&ask.room, &ask.tenant)),
        Ask::SetMuted(ask) => Some((&ask.room, &ask.tenant)),
        Ask::Act(ask) => Some((&ask.room, &ask.tenant)),
        Ask::ReadLog(ask) => Some((&ask.room, &ask.tenant)),
        Ask::ListBans(ask) => Some((&ask.room, &ask.tenant)),
        Ask::ListParticipants(ask) => Some((&ask.room, &ask.tenant)),
        _ => None,
    }
}
