//! Each way a request to a room can be wrong, with the sentence that people read.

use stoa_protocol::ids::{NameError, ParticipantId, RoomId};
use stoa_protocol::mesh::control::Problem;
use thiserror::Error;

/// After how many seconds to try again when a room is full.
const FULL_RETRY_S: u32 = 30;

/// Why a room refused a request.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum Refusal {
    /// An id that is no id.
    #[error("A name cannot be used: {0}.")]
    NameInvalid(NameError),
    /// A text for people that is empty or too long.
    #[error("{what} has {length} characters; it must have 1 to {max}.")]
    TextLength {
        /// Which text, as the beginning of a sentence.
        what: &'static str,
        /// Characters given.
        length: usize,
        /// Characters allowed.
        max: usize,
    },
    /// A text for people that holds line breaks or the like.
    #[error("{what} must not hold control characters such as line breaks.")]
    TextControl {
        /// Which text, as the beginning of a sentence.
        what: &'static str,
    },
    /// A role number that this node does not know.
    #[error("Role {0} is unknown here; known are 0 (listener) to 3 (host).")]
    RoleUnknown(i32),
    /// Nobody of that id.
    #[error("Nobody called '{participant}' is in the room '{room}'.")]
    ParticipantNotFound {
        /// The room.
        room: RoomId,
        /// Who was named.
        participant: ParticipantId,
    },
    /// The id is in use by somebody else, or through another edge.
    #[error(
        "Participant '{participant}' is in the room '{room}' already, as somebody else or through another edge."
    )]
    ParticipantTaken {
        /// The room.
        room: RoomId,
        /// The id asked for.
        participant: ParticipantId,
    },
    /// An edge spoke for somebody who joined elsewhere.
    #[error(
        "Participant '{participant}' joined through another edge, which alone may speak for him."
    )]
    ParticipantElsewhere {
        /// Who was named.
        participant: ParticipantId,
    },
    /// Muting somebody takes a role at least as high as his, and moderator at least.
    #[error(
        "Participant '{by}' may not mute '{participant}': that takes a moderator of at least the same role."
    )]
    MuteForbidden {
        /// Who asked.
        by: ParticipantId,
        /// Who should be muted.
        participant: ParticipantId,
    },
    /// Nobody's microphone is opened by another person.
    #[error("Only '{participant}' can unmute: the microphone was switched off at that end.")]
    UnmuteForbidden {
        /// Who should be unmuted.
        participant: ParticipantId,
    },
    /// As many participants as a room may hold.
    #[error("The room '{room}' is full: it has {max} participants.")]
    RoomFull {
        /// The room.
        room: RoomId,
        /// The limit.
        max: usize,
    },
    /// As many on the stage as it may hold.
    #[error("The stage of the room '{room}' is full: {max} people may speak; join as a listener.")]
    StageFull {
        /// The room.
        room: RoomId,
        /// The limit.
        max: usize,
    },
}

impl Refusal {
    /// HTTP status, stable short name, and seconds after which to try again (0: pointless).
    pub(crate) fn terms(&self) -> (u32, &'static str, u32) {
        match self {
            Self::NameInvalid(_) => (400, "name-invalid", 0),
            Self::TextLength { .. } | Self::TextControl { .. } => (400, "text-invalid", 0),
            Self::RoleUnknown(_) => (400, "role-unknown", 0),
            Self::ParticipantNotFound { .. } => (404, "participant-not-found", 0),
            Self::ParticipantTaken { .. } => (409, "participant-taken", 0),
            Self::ParticipantElsewhere { .. } => (403, "participant-elsewhere", 0),
            Self::MuteForbidden { .. } => (403, "mute-forbidden", 0),
            Self::UnmuteForbidden { .. } => (403, "unmute-forbidden", 0),
            Self::RoomFull { .. } => (503, "room-full", FULL_RETRY_S),
            Self::StageFull { .. } => (503, "stage-full", FULL_RETRY_S),
        }
    }

    /// As it travels to the asking edge (RFC 9457).
    #[must_use]
    pub fn problem(&self) -> Problem {
        let (status, code, retry_after_s) = self.terms();
        Problem { status, code: code.to_owned(), detail: self.to_string(), retry_after_s }
    }
}
