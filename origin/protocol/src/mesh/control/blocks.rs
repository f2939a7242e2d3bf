//! Whom somebody keeps out of rooms that he hosts.

use prost::Message;

/// Keep somebody out of every room whose present host is `identity`, or no longer. Every origin that the asking edge is
/// linked to is told, because any of them may own such a room.
#[derive(Clone, PartialEq, Message)]
pub struct Block {
    /// Whose tokens both have; empty for the default tenant.
    #[prost(string, tag = "1")]
    pub tenant: String,
    /// Who blocks.
    #[prost(string, tag = "2")]
    pub identity: String,
    /// Whom.
    #[prost(string, tag = "3")]
    pub other: String,
    /// Whether he is blocked from now on.
    #[prost(bool, tag = "4")]
    pub blocked: bool,
}

/// List whom somebody keeps out.
#[derive(Clone, PartialEq, Message)]
pub struct ListBlocks {
    /// Whose tokens both have; empty for the default tenant.
    #[prost(string, tag = "1")]
    pub tenant: String,
    /// Who blocks.
    #[prost(string, tag = "2")]
    pub identity: String,
    /// Only identities that sort after this one; empty for the first page.
    #[prost(string, tag = "3")]
    pub after: String,
    /// At most this many, 1 to 100.
    #[prost(uint32, tag = "4")]
    pub limit: u32,
}

/// Somebody who is kept out.
#[derive(Clone, PartialEq, Message)]
pub struct BlockInfo {
    /// Who.
    #[prost(string, tag = "1")]
    pub identity: String,
    /// Since when, in milliseconds since 1970.
    #[prost(uint64, tag = "2")]
    pub at_ms: u64,
}

/// A page of those who are kept out, by identity.
#[derive(Clone, PartialEq, Message)]
pub struct BlockPage {
    /// They.
    #[prost(message, repeated, tag = "1")]
    pub blocks: Vec<BlockInfo>,
    /// The `after` of the next page; empty at the end.
    #[prost(string, tag = "2")]
    pub next: String,
}
