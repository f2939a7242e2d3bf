//! One direction's session keys: how a packet is sealed and opened, once its index is known.
//!
//! The index is the caller's: a sender must never use one twice with the same SSRC (RFC 7714
//! section 8.4), a receiver must check it for replay.

use aws_lc_rs::aead::{AES_128_GCM, AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::cipher::EncryptingKey;
use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::error::Unspecified;
use aws_lc_rs::hmac;

use super::derive::{Kind, SessionKeys, counter_key, counter_mode};
use super::profile::{Master, Profile};

/// Tag of `SRTP_AES128_CM_HMAC_SHA1_80`, in bytes.
const SHA1_TAG: usize = 10;
pub(super) const GCM_TAG: usize = 16;

/// Session keys of one direction, for RTP or for RTCP.
pub(super) enum Cipher {
    Gcm {
        key: LessSafeKey,
        salt: [u8; 12],
    },
    /// Boxed, because these keys are large and rare.
    CounterMode(Box<CounterMode>),
}

pub(super) struct CounterMode {
    key: EncryptingKey,
    salt: [u8; 14],
    auth: hmac::Key,
}

impl CounterMode {
    pub(super) fn new(keys: &SessionKeys) -> Result<Self, Unspecified> {
        let auth = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &keys.auth);
        Ok(Self { key: counter_key(keys.key())?, salt: keys.salt, auth })
    }

    /// Seals an RTP packet in place: `packet` is header, payload and room for the tag.
    pub(super) fn seal_rtp(
        &self,
        packet: &mut [u8],
        header: usize,
        ssrc: u32,
        index: u64,
    ) -> Result<(), Unspecified> {
        let tag_at = packet.len().checked_sub(SHA1_TAG).ok_or(Unspecified)?;
        let payload = packet.get_mut(header..tag_at).ok_or(Unspecified)?;
        counter_mode(&self.key, counter_iv(self.salt, ssrc, index), payload)?;
        let tag = rtp_tag(&self.auth, &packet[..tag_at], index);
        packet[tag_at..].copy_from_slice(&tag.as_ref()[..SHA1_TAG]);
        Ok(())
    }
}

impl Cipher {
    pub(super) fn new(master: &Master, kind: Kind) -> Result<Self, Unspecified> {
        let keys = SessionKeys::new(master, kind)?;
        let algorithm = match keys.profile {
            Profile::AesGcm128 => &AES_128_GCM,
            Profile::AesGcm256 => &AES_256_GCM,
            Profile::AesCm128Sha1 => {
                return Ok(Self::CounterMode(Box::new(CounterMode::new(&keys)?)));
            }
        };
        let key = LessSafeKey::new(UnboundKey::new(algorithm, keys.key())?);
        Ok(Self::Gcm { key, salt: keys.short_salt() })
    }

    /// Opens an RTP packet in place and returns where its payload ends.
    pub(super) fn open_rtp(
        &self,
        packet: &mut [u8],
        header: usize,
        ssrc: u32,
        index: u64,
    ) -> Result<usize, Unspecified> {
        match self {
            Self::Gcm { key, salt } => {
                let (head, sealed) = packet.split_at_mut_checked(header).ok_or(Unspecified)?;
                let nonce = Nonce::assume_unique_for_key(gcm_rtp_nonce(*salt, ssrc, index));
                let plain = key.open_in_place(nonce, Aad::from(&*head), sealed)?;
                Ok(header + plain.len())
            }
            Self::CounterMode(cipher) => {
                let CounterMode { key, salt, auth } = &**cipher;
                let tag_at = packet.len().checked_sub(SHA1_TAG).ok_or(Unspecified)?;
                let tag = rtp_tag(auth, &packet[..tag_at], index);
                verify_slices_are_equal(&tag.as_ref()[..SHA1_TAG], &packet[tag_at..])?;
                let payload = packet.get_mut(header..tag_at).ok_or(Unspecified)?;
                counter_mode(key, counter_iv(*salt, ssrc, index), payload)?;
                Ok(tag_at)
            }
        }
    }

    /// What sealing adds to an RTCP packet, in bytes: index word and tag.
    pub(super) const fn rtcp_overhead(&self) -> usize {
        match self {
            Self::Gcm { .. } => GCM_TAG + 4,
            Self::CounterMode(_) => SHA1_TAG + 4,
        }
    }

    /// Seals an RTCP compound packet in place: `packet` is the compound and room for the overhead.
    /// The encryption flag is always set (RFC 3711 section 3.4).
    pub(super) fn seal_rtcp(
        &self,
        packet: &mut [u8],
        ssrc: u32,
        index: u32,
    ) -> Result<(), Unspecified> {
        let plain = packet.len().checked_sub(self.rtcp_overhead()).ok_or(Unspecified)?;
        let index_word = (0x8000_0000 | index).to_be_bytes();
        match self {
            Self::Gcm { key, salt } => {
                let aad = rtcp_aad(packet, index_word)?;
                let nonce = Nonce::assume_unique_for_key(gcm_rtcp_nonce(*salt, ssrc, index));
                let body = packet.get_mut(8..plain).ok_or(Unspecified)?;
                let tag = key.seal_in_place_separate_tag(nonce, Aad::from(aad), body)?;
                packet[plain..plain + GCM_TAG].copy_from_slice(tag.as_ref());
                packet[plain + GCM_TAG..].copy_from_slice(&index_word);
            }
            Self::CounterMode(cipher) => {
                let CounterMode { key, salt, auth } = &**cipher;
                let body = packet.get_mut(8..plain).ok_or(Unspecified)?;
                counter_mode(key, counter_iv(*salt, ssrc, u64::from(index)), body)?;
                packet[plain..plain + 4].copy_from_slice(&index_word);
                let tag = hmac::sign(auth, &packet[..plain + 4]);
                packet[plain + 4..].copy_from_slice(&tag.as_ref()[..SHA1_TAG]);
            }
        }
        Ok(())
    }

    /// The index that a sealed RTCP packet carries, and whether its encryption flag is set.
    pub(super) fn rtcp_index(&self, packet: &[u8]) -> Option<(u32, bool)> {
        let end = match self {
            Self::Gcm { .. } => packet.len(),
            Self::CounterMode(_) => packet.len().checked_sub(SHA1_TAG)?,
        };
        let word = packet.get(end.checked_sub(4)?..end)?;
        let word = u32::from_be_bytes(word.try_into().ok()?);
        Some((word & 0x7fff_ffff, word & 0x8000_0000 != 0))
    }

    /// Opens an RTCP compound packet in place and returns where it ends.
    pub(super) fn open_rtcp(
        &self,
        packet: &mut [u8],
        ssrc: u32,
        index: u32,
    ) -> Result<usize, Unspecified> {
        let plain = packet.len().checked_sub(self.rtcp_overhead()).ok_or(Unspecified)?;
        let index_word = (0x8000_0000 | index).to_be_bytes();
        match self {
            Self::Gcm { key, salt } => {
                let aad = rtcp_aad(packet, index_word)?;
                let nonce = Nonce::assume_unique_for_key(gcm_rtcp_nonce(*salt, ssrc, index));
                let sealed = packet.get_mut(8..plain + GCM_TAG).ok_or(Unspecified)?;
                key.open_in_place(nonce, Aad::from(aad), sealed)?;
            }
            Self::CounterMode(cipher) => {
                let CounterMode { key, salt, auth } = &**cipher;
                let tag = hmac::sign(auth, &packet[..plain + 4]);
                verify_slices_are_equal(&tag.as_ref()[..SHA1_TAG], &packet[plain + 4..])?;
                let body = packet.get_mut(8..plain).ok_or(Unspecified)?;
                counter_mode(key, counter_iv(*salt, ssrc, u64::from(index)), body)?;
            }
        }
        Ok(plain)
    }
}

/// RFC 7714 section 8.1.
pub(super) fn gcm_rtp_nonce(salt: [u8; 12], ssrc: u32, index: u64) -> [u8; 12] {
    let mut nonce = [0u8; 12];
    nonce[2..6].copy_from_slice(&ssrc.to_be_bytes());
    nonce[6..12].copy_from_slice(&index.to_be_bytes()[2..]);
    xor(nonce, &salt)
}

/// RFC 7714 section 9.1.
fn gcm_rtcp_nonce(salt: [u8; 12], ssrc: u32, index: u32) -> [u8; 12] {
    let mut nonce = [0u8; 12];
    nonce[2..6].copy_from_slice(&ssrc.to_be_bytes());
    nonce[8..12].copy_from_slice(&index.to_be_bytes());
    xor(nonce, &salt)
}

/// RFC 3711 section 4.1.1.
fn counter_iv(salt: [u8; 14], ssrc: u32, index: u64) -> [u8; 16] {
    let mut iv = [0u8; 16];
    iv[4..8].copy_from_slice(&ssrc.to_be_bytes());
    iv[8..14].copy_from_slice(&index.to_be_bytes()[2..]);
    xor(iv, &salt)
}

fn xor<const N: usize>(mut iv: [u8; N], salt: &[u8]) -> [u8; N] {
    for (byte, salt) in iv.iter_mut().zip(salt) {
        *byte ^= salt;
    }
    iv
}

/// RFC 3711 section 4.2: the tag covers the packet and its roll-over counter.
fn rtp_tag(auth: &hmac::Key, packet: &[u8], index: u64) -> hmac::Tag {
    let mut context = hmac::Context::with_key(auth);
    context.update(packet);
    context.update(&index.to_be_bytes()[2..6]);
    context.sign()
}

/// RFC 7714 section 9.2: the first 8 bytes of the compound and the index word.
fn rtcp_aad(packet: &[u8], index_word: [u8; 4]) -> Result<[u8; 12], Unspecified> {
    let mut aad = [0u8; 12];
    aad[..8].copy_from_slice(packet.get(..8).ok_or(Unspecified)?);
    aad[8..].copy_from_slice(&index_word);
    Ok(aad)
}
