//! WHIP (RFC 9725) and WHEP (draft-ietf-wish-whep-04): one POST with an offer, one session.
//!
//! WHEP's counter-offer (406) is not used: every acceptable offer is answered directly.

use axum::body::Body;
use axum::extract::{Extension, Path, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, LINK, LOCATION};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use stoa_protocol::ids::Role;
use tokio::time::Instant;

use super::app::{App, Shared};
use super::authorization::{self, room_id};
use super::body::{self, SDP};
use super::client::Client;
use super::problem::Problem;
use super::resource::{ACCEPT_PATCH, unusable_ufrag};
use super::sdpfrag::SDPFRAG;
use super::sessions::{Addressed, ResourceId, etag, restarts};
use crate::rooms::{JoinAsk, Joined};
use crate::webrtc::Downlink;

/// `POST /v1/rooms/{room}/whip`: publishes.
pub(super) async fn whip(
    State(app): State<Shared>,
    Path(room): Path<String>,
    client: Option<Extension<Client>>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    open(&app, room, client, &headers, body, Direction::Publish).await
}

/// `POST /v1/rooms/{room}/whep`: listens.
pub(super) async fn whep(
    State(app): State<Shared>,
    Path(room): Path<String>,
    client: Option<Extension<Client>>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    open(&app, room, client, &headers, body, Direction::Listen).await
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Direction {
    Publish,
    Listen,
}

async fn open(
    app: &App,
    room: String,
    client: Option<Extension<Client>>,
    headers: &HeaderMap,
    body: Body,
    direction: Direction,
) -> Result<Response, Problem> {
    let room = room_id(room)?;
    let token = authorization::bearer(headers)?;
    let caller = authorization::caller(app, token, &room)?;
    if direction == Direction::Publish && !caller.role.may_speak() {
        return Err(authorization::forbidden("This token allows listening only."));
    }
    body::expect_type(headers, SDP)?;
    let offer = app.read_offer(&body::text(app, headers, body).await?)?;
    let (role, publishes, downlink) = match direction {
        Direction::Publish => (caller.role, true, Downlink::None),
        // A player only listens, whatever its token would allow.
        Direction::Listen => (Role::Listener, false, Downlink::Single),
    };
    let ask = JoinAsk {
        room: room.clone(),
        identity: caller.identity.clone(),
        name: caller.name.clone(),
        role,
        named: caller.is_named(),
        tenant: caller.tenant().to_wire(),
        tenant_participants_max: app.authority.participants_max(caller.tenant()),
        publishes,
        downlink,
        muted: false,
        resume: None,
        offer: offer.to_text(),
        wants_events: false,
    };
    let client = client.map(|Extension(client)| client).unwrap_or_default();
    let joined = app.join(ask, &caller, client).await?;
    let addressed = Addressed {
        session: joined.present.session,
        room,
        tenant: caller.bearer.tenant,
        identity: caller.identity,
        token: authorization::digest(token),
        client_ufrag: offer.ufrag().unwrap_or_default().to_owned(),
        offer,
        restarts: restarts(Instant::now().into_std()),
        etag: etag(&joined.opened.ice_ufrag),
    };
    created(app, joined, addressed)
}

/// 201 with everything that RFC 9725 section 4.2 wants in it.
fn created(app: &App, joined: Joined, addressed: Addressed) -> Result<Response, Problem> {
    let id = ResourceId::new(rand::random());
    let location = format!("/v1/rooms/{}/sessions/{id}", addressed.room);
    let location = HeaderValue::try_from(location).map_err(|_| unusable_ufrag())?;
    let entity_tag = HeaderValue::try_from(&addressed.etag).map_err(|_| unusable_ufrag())?;
    app.remember(id, addressed);
    let mut response = (StatusCode::CREATED, joined.opened.answer).into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(SDP));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(LOCATION, location);
    headers.insert(ETAG, entity_tag);
    headers.insert(ACCEPT_PATCH, HeaderValue::from_static(SDPFRAG));
    for link in &app.ice_links {
        headers.append(LINK, link.clone());
    }
    Ok(response)
}

/// `GET` on an endpoint or session: RFC 9725 section 4.1 wants success without content.
pub(super) async fn nothing() -> StatusCode {
    StatusCode::NO_CONTENT
}
