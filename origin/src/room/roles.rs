//! On the stage and off it: roles as they are in this room, whatever tokens say.

use std::time::Instant;

use stoa_protocol::ids::{ParticipantId, Role};

use super::changes::Change;
use super::deeds::Doer;
use super::effects::Command;
use super::log::Happening;
use super::membership::Room;
use super::participant::MutedBy;
use super::refusal::Refusal;

impl Room {
    /// Gives somebody another role. Who comes to the stage with his own `consent` is heard at once, unless the room
    /// has newcomers muted; anybody else must unmute himself. A role that was given is his identity's from now on; a
    /// hand that was accepted lets him speak as long as he is here.
    ///
    /// # Errors
    /// [`Refusal::StageFull`], [`Refusal::AppointmentsFull`]; nothing has changed then.
    pub(super) fn set_role(
        &mut self,
        id: &ParticipantId,
        role: Role,
        consent: bool,
        by: &str,
        now: Instant,
    ) -> Result<(), Refusal> {
        let participant = self.found(id)?;
        let (before, identity) = (participant.role, participant.identity.clone());
        if before == role {
            return Ok(());
        }
        if role.may_speak() && !before.may_speak() {
            self.check_stage()?;
        }
        let lasts = role != participant.token_role && !(consent && role == Role::Speaker);
        self.appoint(&identity, lasts.then_some(role))?;
        self.take_down_hand(id);
        let muted_on_entry = self.settings.muted_on_entry;
        let Some(participant) = self.participants.get_mut(id) else { return Ok(()) };
        participant.role = role;
        participant.invited = false;
        match (before.may_speak(), role.may_speak()) {
            (false, true) => {
                if participant.muted != Some(MutedBy::Moderator) {
                    let silent = muted_on_entry || !consent;
                    participant.muted = silent.then_some(MutedBy::Oneself);
                }
                self.stage.push(id.clone());
            }
            (true, false) => {
                let track = participant.track;
                self.stage.retain(|member| member != id);
                self.commands.extend(track.map(|track| Command::EndTrack { track }));
            }
            _ => {}
        }
        self.tell(id);
        self.remember(id);
        self.announcer.note_change();
        let detail = format!("{before:?} to {role:?}").to_lowercase();
        self.note(Happening::RoleChanged, [by, &identity, &detail], now);
        Ok(())
    }

    /// Gives an identity a role for good, or that of its token again.
    fn appoint(&mut self, identity: &str, role: Option<Role>) -> Result<(), Refusal> {
        if self.exclusions.appointed(identity) == role {
            return Ok(());
        }
        match role {
            Some(role) => self.exclusions.appoint(identity, role)?,
            None => self.exclusions.dismiss(identity),
        }
        self.changes.push_back(Change::Appointed { identity: identity.to_owned(), role });
        Ok(())
    }

    /// Somebody else is the host from now on; who was becomes a moderator, whether or not he is here.
    pub(super) fn hand_over(
        &mut self,
        from: &Doer,
        to: &ParticipantId,
        now: Instant,
    ) -> Result<(), Refusal> {
        let by = from.identity.as_str();
        self.set_role(to, Role::Host, false, by, now)?;
        let hosts =
            self.participants.values().filter(|one| one.role == Role::Host && one.id != *to);
        let hosts: Vec<_> =
            hosts.filter(|one| from.back_end || from.is(one)).map(|one| one.id.clone()).collect();
        for host in hosts {
            self.set_role(&host, Role::Moderator, true, by, now)?;
        }
        if from.id.is_none() && !from.back_end {
            self.appoint(by, Some(Role::Moderator))?;
        }
        let subject = self.identity_of(to);
        self.note(Happening::HostChanged, [by, &subject, ""], now);
        Ok(())
    }

    /// Takes a hand down; says whether it was up.
    pub(super) fn take_down_hand(&mut self, id: &ParticipantId) -> bool {
        let turn = self.participants.get_mut(id).and_then(|participant| participant.turn.take());
        if let Some(turn) = turn {
            self.hands.lower(turn);
            self.changes.push_back(Change::Lowered(id.clone()));
            self.announcer.note_change();
        }
        turn.is_some()
    }

    pub(super) fn check_stage(&self) -> Result<(), Refusal> {
        let max = self.stage_max();
        if self.stage.len() >= max {
            return Err(Refusal::StageFull { room: self.founding.id.clone(), max });
        }
        Ok(())
    }

    /// Most members of the stage.
    pub(super) fn stage_max(&self) -> usize {
        at_most(self.settings.stage_max, self.capacity.stage)
    }

    /// Most participants.
    pub(super) fn participants_max(&self) -> usize {
        at_most(self.settings.participants_max, self.capacity.participants)
    }
}

/// What a room asks for, 0 for all there is, within what the origin allows.
fn at_most(wanted: u32, allowed: usize) -> usize {
    match usize::try_from(wanted) {
        Ok(wanted @ 1..) => wanted.min(allowed),
        _ => allowed,
    }
}
