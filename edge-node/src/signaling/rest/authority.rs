//! What a token may do in a room without being in it.

use axum::http::HeaderMap;
use stoa_protocol::ids::{Role, RoomId};
use stoa_protocol::mesh::control::{Act, WireRole};
use stoa_protocol::token::Claims;

use super::super::app::App;
use super::super::authorization::{self, forbidden};
use super::super::problem::Problem;
use crate::rooms::Action;

/// As what somebody acts who is not in the room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Authority {
    pub(super) role: Role,
    /// Who, for the room's log.
    pub(super) identity: String,
}

impl Authority {
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
        Act { authority: self.wire(), actor: self.identity.clone(), ..act }
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
    let claims = claims_for(app, headers, room)?;
    let role = match claims.room {
        Some(_) => claims.role,
        None if may_moderate_all(&claims) => Role::Host,
        None => Role::Listener,
    };
    if !role.may_moderate() {
        return Err(forbidden("This takes a moderator or host of the room."));
    }
    Ok(Authority { role, identity: claims.sub })
}

/// Whoever may enter the room, as what his token says.
///
/// # Errors
/// 401, or 403 for another room's token.
pub(super) fn anybody(app: &App, headers: &HeaderMap, room: &RoomId) -> Result<Authority, Problem> {
    let claims = claims_for(app, headers, room)?;
    Ok(Authority { role: claims.role, identity: claims.sub })
}

/// Whether a back end acts as host of every room.
fn may_moderate_all(claims: &Claims) -> bool {
    claims.grants.close
}

fn claims_for(app: &App, headers: &HeaderMap, room: &RoomId) -> Result<Claims, Problem> {
    authorization::claims(&app.keys, authorization::bearer(headers)?, Some(room))
}
