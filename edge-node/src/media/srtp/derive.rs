//! Session keys from a master key (RFC 3711 section 4.3, RFC 7714 section 11), key derivation rate 0.

use aws_lc_rs::cipher::{AES_128, AES_256, EncryptingKey, EncryptionContext, UnboundCipherKey};
use aws_lc_rs::error::Unspecified;
use aws_lc_rs::iv::FixedLength;

use super::profile::{KEY_BYTES_MAX, Master, Profile, SALT_BYTES_MAX};

/// Bytes of the authentication key of `SRTP_AES128_CM_HMAC_SHA1_80`.
const AUTH_BYTES: usize = 20;

/// Whether session keys are for RTP or for RTCP; each has its own.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Rtp,
    Rtcp,
}

/// The session keys of one direction, for RTP or for RTCP.
pub(super) struct SessionKeys {
    pub profile: Profile,
    pub key: [u8; KEY_BYTES_MAX],
    /// Padded on the right.
    pub salt: [u8; SALT_BYTES_MAX],
    pub auth: [u8; AUTH_BYTES],
}

impl SessionKeys {
    pub(super) fn new(master: &Master, kind: Kind) -> Result<Self, Unspecified> {
        let (key_label, auth_label, salt_label) = match kind {
            Kind::Rtp => (Label::RtpKey, Label::RtpAuth, Label::RtpSalt),
            Kind::Rtcp => (Label::RtcpKey, Label::RtcpAuth, Label::RtcpSalt),
        };
        let profile = master.profile();
        let (key, salt, auth) = ([0; KEY_BYTES_MAX], [0; SALT_BYTES_MAX], [0; AUTH_BYTES]);
        let mut keys = Self { profile, key, salt, auth };
        derive(master, key_label, &mut keys.key[..profile.key_bytes()])?;
        derive(master, salt_label, &mut keys.salt[..profile.salt_bytes()])?;
        if profile == Profile::AesCm128Sha1 {
            derive(master, auth_label, &mut keys.auth)?;
        }
        Ok(keys)
    }

    pub(super) fn key(&self) -> &[u8] {
        &self.key[..self.profile.key_bytes()]
    }

    /// The salt of AES-GCM.
    pub(super) fn short_salt(&self) -> [u8; 12] {
        let mut short = [0; 12];
        short.copy_from_slice(&self.salt[..12]);
        short
    }
}

/// What a derived key is for (RFC 3711 section 4.3.2).
#[derive(Clone, Copy)]
pub(super) enum Label {
    RtpKey = 0,
    RtpAuth = 1,
    RtpSalt = 2,
    RtcpKey = 3,
    RtcpAuth = 4,
    RtcpSalt = 5,
}

/// Fills `out` with the session key that `label` names: an AES-CTR key stream whose initial value
/// is the master salt with the label in its place.
pub(super) fn derive(master: &Master, label: Label, out: &mut [u8]) -> Result<(), Unspecified> {
    let mut iv = [0u8; 16];
    iv[..14].copy_from_slice(master.salt());
    iv[7] ^= label as u8;
    out.fill(0);
    counter_mode(&counter_key(master.key())?, iv, out)
}

/// An AES key in counter mode, 16 or 32 bytes long.
pub(super) fn counter_key(key: &[u8]) -> Result<EncryptingKey, Unspecified> {
    let algorithm = if key.len() == 16 { &AES_128 } else { &AES_256 };
    EncryptingKey::ctr(UnboundCipherKey::new(algorithm, key)?)
}

/// Applies the key stream that starts at `iv`; sealing and opening are the same.
pub(super) fn counter_mode(
    key: &EncryptingKey,
    iv: [u8; 16],
    in_out: &mut [u8],
) -> Result<(), Unspecified> {
    key.less_safe_encrypt(in_out, EncryptionContext::Iv128(FixedLength::from(iv)))?;
    Ok(())
}
