//! Access tokens of requests, and who may do what.

use std::time::Duration;

use aws_lc_rs::digest::{self, SHA256};
use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderMap, StatusCode};
use stoa_protocol::ids::{Role, RoomId};
use stoa_protocol::token::{Claims, Grant, Grants, Keys, TokenError};

use super::app::now_unix_s;
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
    /// Whether the token names a room: this one.
    pub(super) named: bool,
    /// Whose the token is; empty for the default tenant.
    pub(super) tenant: String,
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
/// 401 for a bad or expired token, 403 for another room's.
pub(super) fn caller(
    keys: &Keys,
    token: &str,
    room: &RoomId,
    now_unix_s: u64,
) -> Result<Caller, Problem> {
    let claims = keys.verify(token, Some(room), now_unix_s).map_err(|error| refused(&error))?;
    let named = claims.room.is_some();
    let Claims { sub, name, role, .. } = claims;
    let name = if name.trim().is_empty() { &sub } else { &name };
    let readable = name.chars().filter(|c| !c.is_control()).take(NAME_CHARACTERS_MAX);
    Ok(Caller { name: readable.collect(), identity: sub, role, named, tenant: String::new() })
}

/// What the token says, for this room if it is about one.
///
/// # Errors
/// 401 for a bad or expired token, 403 for another room's.
pub(super) fn claims(keys: &Keys, token: &str, room: Option<&RoomId>) -> Result<Claims, Problem> {
    keys.verify(token, room, now_unix_s()).map_err(|error| refused(&error))
}

/// Whether this is who opened the session: by the same token, even if it has expired since, so
/// that nobody is kept from hanging up; or by another token for the same identity.
///
/// # Errors
/// 401 or 403.
pub(super) fn check_owner(keys: &Keys, token: &str, session: &Addressed) -> Result<(), Problem> {
    if digest(token) == session.token {
        return Ok(());
    }
    let caller = caller(keys, token, &session.room, now_unix_s())?;
    if caller.identity == session.identity {
        Ok(())
    } else {
        Err(forbidden("This session belongs to somebody else."))
    }
}

/// # Errors
/// 401, or 403 without the grant; a token of one room makes that room only.
pub(super) fn check_may_create(
    keys: &Keys,
    headers: &HeaderMap,
    room: Option<&RoomId>,
) -> Result<Claims, Problem> {
    let claims = granted(keys, headers, Grant::Create)?;
    match &claims.room {
        Some(own) if room != Some(own) => {
            Err(forbidden(format!("The access token allows to make the room {own} only.")))
        }
        _ => Ok(claims),
    }
}

/// Whether rooms that are not open are listed too: with the grant, and not for one room only. Any token lists the open ones,
/// and on an open node so does none.
///
/// # Errors
/// 401.
pub(super) fn may_list_all(keys: &Keys, headers: &HeaderMap, open: bool) -> Result<bool, Problem> {
    if open && !headers.contains_key(AUTHORIZATION) {
        return Ok(false);
    }
    let claims = claims(keys, bearer(headers)?, None)?;
    Ok(claims.grants.list && claims.room.is_none())
}

/// Any token for a room lets read it.
///
/// # Errors
/// 401, or 403 for another room's token.
pub(super) fn check_may_read(
    keys: &Keys,
    headers: &HeaderMap,
    room: &RoomId,
) -> Result<(), Problem> {
    caller(keys, bearer(headers)?, room, now_unix_s()).map(|_| ())
}

/// # Errors
/// 401, or 403 for who is neither host nor granted to close rooms.
pub(super) fn check_may_close(
    keys: &Keys,
    headers: &HeaderMap,
    room: &RoomId,
) -> Result<(), Problem> {
    let verified = keys.verify(bearer(headers)?, Some(room), now_unix_s());
    let claims = verified.map_err(|error| refused(&error))?;
    if claims.role == Role::Host || claims.grants.close {
        Ok(())
    } else {
        Err(forbidden("Only a host may close a room."))
    }
}

fn granted(keys: &Keys, headers: &HeaderMap, grant: Grant) -> Result<Claims, Problem> {
    let verified = keys.verify(bearer(headers)?, None, now_unix_s());
    let claims = verified.map_err(|error| refused(&error))?;
    claims.require(grant).map_err(|error| refused(&error))?;
    Ok(claims)
}

/// 403 with a sentence.
/// On an open node everybody may invite speakers and listeners; who invites moderators or hosts must
/// be as much himself.
///
/// # Errors
/// 403 for a role above that.
pub(super) fn check_may_invite(
    keys: &Keys,
    headers: &HeaderMap,
    room: &RoomId,
    role: Role,
) -> Result<(), Problem> {
    let own = bearer(headers).and_then(|token| caller(keys, token, room, now_unix_s()));
    let most = own.map_or(Role::Speaker, |caller| caller.role.max(Role::Speaker));
    if role <= most {
        return Ok(());
    }
    Err(forbidden(
        "Only a host may invite hosts, and only a moderator or host may invite moderators.",
    ))
}

pub(super) fn forbidden(detail: impl Into<String>) -> Problem {
    Problem::new(StatusCode::FORBIDDEN, "forbidden", detail)
}

fn refused(error: &TokenError) -> Problem {
    let detail = sentence(error);
    if error.is_forbidden() {
        return forbidden(detail);
    }
    let code = match error {
        TokenError::Expired { .. } => "token-expired",
        TokenError::Early { .. } => "token-early",
        _ => "token-invalid",
    };
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
        jti: String::new(),
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
