//! Why tokens and keys are refused. No sentence here holds anything of a secret.

use thiserror::Error;

use super::claims::{Grant, TOKEN_LIFE_MAX_S};
use super::key::{KEY_ID_CHARACTERS_MAX, SECRET_BYTES_MIN};
use super::keys::{KEYS_MAX, KEYS_TRIED_MAX, TOKEN_BYTES_MAX};
use crate::ids::{Role, RoomId};

/// Why a token was refused. The sentences are for the bearer.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum TokenError {
    /// Not three parts of base64url, or too long.
    #[error("this is not an access token: a JWT of at most {TOKEN_BYTES_MAX} bytes is expected")]
    Form,
    /// The header is malformed, or names another algorithm than its key has (`none` among them).
    #[error(
        "the access token must be signed with the algorithm of its key, HS256 or EdDSA, and its \
         header must say so"
    )]
    Algorithm,
    /// The header names something that must be understood (`crit`) and is not.
    #[error("the access token's header asks for an extension (\"crit\") that is not known here")]
    Critical,
    /// The header names a key that is not in use here.
    #[error("the access token names a signing key that is not in use here")]
    UnknownKey,
    /// The header names no key, and there are several it could be.
    #[error(
        "the access token must name its signing key: set \"kid\" in its header to the key's id"
    )]
    NoKey,
    /// The key's time is over.
    #[error("the access token was signed with a key whose time is over; sign with a current one")]
    OldKey,
    /// The signature is wrong.
    #[error("the access token's signature is wrong: it was changed, or signed with another key")]
    Signature,
    /// A claim is missing, repeated or of the wrong type.
    #[error("the access token's claims are not as expected: {detail}")]
    Claims {
        /// What is wrong.
        detail: String,
    },
    /// `exp` has passed.
    #[error("the access token expired {seconds} s ago; ask for a new one")]
    Expired {
        /// How long ago.
        seconds: u64,
    },
    /// `nbf` or `iat` has not come.
    #[error("the access token holds only in {seconds} s; check the issuer's clock")]
    Early {
        /// How long until then.
        seconds: u64,
    },
    /// `exp` lies too far behind `iat`.
    #[error(
        "the access token holds for too long: \"exp\" may lie at most {TOKEN_LIFE_MAX_S} s behind \
         \"iat\""
    )]
    LongLived,
    /// It was revoked.
    #[error("the access token was revoked; ask for a new one")]
    Revoked,
    /// The token is for another room.
    #[error("the access token is for room {own}, not for room {asked}")]
    ForeignRoom {
        /// The token's room.
        own: RoomId,
        /// The room that was asked for.
        asked: RoomId,
    },
    /// The token is for one room, and this concerns others.
    #[error("the access token is for the room {own} only")]
    OneRoom {
        /// The token's room.
        own: RoomId,
    },
    /// The token does not grant this.
    #[error("the access token does not grant {grant:?} to its bearer", grant = grant.name())]
    MissingGrant {
        /// What is missing.
        grant: Grant,
    },
    /// The role does not allow this, and no grant does.
    #[error("only a {least} may {what}, or who was granted {grant:?}", least = name(*.least), grant = grant.name())]
    Role {
        /// The least role that may.
        least: Role,
        /// The grant that may as well.
        grant: Grant,
        /// What was asked for.
        what: &'static str,
    },
}

impl TokenError {
    /// Whether the bearer is known but may not do this (403), rather than unknown (401).
    #[must_use]
    pub fn is_forbidden(&self) -> bool {
        matches!(
            self,
            Self::ForeignRoom { .. }
                | Self::OneRoom { .. }
                | Self::MissingGrant { .. }
                | Self::Role { .. }
        )
    }
}

fn name(role: Role) -> &'static str {
    match role {
        Role::Listener => "listener",
        Role::Speaker => "speaker",
        Role::Moderator => "moderator",
        Role::Host => "host",
    }
}

/// Why keys were refused.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum KeyError {
    /// None was given.
    #[error("at least one token key is needed")]
    None,
    /// More than [`KEYS_MAX`], or more than [`KEYS_TRIED_MAX`] of one tenant.
    #[error(
        "{count} token keys were given; at most {KEYS_TRIED_MAX} of one tenant and {KEYS_MAX} of \
         all can be valid at once"
    )]
    TooMany {
        /// How many.
        count: usize,
    },
    /// Shorter than [`SECRET_BYTES_MIN`].
    #[error("the token secret {id:?} has {bytes} bytes; at least {SECRET_BYTES_MIN} are needed")]
    TooShort {
        /// Whose.
        id: String,
        /// How long it is.
        bytes: usize,
    },
    /// Two keys have one id.
    #[error("the token key id {id:?} is given twice")]
    Twice {
        /// Which id.
        id: String,
    },
    /// Two ids have one key: then nobody could say which tenant a token is of.
    #[error("the token keys {first:?} and {second:?} are the same key; every id needs its own")]
    Same {
        /// The first id.
        first: String,
        /// The second id.
        second: String,
    },
    /// An id is empty or too long.
    #[error("a token key's id has 1 to {KEY_ID_CHARACTERS_MAX} characters")]
    Id,
    /// No Ed25519 public key in PEM or as a JWK.
    #[error(
        "the token key {id:?} is no Ed25519 public key: give a PEM file (\"BEGIN PUBLIC KEY\") or a \
         JWK (\"kty\": \"OKP\", \"crv\": \"Ed25519\")"
    )]
    NotPublic {
        /// Whose.
        id: String,
    },
    /// A private key where a public one belongs.
    #[error(
        "the token key {id:?} is a private key: keep it where tokens are made, and give its public \
         half here"
    )]
    Private {
        /// Whose.
        id: String,
    },
    /// No Ed25519 private key.
    #[error(
        "this is no Ed25519 private key: a PEM file (\"BEGIN PRIVATE KEY\", PKCS #8) is needed, as \
         `stoa-origin key` makes it"
    )]
    NotPrivate,
    /// There are only public keys, which cannot sign, and secrets whose time is over.
    #[error("none of the token keys can sign: they are public keys, or their time is over")]
    CannotSign,
    /// The token could not be signed; the message is the library's.
    #[error("the access token could not be signed: {0}")]
    Sign(String),
}
