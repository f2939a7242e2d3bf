//! How a room's frames are spread over edges that pass them on: what edges measure and offer, what owners plan, and
//! what a standby must know to be the root of the second tree.

use prost::Message;

/// Neighbours of one message of this module.
pub const NEIGHBOURS_MAX: usize = 64;

/// Tracks of one [`Voices`].
pub const VOICES_MAX: usize = 128;

/// "Other edges may hang from me": from an edge to origins, when a link is up and when it changes.
#[derive(Clone, PartialEq, Message)]
pub struct Relay {
    /// `HOST:PORT` of the edge's mesh endpoint; empty when no edge can reach it.
    #[prost(string, tag = "1")]
    pub address: String,
    /// How many edges it sends one room to, at most.
    #[prost(uint32, tag = "2")]
    pub fan_out_max: u32,
    /// Latitude in degrees, -90 to 90; with `longitude` absent when unknown.
    #[prost(double, optional, tag = "3")]
    pub latitude: Option<f64>,
    /// Longitude in degrees, -180 to 180.
    #[prost(double, optional, tag = "4")]
    pub longitude: Option<f64>,
    /// Where clients reach it, such as `https://ams.stoa.example`; empty when nobody is to be sent there.
    #[prost(string, tag = "5")]
    pub public_url: String,
}

/// Another edge.
#[derive(Clone, PartialEq, Message)]
pub struct Neighbour {
    /// Its node.
    #[prost(string, tag = "1")]
    pub node: String,
    /// `HOST:PORT` of its mesh endpoint; empty for one that is linked anyway.
    #[prost(string, tag = "2")]
    pub address: String,
}

/// "Keep links to these edges, and measure": from an origin to an edge. Replaces what that origin has said before.
#[derive(Clone, PartialEq, Message)]
pub struct Neighbours {
    /// At most [`NEIGHBOURS_MAX`].
    #[prost(message, repeated, tag = "1")]
    pub neighbours: Vec<Neighbour>,
}

/// What an edge measures on its links to other edges: to every origin, when it has changed.
#[derive(Clone, PartialEq, Message)]
pub struct Paths {
    /// At most [`NEIGHBOURS_MAX`]; others are as they were.
    #[prost(message, repeated, tag = "1")]
    pub paths: Vec<Path>,
}

/// One of them.
#[derive(Clone, PartialEq, Message)]
pub struct Path {
    /// The other node.
    #[prost(string, tag = "1")]
    pub node: String,
    /// Smoothed round-trip time in microseconds; 0 when the link is down.
    #[prost(uint32, tag = "2")]
    pub rtt_us: u32,
    /// Lost share of what came from there, 0 to 1,000 permille.
    #[prost(uint32, tag = "3")]
    pub lost_permille: u32,
}

/// "So you get this room": from a room's owner to an edge. Replaces what was said before of the room.
#[derive(Clone, PartialEq, Message)]
pub struct Branch {
    /// The room.
    #[prost(string, tag = "1")]
    pub room: String,
    /// Its epoch.
    #[prost(uint32, tag = "2")]
    pub epoch: u32,
    /// Counts the owner's plans in this epoch; an older one than seen is ignored.
    #[prost(uint64, tag = "3")]
    pub plan: u64,
    /// From whom the red feed comes; absent when straight from the owner.
    #[prost(message, optional, tag = "4")]
    pub red: Option<Neighbour>,
    /// From whom the blue feed comes; absent when there is none.
    #[prost(message, optional, tag = "5")]
    pub blue: Option<Neighbour>,
    /// Who takes the red parent's place when that is lost, until there is another plan.
    #[prost(message, optional, tag = "6")]
    pub red_backup: Option<Neighbour>,
    /// Whether the edge passes the room on even if nobody listens there.
    #[prost(bool, tag = "7")]
    pub relays: bool,
    /// The origin that is the root of the blue tree, to which voices go as well; empty when there is none.
    #[prost(string, tag = "8")]
    pub standby: String,
    /// Who takes the blue parent's place.
    #[prost(message, optional, tag = "9")]
    pub blue_backup: Option<Neighbour>,
}

/// Who speaks in a room, and who is heard: from its owner to its standby, which is the root of the blue tree. Replaces
/// what was said before.
#[derive(Clone, PartialEq, Message)]
pub struct Voices {
    /// The room.
    #[prost(string, tag = "1")]
    pub room: String,
    /// Its epoch.
    #[prost(uint32, tag = "2")]
    pub epoch: u32,
    /// Everybody who may be heard, at most [`VOICES_MAX`]; the loudest first.
    #[prost(message, repeated, tag = "3")]
    pub voices: Vec<Voice>,
}

/// Edges of one stage lane; a stage that is spread over more is heard by the others along the tree.
pub const LANE_EDGES_MAX: usize = 32;

/// "So voices of this stage travel": from a room's owner to each edge with people on the stage. Replaces what was said
/// before.
#[derive(Clone, PartialEq, Message)]
pub struct Lane {
    /// The room.
    #[prost(string, tag = "1")]
    pub room: String,
    /// Its epoch.
    #[prost(uint32, tag = "2")]
    pub epoch: u32,
    /// Counts what the owner says of it in this epoch; an older one than seen is ignored.
    #[prost(uint64, tag = "3")]
    pub version: u64,
    /// The other edges, at most [`LANE_EDGES_MAX`]; none when nobody of the stage is anywhere else.
    #[prost(message, repeated, tag = "4")]
    pub edges: Vec<Neighbour>,
    /// Everybody who may be heard and his edge, at most [`VOICES_MAX`]. Who is muted is not among them, and what is
    /// selected does not matter.
    #[prost(message, repeated, tag = "5")]
    pub voices: Vec<Voice>,
}

/// A voice of [`Voices`] or of a [`Lane`].
#[derive(Clone, PartialEq, Message)]
pub struct Voice {
    /// The track.
    #[prost(fixed64, tag = "1")]
    pub track: u64,
    /// Its epoch.
    #[prost(uint32, tag = "2")]
    pub epoch: u32,
    /// Whose microphone.
    #[prost(string, tag = "3")]
    pub participant: String,
    /// The edge that it comes from.
    #[prost(string, tag = "4")]
    pub edge: String,
    /// Whether it is kept out.
    #[prost(bool, tag = "5")]
    pub muted: bool,
    /// The first frame that is forwarded; absent while it is not selected, and in a [`Lane`].
    #[prost(uint64, optional, tag = "6")]
    pub from_number: Option<u64>,
    /// Whether the standby is to pass it on to the owner, who has lost the edge; never in a [`Lane`].
    #[prost(bool, tag = "7")]
    pub carry: bool,
}
