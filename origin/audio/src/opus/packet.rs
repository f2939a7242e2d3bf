//! Frame lengths of a packet and the validity rules R1 to R7 (RFC 6716 sections 3.2 and 3.4).

use thiserror::Error;

use super::toc::Toc;
use crate::frame::FrameDuration;

/// Most frames in a packet: 120 ms of 2.5 ms frames (R5).
pub const FRAMES_MAX: usize = 48;

/// Longest compressed frame in bytes (R2).
pub const FRAME_BYTES_MAX: usize = 1_275;

/// Units of 2.5 ms in the longest packet, 120 ms (R5).
const UNITS_MAX: usize = 48;

/// Which rule of RFC 6716 section 3.4 a packet breaks.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum Malformed {
    /// R1.
    #[error("an Opus packet has at least one byte (R1)")]
    Empty,
    /// R2.
    #[error("an Opus frame has at most 1275 bytes (R2)")]
    FrameTooLong,
    /// R3.
    #[error("an Opus packet of two equal frames has an odd number of bytes (R3)")]
    OddLength,
    /// R4 and R7: a length is missing or points past the end.
    #[error("a frame of an Opus packet reaches past its end (R4, R7)")]
    PastEnd,
    /// R5.
    #[error("an Opus packet holds no frame (R5)")]
    NoFrames,
    /// R5.
    #[error("an Opus packet is longer than 120 ms (R5)")]
    TooMuchAudio,
    /// R6 and R7: the count byte is missing, or padding is longer than the packet.
    #[error("the padding of an Opus packet is longer than the packet (R6, R7)")]
    Padding,
    /// R6.
    #[error("the frames of an Opus packet of constant rate do not divide it evenly (R6)")]
    Uneven,
}

/// A well-formed packet, by reference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Packet<'a> {
    toc: Toc,
    /// Compressed frames one after another, without lengths and padding.
    body: &'a [u8],
    lengths: [u16; FRAMES_MAX],
    count: usize,
    is_padded: bool,
}

impl<'a> Packet<'a> {
    /// Finds the frames.
    ///
    /// # Errors
    /// The first rule that the packet breaks.
    pub fn parse(packet: &'a [u8]) -> Result<Self, Malformed> {
        let (&first, rest) = packet.split_first().ok_or(Malformed::Empty)?;
        let toc = Toc::new(first);
        let mut parsed =
            Self { toc, body: rest, lengths: [0; FRAMES_MAX], count: 1, is_padded: false };
        match toc.code() {
            0 => parsed.set_equal(1, rest)?,
            1 => {
                if !rest.len().is_multiple_of(2) {
                    return Err(Malformed::OddLength);
                }
                parsed.set_equal(2, rest)?;
            }
            2 => parsed.set_listed(2, rest)?,
            _ => parsed.set_counted(rest)?,
        }
        Ok(parsed)
    }

    /// The first byte, framing code included.
    #[must_use]
    pub fn toc(&self) -> Toc {
        self.toc
    }

    /// How many frames, 1 to [`FRAMES_MAX`].
    #[must_use]
    pub fn count(&self) -> usize {
        self.count
    }

    /// Whether padding may follow the frames (bit "p" of framing code 3), be it of no bytes. Extensions
    /// such as deep redundancy are carried in it.
    #[must_use]
    pub fn is_padded(&self) -> bool {
        self.is_padded
    }

    /// The compressed frames in order, without a TOC byte each. Empty ones mean "nothing was sent".
    pub fn frames(&self) -> impl Iterator<Item = &'a [u8]> + '_ {
        let mut rest = self.body;
        self.lengths[..self.count].iter().map_while(move |&length| {
            let (frame, behind) = rest.split_at_checked(usize::from(length))?;
            rest = behind;
            Some(frame)
        })
    }

    /// Code 3: a byte with the count, then padding length, then frames.
    fn set_counted(&mut self, rest: &'a [u8]) -> Result<(), Malformed> {
        let (&counts, mut rest) = rest.split_first().ok_or(Malformed::Padding)?;
        let count = usize::from(counts & 0b11_1111);
        check_count(self.toc, count)?;
        if counts & 0b100_0000 != 0 {
            rest = without_padding(rest)?;
            self.is_padded = true;
        }
        if counts & 0b1000_0000 != 0 {
            return self.set_listed(count, rest);
        }
        if !rest.len().is_multiple_of(count) {
            return Err(Malformed::Uneven);
        }
        self.set_equal(count, rest)
    }

    fn set_equal(&mut self, count: usize, body: &'a [u8]) -> Result<(), Malformed> {
        let length = frame_length(body.len() / count)?;
        self.body = body;
        self.count = count;
        self.lengths[..count].fill(length);
        Ok(())
    }

    /// Frames whose lengths stand before them; the last takes what is left.
    fn set_listed(&mut self, count: usize, mut rest: &'a [u8]) -> Result<(), Malformed> {
        let mut listed = 0_usize;
        for slot in &mut self.lengths[..count - 1] {
            let (length, behind) = read_length(rest).ok_or(Malformed::PastEnd)?;
            *slot = frame_length(length)?;
            listed += length;
            rest = behind;
        }
        let last = rest.len().checked_sub(listed).ok_or(Malformed::PastEnd)?;
        self.lengths[count - 1] = frame_length(last)?;
        self.body = rest;
        self.count = count;
        Ok(())
    }
}

/// How long the whole packet sounds, from its first bytes alone; `None` when they are malformed.
/// Frame lengths are not checked: [`Packet::parse`] does that.
#[must_use]
pub fn duration(packet: &[u8]) -> Option<FrameDuration> {
    let toc = Toc::new(*packet.first()?);
    let count = match toc.code() {
        0 => 1,
        1 | 2 => 2,
        _ => packet.get(1)? & 0b11_1111,
    };
    check_count(toc, usize::from(count)).ok()?;
    FrameDuration::from_units(toc.frame_duration().units().checked_mul(count)?)
}

/// How many bytes a packet has without padding, TOC included: the part of its size that says how much
/// sounds, as padding is as long as its sender likes. 0 for a malformed packet of framing code 3.
#[must_use]
pub fn unpadded_bytes(packet: &[u8]) -> usize {
    if packet.first().is_none_or(|&first| Toc::new(first).code() != 3) {
        return packet.len();
    }
    match Packet::parse(packet) {
        Ok(parsed) if parsed.is_padded() => 1 + parsed.frames().map(<[u8]>::len).sum::<usize>(),
        Ok(_) => packet.len(),
        Err(_) => 0,
    }
}

fn check_count(toc: Toc, count: usize) -> Result<(), Malformed> {
    if count == 0 {
        return Err(Malformed::NoFrames);
    }
    if count * usize::from(toc.frame_duration().units()) > UNITS_MAX {
        return Err(Malformed::TooMuchAudio);
    }
    Ok(())
}

fn frame_length(length: usize) -> Result<u16, Malformed> {
    if length > FRAME_BYTES_MAX {
        return Err(Malformed::FrameTooLong);
    }
    u16::try_from(length).map_err(|_| Malformed::FrameTooLong)
}

/// One or two bytes of length (RFC 6716 section 3.2.1).
fn read_length(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let (&first, rest) = bytes.split_first()?;
    if first < 252 {
        return Some((usize::from(first), rest));
    }
    let (&second, rest) = rest.split_first()?;
    Some((usize::from(second) * 4 + usize::from(first), rest))
}

/// Reads the length of the padding and cuts as much from the end. 255 means 254 and one more byte
/// of length, so hostile lengths cost no more than their bytes.
fn without_padding(mut rest: &[u8]) -> Result<&[u8], Malformed> {
    let mut padding = 0_usize;
    loop {
        let (&byte, behind) = rest.split_first().ok_or(Malformed::Padding)?;
        rest = behind;
        if byte < 255 {
            padding += usize::from(byte);
            break;
        }
        padding += 254;
    }
    let body = rest.len().checked_sub(padding).ok_or(Malformed::Padding)?;
    Ok(&rest[..body])
}

#[cfg(test)]
#[path = "packet_tests.rs"]
mod tests;
