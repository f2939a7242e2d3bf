//! Access tokens that hold no longer: kept here, told to every edge at once, and to each that links anew.

use std::time::Instant;

use stoa_link::LinkId;
use stoa_protocol::mesh::control::{
    Body, Done, REVOCATIONS_PER_MESSAGE_MAX, RevocationError, Revocations, Revoke, WireRevocation,
};
use stoa_protocol::token::Revocation;

use super::core::Service;
use super::refusal::Refusal;

impl Service {
    /// Puts a revocation in force. Its edge has checked whose tokens the asker may revoke.
    pub(super) fn revoke(&mut self, ask: Revoke, now: Instant) -> Result<Done, Refusal> {
        let wire = ask.revocation.ok_or(RevocationError::Nothing)?;
        let Revocation { tenant, revoked, .. } = Revocation::try_from(wire)?;
        let now_unix_s = self.start.unix_ms_at(now) / 1_000;
        // For how long it is kept follows from how long tokens live, whatever the asker says.
        let revocation = Revocation::new(tenant, revoked, now_unix_s);
        self.revocations
            .insert(revocation.clone(), now_unix_s)
            .map_err(|_| Refusal::RevocationsFull)?;
        tracing::info!(tenant = %revocation.tenant, actor = ask.actor, "tokens revoked");
        let told = Revocations { revocations: vec![WireRevocation::from(revocation)] };
        self.send_to_all(&Body::Revocations(told));
        Ok(Done {})
    }

    /// Tells an edge that has just linked of all of them, in portions.
    pub(super) fn tell_revocations(&mut self, link: LinkId) {
        let all: Vec<WireRevocation> = self.revocations.iter().map(WireRevocation::from).collect();
        for portion in all.chunks(REVOCATIONS_PER_MESSAGE_MAX) {
            let revocations = portion.to_vec();
            self.send(link, Body::Revocations(Revocations { revocations }));
        }
    }

    /// How many revocations are in force.
    #[must_use]
    pub fn revocations_len(&self) -> usize {
        self.revocations.len()
    }
}
