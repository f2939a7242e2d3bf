//! What tenants have of what is bounded for them, across all edges and origins. What happens at another origin is known
//! half a second later.

use stoa_link::LinkId;
use stoa_protocol::ids::TenantId;
use stoa_protocol::mesh::control::{
    Body, Join, Ownerships, People, TENANTS_TOLD_MAX, TenantPeople,
};
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
        let present = self.people_of(&tenant.to_wire());
        let quotas = Quotas { participants: Some(max), ..Quotas::default() };
        quotas
            .check_participants(present)
            .map_err(|reached| Refusal::TenantParticipants { max, reached })
    }

    /// How many people of a tenant there are, here and at every linked origin.
    fn people_of(&self, tenant: &str) -> usize {
        let here = self.people.get(tenant);
        let elsewhere =
            self.network.origins.values().filter_map(|origin| origin.people.get(tenant));
        elsewhere.chain(here).sum()
    }

    /// Tells other origins how many people there are, if that has changed.
    pub(super) fn tell_people(&mut self) {
        if self.network.origins.is_empty() || self.people == self.network.people_told {
            return;
        }
        self.network.people_told.clone_from(&self.people);
        let people = Some(self.people_now());
        self.send_to_origins(&Body::Ownerships(Ownerships { people, ..Ownerships::default() }));
    }

    /// How many people there are in rooms of this origin.
    pub(super) fn people_now(&self) -> People {
        let told = |(tenant, people): (&String, &usize)| TenantPeople {
            tenant: tenant.clone(),
            people: u32::try_from(*people).unwrap_or(u32::MAX),
        };
        let mut tenants: Vec<TenantPeople> = self.people.iter().map(told).collect();
        tenants.sort_by_key(|told| std::cmp::Reverse(told.people));
        tenants.truncate(TENANTS_TOLD_MAX);
        People { tenants }
    }

    /// Another origin says how many people it has.
    pub(super) fn handle_people(&mut self, link: LinkId, told: People) {
        let Some(origin) = self.network.origins.get_mut(&link) else { return };
        let tenants = told.tenants.into_iter().take(TENANTS_TOLD_MAX);
        origin.people = tenants.map(|told| (told.tenant, told.people as usize)).collect();
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
