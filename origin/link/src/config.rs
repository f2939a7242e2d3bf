//! What an endpoint needs to know to start.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use crate::event::PeerName;

/// What an endpoint needs to know to start.
#[derive(Clone, Debug)]
pub struct EndpointConfig {
    /// UDP address for links, in both directions; port 0 picks one.
    pub listen: SocketAddr,
    /// How this node proves who it is.
    pub identity: Identity,
    /// Who this node is; its certificate must say the same.
    pub name: PeerName,
    /// Maximums.
    pub limits: Limits,
}

/// How a node proves who it is, and whom it believes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Identity {
    /// A certificate authority of one's own in `directory` (`ca.pem`, `ca.key`), made on first start
    /// and shared by all nodes started with that directory. For development and single machines.
    Development {
        /// Made if missing, readable by the owner alone.
        directory: PathBuf,
    },
    /// PEM files from a real authority.
    Files {
        /// Authorities whose nodes are believed.
        authority: PathBuf,
        /// This node's certificate, followed by intermediate ones if any. Subject alternative names:
        /// the URI `stoa://{role}/{region}/{node}` and the DNS name `stoa.mesh`.
        certificate: PathBuf,
        /// The certificate's private key.
        key: PathBuf,
    },
}

/// Maximums of an endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Links at a time, in both directions.
    pub links_max: usize,
    /// Incoming connections that have not yet become links.
    pub handshakes_max: usize,
    /// Connections per second from one address (one /64 for IPv6).
    pub connects_per_second: u32,
    /// Connections at once from one address before the rate counts.
    pub connects_burst: u32,
    /// How long a connection may take to become a link.
    pub handshake_timeout: Duration,
    /// Audio rate below which congestion control never throttles a link, in bit/s.
    pub booked_bits_per_second: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            links_max: 512,
            handshakes_max: 64,
            connects_per_second: 8,
            connects_burst: 32,
            handshake_timeout: Duration::from_secs(5),
            booked_bits_per_second: 2_000_000,
        }
    }
}
