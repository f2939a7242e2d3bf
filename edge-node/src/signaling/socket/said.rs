//! What a client may say, as `web/PROTOCOL.md` describes it. Pure.

use serde::Deserialize;
use stoa_protocol::ids::{ParticipantId, Role};

use super::super::problem::Problem;

/// Most characters of a name.
pub(crate) const NAME_CHARACTERS_MAX: usize = 64;

/// Chosen by the client, repeated in the answer.
pub(super) type MessageId = i64;

/// What a client says.
#[derive(Clone, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub(super) enum Said {
    /// "Take me in."
    Join {
        /// The access token.
        token: String,
        /// What people read; the token's name when absent.
        #[serde(default)]
        name: Option<String>,
        /// The SDP offer.
        sdp: String,
        /// Whether to start muted.
        #[serde(default)]
        muted: bool,
        /// A former life.
        #[serde(default)]
        resume: Option<String>,
    },
    /// "My connection was lost, and my audio goes on."
    Resume {
        /// The access token.
        token: String,
        /// What `joined` gave.
        resume: String,
    },
    /// "My network has changed."
    Restart {
        /// The SDP offer with new ICE credentials.
        sdp: String,
    },
    /// "Mute me", or somebody else.
    Mute {
        /// The new state.
        muted: bool,
        /// Who is meant; oneself when absent.
        #[serde(default)]
        participant: Option<ParticipantId>,
    },
    /// "Send me packets of that length."
    Packets {
        /// In milliseconds: 20, 40, 60, 100 or 120.
        ms: u32,
    },
    /// "I want to speak", or no longer.
    Hand {
        /// Whether the hand is up.
        raised: bool,
    },
    /// Something that people do to each other.
    Stage(StageAction),
    /// Applause.
    React {
        /// Which.
        reaction: String,
    },
    /// "Who is here?"
    Participants {
        /// Only participants whose id sorts after this one.
        #[serde(default)]
        after: Option<ParticipantId>,
        /// At most this many, 1 to 100.
        #[serde(default)]
        limit: Option<u32>,
    },
    /// "I hang up."
    Leave,
    /// "Are you there?"
    Ping,
}

/// What people do to each other; which fields go with an action, `actions` says.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct StageAction {
    /// Which.
    pub action: String,
    /// To whom.
    #[serde(default)]
    pub participant: Option<ParticipantId>,
    /// The new role.
    #[serde(default)]
    pub role: Option<Role>,
    /// Why.
    #[serde(default)]
    pub reason: Option<String>,
    /// For how long; for good when absent.
    #[serde(default)]
    pub seconds: Option<u32>,
    /// To whom, by identity.
    #[serde(default)]
    pub identity: Option<String>,
}

#[derive(Deserialize)]
struct Numbered {
    #[serde(default)]
    id: Option<MessageId>,
}

/// Reads a client's message and its id. Unknown members are ignored, so that clients may be newer.
///
/// # Errors
/// The id, if at least that can be read, and a sentence for the client's developer. It never quotes
/// the message, which may hold a token.
pub(super) fn read(text: &str) -> Result<(Option<MessageId>, Said), (Option<MessageId>, String)> {
    let id = serde_json::from_str::<Numbered>(text)
        .map_err(|error| (None, format!("The message is not as expected: {}.", place(&error))))?
        .id;
    let said = serde_json::from_str(text).map_err(|error| {
        (id, format!("The message is of unknown type or has wrong fields: {}.", place(&error)))
    })?;
    Ok((id, said))
}

fn place(error: &serde_json::Error) -> String {
    let what = match error.classify() {
        serde_json::error::Category::Data => "a member is missing or of wrong kind",
        _ => "it is not a JSON object",
    };
    format!("{what}, near character {}", error.column())
}

/// What people may read as a name: 1 to 64 characters, none of them a control character.
///
/// # Errors
/// 400 with a sentence.
pub(crate) fn check_name(name: &str) -> Result<(), Problem> {
    let characters = name.chars().count();
    if name.trim().is_empty() || characters > NAME_CHARACTERS_MAX {
        let detail = format!("A name has 1 to {NAME_CHARACTERS_MAX} characters.");
        return Err(Problem::bad_request("name-malformed", detail).about("name"));
    }
    if name.chars().any(char::is_control) {
        let detail = "A name holds no control characters.";
        return Err(Problem::bad_request("name-malformed", detail).about("name"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn arbitrary_text_never_panics(text in any::<String>(), kind in "join|mute|ping|leave|[a-z]{0,5}") {
            let _ = read(&text);
            let value = serde_json::Value::from(text.clone());
            let _ = read(&serde_json::json!({"type": kind, "id": 1, "token": value, "sdp": text}).to_string());
        }
    }

    #[test]
    fn a_message_without_id_and_with_unknown_members_is_read() {
        let (id, said) =
            read(r#"{"type": "mute", "muted": true, "mood": "quiet"}"#).expect("message");
        assert!(id.is_none());
        assert!(matches!(said, Said::Mute { muted: true, participant: None }));
    }

    #[test]
    fn a_refused_message_still_tells_its_id() {
        let Err((id, _)) = read(r#"{"type": "dance", "id": 7}"#) else { panic!("was understood") };
        assert_eq!(id, Some(7));
    }

    #[test]
    fn a_refusal_never_quotes_the_message() {
        let texts = [
            r#"{"type": "join", "token": "s3cret", "sdp": 1}"#,
            r#"{"type": "s3cret"}"#,
            r#"{"id": "s3cret"}"#,
            "s3cret",
            r#""s3cret""#,
        ];
        for text in texts {
            let Err((_, sentence)) = read(text) else { panic!("{text} was understood") };
            assert!(!sentence.contains("s3cret"), "{sentence}");
        }
    }

    #[test]
    fn names_have_bounds() {
        assert!(check_name("Ada Lovelace").is_ok());
        for wrong in ["", "  ", "a\u{0}b", &"x".repeat(65)] {
            assert_eq!(check_name(wrong).expect_err(wrong).code, "name-malformed");
        }
    }
}
