//! All of it as one store.

use std::sync::Arc;

use super::session::Session;
use super::{blocks, hot, leases, revocations, rooms};
use crate::store::config::CassandraConfig;
use crate::store::error::StoreError;
use crate::store::limits::CALL_LIMIT;
use crate::store::operation::{Answer, Answering, Kind, Operation, Store};

/// Durable rooms, hot state and leases in Cassandra. Clones share one session.
#[derive(Clone, Debug)]
pub struct Cassandra {
    session: Arc<Session>,
}

impl Cassandra {
    /// Nothing is connected yet; the tables are made by [`super::migrate`].
    #[must_use]
    pub fn new(config: &CassandraConfig) -> Self {
        Self { session: Arc::new(Session::new(config)) }
    }

    async fn run(&self, operation: Operation) -> Result<Answer, StoreError> {
        let session = &self.session;
        match operation {
            Operation::Create(record) => rooms::create(session, *record).await,
            Operation::Room(room) => rooms::room(session, &room).await,
            Operation::Rooms { after, limit } => rooms::rooms(session, after.as_ref(), limit).await,
            Operation::Claim { room, before, next } => {
                rooms::claim(session, &room, &before, next).await
            }
            Operation::Change { room, epoch, change } => {
                rooms::change(session, &room, epoch, &change).await
            }
            Operation::Appointments { room, after, limit } => {
                rooms::appointments(session, &room, &after, limit).await
            }
            Operation::Bans { room, after, limit } => {
                rooms::bans(session, &room, &after, limit).await
            }
            Operation::Log { room, after, limit } => rooms::log(session, &room, after, limit).await,
            Operation::Trim { room, before_ms } => rooms::trim(session, &room, before_ms).await,
            Operation::Erase { room, epoch } => rooms::erase(session, &room, epoch).await,
            Operation::Note { room, epoch, changes } => {
                hot::note(session, &room, epoch, &changes).await
            }
            Operation::Dissolve { room, epoch } => hot::dissolve(session, &room, epoch).await,
            Operation::Forget(room) => hot::forget(session, &room).await,
            Operation::Hot(room) => hot::hot(session, &room).await,
            Operation::HotRooms { after, limit } => {
                hot::rooms(session, after.as_ref(), limit).await
            }
            Operation::Acquire { node, holder, home, life_ms } => {
                leases::acquire(session, &node, holder, &home, life_ms).await
            }
            Operation::Renew { node, holder, life_ms } => {
                leases::renew(session, &node, holder, life_ms).await
            }
            Operation::Release { node, holder } => leases::release(session, &node, holder).await,
            Operation::Leases => leases::leases(session).await,
            Operation::Revoke(kept) => revocations::revoke(session, *kept).await,
            Operation::Unrevoke { id } => revocations::unrevoke(session, id).await,
            Operation::Revocations { after, limit } => {
                revocations::page(session, after, limit).await
            }
            Operation::Block(kept) => blocks::block(session, *kept).await,
            Operation::Unblock(key) => blocks::unblock(session, *key).await,
            Operation::Blocks { after, limit } => {
                blocks::page(session, after.map(|after| *after), limit).await
            }
        }
    }
}

impl Store for Cassandra {
    fn name(&self) -> &'static str {
        "cassandra"
    }

    fn keeps(&self, _: Kind) -> bool {
        true
    }

    fn apply(&self, operation: Operation) -> Answering<'_> {
        Box::pin(async move {
            operation.check()?;
            // A timed-out transaction is read back within the second half.
            match tokio::time::timeout(CALL_LIMIT * 2, self.run(operation)).await {
                Ok(outcome) => outcome,
                Err(_) => Err(StoreError::Timeout),
            }
        })
    }
}
