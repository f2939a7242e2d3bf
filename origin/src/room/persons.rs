//! Persons who act from outside the room: what they are in it.

use std::time::Instant;

use stoa_protocol::ids::Role;

use super::deeds::Actor;
use super::limits::IDENTITY_CHARS_MAX;
use super::membership::Room;
use super::participant::readable;
use super::refusal::Refusal;

impl Room {
    /// A person of this identity, whose token makes him `token_role` here. A role that his identity was given in the
    /// room decides; who is kept out of the room does nothing in it from outside either.
    ///
    /// # Errors
    /// [`Refusal::Banned`], [`Refusal::TextLength`], [`Refusal::TextControl`].
    pub fn person(&self, identity: &str, token_role: Role, now: Instant) -> Result<Actor, Refusal> {
        let identity = readable("The identity", identity, IDENTITY_CHARS_MAX)?;
        if self.exclusions.is_banned(&identity, self.founding.start.unix_ms_at(now)) {
            return Err(Refusal::Banned { room: self.founding.id.clone() });
        }
        let role = self.exclusions.appointed(&identity).unwrap_or(token_role);
        Ok(Actor::Person { identity, role })
    }

    /// Whether an actor is as much as this in the room.
    ///
    /// # Errors
    /// [`Refusal::DeedForbidden`] for less; `deed` is the end of a sentence about who may not.
    pub fn check_rank(
        &self,
        actor: &Actor,
        least: Role,
        deed: &'static str,
    ) -> Result<(), Refusal> {
        let own = self.doer(actor)?.role;
        if own < least { Err(Refusal::DeedForbidden { own, deed }) } else { Ok(()) }
    }
}
