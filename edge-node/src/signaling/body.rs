//! Reading a request's body within its bounds.

use std::time::Duration;

use axum::body::Body;
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use axum::http::{HeaderMap, StatusCode};
use futures_util::StreamExt;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::app::App;
use super::metrics::Limit;
use super::problem::Problem;
use super::settings::BODY_BYTES_MAX;

/// Media type of SDP offers and answers.
pub(super) const SDP: &str = "application/sdp";

/// Media type of JSON.
pub(super) const JSON: &str = "application/json";

/// Media type of changes to a JSON object (RFC 7396).
pub(super) const MERGE_PATCH: &str = "application/merge-patch+json";

/// Members of a refused object that are looked at to find the broken one.
const MEMBERS_MAX: usize = 64;

/// Refuses other media types; parameters are ignored.
///
/// # Errors
/// 415.
pub(super) fn expect_type(headers: &HeaderMap, expected: &str) -> Result<(), Problem> {
    expect_one_of(headers, &[expected])
}

fn expect_one_of(headers: &HeaderMap, expected: &[&str]) -> Result<(), Problem> {
    let given = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = given.split(';').next().unwrap_or_default().trim();
    if expected.iter().any(|expected| essence.eq_ignore_ascii_case(expected)) {
        return Ok(());
    }
    let detail = format!("The body must be of type {}.", expected.join(" or "));
    Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "content-type-unsupported", detail))
}

/// The whole body as text.
///
/// # Errors
/// 413 over 64 KiB, 408 when it takes too long, 400 when it breaks off or is not UTF-8.
pub(super) async fn text(app: &App, headers: &HeaderMap, body: Body) -> Result<String, Problem> {
    let patience = Duration::from_secs(app.settings.limits.body_read_s);
    let read = tokio::time::timeout(patience, collect(app, headers, body));
    let Ok(bytes) = read.await else {
        app.metrics.reached(Limit::ReadTime);
        return Err(Problem::new(
            StatusCode::REQUEST_TIMEOUT,
            "body-late",
            "The body did not arrive in time.",
        ));
    };
    String::from_utf8(bytes?)
        .map_err(|_| Problem::bad_request("body-malformed", "The body is not UTF-8 text."))
}

async fn collect(app: &App, headers: &HeaderMap, body: Body) -> Result<Vec<u8>, Problem> {
    let too_large = || {
        app.metrics.reached(Limit::BodyBytes);
        let detail = format!("A body holds at most {BODY_BYTES_MAX} bytes.");
        Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "body-too-large", detail)
    };
    let announced =
        headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    if announced.is_some_and(|bytes: u64| bytes > BODY_BYTES_MAX as u64) {
        return Err(too_large());
    }
    let mut collected = Vec::new();
    let mut chunks = body.into_data_stream();
    while let Some(chunk) = chunks.next().await {
        let chunk =
            chunk.map_err(|_| Problem::bad_request("body-incomplete", "The body broke off."))?;
        if collected.len() + chunk.len() > BODY_BYTES_MAX {
            return Err(too_large());
        }
        collected.extend_from_slice(&chunk);
    }
    Ok(collected)
}

/// A JSON body; an empty one reads as an empty object, whatever its type.
///
/// # Errors
/// As [`text`], and 415 or 400 for what is not the expected JSON.
pub(super) async fn json<T: DeserializeOwned>(
    app: &App,
    headers: &HeaderMap,
    body: Body,
) -> Result<T, Problem> {
    json_of(app, headers, body, &[JSON]).await
}

/// As [`json`], of one of these media types.
///
/// # Errors
/// As [`json`].
pub(super) async fn json_of<T: DeserializeOwned>(
    app: &App,
    headers: &HeaderMap,
    body: Body,
    types: &[&str],
) -> Result<T, Problem> {
    let text = text(app, headers, body).await?;
    let text = if text.is_empty() {
        "{}"
    } else {
        expect_one_of(headers, types)?;
        text.as_str()
    };
    // Serde would read an array as the members of an object in their order.
    if !text.trim_start().starts_with('{') {
        return Err(Problem::bad_request("json-malformed", "The body must be a JSON object."));
    }
    serde_json::from_str(text).map_err(|error| {
        let detail = format!("The body is not as expected: {error}.");
        let problem = Problem::bad_request("json-malformed", detail);
        match broken_member::<T>(text, &error) {
            Some(member) => problem.about(&member),
            None => problem,
        }
    })
}

/// Which member of an object is the broken one: that which cannot be read alone, or that which is missing.
fn broken_member<T: DeserializeOwned>(text: &str, error: &serde_json::Error) -> Option<String> {
    const MISSING: &str = "missing field";
    let members = serde_json::from_str::<Map<String, Value>>(text).ok()?;
    let broken = members.into_iter().take(MEMBERS_MAX).find_map(|(name, value)| {
        let alone = Value::Object(Map::from_iter([(name.clone(), value)]));
        let error = serde_json::from_value::<T>(alone).err()?;
        let is_it = !error.to_string().starts_with(MISSING);
        is_it.then(|| name.chars().filter(|c| !c.is_control()).take(64).collect())
    });
    broken.or_else(|| {
        let error = error.to_string();
        error.strip_prefix(MISSING)?.split('`').nth(1).map(str::to_owned)
    })
}
