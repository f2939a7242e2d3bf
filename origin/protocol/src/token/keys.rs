//! Access tokens of participants and back ends: JWTs signed with HS256, by one of several secrets.

use std::collections::BTreeMap;
use std::fmt;

use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::ids::{Role, RoomId};

/// Least length of a secret in bytes (RFC 7518 section 3.2: not shorter than the hash).
pub const SECRET_BYTES_MIN: usize = 32;
/// Most secrets that are valid at once.
pub const KEYS_MAX: usize = 16;
/// Longest token in bytes.
pub const TOKEN_BYTES_MAX: usize = 4_096;
/// How far two clocks may disagree, in seconds.
pub const LEEWAY_S: u64 = 5;
/// Most characters of an identity, a name or a token's id.
pub const TEXT_CHARACTERS_MAX: usize = 128;

/// The only algorithm. It belongs to the keys; what a token's header says cannot change it.
const ALGORITHM: Algorithm = Algorithm::HS256;

/// What a token says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    /// The room it is for; absent for a back end's token, which holds for every room.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub room: Option<RoomId>,
    /// Who this is, as the issuer knows it; 1 to 128 characters. Not unique in a room.
    pub sub: String,
    /// What people read; empty when the participant may choose.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// What its bearer may do in a room.
    pub role: Role,
    /// What its bearer may do to rooms.
    #[serde(default)]
    pub grants: Grants,
    /// When it was issued, in seconds since 1970.
    pub iat: u64,
    /// Before when it does not hold, in seconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nbf: Option<u64>,
    /// From when it no longer holds, in seconds since 1970.
    pub exp: u64,
    /// Tells tokens apart in logs; drawn by the issuer.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub jti: String,
}

/// What a bearer may do to rooms. Grants of newer versions are ignored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Grants {
    /// May make rooms.
    pub create: bool,
    /// May list and read rooms.
    pub list: bool,
    /// May end rooms.
    pub close: bool,
}

/// One of [`Grants`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grant {
    /// To make rooms.
    Create,
    /// To list and read rooms.
    List,
    /// To end rooms.
    Close,
}

impl fmt::Display for Grant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Create => "create",
            Self::List => "list",
            Self::Close => "close",
        })
    }
}

impl Claims {
    /// Whether the token grants this.
    ///
    /// # Errors
    /// [`TokenError::MissingGrant`].
    pub fn require(&self, grant: Grant) -> Result<(), TokenError> {
        let granted = match grant {
            Grant::Create => self.grants.create,
            Grant::List => self.grants.list,
            Grant::Close => self.grants.close,
        };
        if granted { Ok(()) } else { Err(TokenError::MissingGrant { grant }) }
    }

    fn check(self, room: Option<&RoomId>, now_unix_s: u64) -> Result<Self, TokenError> {
        let long = |text: &str| text.chars().count() > TEXT_CHARACTERS_MAX;
        if self.sub.is_empty() || long(&self.sub) || long(&self.name) || long(&self.jti) {
            let detail =
                "\"sub\" takes 1 to 128 characters, \"name\" and \"jti\" at most 128".to_owned();
            return Err(TokenError::Claims { detail });
        }
        if self.exp.saturating_add(LEEWAY_S) <= now_unix_s {
            return Err(TokenError::Expired { seconds: now_unix_s - self.exp });
        }
        if let Some(nbf) = self.nbf
            && nbf > now_unix_s.saturating_add(LEEWAY_S)
        {
            return Err(TokenError::Early { seconds: nbf - now_unix_s });
        }
        match (&self.room, room) {
            (Some(own), Some(asked)) if own != asked => {
                Err(TokenError::ForeignRoom { own: own.clone(), asked: asked.clone() })
            }
            _ => Ok(self),
        }
    }
}

/// Why a token was refused. The sentences are for the bearer; they hold nothing of the secrets.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum TokenError {
    /// Not three parts of base64url, or too long.
    #[error("this is not an access token: a JWT of at most {TOKEN_BYTES_MAX} bytes is expected")]
    Form,
    /// The header is malformed, or names another algorithm (`none` among them).
    #[error("the access token must be signed with HS256, and its header must say so")]
    Algorithm,
    /// The header names a key that is not in use here.
    #[error("the access token names a signing key that is not in use here")]
    UnknownKey,
    /// The signature is wrong.
    #[error("the access token's signature is wrong: it was changed, or signed with another secret")]
    Signature,
    /// A claim is missing or of the wrong type.
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
    /// `nbf` has not come.
    #[error("the access token holds only in {seconds} s; check the issuer's clock")]
    Early {
        /// How long until then.
        seconds: u64,
    },
    /// The token is for another room.
    #[error("the access token is for room {own}, not for room {asked}")]
    ForeignRoom {
        /// The token's room.
        own: RoomId,
        /// The room that was asked for.
        asked: RoomId,
    },
    /// The token does not grant this.
    #[error("the access token does not grant {grant:?} to its bearer", grant = grant.to_string())]
    MissingGrant {
        /// What is missing.
        grant: Grant,
    },
}

impl TokenError {
    /// Whether the bearer is known but may not do this (403), rather than unknown (401).
    #[must_use]
    pub fn is_forbidden(&self) -> bool {
        matches!(self, Self::ForeignRoom { .. } | Self::MissingGrant { .. })
    }
}

/// Why secrets were refused.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum KeyError {
    /// None was given.
    #[error("at least one token secret is needed")]
    None,
    /// More than [`KEYS_MAX`].
    #[error("{count} token secrets were given; at most {KEYS_MAX} can be valid at once")]
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
    /// Two secrets have one id.
    #[error("the token secret id {id:?} is given twice")]
    Twice {
        /// Which id.
        id: String,
    },
    /// The token could not be signed; the message is the library's.
    #[error("the access token could not be signed: {0}")]
    Sign(String),
}

struct Key {
    encoding: EncodingKey,
    decoding: DecodingKey,
}

/// The secrets that sign and verify tokens. The first signs; all verify, so that secrets can rotate:
/// put the new one first, and take the old one out when its last token has expired.
pub struct Keys {
    signing: String,
    by_id: BTreeMap<String, Key>,
    validation: Validation,
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ids: Vec<&String> = self.by_id.keys().collect();
        f.debug_struct("Keys")
            .field("signing", &self.signing)
            .field("ids", &ids)
            .finish_non_exhaustive()
    }
}

impl Keys {
    /// Takes secrets with their ids (`kid` in a token's header).
    ///
    /// # Errors
    /// [`KeyError`]: none or too many, one too short, an id given twice.
    pub fn new<I, S>(secrets: I) -> Result<Self, KeyError>
    where
        I: IntoIterator<Item = (String, S)>,
        S: AsRef<[u8]>,
    {
        let mut signing = None;
        let mut by_id = BTreeMap::new();
        for (id, secret) in secrets {
            let secret = secret.as_ref();
            if secret.len() < SECRET_BYTES_MIN {
                return Err(KeyError::TooShort { id, bytes: secret.len() });
            }
            let encoding = EncodingKey::from_secret(secret);
            let decoding = DecodingKey::from_secret(secret);
            signing.get_or_insert_with(|| id.clone());
            if by_id.insert(id.clone(), Key { encoding, decoding }).is_some() {
                return Err(KeyError::Twice { id });
            }
        }
        if by_id.len() > KEYS_MAX {
            return Err(KeyError::TooMany { count: by_id.len() });
        }
        let signing = signing.ok_or(KeyError::None)?;
        let mut validation = Validation::new(ALGORITHM);
        // Times are checked in `Claims::check` against the caller's clock; `aud` stays checked: a
        // token made for another service is refused.
        validation.required_spec_claims.clear();
        validation.validate_exp = false;
        validation.validate_nbf = false;
        Ok(Self { signing, by_id, validation })
    }

    /// Signs a token with the first secret.
    ///
    /// # Errors
    /// [`KeyError::Sign`].
    pub fn mint(&self, claims: &Claims) -> Result<String, KeyError> {
        let key = self.by_id.get(&self.signing).ok_or(KeyError::None)?;
        let mut header = Header::new(ALGORITHM);
        header.kid = Some(self.signing.clone());
        let token = jsonwebtoken::encode(&header, claims, &key.encoding);
        token.map_err(|error| KeyError::Sign(error.to_string()))
    }

    /// Checks a token's signature, then its claims: expiry against `now_unix_s` (seconds since 1970),
    /// and, where `room` is given, that the token is for this room or for every room.
    ///
    /// A token without a key id is tried against every secret.
    ///
    /// # Errors
    /// [`TokenError`]; see [`TokenError::is_forbidden`] for the HTTP status.
    pub fn verify(
        &self,
        token: &str,
        room: Option<&RoomId>,
        now_unix_s: u64,
    ) -> Result<Claims, TokenError> {
        if token.len() > TOKEN_BYTES_MAX || token.split('.').count() != 3 {
            return Err(TokenError::Form);
        }
        let header = jsonwebtoken::decode_header(token).map_err(|error| match error.kind() {
            ErrorKind::Json(_) => TokenError::Algorithm,
            _ => TokenError::Form,
        })?;
        if header.alg != ALGORITHM {
            return Err(TokenError::Algorithm);
        }
        let claims = match header.kid {
            Some(id) => self.decode(token, self.by_id.get(&id).ok_or(TokenError::UnknownKey)?)?,
            None => self.decode_with_any(token)?,
        };
        claims.check(room, now_unix_s)
    }

    fn decode_with_any(&self, token: &str) -> Result<Claims, TokenError> {
        let mut refused = TokenError::Signature;
        for key in self.by_id.values() {
            match self.decode(token, key) {
                Err(TokenError::Signature) => {}
                Err(error) => refused = error,
                Ok(claims) => return Ok(claims),
            }
        }
        Err(refused)
    }

    fn decode(&self, token: &str, key: &Key) -> Result<Claims, TokenError> {
        let decoded = jsonwebtoken::decode::<Claims>(token, &key.decoding, &self.validation);
        match decoded {
            Ok(decoded) => Ok(decoded.claims),
            Err(error) => Err(match error.kind() {
                ErrorKind::InvalidSignature => TokenError::Signature,
                ErrorKind::InvalidAlgorithm => TokenError::Algorithm,
                ErrorKind::Json(error) => TokenError::Claims { detail: error.to_string() },
                ErrorKind::InvalidAudience => {
                    TokenError::Claims { detail: "\"aud\" names another service".to_owned() }
                }
                _ => TokenError::Form,
            }),
        }
    }
}

#[cfg(test)]
#[path = "token_tests.rs"]
mod tests;
