//! Errors as clients see them: `application/problem+json` (RFC 9457).
//!
//! `type` is a relative reference (`/problems/room-not-found`), stable, and meant for programs;
//! `detail` is a sentence for people.

use std::fmt::Display;
use std::sync::Arc;

use axum::body::Body;
use axum::http::header::{
    ALLOW, CACHE_CONTROL, CONTENT_TYPE, HeaderName, LINK, RETRY_AFTER, UPGRADE, WWW_AUTHENTICATE,
};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use stoa_protocol::mesh::control;
use stoa_protocol::tenant::QuotaReached;
use utoipa::ToSchema;

use super::alternatives::Alternative;

/// Media type of every error's body.
pub const PROBLEM_JSON: &str = "application/problem+json";

/// Seconds after which a client may try again when nobody knows better.
pub(super) const RETRY_AFTER_S: u32 = 2;

/// Why a request was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// HTTP status, 400 to 599.
    pub status: StatusCode,
    /// Stable short name, e.g. `room-not-found`.
    pub code: String,
    /// A clear sentence.
    pub detail: String,
    /// Seconds after which to try again.
    pub retry_after_s: Option<u32>,
    /// Other edges that may have room.
    pub alternatives: Arc<[Alternative]>,
    /// Which field or parameter of the request is broken.
    pub field: Option<String>,
}

/// A problem's JSON members.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = Problem)]
pub struct ProblemBody {
    /// Names the kind of problem, for programs.
    pub r#type: String,
    /// The kind of problem, for people.
    pub title: String,
    /// HTTP status.
    pub status: u16,
    /// This occurrence, for people.
    pub detail: String,
    /// Base URLs of other edges, in the order in which to try them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    pub alternatives: Vec<String>,
    /// Which field or parameter of the request is broken.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub field: Option<String>,
}

impl Problem {
    /// A problem that trying again soon does not cure.
    #[must_use]
    pub fn new(status: StatusCode, code: &str, detail: impl Into<String>) -> Self {
        let (code, detail) = (code.into(), detail.into());
        Self {
            status,
            code,
            detail,
            retry_after_s: None,
            alternatives: Arc::default(),
            field: None,
        }
    }

    /// The same problem, of a field or parameter of the request.
    #[must_use]
    pub fn about(self, field: &str) -> Self {
        Self { field: Some(field.to_owned()), ..self }
    }

    /// Something in the request is not as it should be.
    #[must_use]
    pub fn bad_request(code: &str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, detail)
    }

    /// This node cannot serve the request right now.
    #[must_use]
    pub fn unavailable(code: &str, detail: impl Into<String>) -> Self {
        Self {
            retry_after_s: Some(RETRY_AFTER_S),
            ..Self::new(StatusCode::SERVICE_UNAVAILABLE, code, detail)
        }
    }

    /// Nothing is served at this path.
    #[must_use]
    pub fn no_such_path() -> Self {
        Self::new(StatusCode::NOT_FOUND, "path-not-found", "Nothing is served at this path.")
    }

    /// A session's address that names nothing, or nothing any more.
    #[must_use]
    pub fn no_such_session() -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "session-not-found",
            "There is no such session, or it has ended.",
        )
    }

    /// Stands in for an error response that has no problem body of its own.
    #[must_use]
    pub fn of_status(status: StatusCode) -> Self {
        let (code, detail) = match status {
            StatusCode::NOT_FOUND => return Self::no_such_path(),
            StatusCode::METHOD_NOT_ALLOWED => (
                "method-not-allowed",
                "This path does not serve this method; see the Allow header.",
            ),
            StatusCode::UPGRADE_REQUIRED => {
                ("websocket-required", "This path speaks WebSocket (RFC 6455) only.")
            }
            status if status.is_server_error() => {
                ("internal-error", "The request failed for a reason that is not the client's.")
            }
            _ => ("bad-request", "The request cannot be used as it is."),
        };
        Self::new(status, code, detail)
    }

    /// A session restarts ICE more often than it may.
    #[must_use]
    pub fn restarts_too_many() -> Self {
        Self::too_many(
            "restarts-too-many",
            "A session may restart ICE once a second, three times at once.",
        )
    }

    /// Something is asked for more often than it may be.
    #[must_use]
    pub fn too_many(code: &str, detail: &str) -> Self {
        Self { retry_after_s: Some(1), ..Self::new(StatusCode::TOO_MANY_REQUESTS, code, detail) }
    }

    /// The JSON members.
    #[must_use]
    pub fn body(&self) -> ProblemBody {
        ProblemBody {
            r#type: format!("/problems/{}", self.code),
            title: title(&self.code),
            status: self.status.as_u16(),
            detail: self.detail.clone(),
            alternatives: self.alternatives.iter().map(|edge| edge.url().to_owned()).collect(),
            field: self.field.clone(),
        }
    }

    /// Whether this edge is the trouble, so that another may do.
    #[must_use]
    pub fn is_of_this_edge(&self) -> bool {
        self.status == StatusCode::SERVICE_UNAVAILABLE && self.code.starts_with("edge-")
    }
}

impl From<control::Problem> for Problem {
    /// What the room side says is passed on, except that a status outside 400 to 599 becomes 500.
    fn from(problem: control::Problem) -> Self {
        let status = u16::try_from(problem.status)
            .ok()
            .filter(|status| (400..600).contains(status))
            .and_then(|status| StatusCode::from_u16(status).ok())
            .unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let given = Some(problem.retry_after_s).filter(|seconds| *seconds > 0);
        let retry_after_s = match status {
            StatusCode::SERVICE_UNAVAILABLE => given.or(Some(RETRY_AFTER_S)),
            _ => given,
        };
        let code = if problem.code.is_empty() { "refused".into() } else { problem.code };
        Self { retry_after_s, ..Self::new(status, &code, problem.detail) }
    }
}

impl From<QuotaReached> for Problem {
    fn from(reached: QuotaReached) -> Self {
        Self {
            retry_after_s: Some(reached.retry_after_s),
            ..Self::new(StatusCode::TOO_MANY_REQUESTS, reached.code(), sentence(&reached))
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let body = serde_json::to_vec(&self.body()).unwrap_or_default();
        let mut response = Response::new(Body::from(body));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(seconds) = self.retry_after_s {
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        for alternative in self.alternatives.iter() {
            headers.append(LINK, alternative.link().clone());
        }
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static(challenge(&self.code)));
        }
        response
    }
}

/// Gives a problem body to an error response that has none, and keeps the headers that belong to it.
pub(super) fn complete(response: Response) -> Response {
    const KEPT: [HeaderName; 2] = [ALLOW, UPGRADE];
    let status = response.status();
    let has_body = response.headers().get(CONTENT_TYPE).is_some_and(|kind| kind == PROBLEM_JSON);
    if has_body || !(status.is_client_error() || status.is_server_error()) {
        return response;
    }
    let mut completed = Problem::of_status(status).into_response();
    for name in KEPT {
        if let Some(value) = response.headers().get(&name) {
            completed.headers_mut().insert(name, value.clone());
        }
    }
    completed
}

/// RFC 6750 section 3: no error code when the request held no token at all.
fn challenge(code: &str) -> &'static str {
    match code {
        "token-missing" => "Bearer realm=\"stoa\"",
        _ => "Bearer realm=\"stoa\", error=\"invalid_token\"",
    }
}

/// An error's message as a sentence for people: a capital letter, a full stop.
#[must_use]
pub(super) fn sentence(error: &impl Display) -> String {
    let message = error.to_string();
    let mut letters = message.trim_end_matches('.').chars();
    let first = letters.next().map(char::to_uppercase);
    let mut sentence: String = first.into_iter().flatten().chain(letters).collect();
    sentence.push('.');
    sentence
}

/// `room-not-found` reads "Room not found".
fn title(code: &str) -> String {
    let words = code.replace('-', " ");
    let mut letters = words.chars();
    match letters.next() {
        Some(first) => first.to_uppercase().chain(letters).collect(),
        None => words,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from_rooms(status: u32, retry_after_s: u32) -> Problem {
        Problem::from(control::Problem {
            status,
            code: "room-not-found".into(),
            detail: "There is no room x.".into(),
            retry_after_s,
            ..control::Problem::default()
        })
    }

    #[test]
    fn a_problem_of_the_room_side_keeps_its_status_code_and_sentence() {
        let body = from_rooms(404, 0).body();
        assert_eq!(body.r#type, "/problems/room-not-found");
        assert_eq!(body.title, "Room not found");
        assert_eq!((body.status, body.detail.as_str()), (404, "There is no room x."));
    }

    #[test]
    fn a_message_becomes_one_sentence_whatever_it_ends_with() {
        for message in ["a room's id must not be empty", "A room's id must not be empty."] {
            assert_eq!(sentence(&message), "A room's id must not be empty.");
        }
    }

    #[test]
    fn a_status_that_is_no_error_becomes_an_internal_error() {
        for status in [0, 200, 399, 600, 70_000] {
            assert_eq!(from_rooms(status, 0).status, StatusCode::INTERNAL_SERVER_ERROR);
        }
    }

    #[test]
    fn a_503_always_says_when_to_come_back() {
        let of = |seconds| from_rooms(503, seconds).into_response().headers()[RETRY_AFTER].clone();
        assert_eq!(of(30), "30");
        assert_eq!(of(0), "2");
    }

    #[test]
    fn an_error_without_a_problem_gets_one_and_keeps_its_allow_header() {
        let mut bare = Response::new(Body::from("nope"));
        *bare.status_mut() = StatusCode::METHOD_NOT_ALLOWED;
        bare.headers_mut().insert(ALLOW, HeaderValue::from_static("POST"));
        let completed = complete(bare);
        assert_eq!(completed.headers()[CONTENT_TYPE], PROBLEM_JSON);
        assert_eq!(completed.headers()[ALLOW], "POST");
    }

    #[test]
    fn success_passes_untouched() {
        let response = complete(Response::new(Body::from("fine")));
        assert!(!response.headers().contains_key(CONTENT_TYPE));
    }
}
