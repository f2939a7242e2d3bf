//! What every store of leases promises. Its own clock runs; the tests wait for what it says to have happened.

use std::time::{Duration, Instant};

use stoa_origin::store::{Answer, Holder, Home, Lease, Operation, Store};

use crate::vocabulary::{done, node, refused};

const FIRST: Holder = Holder(1);
const SECOND: Holder = Holder(u128::MAX);

pub(crate) async fn all(store: &dyn Store, prefix: &str) {
    a_lease_is_one_holders_until_it_is_released(store, &format!("{prefix}released")).await;
    a_lease_that_nobody_renews_runs_out(store, &format!("{prefix}forgotten")).await;
}

async fn a_lease_is_one_holders_until_it_is_released(store: &dyn Store, name: &str) {
    done(store, acquire(name, FIRST)).await;
    done(store, acquire(name, FIRST)).await;
    done(store, renew(name, FIRST)).await;
    assert_eq!(refused(store, acquire(name, SECOND)).await.label(), "conflict");
    assert_eq!(refused(store, renew(name, SECOND)).await.label(), "conflict");
    done(store, Operation::Release { node: node(name), holder: SECOND }).await;
    let lease = held(store, name).await.unwrap();
    assert_eq!((lease.holder, lease.home), (FIRST, home()));
    // A clock of whole seconds may add up to two.
    assert!((1..=62_000).contains(&lease.remaining_ms), "{}", lease.remaining_ms);

    done(store, Operation::Release { node: node(name), holder: FIRST }).await;

    assert_eq!(held(store, name).await, None);
    assert_eq!(refused(store, renew(name, FIRST)).await.label(), "conflict");
    done(store, acquire(name, SECOND)).await;
    done(store, Operation::Release { node: node(name), holder: SECOND }).await;
}

async fn a_lease_that_nobody_renews_runs_out(store: &dyn Store, name: &str) {
    let began = Instant::now();
    let life_ms = 1_000;
    done(store, Operation::Acquire { node: node(name), holder: FIRST, home: home(), life_ms })
        .await;

    while let Err(error) = store.apply(acquire(name, SECOND)).await {
        // It may run out between the refusal and the look at who holds it.
        assert!(["conflict", "unavailable"].contains(&error.label()), "{error}");
        assert!(began.elapsed() < Duration::from_secs(10), "the lease never ran out");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }

    assert!(began.elapsed() >= Duration::from_millis(life_ms), "it ran out before its time");
    assert_eq!(refused(store, renew(name, FIRST)).await.label(), "conflict");
    assert_eq!(held(store, name).await.unwrap().holder, SECOND);
    done(store, Operation::Release { node: node(name), holder: SECOND }).await;
}

fn acquire(name: &str, holder: Holder) -> Operation {
    Operation::Acquire { node: node(name), holder, home: home(), life_ms: 60_000 }
}

fn home() -> Home {
    Home { address: "origin.example:4700".to_owned(), domain: "fra".to_owned() }
}

fn renew(name: &str, holder: Holder) -> Operation {
    Operation::Renew { node: node(name), holder, life_ms: 60_000 }
}

async fn held(store: &dyn Store, name: &str) -> Option<Lease> {
    match store.apply(Operation::Leases).await {
        Ok(Answer::Leases(leases)) => leases.into_iter().find(|lease| lease.node == node(name)),
        other => panic!("{other:?}"),
    }
}
