//! Each way a request to a room can be wrong, with the sentence that people read.

use stoa_protocol::ids::{NameError, ParticipantId, Role, RoomId};
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
    #[error("Muting '{participant}' takes a moderator of at least the same role.")]
    MuteForbidden {
        /// Who should be muted.
        participant: ParticipantId,
    },
    /// Nobody's microphone is opened by another person.
    #[error("Only '{participant}' can unmute: the microphone was switched off at that end.")]
    UnmuteForbidden {
        /// Who should be unmuted.
        participant: ParticipantId,
    },
    /// What can be known of a room, but not by this number.
    #[error("Visibility {0} is unknown here; known are 0 (open) to 2 (private).")]
    VisibilityUnknown(i32),
    /// More trees than there are, or none.
    #[error("A room has 1 or 2 feeds, not {0}.")]
    FeedsImpossible(u32),
    /// A language that is none.
    #[error("A room's language must be a tag such as 'el' or 'pt-BR' (RFC 5646).")]
    LanguageInvalid,
    /// A deed that the actor's role does not allow, or not to this participant.
    #[error("A {own} may not {deed}.", own = role_name(*own))]
    DeedForbidden {
        /// What he is.
        own: Role,
        /// What he wanted to do, as the end of a sentence.
        deed: &'static str,
    },
    /// A deed that this node does not know, or one without what it takes.
    #[error("This cannot be done: {0}.")]
    DeedMalformed(&'static str),
    /// The room takes no hands.
    #[error("This room takes no raised hands.")]
    HandsClosed,
    /// As many hands as there may be.
    #[error("As many as {max} hands are raised; try again later.")]
    HandsFull {
        /// The limit.
        max: usize,
    },
    /// There is no such hand.
    #[error("The hand of '{participant}' is not raised; it may have been taken down.")]
    HandNotRaised {
        /// Whose.
        participant: ParticipantId,
    },
    /// There is no such invitation.
    #[error("There is no invitation to the stage; it may have been taken back.")]
    NotInvited,
    /// Kept out.
    #[error("You may not enter the room '{room}': its moderators keep you out.")]
    Banned {
        /// The room.
        room: RoomId,
    },
    /// Kept out of every room of its host.
    #[error("You may not enter the room '{room}' now: its host has blocked you.")]
    BlockedByHost {
        /// The room.
        room: RoomId,
    },
    /// A private room, and a token that does not name it.
    #[error("The room '{room}' is private: it takes an access token that names it.")]
    RoomPrivate {
        /// The room.
        room: RoomId,
    },
    /// As many bans as there may be.
    #[error("This room keeps {max} identities out already; let some in again first.")]
    BansFull {
        /// The limit.
        max: usize,
    },
    /// As many appointments as there may be.
    #[error("This room has {max} roles of its own already; take some back first.")]
    AppointmentsFull {
        /// The limit.
        max: usize,
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
            Self::VisibilityUnknown(_) => (400, "visibility-unknown", 0),
            Self::FeedsImpossible(_) => (400, "feeds-impossible", 0),
            Self::LanguageInvalid => (400, "language-invalid", 0),
            Self::DeedForbidden { .. } => (403, "forbidden", 0),
            Self::DeedMalformed(_) => (400, "deed-malformed", 0),
            Self::HandsClosed => (403, "hands-closed", 0),
            Self::HandsFull { .. } => (503, "hands-full", FULL_RETRY_S),
            Self::HandNotRaised { .. } => (409, "hand-not-raised", 0),
            Self::NotInvited => (409, "not-invited", 0),
            Self::Banned { .. } => (403, "banned", 0),
            Self::BlockedByHost { .. } => (403, "blocked-by-host", 0),
            Self::RoomPrivate { .. } => (403, "room-private", 0),
            Self::BansFull { .. } => (409, "bans-full", 0),
            Self::AppointmentsFull { .. } => (409, "appointments-full", 0),
            Self::RoomFull { .. } => (503, "room-full", FULL_RETRY_S),
            Self::StageFull { .. } => (503, "stage-full", FULL_RETRY_S),
        }
    }

    /// As it travels to the asking edge (RFC 9457).
    #[must_use]
    pub fn problem(&self) -> Problem {
        let (status, code, retry_after_s) = self.terms();
        Problem {
            status,
            code: code.to_owned(),
            detail: self.to_string(),
            retry_after_s,
            owner: String::new(),
        }
    }
}

fn role_name(role: Role) -> &'static str {
    match role {
        Role::Listener => "listener",
        Role::Speaker => "speaker",
        Role::Moderator => "moderator",
        Role::Host => "host",
    }
}
