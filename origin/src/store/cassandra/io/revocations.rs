//! Revocations. Each is a row of its own that is only ever put or deleted as a whole, so none of them needs a
//! transaction.

use scylla::statement::Consistency;

use super::session::Session;
use crate::store::cassandra::rows::{Reader, big, int, text};
use crate::store::cassandra::schema::{REVOCATION_DELETE, REVOCATION_PUT, REVOCATIONS};
use crate::store::error::StoreError;
use crate::store::operation::Answer;
use crate::store::record::KeptRevocation;

type Result<T> = std::result::Result<T, StoreError>;

/// The one partition.
const PART: &str = "all";

pub(super) async fn revoke(session: &Session, kept: KeptRevocation) -> Result<Answer> {
    let values = vec![text(PART), text(kept.id), text(kept.body), big(kept.expires_unix_s)];
    session.rows((REVOCATION_PUT, values), Consistency::Quorum).await?;
    Ok(Answer::Done)
}

pub(super) async fn unrevoke(session: &Session, id: String) -> Result<Answer> {
    session.rows((REVOCATION_DELETE, vec![text(PART), text(id)]), Consistency::Quorum).await?;
    Ok(Answer::Done)
}

pub(super) async fn page(session: &Session, after: String, limit: u32) -> Result<Answer> {
    let values = vec![text(PART), text(after), int(limit)];
    let rows = session.rows((REVOCATIONS, values), Consistency::Quorum).await?;
    let kept = rows.into_iter().map(|row| {
        let mut row = Reader::new(row);
        let (id, body) = (row.key()?, row.key()?);
        let expires = row.number()?.unwrap_or_default();
        // The largest number that a column holds stands for those that never end.
        let expires_unix_s = if expires >= i64::MAX.unsigned_abs() { u64::MAX } else { expires };
        Ok(KeptRevocation { id, body, expires_unix_s })
    });
    Ok(Answer::Revocations(kept.collect::<Result<_>>()?))
}
