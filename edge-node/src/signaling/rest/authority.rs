//! What a token may do in a room without being in it.

use axum::http::HeaderMap;
use stoa_protocol::ids::{Role, RoomId};
use stoa_protocol::mesh::control::{Act, WireRole};
use stoa_protocol::token::Action as Asked;

use super::super::app::App;
use super::super::authorization::{self, Caller};
use super::super::problem::Problem;
use crate::rooms::Action;

/// As what somebody acts who is not in the room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Authority {
    pub(super) role: Role,
    /// Who, for the room's log.
    pub(super) identity: String,
    /// Whose rooms he may touch; empty for the default tenant.
    pub(super) tenant: String,
}

impl Authority {
    fn of(caller: Caller) -> Self {
        let tenant = caller.tenant().to_wire();
        Self { role: caller.role, identity: caller.identity, tenant }
    }

    pub(super) fn wire(&self) -> i32 {
        let role = match self.role {
            Role::Listener => WireRole::Listener,
            Role::Speaker => WireRole::Speaker,
            Role::Moderator => WireRole::Moderator,
            Role::Host => WireRole::Host,
        };
        role.into()
    }

    /// The action, done with this authority.
    pub(super) fn act(&self, room: &RoomId, action: &Action) -> Act {
        let act = action.to_wire(room.as_str());
        let (actor, tenant) = (self.identity.clone(), self.tenant.clone());
        Act { authority: self.wire(), actor, tenant, ..act }
    }
}

/// The authority of a moderator or host: of his own token, or of a back end's with the grant.
///
/// # Errors
/// 401, or 403 for less.
pub(super) fn moderating(
    app: &App,
    headers: &HeaderMap,
    room: &RoomId,
) -> Result<Authority, Problem> {
    let caller = authorization::permitted(app, headers, Asked::Moderate(room))?;
    let role = caller.bearer.claims.acts_as();
    Ok(Authority { role, ..Authority::of(caller) })
}

/// Who may read what happened in the room: its moderators, or a back end with the grant.
///
/// # Errors
/// 401, or 403 for less.
pub(super) fn reading_log(
    app: &App,
    headers: &HeaderMap,
    room: &RoomId,
) -> Result<Authority, Problem> {
    authorization::permitted(app, headers, Asked::ReadLog(room)).map(Authority::of)
}

/// Whoever may enter the room, as what his token says.
///
/// # Errors
/// 401, or 403 for another room's token.
pub(super) fn anybody(app: &App, headers: &HeaderMap, room: &RoomId) -> Result<Authority, Problem> {
    authorization::permitted(app, headers, Asked::Read(room)).map(Authority::of)
}

/// Whose rooms somebody sees: his token's tenant's, and on an open node the default tenant's without one.
///
/// # Errors
/// 401 or 403 where a token is needed.
pub(super) fn seeing(app: &App, headers: &HeaderMap, room: &RoomId) -> Result<String, Problem> {
    if app.settings.open {
        return Ok(authorization::visitor(app, headers).to_wire());
    }
    anybody(app, headers, room).map(|authority| authority.tenant)
}
