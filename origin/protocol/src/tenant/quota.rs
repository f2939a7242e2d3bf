//! How much a tenant may have at once. Absent means without bound, but for those of the nodes themselves.

use serde::Deserialize;
use thiserror::Error;

/// What a tenant may use; `[tenants.quotas]` of the configuration.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Quotas {
    /// Rooms at a time.
    pub rooms: Option<u32>,
    /// Participants at a time, of all of its rooms.
    pub participants: Option<u32>,
    /// Joins a minute.
    pub joins_per_minute: Option<u32>,
    /// Joins a minute with tokens of one key.
    pub joins_per_minute_per_key: Option<u32>,
    /// Joins a minute from one address; of IPv6 from one /64, which is what one line gets.
    pub joins_per_minute_per_address: Option<u32>,
}

/// Which quota.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Quota {
    /// Rooms at a time.
    Rooms,
    /// Participants at a time.
    Participants,
    /// Joins a minute.
    Joins,
    /// Joins a minute with one key.
    JoinsPerKey,
    /// Joins a minute from one address.
    JoinsPerAddress,
}

impl Quota {
    /// Every quota.
    pub const ALL: [Self; 5] =
        [Self::Rooms, Self::Participants, Self::Joins, Self::JoinsPerKey, Self::JoinsPerAddress];

    /// Its name in problems and metrics.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Rooms => "rooms",
            Self::Participants => "participants",
            Self::Joins => "joins",
            Self::JoinsPerKey => "joins-per-key",
            Self::JoinsPerAddress => "joins-per-address",
        }
    }

    /// The short name of the problem that a client gets with status 429.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Rooms => "quota-rooms",
            Self::Participants => "quota-participants",
            Self::Joins => "quota-joins",
            Self::JoinsPerKey => "quota-joins-per-key",
            Self::JoinsPerAddress => "quota-joins-per-address",
        }
    }
}

/// A quota is used up.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("{}", sentence(*quota))]
pub struct QuotaReached {
    /// Which one.
    pub quota: Quota,
    /// Seconds after which trying again may help; at least 1.
    pub retry_after_s: u32,
}

impl QuotaReached {
    /// The short name of the problem that a client gets with status 429.
    #[must_use]
    pub fn code(&self) -> &'static str {
        self.quota.code()
    }
}

/// When somebody may have left, or a room may have ended.
const RETRY_AFTER_S: u32 = 30;

impl Quotas {
    /// Whether one room more fits, where there are `rooms` of this tenant.
    ///
    /// # Errors
    /// [`QuotaReached`].
    pub fn check_rooms(&self, rooms: usize) -> Result<(), QuotaReached> {
        check(Quota::Rooms, self.rooms, rooms)
    }

    /// Whether one participant more fits, where there are `participants` of this tenant.
    ///
    /// # Errors
    /// [`QuotaReached`].
    pub fn check_participants(&self, participants: usize) -> Result<(), QuotaReached> {
        check(Quota::Participants, self.participants, participants)
    }
}

fn check(quota: Quota, most: Option<u32>, present: usize) -> Result<(), QuotaReached> {
    match most {
        Some(most) if present >= most as usize => {
            Err(QuotaReached { quota, retry_after_s: RETRY_AFTER_S })
        }
        _ => Ok(()),
    }
}

fn sentence(quota: Quota) -> &'static str {
    match quota {
        Quota::Rooms => "this tenant has as many rooms as it may; close one first",
        Quota::Participants => "this tenant has as many participants as it may; try again later",
        Quota::Joins => "too many people join this tenant's rooms at the moment; try again soon",
        Quota::JoinsPerKey => "too many people join with this key at the moment; try again soon",
        Quota::JoinsPerAddress => "too many joins come from this address; try again soon",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quota_lets_in_as_many_as_it_says() {
        let quotas = Quotas { rooms: Some(2), participants: Some(0), ..Quotas::default() };
        assert_eq!(quotas.check_rooms(1), Ok(()));
        assert_eq!(quotas.check_rooms(2).unwrap_err().quota, Quota::Rooms);
        assert_eq!(quotas.check_participants(0).unwrap_err().quota, Quota::Participants);
    }

    #[test]
    fn what_is_not_set_has_no_bound() {
        assert_eq!(Quotas::default().check_rooms(usize::MAX), Ok(()));
        assert_eq!(Quotas::default().check_participants(usize::MAX), Ok(()));
    }

    #[test]
    fn every_refusal_has_a_code_of_its_own_and_a_time_to_come_back() {
        let codes = Quota::ALL.map(|quota| QuotaReached { quota, retry_after_s: 1 }.code());
        for (quota, code) in Quota::ALL.into_iter().zip(codes) {
            assert_eq!(code, format!("quota-{}", quota.name()));
        }
    }
}
