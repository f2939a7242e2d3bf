//! A WHIP or WHEP session's own URL: trickle ICE and ICE restart by PATCH, hanging up by DELETE
//! (RFC 9725 sections 4.2 and 4.3).

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, HeaderName, IF_MATCH};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use stoa_protocol::ids::RoomId;
use tokio::time::Instant;

use super::app::{App, Shared};
use super::authorization;
use super::body;
use super::problem::{Problem, sentence};
use super::sdpfrag::{self, Credentials, Fragment, SDPFRAG};
use super::sessions::{Addressed, Precondition, ResourceId, etag, precondition};

/// Which media type PATCH takes (RFC 5789 section 3.1).
pub(super) const ACCEPT_PATCH: HeaderName = HeaderName::from_static("accept-patch");

/// `PATCH`: 204 for candidates, 200 for an ICE restart.
pub(super) async fn patch(
    State(app): State<Shared>,
    Path((room, id)): Path<(String, String)>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let (id, found) = find(&app, &headers, room, &id)?;
    body::expect_type(&headers, SDPFRAG)?;
    let text = body::text(&app, &headers, body).await?;
    let if_match = headers.get(IF_MATCH).map(|value| value.to_str().unwrap_or_default());
    match precondition(if_match, &found.etag) {
        Precondition::Holds => {}
        Precondition::Missing => return Err(precondition_required()),
        Precondition::Fails => return Err(precondition_failed()),
    }
    let fragment = sdpfrag::parse(&text)
        .map_err(|error| Problem::bad_request("sdpfrag-malformed", sentence(&error)))?;
    match restart_wanted(&fragment, &found) {
        Some(client) => restart(&app, id, &found, client).await,
        // ICE-lite: we answer checks from wherever they come and need no candidates of the client.
        None => Ok(StatusCode::NO_CONTENT.into_response()),
    }
}

/// Other credentials than before mean a restart (RFC 9725 section 4.3.3).
fn restart_wanted<'a>(fragment: &'a Fragment, found: &Addressed) -> Option<&'a Credentials> {
    fragment.credentials.as_ref().filter(|client| client.ufrag != found.client_ufrag)
}

async fn restart(
    app: &App,
    id: ResourceId,
    found: &Addressed,
    client: &Credentials,
) -> Result<Response, Problem> {
    let admitted = app.addresses().admit_restart(id, Instant::now().into_std());
    app.check_restart(admitted)?;
    let offer = app.bounded(found.offer.with_credentials(client))?;
    let restarted = app.ask(app.rooms.restart(found.session, offer.to_text())).await;
    let restarted = restarted.inspect_err(|problem| forget_if_gone(app, found, problem))?;
    let ours = Credentials { ufrag: restarted.ice_ufrag, pwd: restarted.ice_pwd };
    let entity_tag = etag(&ours.ufrag);
    let fragment = sdpfrag::of_answer(&restarted.answer, &ours);
    app.addresses().renew(id, offer, client, entity_tag.clone());
    let mut response = fragment.into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(SDPFRAG));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(ETAG, HeaderValue::try_from(entity_tag).map_err(|_| unusable_ufrag())?);
    Ok(response)
}

/// `DELETE`: hangs up; any `If-Match` is ignored, as RFC 9725 section 4.3.1 demands.
pub(super) async fn delete(
    State(app): State<Shared>,
    Path((room, id)): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<StatusCode, Problem> {
    let (_, found) = find(&app, &headers, room, &id)?;
    let left = app.ask(app.rooms.leave(found.session)).await;
    match left {
        Ok(()) => app.forget(found.session),
        Err(problem) => {
            forget_if_gone(&app, &found, &problem);
            return Err(problem);
        }
    }
    Ok(StatusCode::OK)
}

fn find(
    app: &App,
    headers: &HeaderMap,
    room: String,
    id: &str,
) -> Result<(ResourceId, Addressed), Problem> {
    let token = authorization::bearer(headers)?;
    let room = RoomId::new(room).map_err(|_| Problem::no_such_session())?;
    let id = ResourceId::parse(id).ok_or_else(Problem::no_such_session)?;
    let found = app.addresses().find(&room, id).cloned().ok_or_else(Problem::no_such_session)?;
    authorization::check_owner(app, token, &found)?;
    Ok((id, found))
}

fn forget_if_gone(app: &App, found: &Addressed, problem: &Problem) {
    if matches!(problem.status, StatusCode::NOT_FOUND | StatusCode::GONE) {
        app.forget(found.session);
    }
}

fn precondition_required() -> Problem {
    Problem::new(
        StatusCode::PRECONDITION_REQUIRED,
        "if-match-required",
        "PATCH needs If-Match: the session's ETag to add candidates, `*` to restart ICE.",
    )
}

fn precondition_failed() -> Problem {
    Problem::new(
        StatusCode::PRECONDITION_FAILED,
        "if-match-failed",
        "If-Match names an ICE session that is not the current one.",
    )
}

/// ICE fragments are made of letters, digits, '+' and '/'; anything else never came from our stack.
pub(super) fn unusable_ufrag() -> Problem {
    Problem::new(
        StatusCode::INTERNAL_SERVER_ERROR,
        "internal-error",
        "The media plane gave an unusable ICE user fragment.",
    )
}
