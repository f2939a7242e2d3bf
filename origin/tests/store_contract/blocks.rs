//! What every store of blocks promises. The tenants of a run begin with `prefix`.

use stoa_origin::store::{Answer, BlockKey, KeptBlock, Operation, Store, StoreError};

use crate::vocabulary::{done, refused};

pub(crate) async fn all(store: &dyn Store, prefix: &str) {
    a_block_is_kept_replaced_and_forgotten(store, prefix).await;
    blocks_are_told_by_key_and_page(store, prefix).await;
    what_is_too_long_is_refused(store, prefix).await;
}

fn key(tenant: &str, identity: &str, other: &str) -> BlockKey {
    BlockKey { tenant: tenant.into(), identity: identity.into(), other: other.into() }
}

async fn block(store: &dyn Store, kept: &KeptBlock) {
    done(store, Operation::Block(Box::new(kept.clone()))).await;
}

/// Those of this run behind `after`, or from the first one.
async fn page(
    store: &dyn Store,
    prefix: &str,
    after: Option<BlockKey>,
    limit: u32,
) -> Vec<KeptBlock> {
    let after = Some(Box::new(after.unwrap_or_else(|| key(prefix, "", ""))));
    match store.apply(Operation::Blocks { after, limit }).await {
        Ok(Answer::Blocks(page)) => {
            page.into_iter().filter(|kept| kept.key.tenant.starts_with(prefix)).collect()
        }
        other => panic!("{} answered {other:?}", store.name()),
    }
}

async fn a_block_is_kept_replaced_and_forgotten(store: &dyn Store, prefix: &str) {
    let tenant = format!("{prefix}a");
    let key = key(&tenant, "hana [\"ünïcode\"]", "o\u{0}ther");
    for at_ms in [7, 1_767_225_600_000] {
        let kept = KeptBlock { key: key.clone(), at_ms };
        block(store, &kept).await;
        assert_eq!(page(store, prefix, None, 10).await, [kept]);
    }
    for _ in 0..2 {
        done(store, Operation::Unblock(Box::new(key.clone()))).await;
    }
    assert_eq!(page(store, prefix, None, 10).await, []);
}

async fn blocks_are_told_by_key_and_page(store: &dyn Store, prefix: &str) {
    let (one, two) = (format!("{prefix}p1"), format!("{prefix}p2"));
    let sorted = [
        key(&one, "a", "z"),
        key(&one, "ab", "a"),
        key(&one, "b", "a"),
        key(&one, "b", "c"),
        key(&two, "a", "b"),
    ];
    let sorted = sorted.map(|key| KeptBlock { key, at_ms: 9 });
    for place in [3, 0, 4, 1, 2] {
        block(store, &sorted[place]).await;
    }
    let mut all = Vec::new();
    let mut after = None;
    loop {
        let some = page(store, prefix, after, 2).await;
        let Some(last) = some.last() else { break };
        after = Some(last.key.clone());
        all.extend(some);
    }
    assert_eq!(all, sorted);
    let first = store.apply(Operation::Blocks { after: None, limit: 1 }).await;
    assert!(matches!(&first, Ok(Answer::Blocks(page)) if page.len() == 1), "{first:?}");
    for kept in sorted {
        done(store, Operation::Unblock(Box::new(kept.key))).await;
    }
    assert_eq!(page(store, prefix, None, 10).await, []);
}

async fn what_is_too_long_is_refused(store: &dyn Store, prefix: &str) {
    let long = "x".repeat(5_000);
    for key in [key(&long, "a", "b"), key(prefix, &long, "b"), key(prefix, "a", &long)] {
        let kept = Box::new(KeptBlock { key: key.clone(), at_ms: 1 });
        for operation in [Operation::Block(kept), Operation::Unblock(Box::new(key))] {
            let error = refused(store, operation).await;
            assert!(matches!(error, StoreError::Limit { .. }), "{error:?}");
        }
    }
}
