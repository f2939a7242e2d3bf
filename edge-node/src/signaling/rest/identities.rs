//! What rooms keep about a person, erased at his wish.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::Response;
use serde::Serialize;
use stoa_protocol::mesh::control::{Ask, EraseIdentity, Erased};
use utoipa::ToSchema;

use super::super::app::Shared;
use super::super::authorization;
use super::super::problem::Problem;
use super::fields::check_identity;
use super::owner;
use super::rooms::fresh;

/// What was erased of an identity.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Erasure {
    /// Rooms in which something was.
    rooms: u32,
    /// Places in rooms that he was sent out of.
    participants: u32,
    /// Roles that he was given.
    appointments: u32,
    /// Bans of him, and bans by him, which hold on without his name.
    bans: u32,
    /// Log entries that named him, and say `erased` instead.
    log_entries: u32,
    /// Blocks of him, and blocks by him.
    blocks: u32,
}

impl From<Erased> for Erasure {
    fn from(erased: Erased) -> Self {
        let Erased { rooms, participants, appointments, bans, log_entries, blocks } = erased;
        Self { rooms, participants, appointments, bans, log_entries, blocks }
    }
}

/// `DELETE /v1/identities/{identity}`: what the rooms of the back end's tenant keep about somebody is erased, and what
/// he has opened with tokens of until now ends.
pub(crate) async fn erase(
    State(app): State<Shared>,
    Path(identity): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let caller = authorization::may_revoke(&app, &headers)?;
    check_identity(&identity)?;
    let tenant = caller.tenant().to_wire();
    let ask = EraseIdentity { tenant, identity, actor: caller.identity };
    let erased = owner::erased(&app, Ask::EraseIdentity(ask)).await?;
    Ok(fresh(Json(Erasure::from(erased))))
}
