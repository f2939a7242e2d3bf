//! Several packets of one frame as one packet, without decoding (RFC 6716 section 3.2), byte for byte
//! as libopus' repacketizer writes it. Nothing is allocated once a joiner is built.

use bytes::BufMut;
use thiserror::Error;

use super::packet::{FRAME_BYTES_MAX, FRAMES_MAX};
use super::toc::Toc;
use crate::frame::FrameDuration;

/// Largest packet that a joiner writes, in bytes: with SRTP, UDP and IPv6 around it, it still fits the
/// 1,280 bytes that every IPv6 path carries (RFC 8200 section 5).
pub const JOINED_BYTES_MAX: usize = 1_150;

/// Largest DTX packet in bytes: the TOC and at most one byte, which say that the encoder has nothing to
/// send (RFC 6716 section 2.1.9).
pub const DTX_BYTES_MAX: usize = 2;

/// Whether a packet may share a packet with others. What may not travels whole:
///
/// * Packets of several frames and padded ones (framing codes 1 to 3). Padding may hold extensions that
///   speak of the frames before it, and [`split`](super::split()) has taken apart whatever is not padded.
/// * Frames of 40 and 60 ms. They are long packets already, and two of them overshoot the 60 ms that an
///   audience gets.
/// * DTX packets of up to [`DTX_BYTES_MAX`] bytes. Receivers know a pause by that size alone (libwebrtc
///   starts comfort noise then); among other frames it would pass for sound.
/// * Empty packets and frames longer than [`FRAME_BYTES_MAX`], which are malformed (rules R1 and R2).
#[must_use]
pub fn is_joinable(packet: &[u8]) -> bool {
    joinable(packet).is_some()
}

/// TOC and compressed frame of a packet that may be joined.
fn joinable(packet: &[u8]) -> Option<(Toc, &[u8])> {
    let (&first, frame) = packet.split_first()?;
    let toc = Toc::new(first);
    let is_single = toc.code() == 0 && frame.len() <= FRAME_BYTES_MAX;
    let is_short = toc.frame_duration() <= FrameDuration::MS_20;
    let is_dtx = packet.len() <= DTX_BYTES_MAX;
    (is_single && is_short && !is_dtx).then_some((toc, frame))
}

/// Why a packet was not taken. All but [`Whole`](Refused::Whole) may be cured by [`Joiner::clear`].
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum Refused {
    /// It shares a packet with no other; see [`is_joinable`].
    #[error("this Opus packet cannot be joined with any other")]
    Whole,
    /// Packets of one configuration and channel count alone can be joined.
    #[error("this Opus packet has another configuration or channel count than those before it")]
    Configuration,
    /// The joined packet would sound too long.
    #[error("the joined Opus packet would be longer than its limit in time")]
    Duration,
    /// The joined packet would be too large.
    #[error("the joined Opus packet would be larger than its limit in bytes")]
    Bytes,
}

/// Gathers packets of one frame until they are written as one.
///
/// The joined packet has one timestamp, so the caller pushes only frames that follow each other without
/// a gap. An empty joiner that refuses a packet has met one that has to go out by itself.
#[derive(Clone, Debug)]
pub struct Joiner {
    duration_max: FrameDuration,
    bytes_max: usize,
    /// That of all frames so far; `None` when there are none.
    toc: Option<Toc>,
    layout: Layout,
    lengths: [u16; FRAMES_MAX],
    /// Compressed frames one after another.
    body: Box<[u8]>,
}

impl Default for Joiner {
    /// As long and as large as a joined packet may be: 120 ms and [`JOINED_BYTES_MAX`].
    fn default() -> Self {
        Self::new(FrameDuration::MS_120, JOINED_BYTES_MAX)
    }
}

impl Joiner {
    /// A joiner of packets of up to `duration_max` and up to `bytes_max` bytes, TOC included, of which
    /// it takes no more than [`JOINED_BYTES_MAX`].
    #[must_use]
    pub fn new(duration_max: FrameDuration, bytes_max: usize) -> Self {
        let bytes_max = bytes_max.min(JOINED_BYTES_MAX);
        Self {
            duration_max,
            bytes_max,
            toc: None,
            layout: Layout::default(),
            lengths: [0; FRAMES_MAX],
            body: vec![0; bytes_max].into_boxed_slice(),
        }
    }

    /// Appends the frame of a packet.
    ///
    /// # Errors
    /// Why it cannot be appended; nothing has changed then.
    pub fn push(&mut self, packet: &[u8]) -> Result<(), Refused> {
        let (toc, frame) = joinable(packet).ok_or(Refused::Whole)?;
        if self.toc.is_some_and(|joined| joined != toc) {
            return Err(Refused::Configuration);
        }
        let layout = self.layout.with(frame.len());
        if layout.duration(toc).is_none_or(|duration| duration > self.duration_max) {
            return Err(Refused::Duration);
        }
        if layout.bytes() > self.bytes_max {
            return Err(Refused::Bytes);
        }
        self.lengths[self.layout.count] = u16::try_from(frame.len()).map_err(|_| Refused::Bytes)?;
        self.body[self.layout.body..layout.body].copy_from_slice(frame);
        self.layout = layout;
        self.toc = Some(toc);
        Ok(())
    }

    /// Writes the joined packet to the start of `out` and says how many bytes it has; `None` when there
    /// is nothing to write or `out` is too short. The frames stay until [`clear`](Self::clear).
    #[must_use]
    pub fn write(&self, out: &mut [u8]) -> Option<usize> {
        let toc = self.toc?;
        let Layout { count, body, equal, .. } = self.layout;
        let length = self.layout.bytes();
        let mut rest = out.get_mut(..length)?;
        let code = self.layout.code();
        rest.put_u8(toc.byte() | code);
        if code == 3 {
            let variable = if equal { 0 } else { 0b1000_0000 };
            rest.put_u8(u8::try_from(count).ok()? | variable);
        }
        if !equal {
            for &length in &self.lengths[..count - 1] {
                put_length(&mut rest, length);
            }
        }
        rest.put_slice(&self.body[..body]);
        Some(length)
    }

    /// Forgets all frames.
    pub fn clear(&mut self) {
        self.toc = None;
        self.layout = Layout::default();
    }

    /// Whether there is nothing to write.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.layout.count == 0
    }

    /// How many frames, 0 to [`FRAMES_MAX`].
    #[must_use]
    pub fn count(&self) -> usize {
        self.layout.count
    }

    /// How long all frames together sound; `None` when there are none.
    #[must_use]
    pub fn duration(&self) -> Option<FrameDuration> {
        self.layout.duration(self.toc?)
    }
}

/// Numbers from which framing and size of the joined packet follow.
#[derive(Clone, Copy, Debug, Default)]
struct Layout {
    count: usize,
    /// Compressed bytes of all frames.
    body: usize,
    /// Length of the last frame.
    last: usize,
    /// Bytes that the lengths of all frames but the last take; they are written only where frames
    /// differ.
    lengths: usize,
    /// Whether all frames have the same length.
    equal: bool,
}

impl Layout {
    fn with(self, length: usize) -> Self {
        let is_first = self.count == 0;
        let listed = if is_first { 0 } else { length_bytes(self.last) };
        Self {
            count: self.count + 1,
            body: self.body + length,
            last: length,
            lengths: self.lengths + listed,
            equal: is_first || (self.equal && self.last == length),
        }
    }

    /// The framing code (RFC 6716 sections 3.2.2 to 3.2.5).
    fn code(self) -> u8 {
        match (self.count, self.equal) {
            (0 | 1, _) => 0,
            (2, true) => 1,
            (2, false) => 2,
            _ => 3,
        }
    }

    /// Size of the whole packet.
    fn bytes(self) -> usize {
        let header = if self.code() == 3 { 2 } else { 1 };
        header + if self.equal { 0 } else { self.lengths } + self.body
    }

    /// `None` when there is no frame, or more than 120 ms.
    fn duration(self, toc: Toc) -> Option<FrameDuration> {
        let count = u8::try_from(self.count).ok()?;
        FrameDuration::from_units(toc.frame_duration().units().checked_mul(count)?)
    }
}

/// How many bytes a length takes (RFC 6716 section 3.2.1).
fn length_bytes(length: usize) -> usize {
    if length < 252 { 1 } else { 2 }
}

/// One or two bytes of length; the second counts fours. Both fit, as no frame has more than 1,275 bytes.
fn put_length(out: &mut impl BufMut, length: u16) {
    if length < 252 {
        out.put_u8(length.to_be_bytes()[1]);
        return;
    }
    let first = 252 + length % 4;
    let fours = (length - first) / 4;
    out.put_u8(first.to_be_bytes()[1]);
    out.put_u8(fours.to_be_bytes()[1]);
}

#[cfg(test)]
#[path = "join_tests.rs"]
mod tests;
