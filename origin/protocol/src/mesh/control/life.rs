//! How a link begins, drains and ends, and what nodes tell of their state.

use prost::Message;

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
