//! How origins share rooms: who is alive, who owns what, the replica of a standby, and what edges say when an owner is
//! lost.

use prost::Message;

/// Origins that are alive, as the sending origin knows them, itself included. Edges link to all of them.
#[derive(Clone, PartialEq, Message)]
pub struct Origins {
    /// At most [`ORIGINS_MAX`].
    #[prost(message, repeated, tag = "1")]
    pub origins: Vec<OriginInfo>,
}

/// An origin that is alive.
#[derive(Clone, PartialEq, Message)]
pub struct OriginInfo {
    /// Its node.
    #[prost(string, tag = "1")]
    pub node: String,
    /// `HOST:PORT` of its mesh endpoint.
    #[prost(string, tag = "2")]
    pub address: String,
    /// What fails together with it, e.g. a region.
    #[prost(string, tag = "3")]
    pub domain: String,
}

/// Origins of one network.
pub const ORIGINS_MAX: usize = 32;

/// A room and its epoch.
#[derive(Clone, PartialEq, Message)]
pub struct RoomEpoch {
    /// The room.
    #[prost(string, tag = "1")]
    pub room: String,
    /// Its epoch.
    #[prost(uint32, tag = "2")]
    pub epoch: u32,
}

/// Rooms of one message of this module, so that it stays below the limit of the control stream.
pub const ROOMS_PER_MESSAGE_MAX: usize = 250;

/// "This node owns these rooms, in these epochs": from an origin to edges. Whoever knows a room in an older epoch, or
/// has lost its owner, turns to this one.
#[derive(Clone, PartialEq, Message)]
pub struct Owns {
    /// The owner; need not be the sender.
    #[prost(string, tag = "1")]
    pub owner: String,
    /// Its rooms, at most [`ROOMS_PER_MESSAGE_MAX`].
    #[prost(message, repeated, tag = "2")]
    pub rooms: Vec<RoomEpoch>,
}

/// "I have no link to this owner": from an edge to every other origin. Replaces what the edge has said of this owner
/// before, unless it goes on a message before; without rooms it has lost none (any longer).
#[derive(Clone, PartialEq, Message)]
pub struct Orphans {
    /// Whose link is down.
    #[prost(string, tag = "1")]
    pub owner: String,
    /// Rooms of it with people at this edge, at most [`ROOMS_PER_MESSAGE_MAX`].
    #[prost(message, repeated, tag = "2")]
    pub rooms: Vec<RoomEpoch>,
    /// Whether these come on top of what the last message said.
    #[prost(bool, tag = "3")]
    pub more: bool,
}

/// "You own this room no longer": from whoever knows a newer epoch to whoever acts in an older one.
#[derive(Clone, PartialEq, Message)]
pub struct Superseded {
    /// The room.
    #[prost(string, tag = "1")]
    pub room: String,
    /// Its epoch, newer than that of who is told.
    #[prost(uint32, tag = "2")]
    pub epoch: u32,
}

/// What an origin owns: from each origin to each other one. All of it when a link comes up, then what changes.
#[derive(Clone, PartialEq, Message)]
pub struct Ownerships {
    /// Rooms that are new, or whose epoch or standby is, at most [`ROOMS_PER_MESSAGE_MAX`].
    #[prost(message, repeated, tag = "1")]
    pub rooms: Vec<RoomOwnership>,
    /// Rooms that have ended.
    #[prost(message, repeated, tag = "2")]
    pub ended: Vec<RoomEpoch>,
    /// Everything that this origin owns is told anew, from here on.
    #[prost(bool, tag = "3")]
    pub first: bool,
    /// Everything has been told: forget what of this origin was not among it.
    #[prost(bool, tag = "4")]
    pub last: bool,
    /// How many people there are, if that has changed.
    #[prost(message, optional, tag = "5")]
    pub people: Option<People>,
}

/// Tenants of one [`People`].
pub const TENANTS_TOLD_MAX: usize = 1_000;

/// How many people are in the sending origin's rooms. Replaces what it has said before.
#[derive(Clone, PartialEq, Message)]
pub struct People {
    /// At most [`TENANTS_TOLD_MAX`], those with most people first.
    #[prost(message, repeated, tag = "1")]
    pub tenants: Vec<TenantPeople>,
}

/// The people of one tenant.
#[derive(Clone, PartialEq, Message)]
pub struct TenantPeople {
    /// Whose; empty for the default tenant.
    #[prost(string, tag = "1")]
    pub tenant: String,
    /// How many.
    #[prost(uint32, tag = "2")]
    pub people: u32,
}

/// A room of the sending origin.
#[derive(Clone, PartialEq, Message)]
pub struct RoomOwnership {
    /// The room.
    #[prost(string, tag = "1")]
    pub room: String,
    /// Its epoch.
    #[prost(uint32, tag = "2")]
    pub epoch: u32,
    /// Who takes over; empty for nobody.
    #[prost(string, tag = "3")]
    pub standby: String,
    /// Whose it is; empty for the default tenant.
    #[prost(string, tag = "4")]
    pub tenant: String,
}

/// What changes in a room: from its owner to its standby.
#[derive(Clone, PartialEq, Message)]
pub struct Replica {
    /// Grows by one with each message over this link.
    #[prost(uint64, tag = "1")]
    pub number: u64,
    /// The room.
    #[prost(string, tag = "2")]
    pub room: String,
    /// The owner's epoch.
    #[prost(uint32, tag = "3")]
    pub epoch: u32,
    /// What is written of it, each as the stores' own JSON.
    #[prost(bytes = "vec", repeated, tag = "4")]
    pub operations: Vec<Vec<u8>>,
    /// The room from its beginning: what was told before is forgotten.
    #[prost(bool, tag = "5")]
    pub first: bool,
    /// Edges with people in the room, if they have changed.
    #[prost(message, optional, tag = "6")]
    pub edges: Option<RoomEdges>,
    /// The room has ended, or another origin is its standby now.
    #[prost(bool, tag = "7")]
    pub over: bool,
    /// Take the room over now: everything was told.
    #[prost(bool, tag = "8")]
    pub hand_over: bool,
}

/// Edges with people in a room.
#[derive(Clone, PartialEq, Message)]
pub struct RoomEdges {
    /// Their nodes.
    #[prost(string, repeated, tag = "1")]
    pub nodes: Vec<String>,
}

/// "I hold everything up to this number": from a standby to an owner.
#[derive(Clone, Copy, PartialEq, Message)]
pub struct Replicated {
    /// Of a [`Replica`].
    #[prost(uint64, tag = "1")]
    pub number: u64,
}
