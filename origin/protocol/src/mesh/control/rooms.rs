//! Rooms and who is on their stage, as the owner tells it.

use prost::{Enumeration, Message};

/// A role on the wire; see `ids::Role`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Enumeration)]
#[repr(i32)]
pub enum WireRole {
    /// Hears the room.
    Listener = 0,
    /// May speak.
    Speaker = 1,
    /// May speak and mute others.
    Moderator = 2,
    /// May do everything.
    Host = 3,
}

/// What everybody may know of a room.
#[derive(Clone, PartialEq, Message)]
pub struct RoomInfo {
    /// The room.
    #[prost(string, tag = "1")]
    pub room: String,
    /// What people read.
    #[prost(string, tag = "2")]
    pub name: String,
    /// Milliseconds since 1970 at creation.
    #[prost(uint64, tag = "3")]
    pub created_ms: u64,
    /// How many are on the stage.
    #[prost(uint32, tag = "4")]
    pub speakers: u32,
    /// How many listen.
    #[prost(uint32, tag = "5")]
    pub listeners: u32,
}

/// A page of rooms.
#[derive(Clone, PartialEq, Message)]
pub struct RoomPage {
    /// The rooms, by id.
    #[prost(message, repeated, tag = "1")]
    pub rooms: Vec<RoomInfo>,
    /// Give this as `after` for the next page; empty at the end.
    #[prost(string, tag = "2")]
    pub next: String,
}

/// The owner's view of a room, sent to every edge with somebody in it; changes are coalesced.
#[derive(Clone, PartialEq, Message)]
pub struct RoomState {
    /// The room and its counts.
    #[prost(message, optional, tag = "1")]
    pub info: Option<RoomInfo>,
    /// The room's epoch.
    #[prost(uint32, tag = "2")]
    pub epoch: u32,
    /// Counts the room's changes in this epoch; an older one than seen is ignored.
    #[prost(uint64, tag = "3")]
    pub version: u64,
    /// Everybody on the stage, in order of arrival.
    #[prost(message, repeated, tag = "4")]
    pub stage: Vec<StageMember>,
    /// The room has ended.
    #[prost(bool, tag = "5")]
    pub closed: bool,
}

/// Somebody on the stage.
#[derive(Clone, PartialEq, Message)]
pub struct StageMember {
    /// The participant.
    #[prost(string, tag = "1")]
    pub participant: String,
    /// What people read.
    #[prost(string, tag = "2")]
    pub name: String,
    /// The role.
    #[prost(enumeration = "WireRole", tag = "3")]
    pub role: i32,
    /// Whether muted.
    #[prost(bool, tag = "4")]
    pub muted: bool,
    /// The track he publishes.
    #[prost(fixed64, tag = "5")]
    pub track: u64,
}
