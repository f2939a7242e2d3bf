//! Which request goes where, and what all answers have in common.

use std::sync::Arc;
use std::time::Instant;

use axum::Router;
use axum::extract::{MatchedPath, Request, State};
use axum::http::StatusCode;
use axum::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, delete, get, patch, post, put};

use super::app::Shared;
use super::body::{JSON, SDP};
use super::problem::{self, Problem};
use super::resource::{self, ACCEPT_PATCH};
use super::sdpfrag::SDPFRAG;
use super::{assets, openapi, rest, socket, whip};

/// W3C Linked Data Platform, section 7.1; RFC 9725 section 4.2 asks for it.
const ACCEPT_POST: HeaderName = HeaderName::from_static("accept-post");
const TIMING_ALLOW_ORIGIN: HeaderName = HeaderName::from_static("timing-allow-origin");
/// Headers of requests that pages of other origins may set.
const REQUEST_HEADERS: &str = "Authorization, Content-Type, If-Match";
/// Headers of answers that pages of other origins may read.
const ANSWER_HEADERS: &str =
    "Location, ETag, Link, Accept-Patch, Accept-Post, Retry-After, WWW-Authenticate";
/// Seconds for which browsers may remember a preflight.
const PREFLIGHT_AGE_S: &str = "7200";

/// Everything the server serves; `pages` are the process's own, `/metrics` and `/health`.
pub(super) fn router(app: Shared, pages: Router) -> Router {
    let mut api = Router::new();
    for (path, methods) in api_routes(app.settings.open) {
        api = api.route(path, methods);
    }
    api.method_not_allowed_fallback(|| async { StatusCode::METHOD_NOT_ALLOWED })
        .with_state(app.clone())
        .merge(assets::router())
        .merge(pages)
        .fallback(|| async { Problem::no_such_path() })
        .layer(middleware::from_fn_with_state(app, finish))
}

/// The HTTP API: each path with its methods. The OpenAPI document says the same of them.
pub(super) fn api_routes(open: bool) -> Vec<(&'static str, MethodRouter<Shared>)> {
    let document: Arc<str> = openapi::text(open).into();
    let tokens = post(rest::draw_token).options(preflight("POST", None));
    let mut routes = vec![
        ("/openapi.json", get(move || json_text(document.clone()))),
        ("/v1/probe", get(probe).options(preflight("GET", None))),
    ];
    routes.extend(room_routes());
    routes.extend(people_routes());
    routes.extend(media_routes());
    routes.extend(open.then_some(("/v1/rooms/{room}/tokens", tokens)));
    routes
}

fn room_routes() -> [(&'static str, MethodRouter<Shared>); 10] {
    [
        (
            "/v1/drain",
            post(rest::drain)
                .get(rest::read_drain)
                .delete(rest::undrain)
                .options(preflight("GET, POST, DELETE", None)),
        ),
        ("/v1/identities/{identity}", delete(rest::erase).options(preflight("DELETE", None))),
        ("/v1/identities/{identity}/blocks", get(rest::blocks).options(preflight("GET", None))),
        (
            "/v1/identities/{identity}/blocks/{other}",
            put(rest::block).delete(rest::unblock).options(preflight("PUT, DELETE", None)),
        ),
        ("/v1/revocations", post(rest::revoke).options(preflight("POST", None))),
        ("/v1/rooms", post(rest::create).get(rest::list).options(preflight("GET, POST", None))),
        (
            "/v1/rooms/{room}",
            get(rest::read)
                .patch(rest::change)
                .delete(rest::close)
                .options(preflight("GET, PATCH, DELETE", None)),
        ),
        ("/v1/rooms/{room}/log", get(rest::log).options(preflight("GET", None))),
        ("/v1/rooms/{room}/bans", get(rest::bans).options(preflight("GET", None))),
        (
            "/v1/rooms/{room}/bans/{identity}",
            put(rest::ban).delete(rest::unban).options(preflight("PUT, DELETE", None)),
        ),
    ]
}

fn people_routes() -> [(&'static str, MethodRouter<Shared>); 11] {
    let posts = || preflight("POST", None);
    let puts = || preflight("PUT", None);
    [
        ("/v1/rooms/{room}/participants", get(rest::participants).options(preflight("GET", None))),
        ("/v1/rooms/{room}/hands", get(rest::hands).options(preflight("GET", None))),
        ("/v1/rooms/{room}/mute-all", post(rest::mute_all).options(posts())),
        ("/v1/rooms/{room}/host", post(rest::hand_over).options(posts())),
        (
            "/v1/rooms/{room}/participants/{participant}",
            delete(rest::remove).options(preflight("DELETE", None)),
        ),
        ("/v1/rooms/{room}/participants/{participant}/role", put(rest::set_role).options(puts())),
        ("/v1/rooms/{room}/participants/{participant}/muted", put(rest::mute).options(puts())),
        (
            "/v1/rooms/{room}/participants/{participant}/hand",
            put(rest::raise_hand)
                .delete(rest::decline_hand)
                .options(preflight("PUT, DELETE", None)),
        ),
        (
            "/v1/rooms/{room}/participants/{participant}/hand/accept",
            post(rest::accept_hand).options(posts()),
        ),
        (
            "/v1/rooms/{room}/participants/{participant}/invitation",
            post(rest::invite).delete(rest::uninvite).options(preflight("POST, DELETE", None)),
        ),
        ("/v1/rooms/{room}/participants/{participant}/report", post(rest::report).options(posts())),
    ]
}

fn media_routes() -> [(&'static str, MethodRouter<Shared>); 4] {
    let endpoint = |post: MethodRouter<Shared>| {
        post.get(whip::nothing).options(preflight("POST", Some((ACCEPT_POST, SDP))))
    };
    [
        ("/v1/rooms/{room}/whip", endpoint(post(whip::whip))),
        ("/v1/rooms/{room}/whep", endpoint(post(whip::whep))),
        (
            "/v1/rooms/{room}/sessions/{session}",
            patch(resource::patch)
                .delete(resource::delete)
                .get(whip::nothing)
                .options(preflight("PATCH, DELETE", Some((ACCEPT_PATCH, SDPFRAG)))),
        ),
        ("/v1/rooms/{room}/ws", get(socket::upgrade)),
    ]
}

async fn json_text(text: Arc<str>) -> Response {
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(JSON)),
        (header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*")),
    ];
    (headers, text.to_string()).into_response()
}

/// Answers with nothing: its round trip is what clients measure.
async fn probe() -> Response {
    let headers = [
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (TIMING_ALLOW_ORIGIN, HeaderValue::from_static("*")),
    ];
    (StatusCode::NO_CONTENT, headers).into_response()
}

/// `OPTIONS`, for CORS preflights; 200 as RFC 9725 section 4.2 has it.
fn preflight(
    methods: &'static str,
    accepts: Option<(HeaderName, &'static str)>,
) -> impl Fn() -> std::future::Ready<(StatusCode, HeaderMap)> + Clone + Send + Sync + 'static {
    let mut headers = HeaderMap::new();
    let mut put = |name, value| headers.insert(name, HeaderValue::from_static(value));
    put(header::ACCESS_CONTROL_ALLOW_METHODS, methods);
    put(header::ACCESS_CONTROL_ALLOW_HEADERS, REQUEST_HEADERS);
    put(header::ACCESS_CONTROL_MAX_AGE, PREFLIGHT_AGE_S);
    if let Some((name, value)) = accepts {
        put(name, value);
    }
    move || std::future::ready((StatusCode::OK, headers.clone()))
}

/// Counts, completes errors, and lets pages of other origins in.
async fn finish(State(app): State<Shared>, request: Request, next: Next) -> Response {
    let begun = Instant::now();
    let route = request.extensions().get::<MatchedPath>().cloned();
    let is_api = request.uri().path().starts_with("/v1/");
    let mut response = problem::complete(next.run(request).await);
    let headers = response.headers_mut();
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if is_api {
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
        let exposed = HeaderValue::from_static(ANSWER_HEADERS);
        headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, exposed);
    }
    let route = route.as_ref().map_or("unmatched", MatchedPath::as_str);
    app.metrics.answered(route, response.status().as_u16(), begun.elapsed());
    response
}
