//! Reading and changing a partition as a whole.

use scylla::statement::Consistency;
use stoa_protocol::ids::RoomId;

use super::session::Session;
use crate::store::cassandra::rows::{Bound, Reader, Values, big, int, text};
use crate::store::cassandra::schema::{
    INDEX_DELETE, INDEX_FIRST, INDEX_PAGE, INDEX_PUT, INDEX_TIME, Table,
};
use crate::store::error::StoreError;

/// How often a change is decided anew because another came first. A room has one owner, so once is rare.
pub(super) const ATTEMPTS_MAX: usize = 8;

/// How long the version of a removed room is kept, so that a late change finds it moved on.
const GHOST_S: i32 = 24 * 3_600;

/// What one attempt has come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Swap {
    Applied,
    /// Another came first; nothing of it was written.
    Lost,
}

impl Session {
    /// Writes all of it if the version is still what was read. A timeout is followed by a read at SERIAL, which
    /// ends the transaction either way: then the version says whether it was this one.
    pub(super) async fn swap(
        &self,
        table: Table,
        room: &RoomId,
        version: Option<&str>,
        statements: Vec<Bound>,
        removes: bool,
    ) -> Result<Swap, StoreError> {
        let token = draw();
        let life = if removes { GHOST_S } else { 0 };
        let condition =
            vec![int(life), text(token.as_str()), text(room.as_str()), version.and_then(text)];
        let mut batch = vec![(table.statements().swap, condition)];
        batch.extend(statements);
        match self.conditional(batch).await {
            Ok(true) => Ok(Swap::Applied),
            Ok(false) => Ok(Swap::Lost),
            Err(StoreError::Timeout) => {
                let read = (table.statements().version, vec![text(room.as_str())]);
                let rows = self.rows(read, Consistency::Serial).await;
                let rows = rows.map_err(|_| StoreError::Timeout)?;
                let found =
                    rows.into_iter().next().map(|row| Reader::new(row).text()).transpose()?;
                let is_ours = found.flatten().as_deref() == Some(token.as_str());
                Ok(if is_ours { Swap::Applied } else { Swap::Lost })
            }
            Err(error) => Err(error),
        }
    }

    /// The only row of a query, if there is one.
    pub(super) async fn row(
        &self,
        statement: &'static str,
        room: &RoomId,
        consistency: Consistency,
    ) -> Result<Option<Values>, StoreError> {
        let rows = self.rows((statement, vec![text(room.as_str())]), consistency).await?;
        Ok(rows.into_iter().next())
    }

    /// Removes what belonged to a life that is over. Nobody reads it any more, so a failure only costs space.
    pub(super) async fn purge(&self, table: Table, room: &RoomId, life: &str) {
        let purge = (table.statements().purge, vec![text(room.as_str()), text(life)]);
        if let Err(error) = self.rows(purge, Consistency::Quorum).await {
            tracing::warn!(%room, %error, "rows of a removed room stay in Cassandra");
        }
    }

    /// Puts a room on the list of its table, before it is created: an entry without a room is passed over.
    pub(super) async fn list(&self, table: Table, room: &RoomId) -> Result<(), StoreError> {
        let values = vec![text(table.statements().part), text(room.as_str()), big(0)];
        self.rows((INDEX_PUT, values), Consistency::Quorum).await.map(drop)
    }

    /// Takes a removed room off the list of its table; a failure only costs space.
    pub(super) async fn unlist(&self, table: Table, room: &RoomId) {
        let key = vec![text(table.statements().part), text(room.as_str())];
        let outcome = async {
            let rows = self.rows((INDEX_TIME, key.clone()), Consistency::Quorum).await?;
            let Some(Some(time)) = rows.into_iter().next().and_then(|row| row.into_iter().next())
            else {
                return Ok(());
            };
            let mut values = vec![Some(time)];
            values.extend(key);
            self.rows((INDEX_DELETE, values), Consistency::Quorum).await.map(drop)
        };
        if let Err::<(), StoreError>(error) = outcome.await {
            tracing::warn!(%room, %error, "a removed room stays on its list in Cassandra");
        }
    }

    /// Ids on the list of a table, behind `after`.
    pub(super) async fn listed(
        &self,
        table: Table,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<String>, StoreError> {
        let part = text(table.statements().part);
        let query = match after {
            None => (INDEX_FIRST, vec![part, int(limit)]),
            Some(after) => (INDEX_PAGE, vec![part, text(after), int(limit)]),
        };
        let rows = self.rows(query, Consistency::Quorum).await?;
        rows.into_iter().map(|row| Reader::new(row).key()).collect()
    }
}

/// A version or a life that was never there before.
pub(super) fn draw() -> String {
    format!("{:032x}", rand::random::<u128>())
}

/// When others were first too often.
pub(super) fn contended() -> StoreError {
    StoreError::unavailable("too many others change the same room")
}
