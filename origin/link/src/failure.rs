//! Why a connection did not become a link, sorted so that an operator knows where to look.

use std::fmt;

use quinn::{ConnectError, ConnectionError, VarInt};

use crate::certificates::NameError;

/// Codes with which one side closes a connection on purpose.
pub(crate) mod code {
    use quinn::VarInt;

    pub(crate) const IN_ORDER: VarInt = VarInt::from_u32(0);
    pub(crate) const REFUSED: VarInt = VarInt::from_u32(1);
    pub(crate) const PROTOCOL: VarInt = VarInt::from_u32(2);
    pub(crate) const CUT: VarInt = VarInt::from_u32(3);
}

/// TLS alerts that speak of certificates (RFC 8446 section 6.2).
const CERTIFICATE_ALERTS: [u64; 10] = [42, 43, 44, 45, 46, 48, 49, 51, 113, 116];
/// TLS alert `protocol_version`.
const VERSION_ALERT: u64 = 70;
/// TLS alert `no_application_protocol` (RFC 7301 section 3.2).
const ALPN_ALERT: u64 = 120;

/// What whoever has dialled a node that is linked already says: two nodes may dial each other at once.
pub(crate) const LINKED: &str = "there is a link already";

/// What went wrong, by kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Certificate,
    Version,
    Identity,
    Refused,
    Timeout,
    Resolution,
    Other,
}

/// Why a connection did not become a link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) kind: Kind,
    /// For people.
    pub(crate) reason: String,
}

impl Failure {
    pub(crate) fn new(kind: Kind, reason: impl Into<String>) -> Self {
        Self { kind, reason: reason.into() }
    }

    pub(crate) fn timeout() -> Self {
        Self::new(Kind::Timeout, "the handshake took too long")
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reason)
    }
}

impl From<ConnectionError> for Failure {
    fn from(error: ConnectionError) -> Self {
        let kind = match &error {
            ConnectionError::VersionMismatch => Kind::Version,
            ConnectionError::TransportError(error) => kind_of(error.code.into()),
            ConnectionError::ConnectionClosed(close) => kind_of(close.error_code.into()),
            ConnectionError::ApplicationClosed(close) if close.error_code == code::REFUSED => {
                Kind::Refused
            }
            ConnectionError::TimedOut => Kind::Timeout,
            ConnectionError::ApplicationClosed(_)
            | ConnectionError::Reset
            | ConnectionError::LocallyClosed
            | ConnectionError::CidsExhausted => Kind::Other,
        };
        let reason = match kind {
            Kind::Version => {
                format!("the two sides share no version of the mesh protocol: {error}")
            }
            Kind::Certificate => format!("a certificate was not accepted: {error}"),
            _ => describe(&error),
        };
        Self { kind, reason }
    }
}

impl From<ConnectError> for Failure {
    fn from(error: ConnectError) -> Self {
        let kind = match &error {
            ConnectError::UnsupportedVersion => Kind::Version,
            ConnectError::InvalidRemoteAddress(_) => Kind::Resolution,
            _ => Kind::Other,
        };
        Self::new(kind, error.to_string())
    }
}

impl From<NameError> for Failure {
    fn from(error: NameError) -> Self {
        Self::new(Kind::Identity, error.to_string())
    }
}

/// Why a connection ended, in words for people.
pub(crate) fn describe(error: &ConnectionError) -> String {
    match error {
        ConnectionError::ApplicationClosed(close) if !close.reason.is_empty() => {
            shorten(&String::from_utf8_lossy(&close.reason))
        }
        ConnectionError::TimedOut => "the connection timed out".to_owned(),
        ConnectionError::LocallyClosed => "closed on this side".to_owned(),
        other => shorten(&other.to_string()),
    }
}

/// A peer's words are as long as it likes; ours are not.
fn shorten(words: &str) -> String {
    words.chars().filter(|c| !c.is_control()).take(200).collect()
}

fn kind_of(transport_code: u64) -> Kind {
    const REFUSED: u64 = 0x2;
    match transport_code.checked_sub(0x100) {
        Some(ALPN_ALERT | VERSION_ALERT) => Kind::Version,
        Some(alert) if CERTIFICATE_ALERTS.contains(&alert) => Kind::Certificate,
        None if transport_code == REFUSED => Kind::Refused,
        _ => Kind::Other,
    }
}

/// What fits into a close frame beside its code.
pub(crate) fn close(connection: &quinn::Connection, code: VarInt, reason: &str) {
    connection.close(code, shorten(reason).as_bytes());
}
