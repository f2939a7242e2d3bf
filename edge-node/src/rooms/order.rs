//! What the signaling side can ask of the hub, and what it answers.

use std::sync::Arc;

use stoa_audio::frame::TrackId;
use stoa_protocol::ids::{ParticipantId, Role, RoomId};
use stoa_protocol::mesh::control::{Answer, Ask, CreateRoom, RoomInfo};

use super::deeds::Action;
use super::reactions::Reaction;
use super::resume::Resume;
use super::roster::{OwnStanding, Roster};
use crate::webrtc::{Class, Downlink, RoomKey, SessionId};

/// Names a local participant's place within this process; never used again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SeatId(pub u64);

/// Names an order under way, so that its answer finds the one who asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(pub u64);

/// Who wants to join, and how.
#[derive(Clone, Debug)]
pub struct Newcomer {
    /// The room.
    pub room: RoomId,
    /// Who the token says this is.
    pub identity: String,
    /// What people read.
    pub name: String,
    /// What the token allows.
    pub role: Role,
    /// Whether the token names this room.
    pub named: bool,
    /// Whose the token is; empty for the default tenant.
    pub tenant: String,
    /// Most participants that the tenant may have; the room's owner counts them.
    pub tenant_participants_max: Option<u32>,
    /// Whether the offer has an uplink; it is let in while he is on the stage.
    pub publishes: bool,
    /// Which downlink lines the offer has.
    pub downlink: Downlink,
    /// Whether to start muted.
    pub muted: bool,
    /// A former life, whose role, hand and mute he keeps.
    pub resume: Option<Resume>,
}

/// What the signaling side asks. Each order has one answer, or none when its link dies silently
/// (then a problem after the request's time limit).
#[derive(Clone, Debug)]
pub enum Order {
    /// Make a room; the owner draws an id when there is none.
    Create(CreateRoom),
    /// Anything else that only the owner knows or decides. The answer is [`Reply::Answered`].
    Ask(Ask),
    /// First half of a join: ask the owner. The answer is [`Reply::Prepared`].
    Prepare(Newcomer),
    /// Second half of a join: the session is open. The answer is [`Reply::Seated`].
    Attach {
        /// The place that was prepared.
        seat: SeatId,
        /// The session.
        session: SessionId,
        /// Whether roster and slot changes are to be told.
        wants_events: bool,
    },
    /// The connection of a seat was lost, and he is back. The answer is [`Reply::Resumed`].
    Resume {
        /// The room.
        room: RoomId,
        /// Who the token says this is.
        identity: String,
        /// Which seat, and the proof.
        resume: Resume,
    },
    /// The join came to nothing.
    Abandon(SeatId),
    /// A participant hangs up.
    Leave(SessionId),
    /// Mute or unmute.
    SetMuted {
        /// Who asks.
        by: SessionId,
        /// Who is meant; `None` is the one who asks.
        participant: Option<ParticipantId>,
        /// The new state.
        muted: bool,
    },
    /// A participant does something.
    Act {
        /// Who.
        by: SessionId,
        /// What.
        action: Action,
    },
    /// A participant wants a page of who is here.
    ListPeople {
        /// Who asks.
        by: SessionId,
        /// Only participants whose id sorts after this.
        after: String,
        /// At most this many, 1 to 100.
        limit: u32,
    },
    /// A participant gives a reaction.
    React {
        /// Who.
        by: SessionId,
        /// Which.
        reaction: Reaction,
    },
}

/// A place that the owner has granted.
#[derive(Clone, Debug)]
pub struct Prepared {
    /// The place.
    pub seat: SeatId,
    /// The participant's id, drawn by this edge.
    pub participant: ParticipantId,
    /// The room, for the media plane.
    pub key: RoomKey,
    /// What he hears.
    pub class: Class,
    /// The track of his microphone's line, on the stage or not.
    pub track: Option<TrackId>,
    /// Whether he starts muted.
    pub muted: bool,
}

/// What an order came to.
#[derive(Clone, Debug)]
pub enum Reply {
    /// Done; nothing more to say.
    Done,
    /// What the owner says.
    Answered(Box<Answer>),
    /// The owner agrees to a join.
    Prepared(Prepared),
    /// The participant is in.
    Seated(Seated),
    /// He has his seat again.
    Resumed(Seated),
}

/// A participant who is in.
#[derive(Clone, Debug)]
pub struct Seated {
    /// His place.
    pub seat: SeatId,
    /// His id in the room.
    pub participant: ParticipantId,
    /// His session.
    pub session: SessionId,
    /// The room, for announcements.
    pub key: RoomKey,
    /// What he hears.
    pub class: Class,
    /// How he stands.
    pub standing: OwnStanding,
    /// What he may come back with.
    pub resume: Resume,
    /// The room.
    pub room: RoomInfo,
    /// Who is there, as far as this edge knows.
    pub roster: Arc<Roster>,
}
