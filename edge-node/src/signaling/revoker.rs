//! The door for revocations from the mesh: they hold for new requests at once, and end what lives.

use futures_util::StreamExt;
use futures_util::stream::iter;
use stoa_protocol::token::Revocation;

use super::app::{Shared, now_unix_s};
use super::metrics::Limit;

/// Sessions that are ended at a time, so that the key of a whole audience can be revoked within a second
/// without a crowd at the rooms' door.
const AT_A_TIME: usize = 64;

/// Puts revocations in force at this edge.
#[derive(Clone)]
pub struct Revoker(pub(super) Shared);

impl Revoker {
    /// Puts revocations in force, then ends the sessions that they concern. Says how many.
    ///
    /// The first part is done when the future is first polled, and takes some microseconds each.
    pub async fn revoke(&self, revocations: impl IntoIterator<Item = Revocation>) -> usize {
        let app = &self.0;
        let mut ending = Vec::new();
        for revocation in revocations {
            let (sessions, taken) = app.authority.revoke(&revocation, now_unix_s());
            ending.extend(sessions);
            if let Err(error) = taken {
                app.metrics.reached(Limit::Revocations);
                tracing::error!(%error, "a revocation is not in force");
            }
        }
        app.metrics.set_revocations(app.authority.revoked());
        ending.sort_unstable();
        ending.dedup();
        let leaves = iter(ending.iter().copied());
        leaves
            .for_each_concurrent(AT_A_TIME, |session| async move {
                // A session that is gone already needs no ending.
                let _ = app.ask(app.rooms.leave(session)).await;
                app.forget(session);
            })
            .await;
        if !ending.is_empty() {
            tracing::info!(sessions = ending.len(), "sessions ended because of a revocation");
        }
        ending.len()
    }
}
