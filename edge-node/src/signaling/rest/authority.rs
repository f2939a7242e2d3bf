//! What a token may do in a room without being in it.

use axum::http::HeaderMap;
use stoa_protocol::ids::{Role, RoomId};
use stoa_protocol::mesh::control::{Act, Ask, Personal, Request, WireRole};
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
    /// Whether this is a person without a grant for it: the room's owner knows what he is there.
    pub(super) person: bool,
}

impl Authority {
    fn of(caller: Caller) -> Self {
        let tenant = caller.tenant().to_wire();
        Self { role: caller.role, identity: caller.identity, tenant, person: false }
    }

    /// By a grant, or as a person of whom the owner decides.
    fn by_grant_or_person(caller: Caller, asked: Asked<'_>) -> Self {
        let claims = &caller.bearer.claims;
        let person = !claims.may_by_grant(asked);
        let role = if person { claims.role_in_room() } else { claims.acts_as() };
        Self { role, person, ..Self::of(caller) }
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
    pub(super) fn act(&self, room: &RoomId, action: &Action) -> Ask {
        let act = action.to_wire(room.as_str());
        let (actor, tenant) = (self.identity.clone(), self.tenant.clone());
        self.ask(Ask::Act(Act { authority: self.wire(), actor, tenant, ..act }))
    }

    /// The question, asked with this authority.
    pub(super) fn ask(&self, ask: Ask) -> Ask {
        if !self.person {
            return ask;
        }
        let request = Some(Box::new(Request { id: 0, ask: Some(ask) }));
        Ask::Personal(Personal { identity: self.identity.clone(), role: self.wire(), request })
    }
}

/// The authority of a back end with the grant, or of a person, whom the owner lets moderate or not.
///
/// # Errors
/// 401, or 403 for another room's token.
pub(super) fn moderating(
    app: &App,
    headers: &HeaderMap,
    room: &RoomId,
) -> Result<Authority, Problem> {
    acting(app, headers, Asked::Moderate(room), room)
}

/// The same of ending a room.
///
/// # Errors
/// As [`moderating`].
pub(super) fn closing(app: &App, headers: &HeaderMap, room: &RoomId) -> Result<Authority, Problem> {
    acting(app, headers, Asked::Close(room), room)
}

/// The same of reading what happened in it.
///
/// # Errors
/// As [`moderating`].
pub(super) fn reading_log(
    app: &App,
    headers: &HeaderMap,
    room: &RoomId,
) -> Result<Authority, Problem> {
    acting(app, headers, Asked::ReadLog(room), room)
}

fn acting(
    app: &App,
    headers: &HeaderMap,
    asked: Asked<'_>,
    room: &RoomId,
) -> Result<Authority, Problem> {
    let caller = authorization::permitted(app, headers, Asked::Read(room))?;
    Ok(Authority::by_grant_or_person(caller, asked))
}

/// Whoever may enter the room, as what he is there.
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
