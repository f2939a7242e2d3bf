//! Rooms over REST: create, list, read, close; and tokens, where the node is open.

use axum::Json;
use axum::body::Body;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::http::header::{CACHE_CONTROL, HOST, LOCATION};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use stoa_protocol::ids::{Role, RoomId};
use stoa_protocol::mesh::control::RoomInfo;
use stoa_protocol::token::Action;

use super::app::{App, Shared};
use super::authorization::{self, room_id};
use super::body;
use super::links::{ByRole, base_url, link};
use super::problem::{Problem, sentence};
use super::socket::check_name;

/// Most characters of a room's name.
const ROOM_NAME_CHARACTERS_MAX: usize = 100;
/// Most rooms of a page.
const PAGE_MAX: u32 = 100;
/// Rooms of a page unless asked for otherwise.
const PAGE_DEFAULT: u32 = 50;

/// A room as JSON.
#[derive(Debug, Serialize)]
struct Room {
    room: String,
    name: String,
    /// Milliseconds since 1970.
    created_ms: u64,
    /// How many are on the stage.
    stage: u32,
    /// How many listen.
    listeners: u32,
}

impl From<RoomInfo> for Room {
    fn from(RoomInfo { room, name, created_ms, speakers, listeners }: RoomInfo) -> Self {
        Self { room, name, created_ms, stage: speakers, listeners }
    }
}

/// What `POST /v1/rooms` takes; all of it is optional.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Wanted {
    room: Option<String>,
    name: Option<String>,
}

#[derive(Debug, Serialize)]
struct Created {
    #[serde(flatten)]
    room: Room,
    /// In open mode: ways in for each role.
    #[serde(skip_serializing_if = "Option::is_none")]
    links: Option<ByRole>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tokens: Option<ByRole>,
}

/// `POST /v1/rooms`.
pub(super) async fn create(
    State(app): State<Shared>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    if !app.settings.open {
        // Nobody's body is read before his token.
        authorization::bearer(&headers)?;
    }
    let Wanted { room, name } = body::json(&app, &headers, body).await?;
    let room = room
        .map(RoomId::new)
        .transpose()
        .map_err(|error| Problem::bad_request("room-malformed", sentence(&error)))?;
    if !app.settings.open {
        authorization::permitted(&app, &headers, Action::Create(room.as_ref()))?;
    }
    let name = name.or_else(|| room.as_ref().map(RoomId::to_string)).unwrap_or("Room".into());
    check_room_name(&name)?;
    let info = app.ask(app.rooms.create(room, name)).await?;
    let id = RoomId::new(info.room.clone()).map_err(|_| unusable_room())?;
    tracing::info!(room = %id, "room created");
    let (links, tokens) = if app.settings.open {
        let tokens = authorization::mint_all(app.authority.keys(), &id)?;
        (Some(tokens.links(&base(&app, &headers), &id)), Some(tokens))
    } else {
        (None, None)
    };
    let created = Created { room: info.into(), links, tokens };
    let mut response = (StatusCode::CREATED, Json(created)).into_response();
    let location = format!("/v1/rooms/{id}");
    let headers = response.headers_mut();
    headers.insert(LOCATION, HeaderValue::try_from(location).map_err(|_| unusable_room())?);
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

/// The query of `GET /v1/rooms`.
#[derive(Debug, Deserialize)]
pub(super) struct PageOf {
    #[serde(default)]
    after: String,
    limit: Option<u32>,
}

#[derive(Debug, Serialize)]
struct Page {
    rooms: Vec<Room>,
    /// The `after` of the next page; absent at the end.
    #[serde(skip_serializing_if = "String::is_empty")]
    next: String,
}

/// `GET /v1/rooms`.
pub(super) async fn list(
    State(app): State<Shared>,
    query: Result<Query<PageOf>, QueryRejection>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    if !app.settings.open {
        authorization::permitted(&app, &headers, Action::List)?;
    }
    let Query(PageOf { after, limit }) = query
        .map_err(|error| Problem::bad_request("query-malformed", sentence(&error.body_text())))?;
    let limit = limit.unwrap_or(PAGE_DEFAULT);
    if !(1..=PAGE_MAX).contains(&limit) {
        let detail = format!("The parameter `limit` must be from 1 to {PAGE_MAX}.");
        return Err(Problem::bad_request("query-malformed", detail));
    }
    if !after.is_empty() && RoomId::new(after.as_str()).is_err() {
        return Err(Problem::bad_request(
            "query-malformed",
            "The parameter `after` must be a room's id.",
        ));
    }
    let page = app.ask(app.rooms.list(after, limit)).await?;
    let rooms = page.rooms.into_iter().map(Room::from).collect();
    Ok(fresh(Json(Page { rooms, next: page.next })))
}

/// `GET /v1/rooms/{room}`.
pub(super) async fn read(
    State(app): State<Shared>,
    Path(room): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let room = room_id(room)?;
    if !app.settings.open {
        authorization::permitted(&app, &headers, Action::Read(&room))?;
    }
    let info = app.ask(app.rooms.read(room)).await?;
    Ok(fresh(Json(Room::from(info))))
}

/// `DELETE /v1/rooms/{room}`.
pub(super) async fn close(
    State(app): State<Shared>,
    Path(room): Path<String>,
    headers: HeaderMap,
) -> Result<StatusCode, Problem> {
    let room = room_id(room)?;
    authorization::permitted(&app, &headers, Action::Close(&room))?;
    app.ask(app.rooms.close(room.clone())).await?;
    tracing::info!(%room, "room closed");
    Ok(StatusCode::NO_CONTENT)
}

/// What `POST /v1/rooms/{room}/tokens` takes.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Invitation {
    role: Role,
    #[serde(default)]
    name: Option<String>,
}

#[derive(Debug, Serialize)]
struct Drawn {
    token: String,
    link: String,
    role: Role,
}

/// `POST /v1/rooms/{room}/tokens`; only routed where the node is open.
pub(super) async fn draw_token(
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
    app.ask(app.rooms.read(room.clone())).await?;
    let token = authorization::mint(app.authority.keys(), &room, role, name)?;
    let link = link(&base(&app, &headers), &room, &token);
    Ok((StatusCode::CREATED, fresh(Json(Drawn { token, link, role }))).into_response())
}

fn base(app: &App, headers: &HeaderMap) -> String {
    let host = headers.get(HOST).and_then(|host| host.to_str().ok());
    let settings = &app.settings;
    let port = settings.listen.port();
    base_url(settings.public_url.as_deref(), host, settings.tls.is_on(), port)
}

/// Counts change by the second and tokens are secret: nobody may keep a copy.
fn fresh(answer: impl IntoResponse) -> Response {
    let mut response = answer.into_response();
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

fn check_room_name(name: &str) -> Result<(), Problem> {
    let characters = name.chars().count();
    let visible = !name.trim().is_empty() && !name.chars().any(char::is_control);
    if visible && characters <= ROOM_NAME_CHARACTERS_MAX {
        return Ok(());
    }
    let detail = format!(
        "A room's name has 1 to {ROOM_NAME_CHARACTERS_MAX} characters, none of them a control character."
    );
    Err(Problem::bad_request("name-malformed", detail))
}

fn unusable_room() -> Problem {
    Problem::new(
        StatusCode::BAD_GATEWAY,
        "owner-confused",
        "The room's origin gave the room an unusable id.",
    )
}
