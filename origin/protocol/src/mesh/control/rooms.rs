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

/// Who finds a room, and who may come in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Enumeration)]
#[repr(i32)]
pub enum WireVisibility {
    /// It is listed.
    Open = 0,
    /// It is not, but any token for it opens it.
    Unlisted = 1,
    /// Only a token that names it opens it.
    Private = 2,
}

/// What can be set of a room; what is absent keeps its value, or its default at creation.
#[derive(Clone, PartialEq, Message)]
pub struct RoomSettings {
    /// What people read, 1 to 100 characters.
    #[prost(string, optional, tag = "1")]
    pub name: Option<String>,
    /// What it is about now, up to 200 characters.
    #[prost(string, optional, tag = "2")]
    pub topic: Option<String>,
    /// More about it, up to 2,000 characters; line breaks are allowed.
    #[prost(string, optional, tag = "3")]
    pub description: Option<String>,
    /// Who finds it.
    #[prost(enumeration = "WireVisibility", optional, tag = "4")]
    pub visibility: Option<i32>,
    /// What is spoken (RFC 5646), e.g. `el`; empty when unknown.
    #[prost(string, optional, tag = "5")]
    pub language: Option<String>,
    /// When it is to begin, in milliseconds since 1970; 0 for no such time.
    #[prost(uint64, optional, tag = "6")]
    pub scheduled_ms: Option<u64>,
    /// Most participants; 0 for as many as the origin allows.
    #[prost(uint32, optional, tag = "7")]
    pub participants_max: Option<u32>,
    /// Of these on the stage; 0 likewise.
    #[prost(uint32, optional, tag = "8")]
    pub stage_max: Option<u32>,
    /// Whether listeners may raise hands; yes by default.
    #[prost(bool, optional, tag = "9")]
    pub hands: Option<bool>,
    /// Whether who comes to the stage begins muted; no by default.
    #[prost(bool, optional, tag = "10")]
    pub muted_on_entry: Option<bool>,
    /// Over how many trees each edge gets the room, where the network has room for two: 1 or 2; 2 by default.
    #[prost(uint32, optional, tag = "11")]
    pub feeds: Option<u32>,
}

impl RoomSettings {
    /// What a new room of this name has where nobody sets anything else.
    #[must_use]
    pub fn of_new_room(name: &str) -> Self {
        Self {
            name: Some(name.to_owned()),
            topic: Some(String::new()),
            description: Some(String::new()),
            visibility: Some(WireVisibility::Open.into()),
            language: Some(String::new()),
            scheduled_ms: Some(0),
            participants_max: Some(0),
            stage_max: Some(0),
            hands: Some(true),
            muted_on_entry: Some(false),
            feeds: Some(2),
        }
    }
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
    /// What else is set; every field is there.
    #[prost(message, optional, tag = "6")]
    pub settings: Option<RoomSettings>,
    /// How many hands are up.
    #[prost(uint32, tag = "7")]
    pub hands: u32,
    /// Whose it is; empty for the default tenant.
    #[prost(string, tag = "8")]
    pub tenant: String,
    /// Over how many trees every edge gets it now; absent from owners that do not say.
    #[prost(uint32, optional, tag = "9")]
    pub feeds_effective: Option<u32>,
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
    /// The first hands of the queue, in order; for moderators.
    #[prost(message, repeated, tag = "6")]
    pub hands: Vec<Hand>,
}

/// A raised hand.
#[derive(Clone, PartialEq, Message)]
pub struct Hand {
    /// Whose.
    #[prost(string, tag = "1")]
    pub participant: String,
    /// What people read.
    #[prost(string, tag = "2")]
    pub name: String,
    /// Since when, in milliseconds since 1970.
    #[prost(uint64, tag = "3")]
    pub raised_ms: u64,
    /// Whether he is invited to the stage.
    #[prost(bool, tag = "4")]
    pub invited: bool,
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
