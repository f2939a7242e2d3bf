//! Packets in: roll-over counters, replay windows, and opening.

use thiserror::Error;

use super::cipher::Cipher;
use super::derive::Kind;
use super::profile::Master;

/// Most SSRCs of one peer; packets of further ones are refused.
pub(super) const SSRCS_MAX: usize = 8;

/// Packets that may arrive late and still be taken (RFC 3711 section 3.3.2 asks for at least 64).
const WINDOW: u64 = 64;

/// Why a packet was refused.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum OpenError {
    /// Not an RTP or RTCP packet.
    #[error("malformed packet")]
    Malformed,
    /// The tag does not fit.
    #[error("authentication failed")]
    Authentication,
    /// Seen before, or too old to know.
    #[error("replayed packet")]
    Replay,
    /// The peer uses more than 8 sources.
    #[error("too many sources")]
    TooManySources,
}

/// Opens RTP and RTCP with the peer's keys.
pub struct Receiver {
    rtp: AudioReceiver,
    rtcp: ControlReceiver,
}

/// Opens RTP alone.
pub struct AudioReceiver {
    cipher: Cipher,
    sources: Vec<(u32, Window)>,
}

/// Opens RTCP alone, of a peer who sends no RTP: half the keys, half the memory.
pub struct ControlReceiver {
    cipher: Cipher,
    sources: Vec<(u32, Window)>,
}

impl Receiver {
    /// Derives the session keys.
    ///
    /// # Errors
    /// When the crypto library refuses the keys.
    pub fn new(master: &Master) -> Result<Self, aws_lc_rs::error::Unspecified> {
        Ok(Self { rtp: AudioReceiver::new(master)?, rtcp: ControlReceiver::new(master)? })
    }

    /// Opens an RTP packet in place and returns the range of its payload and its packet index.
    ///
    /// # Errors
    /// An [`OpenError`]; the packet's bytes are then undefined.
    pub fn open_rtp(
        &mut self,
        packet: &mut [u8],
    ) -> Result<(std::ops::Range<usize>, u64), OpenError> {
        self.rtp.open_rtp(packet)
    }

    /// Opens an RTCP compound in place and returns its length.
    ///
    /// # Errors
    /// An [`OpenError`]; the packet's bytes are then undefined.
    pub fn open_rtcp(&mut self, packet: &mut [u8]) -> Result<usize, OpenError> {
        self.rtcp.open_rtcp(packet)
    }
}

impl AudioReceiver {
    /// Derives the session keys.
    ///
    /// # Errors
    /// When the crypto library refuses the keys.
    pub fn new(master: &Master) -> Result<Self, aws_lc_rs::error::Unspecified> {
        Ok(Self { cipher: Cipher::new(master, Kind::Rtp)?, sources: Vec::new() })
    }

    /// Opens an RTP packet in place and returns the range of its payload and its packet index.
    ///
    /// # Errors
    /// An [`OpenError`]; the packet's bytes are then undefined.
    pub fn open_rtp(
        &mut self,
        packet: &mut [u8],
    ) -> Result<(std::ops::Range<usize>, u64), OpenError> {
        let header = rtp_header_bytes(packet).ok_or(OpenError::Malformed)?;
        let sequence = u16::from_be_bytes([packet[2], packet[3]]);
        let ssrc = u32::from_be_bytes([packet[8], packet[9], packet[10], packet[11]]);
        let window = self.sources.iter().find(|(s, _)| *s == ssrc).map(|(_, w)| *w);
        let mut window = match window {
            Some(window) => window,
            None if self.sources.len() >= SSRCS_MAX => return Err(OpenError::TooManySources),
            None => Window::default(),
        };
        let index = window.estimate(sequence);
        if !window.is_new(index) {
            return Err(OpenError::Replay);
        }
        let end = self
            .cipher
            .open_rtp(packet, header, ssrc, index)
            .map_err(|_| OpenError::Authentication)?;
        window.take(index);
        store(&mut self.sources, ssrc, window);
        Ok((header..end, index))
    }
}

impl ControlReceiver {
    /// Derives the session keys.
    ///
    /// # Errors
    /// When the crypto library refuses the keys.
    pub fn new(master: &Master) -> Result<Self, aws_lc_rs::error::Unspecified> {
        Ok(Self { cipher: Cipher::new(master, Kind::Rtcp)?, sources: Vec::new() })
    }

    /// Opens an RTCP compound in place and returns its length.
    ///
    /// # Errors
    /// An [`OpenError`]; the packet's bytes are then undefined.
    pub fn open_rtcp(&mut self, packet: &mut [u8]) -> Result<usize, OpenError> {
        let ssrc = packet.get(4..8).and_then(|s| s.try_into().ok()).map(u32::from_be_bytes);
        let ssrc = ssrc.ok_or(OpenError::Malformed)?;
        let (index, encrypted) = self.cipher.rtcp_index(packet).ok_or(OpenError::Malformed)?;
        if !encrypted {
            return Err(OpenError::Malformed);
        }
        let window = self.sources.iter().find(|(s, _)| *s == ssrc).map(|(_, w)| *w);
        let mut window = match window {
            Some(window) => window,
            None if self.sources.len() >= SSRCS_MAX => return Err(OpenError::TooManySources),
            None => Window::default(),
        };
        if !window.is_new(u64::from(index)) {
            return Err(OpenError::Replay);
        }
        let end =
            self.cipher.open_rtcp(packet, ssrc, index).map_err(|_| OpenError::Authentication)?;
        window.take(u64::from(index));
        store(&mut self.sources, ssrc, window);
        Ok(end)
    }
}

/// Only an authenticated packet may make a new source known.
fn store(sources: &mut Vec<(u32, Window)>, ssrc: u32, window: Window) {
    match sources.iter_mut().find(|(s, _)| *s == ssrc) {
        Some((_, old)) => *old = window,
        None => sources.push((ssrc, window)),
    }
}

/// Length of an RTP header with CSRCs and extension (RFC 3550 section 5.1); `None` when malformed.
fn rtp_header_bytes(packet: &[u8]) -> Option<usize> {
    let first = *packet.first()?;
    if first >> 6 != 2 || packet.len() < 12 {
        return None;
    }
    let mut header = 12 + 4 * usize::from(first & 0x0f);
    if first & 0x10 != 0 {
        let words = packet.get(header + 2..header + 4)?;
        header += 4 + 4 * usize::from(u16::from_be_bytes([words[0], words[1]]));
    }
    (header <= packet.len()).then_some(header)
}

/// The newest index of a source and which of the 64 before it were seen.
#[derive(Clone, Copy, Default)]
struct Window {
    newest: Option<u64>,
    seen: u64,
}

impl Window {
    /// The index that a sequence number most likely stands for (RFC 3711 appendix A).
    fn estimate(&self, sequence: u16) -> u64 {
        let Some(newest) = self.newest else { return u64::from(sequence) };
        let base = newest & !0xffff | u64::from(sequence);
        let distance = base.abs_diff(newest);
        if distance <= 0x8000 {
            base
        } else if base > newest {
            base.checked_sub(0x1_0000).unwrap_or(base)
        } else {
            base + 0x1_0000
        }
    }

    fn is_new(&self, index: u64) -> bool {
        match self.newest {
            Some(newest) if index <= newest => {
                let back = newest - index;
                back < WINDOW && self.seen & (1 << back) == 0
            }
            _ => true,
        }
    }

    fn take(&mut self, index: u64) {
        match self.newest {
            Some(newest) if index <= newest => self.seen |= 1 << (newest - index),
            Some(newest) => {
                let ahead = index - newest;
                self.seen = if ahead < WINDOW { self.seen << ahead | 1 } else { 1 };
                self.newest = Some(index);
            }
            None => {
                self.seen = 1;
                self.newest = Some(index);
            }
        }
    }
}
