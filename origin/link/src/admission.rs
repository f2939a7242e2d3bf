//! Which incoming connections are looked at: limits in total, and a rate per address; pure.
//!
//! An address that has not been proved may be forged, so it can only cost its owner a round trip
//! (QUIC Retry), never his place.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv6Addr};
use std::time::{Duration, Instant};

use crate::config::Limits;

/// Addresses remembered at a time.
const ADDRESSES_MAX: usize = 4_096;

/// What to do with an incoming connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Accept,
    /// Ask it to prove its address.
    Retry,
    Refuse(Refusal),
}

/// Why a connection is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    Links,
    Handshakes,
    Rate,
}

/// What is under way already.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Occupancy {
    pub(crate) links: usize,
    pub(crate) handshakes: usize,
}

/// A token bucket per address, proved and unproved ones apart.
#[derive(Debug)]
pub(crate) struct Admission {
    limits: Limits,
    buckets: BTreeMap<(IpAddr, bool), Bucket>,
}

#[derive(Clone, Copy, Debug)]
struct Bucket {
    tokens: f64,
    at: Instant,
}

impl Admission {
    pub(crate) fn new(limits: Limits) -> Self {
        Self { limits, buckets: BTreeMap::new() }
    }

    /// Decides on a connection from `address`, whose ownership is `proved` or not.
    pub(crate) fn handle_incoming(
        &mut self,
        address: IpAddr,
        proved: bool,
        occupancy: Occupancy,
        now: Instant,
    ) -> Verdict {
        if occupancy.links >= self.limits.links_max {
            return Verdict::Refuse(Refusal::Links);
        }
        if occupancy.handshakes >= self.limits.handshakes_max {
            return Verdict::Refuse(Refusal::Handshakes);
        }
        let crowded = occupancy.handshakes >= self.limits.handshakes_max / 2;
        match (self.take((network_of(address), proved), now), proved) {
            (true, true) => Verdict::Accept,
            (true, false) if !crowded => Verdict::Accept,
            (_, false) => Verdict::Retry,
            (false, true) => Verdict::Refuse(Refusal::Rate),
        }
    }

    fn take(&mut self, key: (IpAddr, bool), now: Instant) -> bool {
        let burst = f64::from(self.limits.connects_burst);
        let rate = f64::from(self.limits.connects_per_second);
        if !self.buckets.contains_key(&key) && self.buckets.len() >= ADDRESSES_MAX {
            // A full bucket knows nothing that a new one would not know.
            self.buckets.retain(|_, bucket| bucket.filled(rate, now) < burst);
            if self.buckets.len() >= ADDRESSES_MAX {
                return false;
            }
        }
        let bucket = self.buckets.entry(key).or_insert(Bucket { tokens: burst, at: now });
        bucket.tokens = bucket.filled(rate, now).min(burst);
        bucket.at = now;
        let enough = bucket.tokens >= 1.0;
        if enough {
            bucket.tokens -= 1.0;
        }
        enough
    }
}

impl Bucket {
    fn filled(&self, rate: f64, now: Instant) -> f64 {
        let passed: Duration = now.saturating_duration_since(self.at);
        self.tokens + passed.as_secs_f64() * rate
    }
}

/// One site's addresses count as one: the /64 of an IPv6 address.
fn network_of(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);
    const IDLE: Occupancy = Occupancy { links: 0, handshakes: 0 };

    fn admission() -> Admission {
        let limits = Limits { connects_burst: 3, connects_per_second: 1, ..Limits::default() };
        Admission::new(limits)
    }

    #[test]
    fn a_proved_address_is_refused_beyond_its_rate_and_taken_again_later() {
        let mut admission = admission();
        let now = Instant::now();
        for _ in 0..3 {
            assert_eq!(admission.handle_incoming(HERE, true, IDLE, now), Verdict::Accept);
        }
        let refused = Verdict::Refuse(Refusal::Rate);
        assert_eq!(admission.handle_incoming(HERE, true, IDLE, now), refused);
        let later = now + Duration::from_secs(1);
        assert_eq!(admission.handle_incoming(HERE, true, IDLE, later), Verdict::Accept);
    }

    #[test]
    fn a_forged_flood_costs_the_owner_of_the_address_only_a_round_trip() {
        let mut admission = admission();
        let now = Instant::now();
        for _ in 0..1_000 {
            admission.handle_incoming(HERE, false, IDLE, now);
        }
        assert_eq!(admission.handle_incoming(HERE, false, IDLE, now), Verdict::Retry);
        assert_eq!(admission.handle_incoming(HERE, true, IDLE, now), Verdict::Accept);
    }

    #[test]
    fn limits_in_total_come_first() {
        let mut admission = admission();
        let now = Instant::now();
        let full = Occupancy { links: 512, handshakes: 0 };
        let refused = Verdict::Refuse(Refusal::Links);
        assert_eq!(admission.handle_incoming(HERE, true, full, now), refused);
        let busy = Occupancy { links: 0, handshakes: 64 };
        let refused = Verdict::Refuse(Refusal::Handshakes);
        assert_eq!(admission.handle_incoming(HERE, true, busy, now), refused);
        let crowded = Occupancy { links: 0, handshakes: 32 };
        assert_eq!(admission.handle_incoming(HERE, false, crowded, now), Verdict::Retry);
    }

    #[test]
    fn memory_of_addresses_is_bounded_and_recovers() {
        let mut admission = admission();
        let now = Instant::now();
        for index in 0..10_000_u32 {
            admission.handle_incoming(IpAddr::V4(index.into()), true, IDLE, now);
        }
        assert_eq!(admission.buckets.len(), ADDRESSES_MAX);
        let later = now + Duration::from_secs(60);
        let new = IpAddr::V4(u32::MAX.into());
        assert_eq!(admission.handle_incoming(new, true, IDLE, later), Verdict::Accept);
    }

    #[test]
    fn addresses_of_one_ipv6_network_share_a_rate() {
        let mut admission = admission();
        let now = Instant::now();
        let verdicts: Vec<Verdict> = (0..4_u128)
            .map(|host| IpAddr::V6(Ipv6Addr::from_bits((0x2001_0db8 << 96) | host)))
            .map(|address| admission.handle_incoming(address, true, IDLE, now))
            .collect();
        assert_eq!(verdicts[2..], [Verdict::Accept, Verdict::Refuse(Refusal::Rate)]);
    }
}
