//! What tenants have of what is bounded for them, across all edges of this origin.

use stoa_protocol::ids::TenantId;
use stoa_protocol::mesh::control::Join;
use stoa_protocol::tenant::Quotas;

use super::core::Service;
use super::hall::{Hall, RoomKey};
use super::refusal::Refusal;

impl Service {
    /// Whether the tenant of somebody new may have one participant more.
    pub(super) fn check_people(&self, ask: &Join) -> Result<(), Refusal> {
        let Some(max) = ask.tenant_participants_max else { return Ok(()) };
        let tenant = TenantId::of_wire(&ask.tenant)
            .map_err(|error| Refusal::Room(crate::room::Refusal::NameInvalid(error)))?;
        let present = self.people.get(&tenant.to_wire()).copied().unwrap_or_default();
        let quotas = Quotas { participants: Some(max), ..Quotas::default() };
        quotas
            .check_participants(present)
            .map_err(|reached| Refusal::TenantParticipants { max, reached })
    }

    /// Brings its tenant's sum in line with a room that may have changed.
    pub(super) fn count_people(&mut self, key: RoomKey) {
        let Some(hall) = self.halls.get_mut(&key) else { return };
        let present = hall.room.participants_len();
        let before = std::mem::replace(&mut hall.counted, present);
        if present != before {
            let sum = self.people.entry(hall.room.tenant().to_owned()).or_default();
            *sum = (*sum + present).saturating_sub(before);
        }
    }

    /// A room has ended, and nobody is in it any more.
    pub(super) fn uncount_people(&mut self, hall: &Hall) {
        let tenant = hall.room.tenant();
        let left = self.people.get_mut(tenant).map(|sum| {
            *sum = sum.saturating_sub(hall.counted);
            *sum
        });
        if left == Some(0) {
            self.people.remove(tenant);
        }
    }
}
