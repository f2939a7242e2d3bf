//! The door for revocations from the mesh: they hold for new requests at once, and end what lives.

use std::future::Future;

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
    /// Puts revocations in force at once, in some microseconds each; the future ends the sessions that they concern,
    /// and says how many.
    pub fn revoke(
        &self,
        revocations: Vec<Revocation>,
    ) -> impl Future<Output = usize> + Send + use<> {
        let app = self.0.clone();
        let (news, full) = app.authority.put_in_force(revocations, now_unix_s());
        if let Some(error) = full {
            app.metrics.reached(Limit::Revocations);
            tracing::error!(%error, "a revocation is not in force");
        }
        app.metrics.set_revocations(app.authority.revoked());
        async move { end(&app, &news).await }
    }
}

async fn end(app: &Shared, news: &[Revocation]) -> usize {
    let ending = app.authority.ended_by(news);
    iter(ending.iter().copied())
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
