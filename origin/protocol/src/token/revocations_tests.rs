//! What a revocation ends, what it leaves alone, and when it is forgotten.

use proptest::prelude::*;

use super::*;

const NOW: u64 = 1_700_000_000;

fn tenant(id: &str) -> TenantId {
    TenantId::new(id).unwrap()
}

fn room(id: &str) -> Option<RoomId> {
    Some(RoomId::new(id).unwrap())
}

fn trace() -> Trace {
    Trace {
        tenant: tenant("acme"),
        key: "k1".into(),
        jti: "t-1".into(),
        identity: "ada".into(),
        room: room("agora"),
        issued_unix_s: NOW - 10,
    }
}

fn token(jti: &str) -> Revoked {
    Revoked::Token { jti: jti.into() }
}

fn identity(room: Option<RoomId>, issued_before_unix_s: u64) -> Revoked {
    Revoked::Identity { identity: "ada".into(), room, issued_before_unix_s }
}

fn key(id: &str) -> Revoked {
    Revoked::Key { key: id.into() }
}

fn of_acme(revoked: Revoked) -> Revocation {
    Revocation::new(tenant("acme"), revoked, NOW)
}

fn holding(revoked: Revoked) -> Revocations {
    let mut table = Revocations::new(10);
    table.insert(of_acme(revoked), NOW).unwrap();
    table
}

#[test]
fn a_revocation_ends_what_it_names_and_nothing_else() {
    let cases = [
        (token("t-1"), true),
        (token("t-2"), false),
        (identity(None, NOW), true),
        (identity(room("agora"), NOW), true),
        (identity(room("stoa"), NOW), false),
        (identity(None, NOW - 10), false),
        (identity(None, NOW - 9), true),
        (key("k1"), true),
        (key("k2"), false),
    ];
    for (revoked, ends) in cases {
        assert_eq!(of_acme(revoked.clone()).covers(&trace()), ends, "{revoked:?}");
        assert_eq!(holding(revoked.clone()).covers(&trace()), ends, "{revoked:?}");
    }
}

#[test]
fn another_tenants_tokens_are_never_meant() {
    let others = Trace { tenant: tenant("globex"), ..trace() };
    for revoked in [token("t-1"), identity(None, NOW), key("k1")] {
        assert!(!of_acme(revoked.clone()).covers(&others), "{revoked:?}");
        assert!(!holding(revoked.clone()).covers(&others), "{revoked:?}");
    }
}

#[test]
fn a_token_without_an_id_is_not_ended_by_an_empty_one() {
    let nameless = Trace { jti: String::new(), ..trace() };
    assert!(!holding(token("")).covers(&nameless));
    assert!(!of_acme(token("")).covers(&nameless));
}

#[test]
fn of_the_live_sessions_those_are_named_that_it_ends() {
    let elsewhere = Trace { room: room("stoa"), ..trace() };
    let somebody = Trace { identity: "bob".into(), ..trace() };
    let live = [(1, &elsewhere), (2, &somebody), (3, &trace())];
    let ended = |revoked| of_acme(revoked).ended(live).collect::<Vec<_>>();
    assert_eq!(ended(identity(room("agora"), NOW)), [3]);
    assert_eq!(ended(identity(None, NOW)), [1, 3]);
    assert_eq!(ended(key("k1")), [1, 2, 3]);
}

#[test]
fn an_entry_outlives_every_token_that_it_concerns_and_no_more() {
    let mut table = holding(token("t-1"));
    // The longest token that a clock ahead of ours could have issued by now ends here.
    let last = NOW + LEEWAY_S + TOKEN_LIFE_MAX_S + LEEWAY_S - 1;
    table.forget_expired(last);
    assert!(table.covers(&trace()));
    table.forget_expired(last + 1);
    assert!(table.is_empty());
}

#[test]
fn a_revoked_key_is_never_forgotten() {
    let mut table = holding(key("k1"));
    table.forget_expired(u64::MAX - 1);
    assert!(table.covers(&trace()));
}

#[test]
fn a_full_table_refuses_rather_than_forgets() {
    let mut table = Revocations::new(2);
    table.insert(of_acme(token("t-1")), NOW).unwrap();
    table.insert(of_acme(identity(None, NOW)), NOW).unwrap();
    assert_eq!(table.insert(of_acme(token("t-3")), NOW), Err(TableFull));
    assert_eq!(table.insert(of_acme(token("t-1")), NOW), Ok(()), "it is there already");
    assert_eq!(table.insert(of_acme(key("k1")), NOW), Ok(()), "keys have places of their own");
    let later = NOW + TOKEN_LIFE_MAX_S + 3 * LEEWAY_S;
    let fresh = Revocation::new(tenant("acme"), token("t-3"), later);
    assert_eq!(table.insert(fresh, later), Ok(()), "the others are over");
}

#[test]
fn of_two_revocations_of_an_identity_the_later_moment_holds() {
    for moments in [[NOW - 20, NOW], [NOW, NOW - 20]] {
        let mut table = Revocations::new(2);
        for moment in moments {
            table.insert(of_acme(identity(None, moment)), NOW).unwrap();
        }
        assert!(table.covers(&trace()), "{moments:?}");
        assert_eq!(table.len(), 1);
    }
}

fn any_revoked() -> impl Strategy<Value = Revoked> {
    let rooms = prop_oneof![Just(None), Just(room("agora")), Just(room("stoa"))];
    prop_oneof![
        "[abc]?".prop_map(|jti| Revoked::Token { jti }),
        "[ab]".prop_map(|key| Revoked::Key { key }),
        ("[ab]", rooms, 0_u64..5).prop_map(|(identity, room, issued_before_unix_s)| {
            Revoked::Identity { identity, room, issued_before_unix_s }
        }),
    ]
}

fn any_trace() -> impl Strategy<Value = Trace> {
    let rooms = prop_oneof![Just(None), Just(room("agora")), Just(room("stoa"))];
    (0_usize..2, "[ab]", "[abc]?", "[ab]", rooms, 0_u64..5).prop_map(
        |(of, key, jti, identity, room, issued_unix_s)| {
            let tenant = tenant(["acme", "globex"][of]);
            Trace { tenant, key, jti, identity, room, issued_unix_s }
        },
    )
}

proptest! {
    /// The table against the plain list of what was put in.
    #[test]
    fn the_table_covers_what_any_of_its_entries_covers(
        revoked in prop::collection::vec((0_usize..2, any_revoked()), 0..8),
        traces in prop::collection::vec(any_trace(), 1..8),
    ) {
        let mut table = Revocations::new(100);
        let list: Vec<Revocation> = revoked
            .into_iter()
            .map(|(of, revoked)| Revocation::new(tenant(["acme", "globex"][of]), revoked, NOW))
            .collect();
        for revocation in &list {
            table.insert(revocation.clone(), NOW).unwrap();
        }
        let mut copy = Revocations::new(100);
        for revocation in table.iter() {
            copy.insert(revocation, NOW).unwrap();
        }
        for trace in &traces {
            let expected = list.iter().any(|revocation| revocation.covers(trace));
            prop_assert_eq!(table.covers(trace), expected);
            prop_assert_eq!(copy.covers(trace), expected);
        }
    }
}
