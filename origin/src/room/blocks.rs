//! What becomes of a room when its host blocks somebody. Who blocks whom is known outside of it.

use std::time::Instant;

use stoa_protocol::ids::{ParticipantId, Role};

use super::limits::IDENTITY_CHARS_MAX;
use super::log::Happening;
use super::membership::Room;
use super::participant::readable;
use super::refusal::Refusal;

/// Checks that this can be an identity.
///
/// # Errors
/// [`Refusal::TextLength`], [`Refusal::TextControl`].
pub fn check_identity(identity: &str) -> Result<(), Refusal> {
    readable("The identity", identity, IDENTITY_CHARS_MAX).map(|_| ())
}

impl Room {
    /// The identities of the hosts who are in the room now, those included whose edge is away for a moment.
    pub fn hosts(&self) -> impl Iterator<Item = &str> {
        let on_stage = self.stage.iter().filter_map(|id| self.participants.get(id));
        on_stage.filter(|one| one.role == Role::Host).map(|one| one.identity.as_str())
    }

    /// Somebody blocks somebody else: where the one is host the other goes, unless he is host as well. Says whether
    /// anything has changed.
    pub fn handle_block(&mut self, by: &str, other: &str, now: Instant) -> bool {
        if !self.hosts().any(|host| host == by) {
            return false;
        }
        let here = self.participants.values();
        let here = here.filter(|one| one.identity == other && one.role < Role::Host);
        let here: Vec<ParticipantId> = here.map(|one| one.id.clone()).collect();
        for id in &here {
            self.send_out(id, "removed", now);
            self.note(Happening::Removed, [by, other, ""], now);
        }
        !here.is_empty()
    }
}
