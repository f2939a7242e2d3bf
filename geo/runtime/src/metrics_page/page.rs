//! The routes `/metrics`, `/health/live` and `/health/ready`, for a binary to merge into its own
//! router or to serve alone.

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use prometheus::{Registry, TextEncoder};

use super::health::Health;
use super::usage::Usage;

/// Seconds after which a client that met an unready process may ask again.
const RETRY_AFTER_S: &str = "2";

#[derive(Clone)]
struct Page {
    registry: Registry,
    health: Health,
}

/// The three routes. Adds the process's own `stoa_process_*` and `stoa_log_*` metrics to `registry`.
pub fn router(registry: Registry, health: Health) -> Router {
    let registered = Usage::new().and_then(|usage| registry.register(Box::new(usage)));
    match registered {
        // A registry that serves two pages holds the metrics already.
        Ok(()) | Err(prometheus::Error::AlreadyReg) => {}
        Err(error) => tracing::error!(%error, "the process metrics are missing"),
    }
    Router::new()
        .route("/metrics", get(metrics))
        .route("/health/live", get(live))
        .route("/health/ready", get(ready))
        .with_state(Page { registry, health })
}

async fn metrics(State(page): State<Page>) -> Response {
    match TextEncoder::new().encode_to_string(&page.registry.gather()) {
        Ok(text) => ([(header::CONTENT_TYPE, prometheus::TEXT_FORMAT)], text).into_response(),
        Err(error) => problem(
            StatusCode::INTERNAL_SERVER_ERROR,
            "The metrics cannot be written",
            &error.to_string(),
        ),
    }
}

async fn live() -> &'static str {
    "live\n"
}

async fn ready(State(page): State<Page>) -> Response {
    let Some(reason) = page.health.refusal() else { return "ready\n".into_response() };
    let mut refusal = problem(StatusCode::SERVICE_UNAVAILABLE, "Not ready", &reason);
    refusal
        .headers_mut()
        .insert(header::RETRY_AFTER, header::HeaderValue::from_static(RETRY_AFTER_S));
    refusal
}

/// An error as RFC 9457 wants it.
fn problem(status: StatusCode, title: &str, detail: &str) -> Response {
    let body = serde_json::json!({
        "type": "about:blank",
        "title": title,
        "status": status.as_u16(),
        "detail": detail,
    });
    (status, [(header::CONTENT_TYPE, "application/problem+json")], body.to_string()).into_response()
}
