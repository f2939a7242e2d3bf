//! Who is let in how often, and what the tables forget.

use super::*;

fn tenant(id: &str) -> TenantId {
    TenantId::new(id).unwrap()
}

fn network(address: &str) -> Network {
    address.parse::<IpAddr>().unwrap().into()
}

struct Door {
    rates: Rates,
    quotas: Quotas,
    start: Instant,
}

impl Door {
    fn new(quotas: Quotas) -> Self {
        Self { rates: Rates::new(ADDRESSES_MAX), quotas, start: Instant::now() }
    }

    fn join(
        &mut self,
        of: &str,
        key: &str,
        from: &str,
        after_ms: u64,
    ) -> Result<bool, QuotaReached> {
        let now = self.start + Duration::from_millis(after_ms);
        let tenant = tenant(of);
        let from = JoinFrom { tenant: &tenant, key, network: network(from) };
        self.rates.admit(from, &self.quotas, now)
    }

    fn let_in(&mut self, tries: usize, of: &str, key: &str, from: &str, after_ms: u64) -> usize {
        (0..tries).filter(|_| self.join(of, key, from, after_ms).is_ok()).count()
    }
}

fn per_address(joins: u32) -> Quotas {
    Quotas { joins_per_minute_per_address: Some(joins), ..Quotas::default() }
}

#[test]
fn a_minutes_worth_comes_at_once_and_then_one_at_a_time() {
    let mut door = Door::new(per_address(6));
    assert_eq!(door.let_in(10, "acme", "k", "192.0.2.1", 0), 6);
    assert_eq!(door.let_in(10, "acme", "k", "192.0.2.1", 9_999), 0);
    assert_eq!(door.let_in(10, "acme", "k", "192.0.2.1", 10_000), 1);
    assert_eq!(door.let_in(10, "acme", "k", "192.0.2.1", 600_000), 6);
}

#[test]
fn a_refusal_says_when_to_come_back_and_that_is_true() {
    let mut door = Door::new(per_address(6));
    door.let_in(6, "acme", "k", "192.0.2.1", 0);
    let refused = door.join("acme", "k", "192.0.2.1", 1_500).unwrap_err();
    assert_eq!((refused.quota, refused.retry_after_s), (Quota::JoinsPerAddress, 9));
    assert!(door.join("acme", "k", "192.0.2.1", 1_500 + 9_000).is_ok());
}

#[test]
fn other_addresses_are_not_held_back_but_neighbours_of_one_line_are() {
    let mut door = Door::new(per_address(1));
    for from in ["192.0.2.1", "192.0.2.2", "2001:db8::1", "2001:db8:0:1::1"] {
        assert_eq!(door.let_in(2, "acme", "k", from, 0), 1, "{from}");
    }
    assert_eq!(door.let_in(1, "acme", "k", "2001:db8::ffff:1", 0), 0, "the same /64");
    assert_eq!(door.let_in(1, "acme", "k", "::ffff:192.0.2.1", 0), 0, "the same IPv4 address");
    assert_eq!(door.let_in(1, "globex", "k", "192.0.2.1", 0), 1, "another tenant's");
}

#[test]
fn each_quota_holds_by_itself_and_is_named() {
    let quotas =
        Quotas { joins_per_minute: Some(3), joins_per_minute_per_key: Some(2), ..per_address(1) };
    let mut door = Door::new(quotas);
    let refused = |joined: Result<bool, QuotaReached>| joined.unwrap_err().quota;
    assert!(door.join("acme", "a", "192.0.2.1", 0).is_ok());
    assert_eq!(refused(door.join("acme", "b", "192.0.2.1", 0)), Quota::JoinsPerAddress);
    assert!(door.join("acme", "a", "192.0.2.2", 0).is_ok());
    assert_eq!(refused(door.join("acme", "a", "192.0.2.3", 0)), Quota::JoinsPerKey);
    assert!(door.join("acme", "b", "192.0.2.3", 0).is_ok());
    assert_eq!(refused(door.join("acme", "b", "192.0.2.4", 0)), Quota::Joins);
    assert!(door.join("globex", "c", "192.0.2.4", 0).is_ok());
}

#[test]
fn who_is_refused_uses_up_nothing_of_others() {
    let quotas = Quotas { joins_per_minute: Some(2), ..per_address(1) };
    let mut door = Door::new(quotas);
    assert_eq!(door.let_in(100, "acme", "k", "192.0.2.1", 0), 1);
    assert!(door.join("acme", "k", "192.0.2.2", 0).is_ok());
}

#[test]
fn the_address_seen_longest_ago_is_forgotten_when_the_table_is_full() {
    let mut door = Door::new(per_address(2));
    door.rates = Rates::new(2);
    assert_eq!(door.join("acme", "k", "192.0.2.1", 0), Ok(false));
    assert_eq!(door.join("acme", "k", "192.0.2.2", 0), Ok(false));
    assert_eq!(door.join("acme", "k", "192.0.2.1", 0), Ok(false), "seen again");
    assert_eq!(door.join("acme", "k", "192.0.2.3", 0), Ok(true), "the second is forgotten");
    assert_eq!(door.rates.addresses(), 2);
    assert!(door.join("acme", "k", "192.0.2.1", 0).is_err(), "the first is remembered");
}

#[test]
fn a_flood_of_addresses_does_not_grow_the_tables() {
    let mut door = Door::new(per_address(1));
    door.rates = Rates::new(100);
    for n in 0..10_000_u32 {
        let from = std::net::Ipv4Addr::from(n).to_string();
        assert!(door.join("acme", "k", &from, 0).is_ok());
    }
    assert_eq!((door.rates.addresses(), door.rates.by_turn.len()), (100, 100));
}

#[test]
fn without_quotas_nothing_is_held_back_and_nothing_remembered() {
    let mut door = Door::new(Quotas::default());
    assert_eq!(door.let_in(10_000, "acme", "k", "192.0.2.1", 0), 10_000);
    assert_eq!(door.rates.addresses(), 0);
}

#[test]
fn a_quota_of_none_lets_nobody_in() {
    let mut door = Door::new(per_address(0));
    let refused = door.join("acme", "k", "192.0.2.1", 0).unwrap_err();
    assert_eq!(refused.retry_after_s, 60);
}
