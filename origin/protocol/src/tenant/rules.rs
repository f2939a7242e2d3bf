//! Whose rooms a tenant may touch.

use super::TenantId;
use crate::ids::NameError;

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

impl TenantId {
    /// As control messages have it: empty for the default tenant.
    #[must_use]
    pub fn to_wire(&self) -> String {
        if self.as_str() == DEFAULT { String::new() } else { self.to_string() }
    }

    /// From a control message; the default tenant when it names none.
    ///
    /// # Errors
    /// When it cannot be a tenant's name.
    pub fn of_wire(name: &str) -> Result<Self, NameError> {
        if name.is_empty() { Ok(Self::default()) } else { Self::new(name) }
    }
}

/// Whether a bearer of this tenant may see, list, join or change a room of that one. Ids of rooms are
/// global: to anybody else a foreign room must look as one that is not there (404), except that its id
/// is taken (409).
#[must_use]
pub fn may_touch(bearer: &TenantId, room: &TenantId) -> bool {
    bearer == room
}

/// Whether a bearer of this tenant may have edges leave and stay: they serve all tenants, so only the operator's own may,
/// which is the default one.
#[must_use]
pub fn may_operate(bearer: &TenantId) -> bool {
    bearer.as_str() == DEFAULT
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
    fn edges_are_the_default_tenants() {
        let may = |id: &str| may_operate(&TenantId::new(id).unwrap());
        assert!(may("default") && !may("acme") && !may("Default"));
    }

    #[test]
    fn on_the_wire_the_default_tenant_is_the_one_that_is_not_named() {
        for (tenant, wire) in [("default", ""), ("acme", "acme")] {
            let tenant = TenantId::new(tenant).unwrap();
            assert_eq!(tenant.to_wire(), wire);
            assert_eq!(TenantId::of_wire(wire), Ok(tenant));
        }
        assert_eq!(TenantId::of_wire("default"), Ok(TenantId::default()));
        assert!(TenantId::of_wire("a b").is_err());
    }

    #[test]
    fn the_default_tenant_has_a_valid_name() {
        assert_eq!(TenantId::new(DEFAULT), Ok(TenantId::default()));
    }
}
