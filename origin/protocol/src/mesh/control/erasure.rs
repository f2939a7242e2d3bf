//! What is kept about a person, erased at his wish.

use prost::Message;

/// Erase what the rooms of a tenant keep about an identity, and let its tokens of until now hold no longer. Every
/// origin that the asking edge is linked to is told.
#[derive(Clone, PartialEq, Message)]
pub struct EraseIdentity {
    /// Whose rooms; empty for the default tenant.
    #[prost(string, tag = "1")]
    pub tenant: String,
    /// Who.
    #[prost(string, tag = "2")]
    pub identity: String,
    /// The identity of who says so, for the origin's log.
    #[prost(string, tag = "3")]
    pub actor: String,
}

/// What was erased, counted by the origin that answers.
#[derive(Clone, Copy, PartialEq, Message)]
pub struct Erased {
    /// Rooms in which something was.
    #[prost(uint32, tag = "1")]
    pub rooms: u32,
    /// Places in rooms that he was sent out of.
    #[prost(uint32, tag = "2")]
    pub participants: u32,
    /// Roles that he was given.
    #[prost(uint32, tag = "3")]
    pub appointments: u32,
    /// Bans of him, and bans by him, which hold on without his name.
    #[prost(uint32, tag = "4")]
    pub bans: u32,
    /// Log entries that named him.
    #[prost(uint32, tag = "5")]
    pub log_entries: u32,
    /// Blocks of him, and blocks by him.
    #[prost(uint32, tag = "6")]
    pub blocks: u32,
}
