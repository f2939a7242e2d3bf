//! Protection profiles, and how DTLS keying material is divided between the two sides.

use std::fmt;

/// Longest master key of any profile, in bytes.
pub(super) const KEY_BYTES_MAX: usize = 32;
/// Longest master salt of any profile, in bytes.
pub(super) const SALT_BYTES_MAX: usize = 14;

/// An SRTP protection profile that DTLS can settle on (RFC 5764 section 4.1.2, RFC 7714 section 14.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Profile {
    /// `SRTP_AES128_CM_HMAC_SHA1_80`: the one every client knows.
    AesCm128Sha1,
    /// `SRTP_AEAD_AES_128_GCM`.
    AesGcm128,
    /// `SRTP_AEAD_AES_256_GCM`: what Chromium and str0m settle on.
    AesGcm256,
}

impl Profile {
    /// Length of the master key, in bytes.
    #[must_use]
    pub const fn key_bytes(self) -> usize {
        match self {
            Self::AesCm128Sha1 | Self::AesGcm128 => 16,
            Self::AesGcm256 => 32,
        }
    }

    /// Length of the master salt, in bytes.
    #[must_use]
    pub const fn salt_bytes(self) -> usize {
        match self {
            Self::AesCm128Sha1 => 14,
            Self::AesGcm128 | Self::AesGcm256 => 12,
        }
    }

    /// What sealing adds to an RTP packet, in bytes: the authentication tag.
    #[must_use]
    pub const fn tag_bytes(self) -> usize {
        match self {
            Self::AesCm128Sha1 => 10,
            Self::AesGcm128 | Self::AesGcm256 => 16,
        }
    }
}

/// Master key and salt of one direction. Never printed.
#[derive(Clone)]
pub struct Master {
    profile: Profile,
    key: [u8; KEY_BYTES_MAX],
    salt: [u8; SALT_BYTES_MAX],
}

impl Master {
    /// From key and salt of exactly the profile's lengths; `None` otherwise.
    #[must_use]
    pub fn new(profile: Profile, key: &[u8], salt: &[u8]) -> Option<Self> {
        let mut master = Self { profile, key: [0; KEY_BYTES_MAX], salt: [0; SALT_BYTES_MAX] };
        if key.len() != profile.key_bytes() || salt.len() != profile.salt_bytes() {
            return None;
        }
        master.key[..key.len()].copy_from_slice(key);
        master.salt[..salt.len()].copy_from_slice(salt);
        Some(master)
    }

    /// Which profile they are for.
    #[must_use]
    pub const fn profile(&self) -> Profile {
        self.profile
    }

    pub(super) fn key(&self) -> &[u8] {
        &self.key[..self.profile.key_bytes()]
    }

    /// The salt, padded with zeros on the right (RFC 7714 section 11).
    pub(super) const fn salt(&self) -> &[u8; SALT_BYTES_MAX] {
        &self.salt
    }
}

impl fmt::Debug for Master {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Master({:?}, ***)", self.profile)
    }
}

/// Both directions of a session.
#[derive(Clone, Debug)]
pub struct Masters {
    /// What we seal with.
    pub local: Master,
    /// What the peer seals with.
    pub remote: Master,
}

impl Masters {
    /// Divides what the DTLS exporter gave: client key, server key, client salt, server salt
    /// (RFC 5764 section 4.2). `None` when the length does not fit the profile.
    #[must_use]
    pub fn from_exporter(profile: Profile, material: &[u8], we_are_client: bool) -> Option<Self> {
        let (key, salt) = (profile.key_bytes(), profile.salt_bytes());
        if material.len() != 2 * (key + salt) {
            return None;
        }
        let (keys, salts) = material.split_at(2 * key);
        let client = Master::new(profile, &keys[..key], &salts[..salt])?;
        let server = Master::new(profile, &keys[key..], &salts[salt..])?;
        Some(if we_are_client {
            Self { local: client, remote: server }
        } else {
            Self { local: server, remote: client }
        })
    }
}
