//! The web client, embedded. Paths are those of `edge-node/web`.
//!
//! Browsers keep a copy but ask each time whether it is current, so an upgrade shows at once.

use std::collections::BTreeMap;
use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest};
use axum::extract::{Path, Request, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, HeaderName};
use axum::http::header::{IF_NONE_MATCH, REFERRER_POLICY};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Router, middleware};
use stoa_protocol::ids::RoomId;

use super::problem::Problem;

/// What a page may load: its own files, and the API of whichever edge it was given.
const CONTENT_SECURITY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
     media-src 'self' blob:; connect-src 'self' ws: wss:; worker-src 'self'; \
     manifest-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
);
const PERMISSIONS_POLICY: HeaderName = HeaderName::from_static("permissions-policy");
const PERMISSIONS: HeaderValue =
    HeaderValue::from_static("microphone=(self), camera=(), geolocation=(), payment=(), usb=()");
/// A room's link holds a token behind `#`; it goes to nobody anyway, and the rest neither.
const NO_REFERRER: HeaderValue = HeaderValue::from_static("no-referrer");
const ALWAYS_ASK: HeaderValue = HeaderValue::from_static("no-cache");

const HTML: &str = "text/html; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const STYLE: &str = "text/css; charset=utf-8";
const SVG: &str = "image/svg+xml";

macro_rules! file {
    ($name:literal, $kind:expr) => {
        ($name, $kind, include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/web/", $name)))
    };
}

/// Name, media type, contents.
const FILES: &[(&str, &str, &[u8])] = &[
    file!("actions.js", SCRIPT),
    file!("announcer.js", SCRIPT),
    file!("api.js", SCRIPT),
    file!("applause.js", SCRIPT),
    file!("changeover.js", SCRIPT),
    file!("connection.js", SCRIPT),
    file!("controls.js", SCRIPT),
    file!("crowd.js", SCRIPT),
    file!("deeds.js", SCRIPT),
    file!("dom.js", SCRIPT),
    file!("door.js", SCRIPT),
    file!("hand.js", SCRIPT),
    file!("home.js", SCRIPT),
    file!("icon.svg", SVG),
    file!("index.html", HTML),
    file!("invite.js", SCRIPT),
    file!("kept-out.js", SCRIPT),
    file!("knock.js", SCRIPT),
    file!("languages.js", SCRIPT),
    file!("levels.js", SCRIPT),
    file!("live.js", SCRIPT),
    file!("lobby.js", SCRIPT),
    file!("menu.js", SCRIPT),
    file!("microphone.js", SCRIPT),
    file!("moderation.js", SCRIPT),
    file!("options.js", SCRIPT),
    file!("overlay.css", STYLE),
    file!("packets.js", SCRIPT),
    file!("page.js", SCRIPT),
    file!("pass.js", SCRIPT),
    file!("people.js", SCRIPT),
    file!("playback.js", SCRIPT),
    file!("problem.js", SCRIPT),
    file!("pulse.js", SCRIPT),
    file!("question.js", SCRIPT),
    file!("recovery.js", SCRIPT),
    file!("resume.js", SCRIPT),
    file!("room-form.js", SCRIPT),
    file!("room.css", STYLE),
    file!("room.html", HTML),
    file!("rows.js", SCRIPT),
    file!("sentences.js", SCRIPT),
    file!("session.js", SCRIPT),
    file!("settings.js", SCRIPT),
    file!("signal.js", SCRIPT),
    file!("stage.js", SCRIPT),
    file!("statistics.js", SCRIPT),
    file!("stoa.js", SCRIPT),
    file!("style.css", STYLE),
    file!("token.js", SCRIPT),
    file!("voice.js", SCRIPT),
    file!("whip-whep.js", SCRIPT),
];

#[derive(Clone)]
struct Asset {
    kind: HeaderValue,
    etag: HeaderValue,
    bytes: &'static [u8],
}

type Assets = Arc<BTreeMap<&'static str, Asset>>;

/// `/`, `/r/{room}` and every file by its name.
pub(super) fn router() -> Router {
    let assets: BTreeMap<_, _> =
        FILES.iter().filter_map(|(name, kind, bytes)| Some((*name, asset(kind, bytes)?))).collect();
    Router::new()
        .route("/", get(index))
        .route("/r/{room}", get(room))
        .route("/{file}", get(file))
        .with_state(Arc::new(assets))
        .layer(middleware::map_response(secure))
}

/// Nothing when a media type is not a header value, which a test excludes.
fn asset(kind: &'static str, bytes: &'static [u8]) -> Option<Asset> {
    let hash = digest(&SHA256, bytes);
    let hex: String = hash.as_ref().iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    let etag = HeaderValue::try_from(format!("\"{hex}\"")).ok()?;
    Some(Asset { kind: HeaderValue::from_str(kind).ok()?, etag, bytes })
}

async fn index(State(assets): State<Assets>, headers: HeaderMap) -> Response {
    serve(&assets, "index.html", &headers)
}

async fn room(
    State(assets): State<Assets>,
    Path(room): Path<String>,
    headers: HeaderMap,
) -> Response {
    // Whether there is such a room is for the page to find out, with its token.
    match RoomId::new(room) {
        Ok(_) => serve(&assets, "room.html", &headers),
        Err(_) => Problem::no_such_path().into_response(),
    }
}

async fn file(
    State(assets): State<Assets>,
    Path(name): Path<String>,
    request: Request,
) -> Response {
    serve(&assets, &name, request.headers())
}

fn serve(assets: &Assets, name: &str, headers: &HeaderMap) -> Response {
    let Some(asset) = assets.get(name) else {
        return Problem::no_such_path().into_response();
    };
    let etag = asset.etag.to_str().unwrap_or_default();
    let known = headers.get_all(IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    // Weak comparison (RFC 9110 section 13.1.2): proxies that compress weaken the tag.
    let current = known
        .flat_map(|value| value.split(','))
        .any(|tag| tag.trim() == "*" || tag.trim().trim_start_matches("W/") == etag);
    let mut response = if current {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        let mut response = asset.bytes.into_response();
        response.headers_mut().insert(CONTENT_TYPE, asset.kind.clone());
        response
    };
    let headers = response.headers_mut();
    headers.insert(ETAG, asset.etag.clone());
    headers.insert(CACHE_CONTROL, ALWAYS_ASK);
    response
}

async fn secure(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(CONTENT_SECURITY_POLICY, CONTENT_SECURITY);
    headers.insert(PERMISSIONS_POLICY, PERMISSIONS);
    headers.insert(REFERRER_POLICY, NO_REFERRER);
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_of_the_web_client_is_embedded() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/web");
        let served = |name: &str| !name.ends_with(".md") && !name.ends_with(".json");
        let mut there: Vec<String> = std::fs::read_dir(folder)
            .expect("web")
            .map(|entry| entry.expect("entry"))
            .filter(|entry| entry.file_type().expect("type").is_file())
            .map(|entry| entry.file_name().to_string_lossy().into_owned())
            .filter(|name| served(name))
            .collect();
        there.sort();
        let embedded: Vec<&str> = FILES.iter().map(|(name, ..)| *name).collect();
        assert_eq!(there, embedded);
    }

    #[test]
    fn every_file_has_a_type_and_a_tag() {
        for (name, kind, bytes) in FILES {
            let asset = asset(kind, bytes).expect(name);
            assert_eq!(asset.etag.len(), 34);
        }
    }
}
