//! Problems that the hub itself reports, in the terms of RFC 9457; the owner's pass through unchanged.

use stoa_protocol::mesh::control::Problem;

use crate::webrtc::OfferError;

fn problem(status: u32, code: &str, detail: &str, retry_after_s: u32) -> Problem {
    Problem {
        status,
        code: code.to_owned(),
        detail: detail.to_owned(),
        retry_after_s,
        owner: String::new(),
    }
}

/// No link to the room's owner.
pub(super) fn owner_unreachable() -> Problem {
    problem(503, "owner-unreachable", "The room's origin cannot be reached right now.", 1)
}

/// The owner did not answer in time.
pub(super) fn owner_silent() -> Problem {
    problem(503, "owner-silent", "The room's origin did not answer in time.", 2)
}

/// Too many requests under way.
pub(super) fn busy() -> Problem {
    problem(503, "edge-busy", "This edge has too many requests under way.", 1)
}

/// No place for another participant or room.
pub(super) fn full() -> Problem {
    problem(503, "edge-full", "This edge takes no more participants.", 5)
}

/// No track is left for another voice.
pub(super) fn voices_full() -> Problem {
    let detail = "This edge carries as many speakers as it may; join as a listener.";
    problem(503, "edge-voices-full", detail, 30)
}

/// The edge is leaving.
pub(super) fn draining() -> Problem {
    problem(503, "edge-draining", "This edge is shutting down; join through another one.", 1)
}

/// The hub has stopped.
pub(super) fn stopped() -> Problem {
    problem(503, "edge-stopped", "This edge is shutting down; join through another one.", 1)
}

/// No such session, or no longer.
pub(super) fn session_unknown() -> Problem {
    problem(404, "session-not-found", "The session does not exist or has ended.", 0)
}

/// No seat to come back to.
pub(super) fn seat_unknown() -> Problem {
    let detail = "There is no such place in the room, or its audio has ended; join again.";
    problem(404, "seat-not-found", detail, 0)
}

/// The place was lost between the two halves of a join.
pub(super) fn seat_lost() -> Problem {
    problem(503, "join-lost", "The join took too long or the room has ended; try again.", 1)
}

/// The role does not allow it.
pub(super) fn forbidden(detail: &str) -> Problem {
    problem(403, "forbidden", detail, 0)
}

/// The owner answered something that does not fit the question.
pub(super) fn owner_confused() -> Problem {
    problem(502, "owner-confused", "The room's origin gave an answer that does not fit.", 0)
}

/// What the media plane thinks of an offer.
pub(super) fn offer(error: &OfferError) -> Problem {
    let (status, code, retry_after_s) = match error {
        OfferError::Malformed(_) => (400, "offer-malformed", 0),
        OfferError::NoAudio { .. } => (400, "offer-without-audio", 0),
        OfferError::NoOpus => (400, "offer-without-opus", 0),
        OfferError::Full(_) => (503, "edge-full", 5),
        OfferError::Gone => (404, "session-not-found", 0),
    };
    problem(status, code, &sentence(&error.to_string()), retry_after_s)
}

fn sentence(text: &str) -> String {
    let mut characters = text.chars();
    let first = characters.next().map(|c| c.to_uppercase().collect::<String>()).unwrap_or_default();
    format!("{first}{}.", characters.as_str().trim_end_matches('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_problem_is_told_in_a_sentence() {
        let problems = [
            owner_unreachable(),
            owner_silent(),
            busy(),
            full(),
            voices_full(),
            draining(),
            stopped(),
            session_unknown(),
            seat_unknown(),
            seat_lost(),
            owner_confused(),
            offer(&OfferError::Gone),
            offer(&OfferError::NoOpus),
            offer(&OfferError::Full("it has as many sessions as it may have")),
        ];
        for Problem { detail, .. } in problems {
            assert!(detail.starts_with(char::is_uppercase), "{detail}");
            assert!(detail.ends_with('.') && !detail.ends_with(".."), "{detail}");
        }
    }

    #[test]
    fn an_offer_error_becomes_a_sentence() {
        let problem = offer(&OfferError::NoAudio { needed: "sendonly" });
        assert_eq!(problem.status, 400);
        assert_eq!(problem.detail, "The SDP offer has no sendonly audio line.");
    }
}
