//! Which access tokens hold no longer, from an origin to its edges.

use prost::{Message, Oneof};
use thiserror::Error;

use crate::ids::{NameError, RoomId, TenantId};
use crate::token::{KEY_ID_CHARACTERS_MAX, Revocation, Revoked, TEXT_CHARACTERS_MAX};

/// Most revocations of one message; the rest of a table follows in further ones.
pub const REVOCATIONS_PER_MESSAGE_MAX: usize = 200;

/// Tokens that hold no longer. An edge adds them to those it knows; repeating one changes nothing, so that
/// an origin sends all of them to an edge that links anew.
#[derive(Clone, PartialEq, Message)]
pub struct Revocations {
    /// At most [`REVOCATIONS_PER_MESSAGE_MAX`].
    #[prost(message, repeated, tag = "1")]
    pub revocations: Vec<WireRevocation>,
}

/// A revocation.
#[derive(Clone, PartialEq, Message)]
pub struct WireRevocation {
    /// Whose tokens are meant.
    #[prost(string, tag = "1")]
    pub tenant: String,
    /// When it can be forgotten, in seconds since 1970.
    #[prost(fixed64, tag = "2")]
    pub expires_unix_s: u64,
    /// Which of the tenant's tokens.
    #[prost(oneof = "WireRevoked", tags = "3, 4, 5")]
    pub revoked: Option<WireRevoked>,
}

/// Which tokens.
#[derive(Clone, PartialEq, Oneof)]
pub enum WireRevoked {
    /// The one with this `jti`.
    #[prost(string, tag = "3")]
    Token(String),
    /// Those of an identity.
    #[prost(message, tag = "4")]
    Identity(RevokedIdentity),
    /// Those signed with this key.
    #[prost(string, tag = "5")]
    Key(String),
}

/// The tokens of an identity that were issued before a moment.
#[derive(Clone, PartialEq, Message)]
pub struct RevokedIdentity {
    /// `sub` of the tokens.
    #[prost(string, tag = "1")]
    pub identity: String,
    /// In this room alone; empty for the whole tenant.
    #[prost(string, tag = "2")]
    pub room: String,
    /// In seconds since 1970.
    #[prost(fixed64, tag = "3")]
    pub issued_before_unix_s: u64,
}

/// Why a revocation from the wire cannot be used.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum RevocationError {
    /// Its tenant or room is none.
    #[error(transparent)]
    Name(#[from] NameError),
    /// It revokes nothing, or something of a newer version.
    #[error("a revocation that names nothing known")]
    Nothing,
    /// A token's, identity's or key's name is empty or too long.
    #[error("a revocation with an empty or overlong name")]
    Length,
}

impl From<Revocation> for WireRevocation {
    fn from(revocation: Revocation) -> Self {
        let Revocation { tenant, revoked, expires_unix_s } = revocation;
        let revoked = match revoked {
            Revoked::Token { jti } => WireRevoked::Token(jti),
            Revoked::Identity { identity, room, issued_before_unix_s } => {
                let room = room.map(String::from).unwrap_or_default();
                WireRevoked::Identity(RevokedIdentity { identity, room, issued_before_unix_s })
            }
            Revoked::Key { key } => WireRevoked::Key(key),
        };
        Self { tenant: tenant.into(), expires_unix_s, revoked: Some(revoked) }
    }
}

impl TryFrom<WireRevocation> for Revocation {
    type Error = RevocationError;

    fn try_from(wire: WireRevocation) -> Result<Self, RevocationError> {
        let tenant = TenantId::new(wire.tenant)?;
        let revoked = match wire.revoked.ok_or(RevocationError::Nothing)? {
            WireRevoked::Token(jti) => Revoked::Token { jti: named(jti, TEXT_CHARACTERS_MAX)? },
            WireRevoked::Identity(RevokedIdentity { identity, room, issued_before_unix_s }) => {
                let identity = named(identity, TEXT_CHARACTERS_MAX)?;
                let room = if room.is_empty() { None } else { Some(RoomId::new(room)?) };
                Revoked::Identity { identity, room, issued_before_unix_s }
            }
            WireRevoked::Key(key) => Revoked::Key { key: named(key, KEY_ID_CHARACTERS_MAX)? },
        };
        Ok(Self { tenant, revoked, expires_unix_s: wire.expires_unix_s })
    }
}

fn named(name: String, max: usize) -> Result<String, RevocationError> {
    let fits = (1..=max).contains(&name.chars().count());
    if fits { Ok(name) } else { Err(RevocationError::Length) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_700_000_000;

    fn each() -> [Revocation; 4] {
        let identity = |room: Option<&str>| Revoked::Identity {
            identity: "ada".into(),
            room: room.map(|id| RoomId::new(id).unwrap()),
            issued_before_unix_s: NOW,
        };
        [
            Revoked::Token { jti: "t-1".into() },
            identity(Some("agora")),
            identity(None),
            Revoked::Key { key: "k1".into() },
        ]
        .map(|revoked| Revocation::new(TenantId::default(), revoked, NOW))
    }

    #[test]
    fn each_kind_of_revocation_survives_the_wire() {
        let revocations: Vec<WireRevocation> = each().map(WireRevocation::from).into();
        let bytes = Revocations { revocations }.encode_to_vec();
        let read = Revocations::decode(bytes.as_slice()).unwrap();
        let read: Vec<Revocation> =
            read.revocations.into_iter().map(|wire| wire.try_into().unwrap()).collect();
        assert_eq!(read, each());
    }

    #[test]
    fn the_bytes_of_a_revocation_stay_as_they_are() {
        let [token, ..] = each();
        let bytes = WireRevocation::from(token).encode_to_vec();
        let expires = (NOW + 31 * 86_400 + 10).to_le_bytes();
        let expected = [b"\x0a\x07default\x11".as_slice(), &expires, b"\x1a\x03t-1"].concat();
        assert_eq!(bytes, expected);
    }

    #[test]
    fn what_cannot_be_used_is_refused() {
        let wire = |tenant: &str, revoked| WireRevocation {
            tenant: tenant.into(),
            expires_unix_s: NOW,
            revoked,
        };
        let token = |jti: &str| Some(WireRevoked::Token(jti.into()));
        let read = |wire| Revocation::try_from(wire).unwrap_err();
        assert!(matches!(read(wire("", token("t"))), RevocationError::Name(_)));
        assert_eq!(read(wire("acme", None)), RevocationError::Nothing);
        assert_eq!(read(wire("acme", token(""))), RevocationError::Length);
        assert_eq!(read(wire("acme", token(&"x".repeat(129)))), RevocationError::Length);
        let foreign =
            RevokedIdentity { identity: "ada".into(), room: "a b".into(), ..Default::default() };
        let refused = read(wire("acme", Some(WireRevoked::Identity(foreign))));
        assert!(matches!(refused, RevocationError::Name(_)));
    }
}
