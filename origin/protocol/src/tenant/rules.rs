//! Whose rooms a tenant may touch.

use super::TenantId;

/// Most tenants of a network.
pub const TENANTS_MAX: usize = 64;

/// The tenant of whoever names none.
const DEFAULT: &str = "default";

impl Default for TenantId {
    fn default() -> Self {
        // The name is a valid one, which a test holds fast.
        Self::of_constant(DEFAULT)
    }
}

/// Whether a bearer of this tenant may see, list, join or change a room of that one. Ids of rooms are
/// global: to anybody else a foreign room must look as one that is not there (404), except that its id
/// is taken (409).
#[must_use]
pub fn may_touch(bearer: &TenantId, room: &TenantId) -> bool {
    bearer == room
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tenant_touches_its_own_rooms_and_no_others() {
        let tenants = ["acme", "globex", "default", "Acme"].map(|id| TenantId::new(id).unwrap());
        for (at, bearer) in tenants.iter().enumerate() {
            for (of, room) in tenants.iter().enumerate() {
                assert_eq!(may_touch(bearer, room), at == of, "{bearer} {room}");
            }
        }
    }

    #[test]
    fn the_default_tenant_has_a_valid_name() {
        assert_eq!(TenantId::new(DEFAULT), Ok(TenantId::default()));
    }
}
