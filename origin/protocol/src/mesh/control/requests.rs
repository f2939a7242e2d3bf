//! What edges ask a room's owner, and what it answers.

use prost::{Message, Oneof};

use super::rooms::{RoomInfo, RoomPage, WireRole};

/// A request about rooms.
#[derive(Clone, PartialEq, Message)]
pub struct Request {
    /// Chosen by the asking side, unique on the link among requests under way.
    #[prost(uint64, tag = "1")]
    pub id: u64,
    /// What is asked.
    #[prost(oneof = "Ask", tags = "2, 3, 4, 5, 6, 7, 8")]
    pub ask: Option<Ask>,
}

/// What can be asked of a room's owner.
#[derive(Clone, PartialEq, Oneof)]
pub enum Ask {
    /// Make a room.
    #[prost(message, tag = "2")]
    CreateRoom(CreateRoom),
    /// List rooms by id, a page at a time.
    #[prost(message, tag = "3")]
    ListRooms(ListRooms),
    /// Read one room.
    #[prost(message, tag = "4")]
    ReadRoom(ReadRoom),
    /// End a room for everybody.
    #[prost(message, tag = "5")]
    CloseRoom(CloseRoom),
    /// Take a participant in. Repeating it (after a reconnect) changes nothing.
    #[prost(message, tag = "6")]
    Join(Join),
    /// A participant has gone.
    #[prost(message, tag = "7")]
    Leave(Leave),
    /// Mute or unmute a participant.
    #[prost(message, tag = "8")]
    SetMuted(SetMuted),
}

/// Make a room.
#[derive(Clone, PartialEq, Message)]
pub struct CreateRoom {
    /// Wanted id; the owner draws one when empty.
    #[prost(string, tag = "1")]
    pub room: String,
    /// What people read, 1 to 100 characters.
    #[prost(string, tag = "2")]
    pub name: String,
}

/// List rooms.
#[derive(Clone, PartialEq, Message)]
pub struct ListRooms {
    /// Only rooms whose id sorts after this one; empty for the first page.
    #[prost(string, tag = "1")]
    pub after: String,
    /// At most this many, 1 to 100.
    #[prost(uint32, tag = "2")]
    pub limit: u32,
}

/// Read one room.
#[derive(Clone, PartialEq, Message)]
pub struct ReadRoom {
    /// The room.
    #[prost(string, tag = "1")]
    pub room: String,
}

/// End a room.
#[derive(Clone, PartialEq, Message)]
pub struct CloseRoom {
    /// The room.
    #[prost(string, tag = "1")]
    pub room: String,
}

/// Take a participant in.
#[derive(Clone, PartialEq, Message)]
pub struct Join {
    /// The room.
    #[prost(string, tag = "1")]
    pub room: String,
    /// The participant's id in the room.
    #[prost(string, tag = "2")]
    pub participant: String,
    /// Who the token says this is.
    #[prost(string, tag = "3")]
    pub identity: String,
    /// What people read.
    #[prost(string, tag = "4")]
    pub name: String,
    /// What the token allows.
    #[prost(enumeration = "WireRole", tag = "5")]
    pub role: i32,
    /// The track this participant may publish; 0 when none.
    #[prost(fixed64, tag = "6")]
    pub track: u64,
    /// Whether he joins muted.
    #[prost(bool, tag = "7")]
    pub muted: bool,
}

/// A participant has gone.
#[derive(Clone, PartialEq, Message)]
pub struct Leave {
    /// The room.
    #[prost(string, tag = "1")]
    pub room: String,
    /// The participant.
    #[prost(string, tag = "2")]
    pub participant: String,
}

/// Mute or unmute a participant.
#[derive(Clone, PartialEq, Message)]
pub struct SetMuted {
    /// The room.
    #[prost(string, tag = "1")]
    pub room: String,
    /// Who is muted.
    #[prost(string, tag = "2")]
    pub participant: String,
    /// The new state.
    #[prost(bool, tag = "3")]
    pub muted: bool,
    /// Who asks; muting others takes a moderator.
    #[prost(string, tag = "4")]
    pub by: String,
}

/// The answer to a [`Request`].
#[derive(Clone, PartialEq, Message)]
pub struct Response {
    /// The request's id.
    #[prost(uint64, tag = "1")]
    pub id: u64,
    /// What came of it.
    #[prost(oneof = "Answer", tags = "2, 3, 4, 5")]
    pub answer: Option<Answer>,
}

/// What can come of a request.
#[derive(Clone, PartialEq, Oneof)]
pub enum Answer {
    /// Done; nothing more to say.
    #[prost(message, tag = "2")]
    Done(Done),
    /// One room.
    #[prost(message, tag = "3")]
    Room(RoomInfo),
    /// A page of rooms.
    #[prost(message, tag = "4")]
    Rooms(RoomPage),
    /// It was refused.
    #[prost(message, tag = "5")]
    Problem(Problem),
}

/// Nothing more to say.
#[derive(Clone, Copy, PartialEq, Message)]
pub struct Done {}

/// Why a request was refused, in the terms of RFC 9457.
#[derive(Clone, PartialEq, Message)]
pub struct Problem {
    /// HTTP status, 400 to 599.
    #[prost(uint32, tag = "1")]
    pub status: u32,
    /// Stable short name, e.g. `room-not-found`.
    #[prost(string, tag = "2")]
    pub code: String,
    /// A clear sentence for people.
    #[prost(string, tag = "3")]
    pub detail: String,
    /// Seconds after which to try again; 0 when that does not apply.
    #[prost(uint32, tag = "4")]
    pub retry_after_s: u32,
}
