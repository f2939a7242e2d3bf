//! What an operator may set of the signaling server; the edge's configuration embeds these types.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;

use serde::Deserialize;
use stoa_runtime::configuration::Secret;

use crate::drain::DrainConfig;

/// Port of the HTTP server unless configured.
pub const DEFAULT_PORT: u16 = 8080;

/// The signaling server's settings.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Where HTTP is served; an unspecified IPv6 address serves IPv4 too.
    pub listen: SocketAddr,
    /// Plain HTTP, or which certificate.
    pub tls: Tls,
    /// Whether anybody may create rooms and draw tokens; for a node without operator.
    pub open: bool,
    /// How people reach this edge, e.g. `https://ams.example.net`; from the request when absent.
    pub public_url: Option<String>,
    /// Addresses of proxies whose `X-Forwarded-For` says where a client is.
    pub trusted_proxies: Vec<IpAddr>,
    /// Base URLs of other edges, for who finds no room at this one.
    pub alternatives: Vec<String>,
    /// STUN and TURN servers that clients are told of.
    pub ice_servers: Vec<IceServer>,
    /// Upper bounds.
    pub limits: Limits,
    /// How long this edge takes to leave; of the edge's own configuration.
    #[serde(skip)]
    pub drain: DrainConfig,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv6Addr::UNSPECIFIED, DEFAULT_PORT)),
            tls: Tls::Off,
            open: false,
            public_url: None,
            trusted_proxies: Vec::new(),
            alternatives: Vec::new(),
            ice_servers: Vec::new(),
            limits: Limits::default(),
            drain: DrainConfig::default(),
        }
    }
}

/// How connections are secured.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(tag = "mode", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Tls {
    /// Not at all: behind a proxy, or on one's own machine.
    #[default]
    Off,
    /// With a certificate made at start for localhost, this host's name and its addresses.
    SelfSigned,
    /// With the operator's certificate.
    Files {
        /// PEM: the certificate, then its intermediates.
        certificate: PathBuf,
        /// PEM: the private key.
        key: PathBuf,
    },
}

impl Tls {
    /// Whether pages are reached by `https`.
    #[must_use]
    pub fn is_on(&self) -> bool {
        !matches!(self, Self::Off)
    }
}

/// A STUN or TURN server, in the terms of `RTCIceServer`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IceServer {
    /// `stun:` and `turn:` URLs (RFC 7064, RFC 7065).
    pub urls: Vec<String>,
    /// User name, for `turn:`.
    #[serde(default)]
    pub username: Option<String>,
    /// Password, for `turn:`; clients get it, logs do not.
    #[serde(default)]
    pub credential: Option<Secret>,
}

/// Upper bounds; reaching one is counted in `stoa_edge_signaling_limits_total`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Open connections; further ones are closed at once.
    pub connections_max: usize,
    /// Open WebSockets; further ones are answered 503.
    pub websockets_max: usize,
    /// WHIP and WHEP sessions with an address; beyond it the oldest loses its address, not its media.
    pub sessions_max: usize,
    /// Seconds until a request's headers must be complete; an idle connection ends after it too.
    pub header_read_s: u64,
    /// Seconds until a request's body must be complete.
    pub body_read_s: u64,
    /// Seconds that a request may wait for the room side.
    pub rooms_answer_s: u64,
    /// Seconds that open connections have to end when the server stops.
    pub drain_s: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections_max: 32_768,
            websockets_max: 16_384,
            sessions_max: 65_536,
            header_read_s: 10,
            body_read_s: 10,
            rooms_answer_s: 10,
            drain_s: 10,
        }
    }
}

/// Most bytes of a request's body, and of a WebSocket message.
pub const BODY_BYTES_MAX: usize = 64 * 1024;

/// Most bytes of an SDP offer; a browser's with seven audio lines and all its candidates has half of
/// them.
pub const OFFER_BYTES_MAX: usize = 16 * 1024;

/// Most bytes of a request's line and headers.
pub const HEADER_BYTES_MAX: usize = 32 * 1024;

/// Most headers of a request.
pub const HEADERS_MAX: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_key_is_refused() {
        let refused = serde_json::from_str::<Settings>(r#"{"lisen": "0.0.0.0:80"}"#);
        assert!(refused.is_err_and(|error| error.to_string().contains("lisen")));
    }

    #[test]
    fn certificate_files_are_named_by_mode() {
        let tls: Tls =
            serde_json::from_str(r#"{"mode": "files", "certificate": "a.pem", "key": "b.pem"}"#)
                .expect("settings");
        assert_eq!(tls, Tls::Files { certificate: "a.pem".into(), key: "b.pem".into() });
        assert!(tls.is_on());
    }
}
