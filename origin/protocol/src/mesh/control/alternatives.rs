//! Where clients of an edge may go instead.

use prost::Message;

/// Edges of one [`Alternatives`]; a client tries few.
pub const ALTERNATIVES_MAX: usize = 8;

/// Most characters of an edge's public URL; longer ones are taken for none.
pub const PUBLIC_URL_CHARACTERS_MAX: usize = 256;

/// "Your clients may go to these edges": from an origin to an edge. Replaces what that origin has said before.
#[derive(Clone, PartialEq, Message)]
pub struct Alternatives {
    /// At most [`ALTERNATIVES_MAX`], nearest first; none that drains.
    #[prost(message, repeated, tag = "1")]
    pub edges: Vec<Alternative>,
}

/// One of them.
#[derive(Clone, PartialEq, Message)]
pub struct Alternative {
    /// Its node.
    #[prost(string, tag = "1")]
    pub node: String,
    /// Where clients reach it, such as `https://ams.stoa.example`.
    #[prost(string, tag = "2")]
    pub url: String,
    /// Round-trip time between the two edges in microseconds, measured or estimated.
    #[prost(uint32, tag = "3")]
    pub rtt_us: u32,
}
