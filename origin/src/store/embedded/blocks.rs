//! Blocks in a transaction.

use std::ops::Bound;

use redb::{ReadTransaction, WriteTransaction};

use super::tables::BLOCKS;
use crate::store::error::StoreError;
use crate::store::operation::Answer;
use crate::store::record::{BlockKey, KeptBlock};

type Result<T> = std::result::Result<T, StoreError>;
type Row<'a> = (&'a str, &'a str, &'a str);

pub(super) fn block(writing: &WriteTransaction, kept: &KeptBlock) -> Result<Answer> {
    writing.open_table(BLOCKS)?.insert(row(&kept.key), kept.at_ms)?;
    Ok(Answer::Done)
}

pub(super) fn unblock(writing: &WriteTransaction, key: &BlockKey) -> Result<Answer> {
    writing.open_table(BLOCKS)?.remove(row(key))?;
    Ok(Answer::Done)
}

pub(super) fn page(
    reading: &ReadTransaction,
    after: Option<&BlockKey>,
    limit: u32,
) -> Result<Answer> {
    let table = reading.open_table(BLOCKS)?;
    let begin = after.map_or(Bound::Unbounded, |after| Bound::Excluded(row(after)));
    let mut page = Vec::new();
    for entry in table.range::<Row<'_>>((begin, Bound::Unbounded))?.take(limit as usize) {
        let (key, at_ms) = entry?;
        let (tenant, identity, other) = key.value();
        let (tenant, identity, other) = (tenant.into(), identity.into(), other.into());
        let key = BlockKey { tenant, identity, other };
        page.push(KeptBlock { key, at_ms: at_ms.value() });
    }
    Ok(Answer::Blocks(page))
}

fn row(key: &BlockKey) -> Row<'_> {
    (&key.tenant, &key.identity, &key.other)
}
