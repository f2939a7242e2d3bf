//! One key. Its algorithm belongs to it: nothing that a token says can change it.

use std::fmt;

use jsonwebtoken::{DecodingKey, EncodingKey, Header, Validation};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{PrivatePkcs8KeyDer, SubjectPublicKeyInfoDer};
use serde::Deserialize;

use super::claims::Claims;
use super::error::KeyError;
use crate::tenant::TenantId;

/// Least length of a secret in bytes (RFC 7518 section 3.2: not shorter than the hash).
pub const SECRET_BYTES_MIN: usize = 32;
/// Most characters of a key's id.
pub const KEY_ID_CHARACTERS_MAX: usize = 128;

/// What stands before the 32 bytes of an Ed25519 key in its DER form (RFC 8410 section 4).
const ED25519_PUBLIC_DER: [u8; 12] =
    [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];
/// The algorithm of a private key in its DER form (RFC 8410 section 7), and where it stands.
const ED25519_ALGORITHM_DER: [u8; 7] = [0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70];
const ED25519_ALGORITHM_AT: usize = 5;
const ED25519_BYTES: usize = 32;

/// How a key signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    /// HMAC with SHA-256: who can check can sign.
    Hs256,
    /// Ed25519 (RFC 8037): edges can check and not sign.
    EdDsa,
}

impl Algorithm {
    pub(super) fn in_header(self) -> jsonwebtoken::Algorithm {
        match self {
            Self::Hs256 => jsonwebtoken::Algorithm::HS256,
            Self::EdDsa => jsonwebtoken::Algorithm::EdDSA,
        }
    }
}

/// A key that checks tokens, and signs them where it is a secret.
pub struct Key {
    pub(super) id: String,
    pub(super) tenant: TenantId,
    pub(super) algorithm: Algorithm,
    pub(super) not_after_unix_s: Option<u64>,
    pub(super) decoding: DecodingKey,
    pub(super) signing: Option<SigningKey>,
    pub(super) validation: Validation,
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Key")
            .field("id", &self.id)
            .field("tenant", &self.tenant)
            .field("algorithm", &self.algorithm)
            .finish_non_exhaustive()
    }
}

impl Key {
    /// A secret of the default tenant.
    ///
    /// # Errors
    /// [`KeyError::TooShort`] or [`KeyError::Id`].
    pub fn hs256(id: impl Into<String>, secret: &[u8]) -> Result<Self, KeyError> {
        let id = checked(id.into())?;
        if secret.len() < SECRET_BYTES_MIN {
            return Err(KeyError::TooShort { id, bytes: secret.len() });
        }
        let encoding = EncodingKey::from_secret(secret);
        let signing = SigningKey { id: Some(id.clone()), algorithm: Algorithm::Hs256, encoding };
        Ok(Self {
            signing: Some(signing),
            ..Self::new(id, Algorithm::Hs256, DecodingKey::from_secret(secret))
        })
    }

    /// An Ed25519 public key of the default tenant: PEM, or a JWK (RFC 8037 section 2).
    ///
    /// # Errors
    /// [`KeyError::NotPublic`], [`KeyError::Private`] or [`KeyError::Id`].
    pub fn ed25519(id: impl Into<String>, text: &str) -> Result<Self, KeyError> {
        let id = checked(id.into())?;
        let jwk = text.trim_start().starts_with('{');
        let decoding = if jwk { from_jwk(&id, text)? } else { from_pem(&id, text)? };
        Ok(Self::new(id, Algorithm::EdDsa, decoding))
    }

    fn new(id: String, algorithm: Algorithm, decoding: DecodingKey) -> Self {
        let mut validation = Validation::new(algorithm.in_header());
        // Times are checked in `Claims::check` against the caller's clock; `aud` stays checked: a
        // token made for another service is refused.
        validation.required_spec_claims.clear();
        validation.validate_exp = false;
        validation.validate_nbf = false;
        let (tenant, not_after_unix_s, signing) = (TenantId::default(), None, None);
        Self { id, tenant, algorithm, not_after_unix_s, decoding, signing, validation }
    }

    /// The same key, signing for this tenant.
    #[must_use]
    pub fn of(self, tenant: TenantId) -> Self {
        Self { tenant, ..self }
    }

    /// The same key, valid until this moment in seconds since 1970.
    #[must_use]
    pub fn until(self, not_after_unix_s: u64) -> Self {
        Self { not_after_unix_s: Some(not_after_unix_s), ..self }
    }

    /// Its id (`kid` of a token's header).
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    pub(super) fn is_over(&self, now_unix_s: u64) -> bool {
        self.not_after_unix_s.is_some_and(|end| now_unix_s > end)
    }

    pub(super) fn is_same(&self, other: &Self) -> bool {
        match (self.decoding.try_get_as_bytes(), other.decoding.try_get_as_bytes()) {
            (Ok(own), Ok(others)) => own == others,
            _ => false,
        }
    }
}

/// A key that signs tokens.
#[derive(Clone)]
pub struct SigningKey {
    id: Option<String>,
    algorithm: Algorithm,
    encoding: EncodingKey,
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey").field("id", &self.id).finish_non_exhaustive()
    }
}

impl SigningKey {
    /// A secret; without an id the tokens name no key.
    ///
    /// # Errors
    /// [`KeyError::TooShort`] or [`KeyError::Id`].
    pub fn hs256(id: Option<String>, secret: &[u8]) -> Result<Self, KeyError> {
        let id = id.map(checked).transpose()?;
        if secret.len() < SECRET_BYTES_MIN {
            let id = id.unwrap_or_default();
            return Err(KeyError::TooShort { id, bytes: secret.len() });
        }
        let encoding = EncodingKey::from_secret(secret);
        Ok(Self { id, algorithm: Algorithm::Hs256, encoding })
    }

    /// An Ed25519 private key in PEM (PKCS #8).
    ///
    /// # Errors
    /// [`KeyError::NotPrivate`] or [`KeyError::Id`].
    pub fn ed25519(id: impl Into<String>, pem: &str) -> Result<Self, KeyError> {
        let id = Some(checked(id.into())?);
        let der = PrivatePkcs8KeyDer::from_pem_slice(pem.as_bytes());
        let der = der.map_err(|_| KeyError::NotPrivate)?;
        let der = der.secret_pkcs8_der();
        let algorithm = der.get(ED25519_ALGORITHM_AT..).unwrap_or_default();
        if !algorithm.starts_with(&ED25519_ALGORITHM_DER) {
            return Err(KeyError::NotPrivate);
        }
        let encoding = EncodingKey::from_ed_der(der);
        Ok(Self { id, algorithm: Algorithm::EdDsa, encoding })
    }

    /// Signs a token.
    ///
    /// # Errors
    /// [`KeyError::Sign`].
    pub fn sign(&self, claims: &Claims) -> Result<String, KeyError> {
        let mut header = Header::new(self.algorithm.in_header());
        header.kid.clone_from(&self.id);
        let token = jsonwebtoken::encode(&header, claims, &self.encoding);
        token.map_err(|error| KeyError::Sign(error.to_string()))
    }
}

fn checked(id: String) -> Result<String, KeyError> {
    let characters = id.chars().count();
    if (1..=KEY_ID_CHARACTERS_MAX).contains(&characters) { Ok(id) } else { Err(KeyError::Id) }
}

fn from_pem(id: &str, text: &str) -> Result<DecodingKey, KeyError> {
    let id = || id.to_owned();
    if text.contains("PRIVATE KEY-----") {
        return Err(KeyError::Private { id: id() });
    }
    let der = SubjectPublicKeyInfoDer::from_pem_slice(text.as_bytes());
    let der = der.map_err(|_| KeyError::NotPublic { id: id() })?;
    match der.strip_prefix(&ED25519_PUBLIC_DER) {
        Some(key) if key.len() == ED25519_BYTES => Ok(DecodingKey::from_ed_der(key)),
        _ => Err(KeyError::NotPublic { id: id() }),
    }
}

/// A JSON Web Key (RFC 8037 section 2); its own `kid`, `use` and `alg` are ignored, because the
/// configuration says what the key is for.
#[derive(Deserialize)]
struct Jwk {
    kty: String,
    crv: String,
    x: String,
    #[serde(default)]
    d: Option<serde::de::IgnoredAny>,
}

fn from_jwk(id: &str, text: &str) -> Result<DecodingKey, KeyError> {
    let not_public = || KeyError::NotPublic { id: id.to_owned() };
    // The library's message could quote the key.
    let jwk: Jwk = serde_json::from_str(text).map_err(|_| not_public())?;
    if jwk.d.is_some() {
        return Err(KeyError::Private { id: id.to_owned() });
    }
    if jwk.kty != "OKP" || jwk.crv != "Ed25519" {
        return Err(not_public());
    }
    let key = DecodingKey::from_ed_components(&jwk.x).map_err(|_| not_public())?;
    match key.try_get_as_bytes() {
        Ok(bytes) if bytes.len() == ED25519_BYTES => Ok(key),
        _ => Err(not_public()),
    }
}
