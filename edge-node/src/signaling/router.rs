//! Which request goes where, and what all answers have in common.

use std::time::Instant;

use axum::Router;
use axum::extract::{MatchedPath, Request, State};
use axum::http::StatusCode;
use axum::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get, patch, post};

use super::app::Shared;
use super::body::SDP;
use super::problem::{self, Problem};
use super::resource::{self, ACCEPT_PATCH};
use super::sdpfrag::SDPFRAG;
use super::{assets, room_routes, socket, whip};

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
    let endpoint = |post: MethodRouter<Shared>| {
        post.get(whip::nothing).options(preflight("POST", Some((ACCEPT_POST, SDP))))
    };
    let api = Router::new()
        .route("/v1/probe", get(probe).options(preflight("GET", None)))
        .route(
            "/v1/rooms",
            post(room_routes::create).get(room_routes::list).options(preflight("GET, POST", None)),
        )
        .route(
            "/v1/rooms/{room}",
            get(room_routes::read)
                .delete(room_routes::close)
                .options(preflight("GET, DELETE", None)),
        )
        .route("/v1/rooms/{room}/whip", endpoint(post(whip::whip)))
        .route("/v1/rooms/{room}/whep", endpoint(post(whip::whep)))
        .route(
            "/v1/rooms/{room}/sessions/{session}",
            patch(resource::patch)
                .delete(resource::delete)
                .get(whip::nothing)
                .options(preflight("PATCH, DELETE", Some((ACCEPT_PATCH, SDPFRAG)))),
        )
        .route("/v1/rooms/{room}/ws", get(socket::upgrade));
    let api = if app.settings.open {
        let tokens = post(room_routes::draw_token).options(preflight("POST", None));
        api.route("/v1/rooms/{room}/tokens", tokens)
    } else {
        api
    };
    api.method_not_allowed_fallback(|| async { StatusCode::METHOD_NOT_ALLOWED })
        .with_state(app.clone())
        .merge(assets::router())
        .merge(pages)
        .fallback(|| async { Problem::no_such_path() })
        .layer(middleware::from_fn_with_state(app, finish))
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
