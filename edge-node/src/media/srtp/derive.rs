//! Session keys from a master key (RFC 3711 section 4.3, RFC 7714 section 11), key derivation rate 0.

use aws_lc_rs::cipher::{AES_128, AES_256, EncryptingKey, EncryptionContext, UnboundCipherKey};
use aws_lc_rs::error::Unspecified;
use aws_lc_rs::iv::FixedLength;

use super::profile::Master;

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
