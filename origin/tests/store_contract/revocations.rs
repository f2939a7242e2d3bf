//! What every store of revocations promises. The ids of a run begin with `prefix`.

use stoa_origin::store::{Answer, KeptRevocation, Operation, Store, StoreError};

use crate::vocabulary::{done, refused};

pub(crate) async fn all(store: &dyn Store, prefix: &str) {
    a_revocation_is_kept_replaced_and_forgotten(store, prefix).await;
    revocations_are_told_by_id_and_page(store, prefix).await;
    what_is_too_long_is_refused(store, prefix).await;
}

fn kept(id: &str, body: &str, expires_unix_s: u64) -> KeptRevocation {
    KeptRevocation { id: id.to_owned(), body: body.to_owned(), expires_unix_s }
}

async fn revoke(store: &dyn Store, revocation: &KeptRevocation) {
    done(store, Operation::Revoke(Box::new(revocation.clone()))).await;
}

/// Those of this run behind `after`.
async fn page(store: &dyn Store, prefix: &str, after: &str, limit: u32) -> Vec<KeptRevocation> {
    let after = format!("{prefix}{after}");
    match store.apply(Operation::Revocations { after, limit }).await {
        Ok(Answer::Revocations(page)) => {
            page.into_iter().filter(|kept| kept.id.starts_with(prefix)).collect()
        }
        other => panic!("{} answered {other:?}", store.name()),
    }
}

async fn a_revocation_is_kept_replaced_and_forgotten(store: &dyn Store, prefix: &str) {
    let id = format!("{prefix}a [\"ünïcode\"]");
    let (first, second) = (kept(&id, "first", 7), kept(&id, "second", u64::MAX));
    revoke(store, &first).await;
    assert_eq!(page(store, prefix, "", 10).await, [first]);

    revoke(store, &second).await;
    assert_eq!(page(store, prefix, "", 10).await, [second], "a key's never ends");

    for _ in 0..2 {
        done(store, Operation::Unrevoke { id: id.clone() }).await;
    }
    assert_eq!(page(store, prefix, "", 10).await, []);
}

async fn revocations_are_told_by_id_and_page(store: &dyn Store, prefix: &str) {
    let all = ["c", "a", "b"].map(|name| kept(&format!("{prefix}p{name}"), "{}", 9));
    for revocation in &all {
        revoke(store, revocation).await;
    }
    let [c, a, b] = all;
    assert_eq!(page(store, prefix, "p", 2).await, [a, b]);
    assert_eq!(page(store, prefix, "pb", 2).await, [c]);
    assert_eq!(page(store, prefix, "pc", 2).await, []);
}

async fn what_is_too_long_is_refused(store: &dyn Store, prefix: &str) {
    let long = kept(&format!("{prefix}{}", "x".repeat(5_000)), "", 1);
    let body = kept(prefix, &"x".repeat(5_000), 1);
    for revocation in [long, body] {
        let error = refused(store, Operation::Revoke(Box::new(revocation))).await;
        assert!(matches!(error, StoreError::Limit { .. }), "{error:?}");
    }
}
