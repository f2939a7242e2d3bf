//! Messages of a link's control stream, as Protocol Buffers.
//!
//! Unknown fields are ignored and every field has a default, so nodes of neighbouring versions work
//! together. Numbers of removed fields are never used again.

use prost::{Enumeration, Message, Oneof};

/// One message of the control stream, length-delimited on the wire.
#[derive(Clone, PartialEq, Message)]
pub struct Control {
    /// What it says; `None` when a newer node says something this one does not know.
    #[prost(oneof = "Body", tags = "1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15")]
    pub body: Option<Body>,
}

/// Everything a node can say on the control stream.
#[derive(Clone, PartialEq, Oneof)]
pub enum Body {
    /// First message of both sides.
    #[prost(message, tag = "1")]
    Hello(Hello),
    /// The peer is refused, and why; the link closes.
    #[prost(message, tag = "2")]
    Refuse(Refuse),
    /// "Send me this feed of this room."
    #[prost(message, tag = "3")]
    Subscribe(Subscribe),
    /// "I need this feed no longer."
    #[prost(message, tag = "4")]
    Unsubscribe(Unsubscribe),
    /// "In my datagrams, this alias stands for this track."
    #[prost(message, tag = "5")]
    BindTrack(BindTrack),
    /// "This alias is free again."
    #[prost(message, tag = "6")]
    UnbindTrack(UnbindTrack),
    /// The owner's choice of speakers, with the frame numbers from which it holds.
    #[prost(message, tag = "7")]
    Selection(Selection),
    /// A request about rooms, carried to the owner.
    #[prost(message, tag = "8")]
    Request(Request),
    /// The answer to the request of the same id.
    #[prost(message, tag = "9")]
    Response(Response),
    /// The owner's view of a room: the stage in full, the audience as a count.
    #[prost(message, tag = "10")]
    RoomState(RoomState),
    /// "I take nothing new and will be gone by the deadline."
    #[prost(message, tag = "11")]
    Drain(Drain),
    /// "I stay after all."
    #[prost(message, tag = "12")]
    Undrain(Undrain),
    /// Last message of a link that ends in order.
    #[prost(message, tag = "13")]
    Goodbye(Goodbye),
    /// What a node carries right now.
    #[prost(message, tag = "14")]
    Load(Load),
    /// How the peer's datagrams arrive here.
    #[prost(message, tag = "15")]
    Reception(Reception),
}

/// First message of both sides. Identity comes from the certificate; what is said here must agree.
#[derive(Clone, PartialEq, Message)]
pub struct Hello {
    /// Name of the node.
    #[prost(string, tag = "1")]
    pub node: String,
    /// Region of the node.
    #[prost(string, tag = "2")]
    pub region: String,
    /// Software version, for people.
    #[prost(string, tag = "3")]
    pub version: String,
    /// Optional abilities by name; unknown ones are ignored.
    #[prost(string, repeated, tag = "4")]
    pub features: Vec<String>,
    /// Latitude in degrees, -90 to 90; with `longitude` absent when unknown.
    #[prost(double, optional, tag = "5")]
    pub latitude: Option<f64>,
    /// Longitude in degrees, -180 to 180.
    #[prost(double, optional, tag = "6")]
    pub longitude: Option<f64>,
}

/// The peer is refused.
#[derive(Clone, PartialEq, Message)]
pub struct Refuse {
    /// A sentence for the operator of the refused node.
    #[prost(string, tag = "1")]
    pub reason: String,
}

/// Which of the two trees.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Enumeration)]
#[repr(i32)]
pub enum Feed {
    /// Hangs from the owner.
    Red = 0,
    /// Hangs from the standby.
    Blue = 1,
}

/// What kind of track.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Enumeration)]
#[repr(i32)]
pub enum TrackKind {
    /// One participant's microphone.
    Speaker = 0,
    /// The room as one stream.
    Programme = 1,
}

/// "Send me this feed of this room."
#[derive(Clone, PartialEq, Message)]
pub struct Subscribe {
    /// The room.
    #[prost(string, tag = "1")]
    pub room: String,
    /// Which tree.
    #[prost(enumeration = "Feed", tag = "2")]
    pub feed: i32,
    /// Speakers or programme.
    #[prost(enumeration = "TrackKind", tag = "3")]
    pub kind: i32,
    /// Rung of the programme in bit/s; 0 for speakers.
    #[prost(uint32, tag = "4")]
    pub bitrate: u32,
    /// The subscriber's newest epoch of the room; an older owner must refuse.
    #[prost(uint32, tag = "5")]
    pub epoch: u32,
}

/// "I need this feed no longer." Fields as in [`Subscribe`].
#[derive(Clone, PartialEq, Message)]
pub struct Unsubscribe {
    /// The room.
    #[prost(string, tag = "1")]
    pub room: String,
    /// Which tree.
    #[prost(enumeration = "Feed", tag = "2")]
    pub feed: i32,
    /// Speakers or programme.
    #[prost(enumeration = "TrackKind", tag = "3")]
    pub kind: i32,
    /// Rung of the programme in bit/s; 0 for speakers.
    #[prost(uint32, tag = "4")]
    pub bitrate: u32,
}

/// "In my datagrams, this alias stands for this track." Sent by whoever sends the frames.
#[derive(Clone, PartialEq, Message)]
pub struct BindTrack {
    /// Short name in datagrams; chosen by the sender, unique on the link and direction.
    #[prost(uint32, tag = "1")]
    pub alias: u32,
    /// The track.
    #[prost(fixed64, tag = "2")]
    pub track: u64,
    /// The track's epoch.
    #[prost(uint32, tag = "3")]
    pub epoch: u32,
    /// The room it belongs to.
    #[prost(string, tag = "4")]
    pub room: String,
    /// Whose microphone; empty for programme tracks.
    #[prost(string, tag = "5")]
    pub participant: String,
    /// Speaker or programme.
    #[prost(enumeration = "TrackKind", tag = "6")]
    pub kind: i32,
    /// Rung of a programme track in bit/s; 0 for speakers.
    #[prost(uint32, tag = "7")]
    pub bitrate: u32,
}

/// "This alias is free again."
#[derive(Clone, PartialEq, Message)]
pub struct UnbindTrack {
    /// The alias.
    #[prost(uint32, tag = "1")]
    pub alias: u32,
}

/// The owner's choice of speakers.
#[derive(Clone, PartialEq, Message)]
pub struct Selection {
    /// The room.
    #[prost(string, tag = "1")]
    pub room: String,
    /// The room's epoch.
    #[prost(uint32, tag = "2")]
    pub epoch: u32,
    /// Counts the owner's decisions in this epoch; an older one than seen is ignored.
    #[prost(uint64, tag = "3")]
    pub decision: u64,
    /// All tracks that are selected now, loudest first.
    #[prost(message, repeated, tag = "4")]
    pub selected: Vec<SelectedTrack>,
}

/// A track in a [`Selection`].
#[derive(Clone, PartialEq, Message)]
pub struct SelectedTrack {
    /// The track.
    #[prost(fixed64, tag = "1")]
    pub track: u64,
    /// The first frame number that is forwarded.
    #[prost(uint64, tag = "2")]
    pub from_number: u64,
}

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

/// "I take nothing new and will be gone by the deadline."
#[derive(Clone, Copy, PartialEq, Message)]
pub struct Drain {
    /// Milliseconds from now until the node leaves.
    #[prost(uint32, tag = "1")]
    pub deadline_ms: u32,
}

/// "I stay after all."
#[derive(Clone, Copy, PartialEq, Message)]
pub struct Undrain {}

/// Last message of a link that ends in order.
#[derive(Clone, PartialEq, Message)]
pub struct Goodbye {
    /// Why, for people.
    #[prost(string, tag = "1")]
    pub reason: String,
}

/// What a node carries right now.
#[derive(Clone, Copy, PartialEq, Message)]
pub struct Load {
    /// Connected participants.
    #[prost(uint32, tag = "1")]
    pub participants: u32,
    /// Share of the node's capacity in use, 0 to 1,000 permille.
    #[prost(uint32, tag = "2")]
    pub used_permille: u32,
}

/// How the peer's datagrams arrive here, about once a second.
#[derive(Clone, Copy, PartialEq, Message)]
pub struct Reception {
    /// Highest datagram sequence seen.
    #[prost(uint64, tag = "1")]
    pub highest: u64,
    /// How many datagrams arrived since the link came up.
    #[prost(uint64, tag = "2")]
    pub received: u64,
    /// Lost share of the last period, 0 to 1,000 permille.
    #[prost(uint32, tag = "3")]
    pub lost_permille: u32,
}
