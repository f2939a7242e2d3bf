//! Leases of origins. They run out by the clock of Cassandra, which counts whole seconds: one is added, so that a
//! lease never ends before its holder's own clock says so.

use scylla::statement::Consistency;
use stoa_protocol::ids::NodeId;

use super::session::Session;
use crate::store::cassandra::rows::{Reader, int, text};
use crate::store::cassandra::schema::{
    LEASE_ACQUIRE, LEASE_HOME, LEASE_READ, LEASE_RELEASE, LEASE_RENEW, LEASES,
};
use crate::store::error::StoreError;
use crate::store::lease::{HELD, Holder, Home, Lease, NOT_HELD};
use crate::store::limits::LEASES_MAX;
use crate::store::operation::Answer;

type Result<T> = std::result::Result<T, StoreError>;

pub(super) async fn acquire(
    session: &Session,
    node: &NodeId,
    holder: Holder,
    home: &Home,
    life_ms: u64,
) -> Result<Answer> {
    let name = written(holder);
    let home = serde_json::to_string(home).map_err(StoreError::corrupt)?;
    let values = vec![text(node.as_str()), text(name.as_str()), text(home), int(seconds(life_ms))];
    match session.condition((LEASE_ACQUIRE, values)).await {
        Ok(true) => return Ok(Answer::Done),
        Ok(false) | Err(StoreError::Timeout) => {}
        Err(error) => return Err(error),
    }
    // It is held, or may be; if by this holder, it is extended.
    match holder_of(session, node).await? {
        Some(found) if found == name => match renew(session, node, holder, life_ms).await {
            Err(StoreError::Conflict { .. }) => Err(HELD),
            outcome => outcome,
        },
        Some(_) => Err(HELD),
        // It ran out in between, or the timed-out attempt came to nothing: the caller may try again.
        None => Err(StoreError::unavailable("the lease ended while it was read")),
    }
}

pub(super) async fn renew(
    session: &Session,
    node: &NodeId,
    holder: Holder,
    life_ms: u64,
) -> Result<Answer> {
    let name = text(written(holder));
    // The columns run out one by one, so that all of them are written anew.
    let home = (LEASE_HOME, vec![text(node.as_str())]);
    let rows = session.rows(home, Consistency::Quorum).await?;
    let home = rows.into_iter().next().map(|row| Reader::new(row).text()).transpose()?.flatten();
    let values = vec![
        int(seconds(life_ms)),
        name.clone(),
        text(home.unwrap_or_default()),
        text(node.as_str()),
        name,
    ];
    match session.condition((LEASE_RENEW, values)).await {
        Ok(true) => Ok(Answer::Done),
        Ok(false) => Err(NOT_HELD),
        // Read at SERIAL to end it. Even if the lease is held, it may be the old one and about to run out: the
        // holder must not count on more than he had.
        Err(StoreError::Timeout) => {
            let found = holder_of(session, node).await.map_err(|_| StoreError::Timeout)?;
            Err(if found == Some(written(holder)) { StoreError::Timeout } else { NOT_HELD })
        }
        Err(error) => Err(error),
    }
}

pub(super) async fn release(session: &Session, node: &NodeId, holder: Holder) -> Result<Answer> {
    let values = vec![text(node.as_str()), text(written(holder))];
    // A lease that could not be given back runs out.
    session.condition((LEASE_RELEASE, values)).await.map(|_| Answer::Done)
}

pub(super) async fn leases(session: &Session) -> Result<Answer> {
    let rows = session.rows((LEASES, vec![int(LEASES_MAX)]), Consistency::Quorum).await?;
    let mut leases = Vec::with_capacity(rows.len());
    for row in rows {
        let mut row = Reader::new(row);
        let node = NodeId::new(row.key()?).map_err(StoreError::corrupt)?;
        let (holder, home) = (row.key()?, row.text()?.unwrap_or_default());
        let seconds = row.number()?.unwrap_or_default();
        let holder = u128::from_str_radix(&holder, 16).map_err(StoreError::corrupt)?;
        // Of an earlier version, which told no home.
        let home = serde_json::from_str(&home).unwrap_or_default();
        leases.push(Lease { node, holder: Holder(holder), home, remaining_ms: seconds * 1_000 });
    }
    leases.sort_by(|a, b| a.node.cmp(&b.node));
    Ok(Answer::Leases(leases))
}

async fn holder_of(session: &Session, node: &NodeId) -> Result<Option<String>> {
    let query = (LEASE_READ, vec![text(node.as_str())]);
    let rows = session.rows(query, Consistency::Serial).await?;
    rows.into_iter().next().map(|row| Reader::new(row).key()).transpose()
}

fn written(holder: Holder) -> String {
    format!("{:032x}", holder.0)
}

/// Rounded up, and one for the second that has begun.
fn seconds(life_ms: u64) -> u64 {
    life_ms.div_ceil(1_000) + 1
}
