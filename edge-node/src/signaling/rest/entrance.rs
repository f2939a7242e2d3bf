//! Who is kept out of a room, and what has happened in it.

use axum::Json;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::Response;
use serde::Deserialize;
use stoa_protocol::mesh::control::{Ask, Deed, ListBans, ReadLog};
use utoipa::ToSchema;

use super::super::app::Shared;
use super::super::authorization::room_id;
use super::super::body;
use super::super::problem::Problem;
use super::authority::{moderating, reading_log};
use super::fields::{check_identity, check_reason};
use super::owner;
use super::query::Parameters;
use super::rooms::fresh;
use super::views::{BanPage, LogPage};
use crate::rooms::Action;

/// What `PUT ../bans/{identity}` takes; all of it is optional.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct BanWanted {
    /// For how long; 0 for good.
    #[schema(required = false)]
    seconds: u32,
    /// Why, up to 200 characters.
    #[schema(required = false, max_length = 200)]
    reason: String,
}

/// `GET /v1/rooms/{room}/log`: newest first.
pub(crate) async fn log(
    State(app): State<Shared>,
    Path(room): Path<String>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let room = room_id(room)?;
    let authority = reading_log(&app, &headers, &room)?;
    let tenant = authority.tenant.clone();
    let query = Parameters::read(&uri, &["before", "limit"])?;
    let (before, limit) = (query.number("before")?, query.limit()?);
    let ask = Ask::ReadLog(ReadLog { room: room.to_string(), before, limit, tenant });
    Ok(fresh(Json(LogPage::from(owner::log(&app, authority.ask(ask)).await?))))
}

/// `GET /v1/rooms/{room}/bans`.
pub(crate) async fn bans(
    State(app): State<Shared>,
    Path(room): Path<String>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let room = room_id(room)?;
    let authority = moderating(&app, &headers, &room)?;
    let tenant = authority.tenant.clone();
    let query = Parameters::read(&uri, &["after", "limit"])?;
    let after = query.after(|after| check_identity(&after))?;
    let limit = query.limit()?;
    let ask = Ask::ListBans(ListBans { room: room.to_string(), after, limit, tenant });
    Ok(fresh(Json(BanPage::from(owner::bans(&app, authority.ask(ask)).await?))))
}

/// `PUT /v1/rooms/{room}/bans/{identity}`: sends out, and keeps out, everybody of an identity.
pub(crate) async fn ban(
    State(app): State<Shared>,
    Path((room, identity)): Path<(String, String)>,
    headers: HeaderMap,
    body: Body,
) -> Result<StatusCode, Problem> {
    let room = room_id(room)?;
    let authority = moderating(&app, &headers, &room)?;
    check_identity(&identity)?;
    let BanWanted { seconds, reason: text } = body::json(&app, &headers, body).await?;
    check_reason(&text)?;
    let action = Action { identity, seconds, text, ..Action::new(Deed::Ban) };
    owner::done(&app, authority.act(&room, &action)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// `DELETE /v1/rooms/{room}/bans/{identity}`.
pub(crate) async fn unban(
    State(app): State<Shared>,
    Path((room, identity)): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<StatusCode, Problem> {
    let room = room_id(room)?;
    let authority = moderating(&app, &headers, &room)?;
    check_identity(&identity)?;
    let action = Action { identity, ..Action::new(Deed::Unban) };
    owner::done(&app, authority.act(&room, &action)).await?;
    Ok(StatusCode::NO_CONTENT)
}
