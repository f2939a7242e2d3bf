//! Revocations in a transaction.

use std::ops::Bound;

use redb::{ReadTransaction, WriteTransaction};

use super::tables::{REVOCATIONS, decode, encode};
use crate::store::error::StoreError;
use crate::store::operation::Answer;
use crate::store::record::KeptRevocation;

type Result<T> = std::result::Result<T, StoreError>;

pub(super) fn revoke(writing: &WriteTransaction, kept: &KeptRevocation) -> Result<Answer> {
    let row = encode(kept)?;
    writing.open_table(REVOCATIONS)?.insert(kept.id.as_str(), row.as_slice())?;
    Ok(Answer::Done)
}

pub(super) fn unrevoke(writing: &WriteTransaction, id: &str) -> Result<Answer> {
    writing.open_table(REVOCATIONS)?.remove(id)?;
    Ok(Answer::Done)
}

pub(super) fn page(reading: &ReadTransaction, after: &str, limit: u32) -> Result<Answer> {
    let table = reading.open_table(REVOCATIONS)?;
    let begin = if after.is_empty() { Bound::Unbounded } else { Bound::Excluded(after) };
    let mut page = Vec::new();
    for entry in table.range::<&str>((begin, Bound::Unbounded))?.take(limit as usize) {
        page.push(decode("a revocation", entry?.1.value())?);
    }
    Ok(Answer::Revocations(page))
}
