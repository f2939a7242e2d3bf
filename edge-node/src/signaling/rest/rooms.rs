//! Rooms: make, list, read, change, close.

use axum::Json;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::header::{CACHE_CONTROL, LOCATION};
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use stoa_protocol::ids::RoomId;
use stoa_protocol::mesh::control::{
    Ask, ChangeRoom, CloseRoom, CreateRoom, ListRooms, ReadRoom, RoomInfo,
};
use stoa_protocol::tenant::Quota;
use stoa_protocol::token::Action;

use super::super::app::Shared;
use super::super::authorization::{self, room_id};
use super::super::body::{self, MERGE_PATCH};
use super::super::problem::{Problem, sentence};
use super::fields::{Lines, TOPIC_CHARACTERS_MAX, check_language, check_text};
use super::query::{Parameters, malformed};
use super::settings::{Change, Wanted};
use super::tokens::base;
use super::views::{Created, Room, RoomPage};
use super::{authority, owner};

/// `POST /v1/rooms`.
pub(crate) async fn create(
    State(app): State<Shared>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    if !app.settings.open {
        // Nobody's body is read before his token.
        authorization::bearer(&headers)?;
    }
    let wanted: Wanted = body::json(&app, &headers, body).await?;
    let room =
        wanted.room().map(RoomId::new).transpose().map_err(|error| {
            Problem::bad_request("room-malformed", sentence(&error)).about("room")
        })?;
    let (actor, tenant) = if app.settings.open {
        (String::new(), authorization::visitor(&app, &headers))
    } else {
        let action = Action::Create(room.as_ref());
        let caller = authorization::permitted(&app, &headers, action)?;
        (caller.identity, caller.bearer.tenant)
    };
    let settings = wanted.settings()?;
    let id = room.as_ref().map(RoomId::to_string);
    let name = settings.name.clone().or_else(|| id.clone()).unwrap_or_else(|| "Room".into());
    let create = CreateRoom {
        room: id.unwrap_or_default(),
        name,
        settings: Some(settings),
        tenant: tenant.to_wire(),
        actor,
        tenant_rooms_max: app.authority.rooms_max(&tenant),
    };
    let info = app.ask(app.rooms.create(create)).await;
    let info = info.inspect_err(|problem| {
        if problem.code == Quota::Rooms.code() {
            app.metrics.quota_reached(&tenant, Quota::Rooms);
        }
    })?;
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

/// `GET /v1/rooms`: those that are open; all of them with the grant to list.
pub(crate) async fn list(
    State(app): State<Shared>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let (tenant, all) = authorization::may_list(&app, &headers)?;
    let query = Parameters::read(&uri, &["search", "language", "after", "limit"])?;
    let (search, language) = (query.text("search"), query.text("language"));
    check_text("search", search, 0..=TOPIC_CHARACTERS_MAX, Lines::One)
        .and_then(|()| check_language(language))
        .map_err(|problem| {
            malformed(problem.field.as_deref().unwrap_or_default(), problem.detail)
        })?;
    let ask = ListRooms {
        after: query.after(|after| RoomId::new(after).map(|_| ()))?,
        limit: query.limit()?,
        search: search.to_owned(),
        all,
        tenant: tenant.to_wire(),
        language: language.to_owned(),
    };
    let page = owner::rooms(&app, Ask::ListRooms(ask)).await?;
    let rooms = page.rooms.into_iter().map(Room::from).collect();
    Ok(fresh(Json(RoomPage { rooms, next: page.next })))
}

/// `GET /v1/rooms/{room}`.
pub(crate) async fn read(
    State(app): State<Shared>,
    Path(room): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let room = room_id(room)?;
    let tenant = authority::seeing(&app, &headers, &room)?;
    let info = read_room(&app, &room, tenant).await?;
    Ok(fresh(Json(Room::from(info))))
}

/// Reads a room of this tenant; empty for the default one.
pub(super) async fn read_room(
    app: &Shared,
    room: &RoomId,
    tenant: String,
) -> Result<RoomInfo, Problem> {
    owner::room(app, Ask::ReadRoom(ReadRoom { room: room.to_string(), tenant })).await
}

/// `PATCH /v1/rooms/{room}`: what is absent stays, and what is `null` is as in a new room (RFC 7396).
pub(crate) async fn change(
    State(app): State<Shared>,
    Path(room): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let room = room_id(room)?;
    let authority = authority::moderating(&app, &headers, &room)?;
    let types = [body::JSON, MERGE_PATCH];
    let change: Change = body::json_of(&app, &headers, body, &types).await?;
    let ask = ChangeRoom {
        room: room.to_string(),
        settings: Some(change.settings(&room)?),
        by: String::new(),
        authority: authority.wire(),
        actor: authority.identity.clone(),
        tenant: authority.tenant.clone(),
    };
    let info = owner::room(&app, authority.ask(Ask::ChangeRoom(ask))).await?;
    tracing::info!(%room, "room changed");
    Ok(fresh(Json(Room::from(info))))
}

/// `DELETE /v1/rooms/{room}`.
pub(crate) async fn close(
    State(app): State<Shared>,
    Path(room): Path<String>,
    headers: HeaderMap,
) -> Result<StatusCode, Problem> {
    let room = room_id(room)?;
    let authority = authority::closing(&app, &headers, &room)?;
    let ask = CloseRoom { room: room.to_string(), tenant: authority.tenant.clone() };
    owner::done(&app, authority.ask(Ask::CloseRoom(ask))).await?;
    tracing::info!(%room, "room closed");
    Ok(StatusCode::NO_CONTENT)
}

/// Counts change by the second and tokens are secret: nobody may keep a copy.
pub(super) fn fresh(answer: impl IntoResponse) -> Response {
    let mut response = answer.into_response();
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

fn unusable_room() -> Problem {
    Problem::new(
        StatusCode::BAD_GATEWAY,
        "owner-confused",
        "The room's origin gave the room an unusable id.",
    )
}
