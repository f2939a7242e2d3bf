//! Seals RTP with one session's key.
//!
//! The key lies here and not on the heap: listeners are sealed for one after another, in order of memory, and
//! ten thousand keys each somewhere else would cost more time than sealing does.

use aws_lc_rs::error::Unspecified;

use super::cipher::{CounterMode, GCM_TAG, gcm_rtp_nonce};
use super::derive::{Kind, SessionKeys};
use super::profile::{Master, Profile};
use crate::media::kernel::SealKey;

#[expect(clippy::large_enum_variant, reason = "the large one is the one that nearly all have")]
pub(super) enum Sealer {
    Gcm {
        key: SealKey,
        salt: [u8; 12],
    },
    /// Boxed, because these keys are larger still, and rare.
    CounterMode(Box<CounterMode>),
}

impl Sealer {
    pub(super) fn new(master: &Master) -> Result<Self, Unspecified> {
        Self::from_session_keys(&SessionKeys::new(master, Kind::Rtp)?)
    }

    /// From keys that are derived already.
    pub(super) fn from_session_keys(keys: &SessionKeys) -> Result<Self, Unspecified> {
        match keys.profile {
            Profile::AesGcm128 | Profile::AesGcm256 => {
                let key = SealKey::new(keys.key()).ok_or(Unspecified)?;
                Ok(Self::Gcm { key, salt: keys.short_salt() })
            }
            Profile::AesCm128Sha1 => Ok(Self::CounterMode(Box::new(CounterMode::new(keys)?))),
        }
    }

    /// Seals an RTP packet in place: `packet` is header, payload and room for the tag.
    /// `index` is the 48-bit packet index (roll-over counter and sequence number).
    pub(super) fn seal(
        &self,
        packet: &mut [u8],
        header: usize,
        ssrc: u32,
        index: u64,
    ) -> Result<(), Unspecified> {
        match self {
            Self::Gcm { key, salt } => {
                let tag_at = packet.len().checked_sub(GCM_TAG).ok_or(Unspecified)?;
                let (body, tag) = packet.split_at_mut(tag_at);
                let (head, payload) = body.split_at_mut_checked(header).ok_or(Unspecified)?;
                let tag = tag.first_chunk_mut().ok_or(Unspecified)?;
                let nonce = gcm_rtp_nonce(*salt, ssrc, index);
                key.seal(&nonce, head, payload, tag).then_some(()).ok_or(Unspecified)
            }
            Self::CounterMode(cipher) => cipher.seal_rtp(packet, header, ssrc, index),
        }
    }
}
