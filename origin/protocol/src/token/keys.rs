//! All keys that are in use: they sign and verify, and rotate without breaking tokens under way.

use std::collections::BTreeMap;
use std::fmt;

use jsonwebtoken::errors::ErrorKind;

use super::claims::Claims;
use super::error::{KeyError, TokenError};
use super::key::Key;
use super::revocations::Trace;
use crate::ids::RoomId;
use crate::tenant::TenantId;

/// Most keys that are valid at once, of all tenants.
pub const KEYS_MAX: usize = 1_024;
/// Most keys of one tenant; as many are tried for a token that names none.
pub const KEYS_TRIED_MAX: usize = 16;
/// Longest token in bytes.
pub const TOKEN_BYTES_MAX: usize = 4_096;

/// Whose token it is: what it says, and what its key says of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bearer {
    /// What the token says.
    pub claims: Claims,
    /// The tenant that its key signs for.
    pub tenant: TenantId,
    /// The id of its key.
    pub key: String,
}

impl Bearer {
    /// What a revocation can name of this token, used in this room.
    #[must_use]
    pub fn trace(&self, room: Option<&RoomId>) -> Trace {
        let Claims { jti, sub, iat, .. } = &self.claims;
        Trace {
            tenant: self.tenant.clone(),
            key: self.key.clone(),
            jti: jti.clone(),
            identity: sub.clone(),
            room: self.claims.room.as_ref().or(room).cloned(),
            issued_unix_s: *iat,
        }
    }
}

/// The keys that sign and verify tokens. The first that can sign does; all verify, so that keys can
/// rotate: put the new one first, and take the old one out when its last token has expired.
pub struct Keys {
    /// Those that can sign, in the order in which they were given.
    signing: Vec<String>,
    by_id: BTreeMap<String, Key>,
    /// Whether a token may name no key: only where it could be of one tenant alone.
    may_be_unnamed: bool,
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
    /// Takes secrets of the default tenant with their ids (`kid` in a token's header).
    ///
    /// # Errors
    /// [`KeyError`]: none or too many, one too short, an id or a secret given twice.
    pub fn new<I, S>(secrets: I) -> Result<Self, KeyError>
    where
        I: IntoIterator<Item = (String, S)>,
        S: AsRef<[u8]>,
    {
        let keys = secrets.into_iter().map(|(id, secret)| Key::hs256(id, secret.as_ref()));
        Self::from_keys(keys.collect::<Result<Vec<_>, _>>()?)
    }

    /// Takes keys of any kind and tenant.
    ///
    /// # Errors
    /// [`KeyError`]: none or too many, an id or a key given twice.
    pub fn from_keys(keys: impl IntoIterator<Item = Key>) -> Result<Self, KeyError> {
        let mut signing = Vec::new();
        let mut by_id: BTreeMap<String, Key> = BTreeMap::new();
        let mut of_tenant: BTreeMap<TenantId, usize> = BTreeMap::new();
        for key in keys {
            if by_id.contains_key(&key.id) {
                return Err(KeyError::Twice { id: key.id });
            }
            if let Some(same) = by_id.values().find(|other| other.is_same(&key)) {
                return Err(KeyError::Same { first: same.id.clone(), second: key.id });
            }
            if key.signing.is_some() {
                signing.push(key.id.clone());
            }
            let count = of_tenant.entry(key.tenant.clone()).or_default();
            *count += 1;
            if *count > KEYS_TRIED_MAX {
                return Err(KeyError::TooMany { count: *count });
            }
            by_id.insert(key.id.clone(), key);
        }
        match by_id.len() {
            0 => Err(KeyError::None),
            1..=KEYS_MAX => Ok(Self { signing, by_id, may_be_unnamed: of_tenant.len() == 1 }),
            count => Err(KeyError::TooMany { count }),
        }
    }

    /// Signs a token with the first key that can and is still valid when the token is issued.
    ///
    /// # Errors
    /// [`KeyError::CannotSign`] without such a key, [`KeyError::Sign`].
    pub fn mint(&self, claims: &Claims) -> Result<String, KeyError> {
        let keys = self.signing.iter().filter_map(|id| self.by_id.get(id));
        let mut valid = keys.filter(|key| !key.is_over(claims.iat));
        let signing = valid.find_map(|key| key.signing.as_ref()).ok_or(KeyError::CannotSign)?;
        signing.sign(claims)
    }

    /// Whether tokens can be signed here.
    #[must_use]
    pub fn can_sign(&self) -> bool {
        !self.signing.is_empty()
    }

    /// Checks a token's signature, then its claims: times against `now_unix_s` (seconds since 1970),
    /// and, where `room` is given, that the token is for this room or for every room.
    ///
    /// Whether it was revoked is for [`super::Revocations`] to say.
    ///
    /// # Errors
    /// [`TokenError`]; see [`TokenError::is_forbidden`] for the HTTP status.
    pub fn verify(
        &self,
        token: &str,
        room: Option<&RoomId>,
        now_unix_s: u64,
    ) -> Result<Bearer, TokenError> {
        if token.len() > TOKEN_BYTES_MAX || token.split('.').count() != 3 {
            return Err(TokenError::Form);
        }
        let header = jsonwebtoken::decode_header(token).map_err(|error| match error.kind() {
            ErrorKind::Json(_) => TokenError::Algorithm,
            _ => TokenError::Form,
        })?;
        if header.crit.is_some() {
            // RFC 7515 section 4.1.11: what is critical and not understood makes it invalid.
            return Err(TokenError::Critical);
        }
        let (key, claims) = match header.kid {
            Some(id) => {
                let key = self.by_id.get(&id).ok_or(TokenError::UnknownKey)?;
                (key, decode(token, header.alg, key, now_unix_s)?)
            }
            None if self.may_be_unnamed => self.decode_with_any(token, header.alg, now_unix_s)?,
            None => return Err(TokenError::NoKey),
        };
        let claims = claims.check(room, now_unix_s)?;
        Ok(Bearer { claims, tenant: key.tenant.clone(), key: key.id.clone() })
    }

    fn decode_with_any(
        &self,
        token: &str,
        algorithm: jsonwebtoken::Algorithm,
        now_unix_s: u64,
    ) -> Result<(&Key, Claims), TokenError> {
        let mut refused = TokenError::Algorithm;
        for key in self.by_id.values() {
            match decode(token, algorithm, key, now_unix_s) {
                Ok(claims) => return Ok((key, claims)),
                // Another key's algorithm says nothing about this token.
                Err(TokenError::Algorithm) => {}
                // The key that fits the signature has more to say than those that do not.
                Err(TokenError::Signature) if refused != TokenError::Algorithm => {}
                Err(error) => refused = error,
            }
        }
        Err(refused)
    }
}

/// The header's algorithm is compared with the key's and used for nothing else.
fn decode(
    token: &str,
    algorithm: jsonwebtoken::Algorithm,
    key: &Key,
    now_unix_s: u64,
) -> Result<Claims, TokenError> {
    if algorithm != key.algorithm.in_header() {
        return Err(TokenError::Algorithm);
    }
    match jsonwebtoken::decode::<Claims>(token, &key.decoding, &key.validation) {
        Ok(_) if key.is_over(now_unix_s) => Err(TokenError::OldKey),
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
