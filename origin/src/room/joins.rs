//! The way in: who is let in, as what, and who was here before.

use std::time::Instant;

use super::changes::Change;
use super::effects::Command;
use super::log::Happening;
use super::membership::{Joined, Room, Via, forget_one};
use super::participant::{Joining, MutedBy, Participant, Whereabouts};
use super::refusal::Refusal;
use super::settings::Visibility;

impl Room {
    /// Takes somebody in, or takes note that his edge is back, or that he is, through another one. Of who was here
    /// already nothing changes but link and track: what happened to him meanwhile (a mute, a promotion) stands.
    ///
    /// # Errors
    /// [`Refusal::Banned`], [`Refusal::RoomPrivate`], [`Refusal::ParticipantTaken`], [`Refusal::RoomFull`],
    /// [`Refusal::StageFull`].
    pub fn handle_join(
        &mut self,
        joining: Joining,
        via: Via<'_>,
        now: Instant,
    ) -> Result<Joined, Refusal> {
        if self.participants.contains_key(&joining.participant) {
            return self.take_back(&joining, via);
        }
        self.check_admission(&joining, now)?;
        let kept = if joining.resumes {
            self.places.take(&joining.participant, &joining.identity, now)
        } else {
            None
        };
        let appointed = self.exclusions.appointed(&joining.identity);
        let role = kept.as_ref().and_then(|kept| kept.role).or(appointed).unwrap_or(joining.role);
        if role.may_speak() {
            self.check_stage()?;
        }
        let turn = kept.as_ref().and_then(|kept| kept.turn).filter(|_| !role.may_speak());
        if let Some(turn) = turn {
            self.hands.put_back(turn, &joining.participant);
        }
        let muted = joining.muted.then_some(MutedBy::Oneself);
        let id = joining.participant;
        let participant = Participant {
            id: id.clone(),
            identity: joining.identity,
            name: joining.name,
            role,
            token_role: joining.role,
            turn,
            invited: false,
            muted: kept.and_then(|kept| kept.muted).or(muted),
            track: joining.track,
            left: None,
            node: via.node.clone(),
            whereabouts: Whereabouts::Here(via.link),
        };
        let identity = participant.identity.clone();
        self.participants.insert(id.clone(), participant);
        self.remember(&id);
        if let Some(turn) = turn {
            self.changes.push_back(Change::Raised { participant: id.clone(), turn });
        }
        if role.may_speak() {
            self.stage.push(id.clone());
        }
        *self.links.entry(via.link).or_default() += 1;
        self.empty_since = None;
        self.announcer.note_change();
        self.note_passage(Happening::ParticipantJoined, &identity, role.may_speak(), now);
        self.tell(&id);
        Ok(Joined::New)
    }

    /// Somebody who is here already comes again.
    fn take_back(&mut self, joining: &Joining, via: Via<'_>) -> Result<Joined, Refusal> {
        let id = &joining.participant;
        let known = self.found(id)?;
        // A link can be replaced before its end is noticed, hence the same node is enough.
        let elsewhere = known.link().is_some() && known.node != *via.node;
        // Out of a store somebody comes without his track.
        let other_track = known.track.is_some() && known.track != joining.track;
        // An edge that was cut off for a while reminds of him; it must not take him from where he has gone meanwhile.
        let outdated = elsewhere && joining.track.is_some() && joining.track == known.left;
        let moves = elsewhere || other_track;
        if known.identity != joining.identity || outdated || (moves && !joining.resumes) {
            let (room, participant) = (self.founding.id.clone(), id.clone());
            return Err(Refusal::ParticipantTaken { room, participant });
        }
        if let Some(link) = known.link().filter(|_| elsewhere) {
            let standing = Box::new(self.standing_of(known, "replaced"));
            self.commands.push_back(Command::Tell { link, standing });
        }
        let Some(known) = self.participants.get_mut(id) else { return Ok(Joined::Again) };
        let before = std::mem::replace(&mut known.whereabouts, Whereabouts::Here(via.link));
        if known.node != *via.node {
            known.node = via.node.clone();
            known.left = known.track;
        }
        known.token_role = joining.role;
        let track = std::mem::replace(&mut known.track, joining.track);
        match before {
            Whereabouts::Here(link) => forget_one(&mut self.links, link),
            Whereabouts::Away { until } => {
                self.away.remove(&(until, id.clone()));
            }
        }
        *self.links.entry(via.link).or_default() += 1;
        self.tell(id);
        if track == joining.track {
            return Ok(Joined::Again);
        }
        self.announcer.note_change();
        Ok(Joined::Instead(track))
    }

    fn check_admission(&self, joining: &Joining, now: Instant) -> Result<(), Refusal> {
        let room = || self.founding.id.clone();
        if self.exclusions.is_banned(&joining.identity, self.founding.start.unix_ms_at(now)) {
            return Err(Refusal::Banned { room: room() });
        }
        if self.settings.visibility == Visibility::Private && !joining.named {
            return Err(Refusal::RoomPrivate { room: room() });
        }
        let max = self.participants_max();
        if self.participants.len() >= max {
            return Err(Refusal::RoomFull { room: room(), max });
        }
        Ok(())
    }

    /// The log tells who comes to speak; thousands who listen are told as events alone.
    pub(super) fn note_passage(
        &mut self,
        happening: Happening,
        identity: &str,
        speaks: bool,
        now: Instant,
    ) {
        if speaks {
            self.note(happening, ["", identity, ""], now);
        } else {
            self.note_unlogged(happening, identity, now);
        }
    }
}
