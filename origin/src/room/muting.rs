//! Mute and unmute.

use std::time::Instant;

use stoa_protocol::ids::{ParticipantId, Role};

use super::changes::Change;
use super::deeds::Actor;
use super::effects::Command;
use super::log::Happening;
use super::membership::Room;
use super::participant::MutedBy;
use super::refusal::Refusal;

/// A wish to mute or unmute.
#[derive(Clone, Debug)]
pub struct MuteAsk {
    /// Whom.
    pub participant: ParticipantId,
    /// The new state.
    pub muted: bool,
    /// Who asks.
    pub by: Actor,
}

impl Room {
    /// Mutes or unmutes somebody; returns whether that changed anything.
    ///
    /// Everybody may mute and unmute himself. A moderator may mute those of his own role or a lower
    /// one, and may unmute whom a moderator muted, but nobody who muted himself: nobody's microphone
    /// is opened from afar.
    ///
    /// # Errors
    /// [`Refusal::ParticipantNotFound`], [`Refusal::ParticipantElsewhere`] (the asking one is here
    /// through another link), [`Refusal::MuteForbidden`], [`Refusal::UnmuteForbidden`].
    pub fn handle_mute(&mut self, ask: &MuteAsk, now: Instant) -> Result<bool, Refusal> {
        let doer = self.doer(&ask.by)?;
        let oneself = doer.id.as_ref() == Some(&ask.participant);
        let target = self.found(&ask.participant)?;
        if !oneself {
            // From afar everybody may mute himself, too.
            let may = doer.role.may_moderate() && doer.role >= doer.rank(target.role);
            if !may && !doer.is(target) {
                return Err(Refusal::MuteForbidden { participant: ask.participant.clone() });
            }
            if !ask.muted && target.muted == Some(MutedBy::Oneself) {
                return Err(Refusal::UnmuteForbidden { participant: ask.participant.clone() });
            }
        }
        let changed = target.muted.is_some() != ask.muted;
        // Who mutes himself while a moderator's mute holds is not to be opened by the moderator; a
        // moderator's mute takes nothing from who has muted himself.
        let own = doer.is(target);
        let takes_over = own && ask.muted;
        if !changed && !takes_over {
            return Ok(false);
        }
        let by = if own { MutedBy::Oneself } else { MutedBy::Moderator };
        self.set_muted(&ask.participant, ask.muted.then_some(by));
        if !changed {
            return Ok(false);
        }
        if !own {
            let subject = self.identity_of(&ask.participant);
            let detail = if ask.muted { "" } else { "unmuted" };
            self.note(Happening::Muted, [&doer.identity, &subject, detail], now);
        }
        Ok(true)
    }

    /// Mutes everybody on the stage below `own`.
    pub(super) fn mute_all(&mut self, own: Role, by: &str, now: Instant) {
        let stage = self.stage.iter().filter_map(|id| self.participants.get(id));
        let loud = stage.filter(|member| member.role < own && member.muted.is_none());
        let loud: Vec<ParticipantId> = loud.map(|member| member.id.clone()).collect();
        for id in &loud {
            self.set_muted(id, Some(MutedBy::Moderator));
        }
        if !loud.is_empty() {
            self.note(Happening::Muted, [by, "", "everybody below"], now);
        }
    }

    fn set_muted(&mut self, id: &ParticipantId, muted: Option<MutedBy>) {
        let Some(target) = self.participants.get_mut(id) else { return };
        let changed = target.muted.is_some() != muted.is_some();
        target.muted = muted;
        self.changes.push_back(Change::Here(Box::new(target.clone())));
        if !changed {
            return;
        }
        if let Some(track) = target.track {
            self.commands.push_back(Command::SetTrackMuted { track, muted: muted.is_some() });
        }
        self.tell(id);
        self.announcer.note_change();
    }
}
