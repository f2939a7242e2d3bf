//! Access tokens of requests, and who may do what.

use std::time::Duration;

use aws_lc_rs::digest::{self, SHA256};
use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderMap, StatusCode};
use stoa_protocol::ids::{Role, RoomId, TenantId};
use stoa_protocol::tenant;
use stoa_protocol::token::{Action, Bearer, Claims, Grant, Grants, Keys, TokenError};

use super::app::{App, now_unix_s};
use super::links::ByRole;
use super::problem::{Problem, sentence};
use super::sessions::{Addressed, TokenDigest};
use super::socket::NAME_CHARACTERS_MAX;

/// For how long tokens hold that an open node mints.
const MINTED_FOR: Duration = Duration::from_secs(24 * 60 * 60);

/// Somebody whose token is good for a room.
#[derive(Clone, Debug)]
pub(super) struct Caller {
    /// Who the token says this is.
    pub(super) identity: String,
    /// The token's name, or what stands in for it; fit to be read by people.
    pub(super) name: String,
    /// What the token allows.
    pub(super) role: Role,
    /// Everything that the token and its key say.
    pub(super) bearer: Bearer,
}

impl Caller {
    fn new(bearer: Bearer) -> Self {
        let Claims { sub, name, role, .. } = &bearer.claims;
        let name = if name.trim().is_empty() { sub } else { name };
        let readable = name.chars().filter(|c| !c.is_control()).take(NAME_CHARACTERS_MAX);
        Self { name: readable.collect(), identity: sub.clone(), role: *role, bearer }
    }

    /// Whose token it is: he touches rooms of this tenant alone (`tenant::may_touch`).
    pub(super) fn tenant(&self) -> &TenantId {
        &self.bearer.tenant
    }

    /// Whether the token names a room: this one.
    pub(super) fn is_named(&self) -> bool {
        self.bearer.claims.room.is_some()
    }
}

/// The room of a path.
///
/// # Errors
/// 404: what cannot be a room's id is no room.
pub(super) fn room_id(room: String) -> Result<RoomId, Problem> {
    RoomId::new(room).map_err(|error| {
        Problem::new(
            StatusCode::NOT_FOUND,
            "room-not-found",
            format!("There is no such room: {error}."),
        )
    })
}

/// The token of `Authorization: Bearer`.
///
/// # Errors
/// 401 without one.
pub(super) fn bearer(headers: &HeaderMap) -> Result<&str, Problem> {
    let value = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    let parts = value.and_then(|value| value.split_once(' '));
    match parts {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => Ok(token.trim()),
        _ => Err(Problem::new(
            StatusCode::UNAUTHORIZED,
            "token-missing",
            "This takes an access token in the header `Authorization: Bearer`.",
        )),
    }
}

/// Who the token says this is, for this room.
///
/// # Errors
/// 401 for a bad, expired or revoked token, 403 for another room's.
pub(super) fn caller(app: &App, token: &str, room: &RoomId) -> Result<Caller, Problem> {
    verify(app, token, Some(room)).map(Caller::new)
}

fn verify(app: &App, token: &str, room: Option<&RoomId>) -> Result<Bearer, Problem> {
    app.authority.verify(token, room, now_unix_s()).map_err(|error| refused(app, &error))
}

/// Whether this is who opened the session: by the same token, even if it has expired since, so
/// that nobody is kept from hanging up; or by another token for the same identity.
///
/// # Errors
/// 401 or 403.
pub(super) fn check_owner(app: &App, token: &str, session: &Addressed) -> Result<(), Problem> {
    if digest(token) == session.token {
        return Ok(());
    }
    let caller = caller(app, token, &session.room)?;
    if caller.identity == session.identity && *caller.tenant() == session.tenant {
        Ok(())
    } else {
        Err(forbidden("This session belongs to somebody else."))
    }
}

/// Whose rooms somebody sees where the node is open and a token is not needed: those of his token's tenant
/// if he has a good one, and those of the default tenant otherwise.
pub(super) fn visitor(app: &App, headers: &HeaderMap) -> TenantId {
    let token = bearer(headers).ok();
    let known = token.and_then(|token| app.authority.verify(token, None, now_unix_s()).ok());
    known.map(|bearer| bearer.tenant).unwrap_or_default()
}

/// Whose rooms are listed, and whether all of them are: with the grant, and not for one room only. Any token lists the
/// open ones of its tenant, and on an open node so does none.
///
/// # Errors
/// 401.
pub(super) fn may_list(app: &App, headers: &HeaderMap) -> Result<(TenantId, bool), Problem> {
    if app.settings.open && !headers.contains_key(AUTHORIZATION) {
        return Ok((TenantId::default(), false));
    }
    let Bearer { claims, tenant, .. } = verify(app, bearer(headers)?, None)?;
    Ok((tenant, claims.may(Action::List).is_ok()))
}

/// A back end that may moderate all rooms of its tenant may say which of its tokens hold no longer.
///
/// # Errors
/// 401, or 403 for less.
pub(super) fn may_revoke(app: &App, headers: &HeaderMap) -> Result<Caller, Problem> {
    let bearer = verify(app, bearer(headers)?, None)?;
    bearer.claims.require(Grant::Moderate).map_err(|error| refused(app, &error))?;
    if bearer.claims.room.is_some() {
        return Err(forbidden("Tokens are revoked by a back end, whose own names no room."));
    }
    Ok(Caller::new(bearer))
}

/// The operator's back end may have this edge leave and stay.
///
/// # Errors
/// 401, or 403 for another tenant's or one without the grant.
pub(super) fn may_operate(app: &App, headers: &HeaderMap) -> Result<Caller, Problem> {
    let caller = permitted(app, headers, Action::Operate)?;
    if !tenant::may_operate(caller.tenant()) {
        return Err(forbidden(
            "Edges serve all tenants; only the operator's own has a say in them.",
        ));
    }
    Ok(caller)
}

/// Whom somebody keeps out of rooms that he hosts, he himself says, whatever room his token names, or a back end that
/// may moderate all rooms of its tenant.
///
/// # Errors
/// 401, or 403 for anybody else.
pub(super) fn may_block(app: &App, headers: &HeaderMap, identity: &str) -> Result<Caller, Problem> {
    let token = bearer(headers)?;
    let bearer = verify(app, token, None)?;
    if let Some(room) = &bearer.claims.room {
        // It may have been revoked for its room alone.
        verify(app, token, Some(room))?;
    }
    if bearer.claims.sub == identity {
        return Ok(Caller::new(bearer));
    }
    bearer.claims.require(Grant::Moderate).map_err(|error| refused(app, &error))?;
    if bearer.claims.room.is_some() {
        return Err(forbidden("Of others this takes a back end, whose own token names no room."));
    }
    Ok(Caller::new(bearer))
}

/// Who asks to do this, if his token lets him; see [`Claims::may`] for who may what.
///
/// # Errors
/// 401 without a good token, 403 for what it does not allow.
pub(super) fn permitted(
    app: &App,
    headers: &HeaderMap,
    action: Action<'_>,
) -> Result<Caller, Problem> {
    let bearer = verify(app, bearer(headers)?, action.room())?;
    bearer.claims.may(action).map_err(|error| refused(app, &error))?;
    Ok(Caller::new(bearer))
}

/// On an open node everybody may invite speakers and listeners; who invites moderators or hosts must
/// be as much himself.
///
/// # Errors
/// 403 for a role above that.
pub(super) fn check_may_invite(
    app: &App,
    headers: &HeaderMap,
    room: &RoomId,
    role: Role,
) -> Result<(), Problem> {
    let own = bearer(headers).and_then(|token| caller(app, token, room));
    let most = own.map_or(Role::Speaker, |caller| caller.role.max(Role::Speaker));
    if role <= most {
        return Ok(());
    }
    Err(forbidden(
        "Only a host may invite hosts, and only a moderator or host may invite moderators.",
    ))
}

/// 403 with a sentence.
pub(super) fn forbidden(detail: impl Into<String>) -> Problem {
    Problem::new(StatusCode::FORBIDDEN, "forbidden", detail)
}

/// Counts a refused token and makes a problem of it.
pub(super) fn refused(app: &App, error: &TokenError) -> Problem {
    let detail = sentence(error);
    let code = match error {
        error if error.is_forbidden() => "forbidden",
        TokenError::Expired { .. } => "token-expired",
        TokenError::Early { .. } => "token-early",
        TokenError::Revoked => "token-revoked",
        _ => "token-invalid",
    };
    app.metrics.token_refused(code);
    if error.is_forbidden() {
        return forbidden(detail);
    }
    Problem::new(StatusCode::UNAUTHORIZED, code, detail)
}

/// A token for somebody new in this room. For open nodes only.
///
/// # Errors
/// 500 when it cannot be signed.
pub(super) fn mint(
    keys: &Keys,
    room: &RoomId,
    role: Role,
    name: Option<String>,
) -> Result<String, Problem> {
    let now = now_unix_s();
    let number = rand::random::<u64>();
    let claims = Claims {
        room: Some(room.clone()),
        sub: format!("guest-{number:016x}"),
        // Short enough to read, and mostly enough to tell two of them apart.
        name: name.unwrap_or_else(|| format!("Guest {}", number % 1_000)),
        role,
        grants: Grants::default(),
        iat: now,
        nbf: None,
        exp: now + MINTED_FOR.as_secs(),
        jti: format!("{:032x}", rand::random::<u128>()),
    };
    keys.mint(&claims).map_err(|error| {
        let detail = format!("No access token could be made: {error}.");
        Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "internal-error", detail)
    })
}

/// One token for each role that people are invited in.
///
/// # Errors
/// As [`mint`].
pub(super) fn mint_all(keys: &Keys, room: &RoomId) -> Result<ByRole, Problem> {
    Ok(ByRole {
        host: mint(keys, room, Role::Host, None)?,
        speaker: mint(keys, room, Role::Speaker, None)?,
        listener: mint(keys, room, Role::Listener, None)?,
    })
}

/// SHA-256 of a token.
pub(super) fn digest(token: &str) -> TokenDigest {
    let mut bytes = [0; 32];
    bytes.copy_from_slice(digest::digest(&SHA256, token.as_bytes()).as_ref());
    bytes
}
