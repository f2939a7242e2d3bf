//! Blocks. Each is a row of its own that is only ever put or deleted as a whole, so none of them needs a transaction.

use scylla::statement::Consistency;

use super::session::Session;
use crate::store::cassandra::rows::{Reader, big, int, text};
use crate::store::cassandra::schema::{BLOCK_DELETE, BLOCK_PUT, BLOCKS};
use crate::store::error::StoreError;
use crate::store::operation::Answer;
use crate::store::record::{BlockKey, KeptBlock};

type Result<T> = std::result::Result<T, StoreError>;

/// The one partition.
const PART: &str = "all";

pub(super) async fn block(session: &Session, kept: KeptBlock) -> Result<Answer> {
    let BlockKey { tenant, identity, other } = kept.key;
    let values = vec![text(PART), text(tenant), text(identity), text(other), big(kept.at_ms)];
    session.rows((BLOCK_PUT, values), Consistency::Quorum).await?;
    Ok(Answer::Done)
}

pub(super) async fn unblock(session: &Session, key: BlockKey) -> Result<Answer> {
    let BlockKey { tenant, identity, other } = key;
    let values = vec![text(PART), text(tenant), text(identity), text(other)];
    session.rows((BLOCK_DELETE, values), Consistency::Quorum).await?;
    Ok(Answer::Done)
}

pub(super) async fn page(session: &Session, after: Option<BlockKey>, limit: u32) -> Result<Answer> {
    // Nothing has an empty tenant, so everything is behind this.
    let first =
        || BlockKey { tenant: String::new(), identity: String::new(), other: String::new() };
    let BlockKey { tenant, identity, other } = after.unwrap_or_else(first);
    let values = vec![text(PART), text(tenant), text(identity), text(other), int(limit)];
    let rows = session.rows((BLOCKS, values), Consistency::Quorum).await?;
    let kept = rows.into_iter().map(|row| {
        let mut row = Reader::new(row);
        let key = BlockKey { tenant: row.key()?, identity: row.key()?, other: row.key()? };
        Ok(KeptBlock { key, at_ms: row.number()?.unwrap_or_default() })
    });
    Ok(Answer::Blocks(kept.collect::<Result<_>>()?))
}
