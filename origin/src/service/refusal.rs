//! Each way a request to this origin can be wrong, with the sentence that people read.

use stoa_audio::frame::TrackId;
use stoa_protocol::ids::{NodeId, RoomId};
use stoa_protocol::mesh::control::{Problem, RevocationError};
use stoa_protocol::tenant::QuotaReached;
use thiserror::Error;

use super::limits::LIST_PAGE_MAX;
use crate::room;

/// After how many seconds to try again when this origin is full.
const FULL_RETRY_S: u32 = 30;

/// After how many seconds to try again while this origin leaves; another one takes over by then.
const DRAIN_RETRY_S: u32 = 5;

/// After how many seconds to try again while a room changes its owner.
const MOVE_RETRY_S: u32 = 1;

/// Status of a request to an origin that does not own the room (RFC 9110 section 15.5.20).
const ELSEWHERE: u32 = 421;
/// After how many seconds to ask again what the store did not answer.
const STORE_RETRY_S: u32 = 2;

/// Why a request was refused.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum Refusal {
    /// The room refused it.
    #[error(transparent)]
    Room(#[from] room::Refusal),
    /// No room of that id.
    #[error("There is no room called '{0}'; it may have ended.")]
    RoomNotFound(RoomId),
    /// Another origin owns it.
    #[error("Room '{room}' lives at origin '{owner}'; ask there.")]
    Elsewhere {
        /// The room.
        room: RoomId,
        /// Its owner.
        owner: NodeId,
    },
    /// This origin may have been replaced, and cannot find out for the moment.
    #[error(
        "This origin does not know for certain that it still answers for '{0}'; try again shortly."
    )]
    OwnerUncertain(RoomId),
    /// The room moves to another origin at this moment.
    #[error("Room '{0}' is about to move to another origin; try again shortly.")]
    Moving(RoomId),
    /// The store has refused it for good.
    #[error(
        "This change was not kept, because the room may have another owner by now; try again shortly."
    )]
    NotKept,
    /// The id is taken.
    #[error("A room called '{0}' exists already; choose another id or leave it empty.")]
    RoomExists(RoomId),
    /// Somebody else publishes under this track id.
    #[error("Track {:016x} belongs to another participant; draw another one.", .0.0)]
    TrackTaken(TrackId),
    /// A page that is too long.
    #[error("A page may hold 1 to {LIST_PAGE_MAX} rooms, not {0}.")]
    PageTooLong(u32),
    /// As many rooms as this origin may hold.
    #[error("This origin holds {max} rooms and takes no more.")]
    RoomsFull {
        /// The limit.
        max: usize,
    },
    /// As many rooms for one edge as it may have.
    #[error("This edge takes part in {max} rooms and may not enter more.")]
    LinkFull {
        /// The limit.
        max: usize,
    },
    /// As many rooms as the tenant may have.
    #[error("This tenant has {max} rooms and may not have more; close one first.")]
    TenantRooms {
        /// The quota.
        max: u32,
        /// The same in the terms of quotas.
        reached: QuotaReached,
    },
    /// As many participants as the tenant may have.
    #[error("This tenant has {max} participants and may not have more; try again later.")]
    TenantParticipants {
        /// The quota.
        max: u32,
        /// The same in the terms of quotas.
        reached: QuotaReached,
    },
    /// A revocation that cannot be read.
    #[error("This revocation cannot be used: it is {0}.")]
    RevocationMalformed(#[from] RevocationError),
    /// No place for a further revocation.
    #[error(
        "As many tokens are revoked as this origin can remember; revoke the key that signs them instead."
    )]
    RevocationsFull,
    /// Somebody blocks himself.
    #[error("Nobody can block himself.")]
    BlocksOneself,
    /// As many as one identity may block.
    #[error("This identity blocks {max} others and may not block more; let some in again first.")]
    BlocksFull {
        /// The limit.
        max: usize,
    },
    /// No place for a further block, whosesoever it is.
    #[error(
        "As many people are blocked as this origin can remember; ban this one from the room instead."
    )]
    BlocksFullHere,
    /// The store cannot be read or written now.
    #[error("What is kept in the store cannot be reached now; ask again.")]
    StoreAway,
    /// As many questions to the store as may be under way.
    #[error("As many questions as this origin allows wait for the store already; ask again.")]
    StoreBusy,
    /// The origin is about to leave.
    #[error("This origin is about to leave and takes nobody new; try again shortly.")]
    Draining,
    /// A newer edge asks for something this origin does not know.
    #[error("This origin does not know the request; it may be older than the edge.")]
    UnknownAsk,
}

impl Refusal {
    /// HTTP status, stable short name, and seconds after which to try again (0: pointless).
    fn terms(&self) -> (u32, &'static str, u32) {
        match self {
            Self::Room(refusal) => refusal.terms(),
            Self::RoomNotFound(_) => (404, "room-not-found", 0),
            Self::Elsewhere { .. } => (ELSEWHERE, "room-elsewhere", 0),
            Self::OwnerUncertain(_) => (503, "owner-uncertain", MOVE_RETRY_S),
            Self::Moving(_) => (503, "room-moving", MOVE_RETRY_S),
            Self::NotKept => (503, "not-kept", MOVE_RETRY_S),
            Self::RoomExists(_) => (409, "room-exists", 0),
            Self::TrackTaken(_) => (409, "track-taken", 0),
            Self::PageTooLong(_) => (400, "page-too-long", 0),
            Self::RoomsFull { .. } => (503, "rooms-full", FULL_RETRY_S),
            Self::LinkFull { .. } => (503, "link-full", FULL_RETRY_S),
            Self::TenantRooms { reached, .. } | Self::TenantParticipants { reached, .. } => {
                (429, reached.code(), reached.retry_after_s)
            }
            Self::RevocationMalformed(_) => (400, "revocation-malformed", 0),
            Self::RevocationsFull => (503, "revocations-full", 0),
            Self::BlocksOneself => (400, "blocks-oneself", 0),
            Self::BlocksFull { .. } => (409, "blocks-full", 0),
            Self::BlocksFullHere => (503, "blocks-full-here", 0),
            Self::StoreAway => (503, "store-away", STORE_RETRY_S),
            Self::StoreBusy => (503, "store-busy", STORE_RETRY_S),
            Self::Draining => (503, "draining", DRAIN_RETRY_S),
            Self::UnknownAsk => (501, "unknown-request", 0),
        }
    }

    /// The stable short name.
    #[must_use]
    pub fn code(&self) -> &'static str {
        self.terms().1
    }

    /// As it travels to the asking edge (RFC 9457).
    #[must_use]
    pub fn problem(&self) -> Problem {
        let (status, code, retry_after_s) = self.terms();
        let owner = match self {
            Self::Elsewhere { owner, .. } => owner.as_str().to_owned(),
            _ => String::new(),
        };
        Problem { status, code: code.to_owned(), detail: self.to_string(), retry_after_s, owner }
    }
}

#[cfg(test)]
mod tests {
    use stoa_protocol::ids::{NameError, ParticipantId, Role};
    use stoa_protocol::tenant::Quota;

    use super::*;

    #[test]
    fn every_refusal_is_told_in_a_sentence() {
        let room = || RoomId::new("agora").unwrap();
        let participant = || ParticipantId::new("p_1").unwrap();
        let of_rooms = [
            room::Refusal::NameInvalid(NameError::Empty { what: "a room's id" }),
            room::Refusal::RoleUnknown(9),
            room::Refusal::ParticipantNotFound { room: room(), participant: participant() },
            room::Refusal::ParticipantTaken { room: room(), participant: participant() },
            room::Refusal::ParticipantElsewhere { participant: participant() },
            room::Refusal::MuteForbidden { participant: participant() },
            room::Refusal::UnmuteForbidden { participant: participant() },
            room::Refusal::VisibilityUnknown(9),
            room::Refusal::FeedsImpossible(3),
            room::Refusal::LanguageInvalid,
            room::Refusal::DeedForbidden { own: Role::Listener, deed: "mute everybody" },
            room::Refusal::DeedMalformed("it takes a participant"),
            room::Refusal::HandsClosed,
            room::Refusal::HandsFull { max: 1 },
            room::Refusal::HandNotRaised { participant: participant() },
            room::Refusal::NotInvited,
            room::Refusal::Banned { room: room() },
            room::Refusal::BlockedByHost { room: room() },
            room::Refusal::RoomPrivate { room: room() },
            room::Refusal::BansFull { max: 1 },
            room::Refusal::AppointmentsFull { max: 1 },
            room::Refusal::RoomFull { room: room(), max: 1 },
            room::Refusal::StageFull { room: room(), max: 1 },
        ];
        let of_the_service = [
            Refusal::RoomNotFound(room()),
            Refusal::RoomExists(room()),
            Refusal::Elsewhere { room: room(), owner: NodeId::new("origin-2").unwrap() },
            Refusal::OwnerUncertain(room()),
            Refusal::Moving(room()),
            Refusal::NotKept,
            Refusal::TrackTaken(TrackId(1)),
            Refusal::PageTooLong(101),
            Refusal::RoomsFull { max: 1 },
            Refusal::LinkFull { max: 1 },
            Refusal::TenantRooms {
                max: 1,
                reached: QuotaReached { quota: Quota::Rooms, retry_after_s: 30 },
            },
            Refusal::TenantParticipants {
                max: 1,
                reached: QuotaReached { quota: Quota::Participants, retry_after_s: 30 },
            },
            Refusal::RevocationMalformed(RevocationError::Nothing),
            Refusal::RevocationsFull,
            Refusal::BlocksOneself,
            Refusal::BlocksFull { max: 1 },
            Refusal::BlocksFullHere,
            Refusal::StoreAway,
            Refusal::StoreBusy,
            Refusal::Draining,
            Refusal::UnknownAsk,
        ];
        for refusal in of_rooms.map(Refusal::Room).into_iter().chain(of_the_service) {
            let detail = refusal.problem().detail;
            assert!(detail.starts_with(char::is_uppercase), "{detail}");
            assert!(detail.ends_with('.') && !detail.ends_with(".."), "{detail}");
        }
        let nowhere = Refusal::RoomNotFound(RoomId::new("nowhere").unwrap()).problem().detail;
        assert_eq!(nowhere, "There is no room called 'nowhere'; it may have ended.");
    }
}
