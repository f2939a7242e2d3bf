//! From the HTTP request to the WebSocket.

use axum::extract::ws::{WebSocketUpgrade, rejection::WebSocketUpgradeRejection};
use axum::extract::{Extension, Path, State};
use axum::response::{IntoResponse, Response};

use super::super::app::Shared;
use super::super::authorization::room_id;
use super::super::client::Client;
use super::super::metrics::Limit;
use super::super::problem::Problem;
use super::super::settings::BODY_BYTES_MAX;
use super::conversation::converse;

/// The protocol of `web/PROTOCOL.md`.
const SUBPROTOCOL: &str = "stoa.v1";

/// Memory that each connection takes for what comes in; longer messages are put together from several reads. The
/// library's 128 KiB would be six times what all the rest of a listener takes.
const READ_BUFFER_BYTES: usize = 4 * 1_024;

/// Bytes that may wait in the WebSocket's own buffer; the answer to a join fits in.
const WRITE_BUFFER_BYTES_MAX: usize = 4 * BODY_BYTES_MAX;

/// `GET /v1/rooms/{room}/ws`.
pub(crate) async fn upgrade(
    State(app): State<Shared>,
    Path(room): Path<String>,
    client: Option<Extension<Client>>,
    request: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response, Problem> {
    let request = match request {
        Ok(request) => request,
        // The outermost layer makes a problem of it and keeps its headers.
        Err(rejection) => return Ok(rejection.into_response()),
    };
    let room = room_id(room)?;
    let request = request.protocols([SUBPROTOCOL]);
    if request.selected_protocol().is_none() {
        let detail = format!("This WebSocket speaks the subprotocol {SUBPROTOCOL} only.");
        return Err(Problem::bad_request("subprotocol-required", detail));
    }
    let Ok(permit) = app.websockets.clone().try_acquire_owned() else {
        app.metrics.reached(Limit::Websockets);
        return Err(Problem::unavailable("edge-full", "This edge takes no more connections."));
    };
    let client = client.map(|Extension(client)| client).unwrap_or_default();
    let open = app.metrics.websocket();
    let sized = request
        .max_message_size(BODY_BYTES_MAX)
        .max_frame_size(BODY_BYTES_MAX)
        .read_buffer_size(READ_BUFFER_BYTES)
        .write_buffer_size(0)
        .max_write_buffer_size(WRITE_BUFFER_BYTES_MAX);
    Ok(sized.on_upgrade(move |socket| async move {
        Box::pin(converse(app, room, client, socket)).await;
        drop((permit, open));
    }))
}
