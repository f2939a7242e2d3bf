//! How a conversation ends: the close codes of `web/PROTOCOL.md`. Pure.

use super::super::problem::Problem;

/// How a conversation ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ending {
    /// Close code; 4000 to 4999 are ours (RFC 6455 section 7.4.2).
    pub code: u16,
    /// A short reason for people.
    pub reason: &'static str,
    /// What a `closed` message says first.
    pub closed: Option<&'static str>,
}

impl Ending {
    /// An ending without `closed` message.
    #[must_use]
    pub(super) const fn new(code: u16, reason: &'static str) -> Self {
        Self { code, reason, closed: None }
    }

    /// What follows the end of the session or of the server; `closed` tells the reason first.
    #[must_use]
    pub(super) fn of_session(reason: &'static str) -> Self {
        let code = match reason {
            "room-closed" => 4409,
            "revoked" => 4401,
            "removed" | "banned" => 4403,
            "draining" | "overloaded" => 4503,
            "hung-up" | "closed" | "replaced" => 1000,
            _ => 4408,
        };
        Self { code, reason, closed: Some(reason) }
    }

    /// What follows a refusal that ends the conversation.
    #[must_use]
    pub(super) fn after(problem: &Problem) -> Self {
        match problem.status.as_u16() {
            401 => Self::new(4401, "bad or expired token"),
            403 => Self::new(4403, "not allowed"),
            404 => Self::new(4404, "unknown room"),
            429 => Self::new(4429, "too many joins"),
            409 | 410 => Self::new(4409, "room ended"),
            500.. => Self::new(4503, "full or draining"),
            _ => Self::new(4400, "malformed message"),
        }
    }
}
