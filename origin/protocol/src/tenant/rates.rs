//! How often a tenant, a key and an address may join. A minute's worth may come at once; then one at a time.
//! Tables are bounded: beyond its maximum the address that was seen longest ago is forgotten.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv6Addr};
use std::time::{Duration, Instant};

use super::TenantId;
use super::quota::{Quota, QuotaReached, Quotas};

/// Most addresses that are remembered at a time.
pub const ADDRESSES_MAX: usize = 65_536;

const MINUTE: Duration = Duration::from_secs(60);

/// What one line gets: an IPv4 address, or the first half of an IPv6 address (RFC 6177).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Network(Ipv6Addr);

impl From<IpAddr> for Network {
    fn from(address: IpAddr) -> Self {
        Self(match address.to_canonical() {
            IpAddr::V4(v4) => v4.to_ipv6_mapped(),
            IpAddr::V6(v6) => {
                let [a, b, c, d, ..] = v6.segments();
                Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0)
            }
        })
    }
}

/// Who wants to join.
#[derive(Clone, Copy, Debug)]
pub struct JoinFrom<'a> {
    /// The tenant of the token.
    pub tenant: &'a TenantId,
    /// The id of its key.
    pub key: &'a str,
    /// Where the client is.
    pub network: Network,
}

/// A token bucket, kept as the one moment at which it is full again.
#[derive(Clone, Copy, Debug)]
struct Bucket {
    full_at: Instant,
}

impl Bucket {
    /// What it would be after one more, or how long until there is place for one.
    fn after(self, per_minute: u32, now: Instant) -> Result<Self, Duration> {
        let Some(every) = MINUTE.checked_div(per_minute) else { return Err(MINUTE) };
        let full_at = self.full_at.max(now) + every;
        let missing = full_at.saturating_duration_since(now).saturating_sub(MINUTE);
        if missing.is_zero() { Ok(Self { full_at }) } else { Err(missing) }
    }
}

#[derive(Clone, Copy, Debug)]
struct Seen {
    bucket: Bucket,
    /// Where it stands in the order of being seen.
    turn: u64,
}

type Place = (TenantId, Network);

/// The joins of late, by tenant, by key and by address.
#[derive(Debug)]
pub struct Rates {
    tenants: BTreeMap<TenantId, Bucket>,
    keys: BTreeMap<String, Bucket>,
    addresses: BTreeMap<Place, Seen>,
    by_turn: BTreeMap<u64, Place>,
    next_turn: u64,
    addresses_max: usize,
}

impl Rates {
    /// Remembers at most so many addresses, at least one.
    #[must_use]
    pub fn new(addresses_max: usize) -> Self {
        Self {
            tenants: BTreeMap::new(),
            keys: BTreeMap::new(),
            addresses: BTreeMap::new(),
            by_turn: BTreeMap::new(),
            next_turn: 0,
            addresses_max: addresses_max.max(1),
        }
    }

    /// How many addresses are remembered.
    #[must_use]
    pub fn addresses(&self) -> usize {
        self.addresses.len()
    }

    /// Whether somebody may join now. What is refused costs nothing: who is over his own rate takes
    /// nothing away from others of the tenant. Says whether an address had to be forgotten for it.
    ///
    /// Tenants and keys are those of verified tokens, so there are as many as are configured.
    ///
    /// # Errors
    /// [`QuotaReached`]: the narrowest quota that is used up.
    pub fn admit(
        &mut self,
        from: JoinFrom<'_>,
        quotas: &Quotas,
        now: Instant,
    ) -> Result<bool, QuotaReached> {
        let place = (from.tenant.clone(), from.network);
        let fresh = Bucket { full_at: now };
        let address = self.addresses.get(&place).map_or(fresh, |seen| seen.bucket);
        let key = self.keys.get(from.key).copied().unwrap_or(fresh);
        let tenant = self.tenants.get(from.tenant).copied().unwrap_or(fresh);
        let after = |quota, bucket: Bucket, per_minute: Option<u32>| match per_minute {
            None => Ok(None),
            Some(per_minute) => bucket
                .after(per_minute, now)
                .map(Some)
                .map_err(|missing| QuotaReached { quota, retry_after_s: whole_seconds(missing) }),
        };
        let address = after(Quota::JoinsPerAddress, address, quotas.joins_per_minute_per_address)?;
        let key = after(Quota::JoinsPerKey, key, quotas.joins_per_minute_per_key)?;
        let tenant = after(Quota::Joins, tenant, quotas.joins_per_minute)?;
        if let Some(bucket) = key {
            self.keys.insert(from.key.to_owned(), bucket);
        }
        if let Some(bucket) = tenant {
            self.tenants.insert(from.tenant.clone(), bucket);
        }
        Ok(address.is_some_and(|bucket| self.remember(place, bucket)))
    }

    fn remember(&mut self, place: Place, bucket: Bucket) -> bool {
        let turn = self.next_turn;
        self.next_turn += 1;
        self.by_turn.insert(turn, place.clone());
        if let Some(before) = self.addresses.insert(place, Seen { bucket, turn }) {
            self.by_turn.remove(&before.turn);
        }
        let forgets = self.addresses.len() > self.addresses_max;
        if forgets && let Some((_, oldest)) = self.by_turn.pop_first() {
            self.addresses.remove(&oldest);
        }
        forgets
    }
}

fn whole_seconds(duration: Duration) -> u32 {
    let seconds = duration.as_secs() + u64::from(duration.subsec_nanos() > 0);
    u32::try_from(seconds).unwrap_or(u32::MAX).max(1)
}

#[cfg(test)]
#[path = "rates_tests.rs"]
mod tests;
