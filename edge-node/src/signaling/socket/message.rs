//! Messages of the WebSocket as `web/PROTOCOL.md` describes them. Pure.

use serde::{Deserialize, Serialize};
use stoa_protocol::ids::{ParticipantId, Role, RoomId};

use super::super::problem::{Problem, ProblemBody};
use crate::rooms::{Roster, RosterMember, SlotNames};

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
    /// "I hang up."
    Leave,
    /// "Are you there?"
    Ping,
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
        return Err(Problem::bad_request("name-malformed", detail));
    }
    if name.chars().any(char::is_control) {
        return Err(Problem::bad_request("name-malformed", "A name holds no control characters."));
    }
    Ok(())
}

/// What the server says.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub(super) enum Told<'a> {
    /// The answer to `join`.
    Joined {
        /// The request's id.
        #[serde(skip_serializing_if = "Option::is_none")]
        id: Option<MessageId>,
        /// Who one is.
        participant: &'a ParticipantId,
        /// Where one is.
        room: RoomName<'a>,
        /// What one may do.
        role: Role,
        /// The SDP answer.
        sdp: &'a str,
        /// Which line is which slot.
        slots: Vec<SlotMid<'a>>,
        /// Servers for NAT traversal.
        ice_servers: &'a [ClientIceServer],
        /// Everybody on the stage.
        stage: Vec<Member<'a>>,
        /// How many listen.
        listeners: u32,
        /// Who is heard where right now.
        speaking: Vec<SlotUse<'a>>,
    },
    /// The answer to `restart`.
    Restarted {
        /// The request's id.
        #[serde(skip_serializing_if = "Option::is_none")]
        id: Option<MessageId>,
        /// The SDP answer.
        sdp: &'a str,
    },
    /// Done; nothing more to say.
    Ok {
        /// The request's id.
        #[serde(skip_serializing_if = "Option::is_none")]
        id: Option<MessageId>,
    },
    /// It was refused.
    Error {
        /// The request's id.
        #[serde(skip_serializing_if = "Option::is_none")]
        id: Option<MessageId>,
        /// Why.
        problem: ProblemBody,
        /// Seconds after which to try again.
        #[serde(skip_serializing_if = "Option::is_none")]
        retry_after_s: Option<u32>,
    },
    /// Who is there has changed.
    Roster {
        /// Everybody on the stage.
        stage: Vec<Member<'a>>,
        /// How many listen.
        listeners: u32,
    },
    /// Who is heard where has changed.
    Slots {
        /// Every slot.
        slots: Vec<SlotUse<'a>>,
    },
    /// It is over.
    Closed {
        /// Why.
        reason: &'a str,
    },
}

impl Told<'_> {
    /// The refusal of a request.
    #[must_use]
    pub(super) fn refusal(id: Option<MessageId>, problem: &Problem) -> Told<'static> {
        Told::Error { id, problem: problem.body(), retry_after_s: problem.retry_after_s }
    }

    /// The JSON text.
    #[must_use]
    pub(super) fn to_text(&self) -> String {
        // Nothing in these types can fail to serialize; an empty object is the least harmful lie.
        serde_json::to_string(self).unwrap_or_else(|_| "{}".into())
    }
}

/// A room as its participants know it.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct RoomName<'a> {
    /// Its id.
    pub id: &'a RoomId,
    /// What people read.
    pub name: &'a str,
}

/// Which line of the SDP is which slot.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct SlotMid<'a> {
    /// The slot, from 0.
    pub slot: usize,
    /// The line's `mid`.
    pub mid: &'a str,
}

/// Who is heard on a slot.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct SlotUse<'a> {
    /// The slot, from 0.
    pub slot: usize,
    /// Who; nobody when absent.
    pub participant: Option<&'a ParticipantId>,
}

/// Somebody on the stage.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct Member<'a> {
    /// Who.
    pub participant: &'a ParticipantId,
    /// What people read.
    pub name: &'a str,
    /// What he may do.
    pub role: Role,
    /// Whether he is muted.
    pub muted: bool,
}

impl<'a> From<&'a RosterMember> for Member<'a> {
    fn from(member: &'a RosterMember) -> Self {
        Self {
            participant: &member.participant,
            name: &member.name,
            role: member.role,
            muted: member.muted,
        }
    }
}

/// An `RTCIceServer` for clients.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct ClientIceServer {
    /// `stun:` and `turn:` URLs.
    pub urls: Vec<String>,
    /// User name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// Password.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub credential: Option<String>,
}

/// The stage of a roster, for the wire.
#[must_use]
pub(super) fn stage(roster: &Roster) -> Vec<Member<'_>> {
    roster.stage.iter().map(Member::from).collect()
}

/// Who is heard where, for the wire; only slots that the client has a line for.
#[must_use]
pub(super) fn slot_uses(names: &SlotNames, lines: usize) -> Vec<SlotUse<'_>> {
    let uses = names.iter().enumerate().take(lines);
    uses.map(|(slot, name)| SlotUse { slot, participant: name.as_ref() }).collect()
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
