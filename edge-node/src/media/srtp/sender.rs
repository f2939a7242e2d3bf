//! Packets out. Keys of one session; the packet index of each SSRC is kept by its stream.

use aws_lc_rs::error::Unspecified;

use super::cipher::Cipher;
use super::derive::Kind;
use super::profile::{Master, Profile};
use super::sealer::Sealer;

/// Largest SRTCP index (31 bits, RFC 3711 section 3.4).
const RTCP_INDEX_MAX: u32 = 0x7fff_ffff;

/// Seals RTP and RTCP with one session's local keys.
pub struct Sender {
    profile: Profile,
    rtp: Sealer,
    rtcp: ControlSender,
}

/// Seals RTCP alone. Two of them with the same keys must never seal for the same SSRC.
pub struct ControlSender {
    cipher: Cipher,
    /// One counter for all SSRCs: no pair of (SSRC, index) can repeat.
    index: u32,
}

impl Sender {
    /// Derives the session keys.
    ///
    /// # Errors
    /// When the crypto library refuses the keys.
    pub fn new(master: &Master) -> Result<Self, Unspecified> {
        Ok(Self {
            profile: master.profile(),
            rtp: Sealer::new(master)?,
            rtcp: ControlSender::new(master)?,
        })
    }

    /// What sealing adds to an RTP packet, in bytes.
    #[must_use]
    pub const fn rtp_overhead(&self) -> usize {
        self.profile.tag_bytes()
    }

    /// What sealing adds to an RTCP packet, in bytes.
    #[must_use]
    pub const fn rtcp_overhead(&self) -> usize {
        self.rtcp.overhead()
    }

    /// Seals an RTP packet in place: `packet` is `header` bytes of header, the payload, and
    /// [`Self::rtp_overhead`] bytes of room. `index` is the extended sequence number of 48 bits,
    /// which must never repeat for this `ssrc`.
    ///
    /// # Errors
    /// When `packet` is too short, or the crypto library fails.
    pub fn seal_rtp(
        &self,
        packet: &mut [u8],
        header: usize,
        ssrc: u32,
        index: u64,
    ) -> Result<(), Unspecified> {
        self.rtp.seal(packet, header, ssrc, index)
    }

    /// Seals an RTCP compound in place: `packet` is the compound, of at least 8 bytes, and
    /// [`Self::rtcp_overhead`] bytes of room.
    ///
    /// # Errors
    /// When `packet` is too short, all 2^31 indices are used, or the crypto library fails.
    pub fn seal_rtcp(&mut self, packet: &mut [u8], ssrc: u32) -> Result<(), Unspecified> {
        self.rtcp.seal(packet, ssrc)
    }
}

impl ControlSender {
    /// Derives the session keys.
    ///
    /// # Errors
    /// When the crypto library refuses the keys.
    pub fn new(master: &Master) -> Result<Self, Unspecified> {
        Ok(Self { cipher: Cipher::new(master, Kind::Rtcp)?, index: 0 })
    }

    /// What sealing adds, in bytes.
    #[must_use]
    pub const fn overhead(&self) -> usize {
        self.cipher.rtcp_overhead()
    }

    /// Seals a compound in place: `packet` is the compound, of at least 8 bytes, and [`Self::overhead`] bytes
    /// of room.
    ///
    /// # Errors
    /// When `packet` is too short, all 2^31 indices are used, or the crypto library fails.
    pub fn seal(&mut self, packet: &mut [u8], ssrc: u32) -> Result<(), Unspecified> {
        if self.index > RTCP_INDEX_MAX {
            return Err(Unspecified);
        }
        let index = self.index;
        self.index += 1;
        self.cipher.seal_rtcp(packet, ssrc, index)
    }
}
