//! Tokens for others, where the node is open.

use axum::Json;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::header::HOST;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use stoa_protocol::ids::Role;
use utoipa::ToSchema;

use super::super::app::{App, Shared};
use super::super::authorization::{self, room_id};
use super::super::body;
use super::super::links::{base_url, link};
use super::super::problem::Problem;
use super::super::socket::check_name;
use super::rooms::{fresh, read_room};

/// What `POST /v1/rooms/{room}/tokens` takes.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Invitation {
    /// `listener`, `speaker`, `moderator` or `host`.
    #[schema(value_type = String, pattern = "^(listener|speaker|moderator|host)$")]
    role: Role,
    /// What people read, 1 to 64 characters.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 64)]
    name: Option<String>,
}

/// A token, and the page it opens.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Drawn {
    token: String,
    link: String,
    #[schema(value_type = String)]
    role: Role,
}

/// `POST /v1/rooms/{room}/tokens`; only routed where the node is open.
pub(crate) async fn draw_token(
    State(app): State<Shared>,
    Path(room): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let room = room_id(room)?;
    let Invitation { role, name } = body::json(&app, &headers, body).await?;
    if let Some(name) = &name {
        check_name(name)?;
    }
    authorization::check_may_invite(&app, &headers, &room, role)?;
    // Tokens that are drawn are those of the default tenant.
    read_room(&app, &room, String::new()).await?;
    let token = authorization::mint(app.authority.keys(), &room, role, name)?;
    let link = link(&base(&app, &headers), &room, &token);
    Ok((StatusCode::CREATED, fresh(Json(Drawn { token, link, role }))).into_response())
}

/// Where this edge is reached.
pub(super) fn base(app: &App, headers: &HeaderMap) -> String {
    let host = headers.get(HOST).and_then(|host| host.to_str().ok());
    let settings = &app.settings;
    let port = settings.listen.port();
    base_url(settings.public_url.as_deref(), host, settings.tls.is_on(), port)
}
