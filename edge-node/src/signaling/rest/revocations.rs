//! Tokens that are to hold no longer, at every edge.

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use serde::Deserialize;
use stoa_protocol::ids::RoomId;
use stoa_protocol::mesh::control::{Ask, Revoke, WireRevocation};
use stoa_protocol::token::{KEY_ID_CHARACTERS_MAX, Revocation, Revoked, TEXT_CHARACTERS_MAX};
use utoipa::ToSchema;

use super::super::app::{Shared, now_unix_s};
use super::super::authorization;
use super::super::body;
use super::super::problem::Problem;
use super::fields::{Lines, check_text, malformed};
use super::owner;

/// What `POST /v1/revocations` takes: exactly one of `token`, `identity` and `key`.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct RevocationWanted {
    /// The `jti` of one token.
    #[schema(required = false, nullable = false, min_length = 1, max_length = 128)]
    token: Option<String>,
    /// The `sub` of all tokens that were issued until now.
    #[schema(required = false, nullable = false, min_length = 1, max_length = 128)]
    identity: Option<String>,
    /// With `identity`: in this room alone.
    #[schema(required = false, nullable = false, max_length = 64, pattern = "^[A-Za-z0-9._-]+$")]
    room: Option<String>,
    /// The id of the key of all tokens that it has signed or will sign.
    #[schema(required = false, nullable = false, min_length = 1, max_length = 128)]
    key: Option<String>,
}

/// `POST /v1/revocations`: what the back end's tenant has given out holds no longer, and what it has opened ends.
pub(crate) async fn revoke(
    State(app): State<Shared>,
    headers: HeaderMap,
    body: Body,
) -> Result<StatusCode, Problem> {
    let caller = authorization::may_revoke(&app, &headers)?;
    let wanted: RevocationWanted = body::json(&app, &headers, body).await?;
    let now_unix_s = now_unix_s();
    let revoked = wanted.read(now_unix_s)?;
    let revocation = Revocation::new(caller.tenant().clone(), revoked, now_unix_s);
    let revocation = Some(WireRevocation::from(revocation));
    let ask = Revoke { revocation, actor: caller.identity };
    owner::done(&app, Ask::Revoke(ask)).await?;
    Ok(StatusCode::NO_CONTENT)
}

impl RevocationWanted {
    fn read(self, now_unix_s: u64) -> Result<Revoked, Problem> {
        match self {
            Self { token: Some(jti), identity: None, room: None, key: None } => {
                check_text("token", &jti, 1..=TEXT_CHARACTERS_MAX, Lines::One)?;
                Ok(Revoked::Token { jti })
            }
            Self { token: None, identity: Some(identity), room, key: None } => {
                check_text("identity", &identity, 1..=TEXT_CHARACTERS_MAX, Lines::One)?;
                let room = room.map(RoomId::new).transpose();
                let room =
                    room.map_err(|_| malformed("room", "The field `room` names no room."))?;
                // Those of this second are meant too.
                let issued_before_unix_s = now_unix_s.saturating_add(1);
                Ok(Revoked::Identity { identity, room, issued_before_unix_s })
            }
            Self { token: None, identity: None, room: None, key: Some(key) } => {
                check_text("key", &key, 1..=KEY_ID_CHARACTERS_MAX, Lines::One)?;
                Ok(Revoked::Key { key })
            }
            _ => {
                let detail = "A revocation takes one of `token`, `identity` (and `room`) or `key`.";
                Err(Problem::bad_request("revocation-malformed", detail))
            }
        }
    }
}
