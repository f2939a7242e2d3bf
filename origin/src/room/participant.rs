//! Somebody in a room, and the request by which he comes in.

use std::time::Instant;

use stoa_audio::frame::TrackId;
use stoa_link::event::LinkId;
use stoa_protocol::ids::{NodeId, ParticipantId, Role};
use stoa_protocol::mesh::control::{self, WireRole};

use super::hands::Turn;
use super::limits::{IDENTITY_CHARS_MAX, PARTICIPANT_NAME_CHARS_MAX};
use super::refusal::Refusal;

/// Who switched a microphone off; it decides who may switch it on again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MutedBy {
    /// The participant: nobody else may make him audible again.
    Oneself,
    /// A moderator or host.
    Moderator,
}

/// Through which link a participant is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whereabouts {
    /// Through this link.
    Here(LinkId),
    /// The link went down; he leaves at `until` unless his edge is back by then.
    Away {
        /// When he counts as gone.
        until: Instant,
    },
}

/// Somebody in a room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Participant {
    /// Unique in the room.
    pub id: ParticipantId,
    /// Who the token said this is.
    pub identity: String,
    /// What people read.
    pub name: String,
    /// What he may do in this room.
    pub role: Role,
    /// What his token says he may do.
    pub token_role: Role,
    /// His place in the queue of hands, while his is up.
    pub turn: Option<Turn>,
    /// Whether he is invited to the stage.
    pub invited: bool,
    /// Who muted him; `None` while he is audible.
    pub muted: Option<MutedBy>,
    /// The track that he may publish.
    pub track: Option<TrackId>,
    /// The track that he had at the edge that he has come from.
    pub left: Option<TrackId>,
    /// The edge that holds his session.
    pub node: NodeId,
    /// The link to that edge.
    pub whereabouts: Whereabouts,
}

impl Participant {
    /// The link through which he is reached right now.
    #[must_use]
    pub fn link(&self) -> Option<LinkId> {
        match self.whereabouts {
            Whereabouts::Here(link) => Some(link),
            Whereabouts::Away { .. } => None,
        }
    }

    /// As the snapshot of the room shows a member of the stage.
    #[must_use]
    pub fn stage_member(&self) -> control::StageMember {
        control::StageMember {
            participant: self.id.as_str().to_owned(),
            name: self.name.clone(),
            role: WireRole::from(self.role).into(),
            muted: self.muted.is_some(),
            track: self.track.map_or(0, |track| track.0),
        }
    }

    /// As lists show him; the identity only to those who may know it.
    #[must_use]
    pub fn info(&self, identity: bool) -> control::ParticipantInfo {
        control::ParticipantInfo {
            participant: self.id.as_str().to_owned(),
            name: self.name.clone(),
            role: WireRole::from(self.role).into(),
            muted: self.muted.is_some(),
            hand: self.turn.is_some(),
            raised_ms: self.turn.map_or(0, |turn| turn.raised_ms),
            invited: self.invited,
            identity: if identity { self.identity.clone() } else { String::new() },
        }
    }
}

/// A wish to come in, checked from the wire.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Joining {
    /// Wanted id, unique in the room.
    pub participant: ParticipantId,
    /// Who the token says this is.
    pub identity: String,
    /// What people read.
    pub name: String,
    /// What the token allows.
    pub role: Role,
    /// The track he may publish while on the stage.
    pub track: Option<TrackId>,
    /// Whether he joins muted.
    pub muted: bool,
    /// Whether he was here before under this id, maybe through another edge.
    pub resumes: bool,
    /// Whether his token names this room.
    pub named: bool,
}

impl TryFrom<&control::Join> for Joining {
    type Error = Refusal;

    /// An empty name falls back to the identity.
    fn try_from(wire: &control::Join) -> Result<Self, Refusal> {
        let participant =
            ParticipantId::new(wire.participant.as_str()).map_err(Refusal::NameInvalid)?;
        let identity = readable("The identity", &wire.identity, IDENTITY_CHARS_MAX)?;
        let name = if wire.name.is_empty() {
            identity.chars().take(PARTICIPANT_NAME_CHARS_MAX).collect()
        } else {
            readable("A participant's name", &wire.name, PARTICIPANT_NAME_CHARS_MAX)?
        };
        let role = WireRole::try_from(wire.role).map_err(|_| Refusal::RoleUnknown(wire.role))?;
        let track = (wire.track != 0).then_some(TrackId(wire.track));
        Ok(Self {
            participant,
            identity,
            name,
            role: role.into(),
            track,
            muted: wire.muted,
            resumes: wire.resumes,
            named: wire.named,
        })
    }
}

/// Takes a text that people read: 1 to `max` characters, none of them a control character.
pub(super) fn readable(what: &'static str, text: &str, max: usize) -> Result<String, Refusal> {
    let length = text.chars().count();
    if length == 0 || length > max {
        return Err(Refusal::TextLength { what, length, max });
    }
    if text.chars().any(char::is_control) {
        return Err(Refusal::TextControl { what });
    }
    Ok(text.to_owned())
}
