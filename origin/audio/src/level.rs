//! The level a sender claims (RFC 6464), and how far the size of his packets bears it out, so that a
//! liar cannot take a speaker's place. Caught are silence and comfort noise sold as speech, and claims
//! that stay far above what packets of that size usually hold. Not caught is somebody who really sends
//! noise, or large packets that decode to silence: only a decoder can tell.

use crate::frame::{FrameDuration, Level};

/// A frame with no more compressed bytes than this holds silence or comfort noise, whatever its
/// duration (RFC 6716 section 2.1.9 and the encoder's DTX).
pub const SILENCE_BYTES_MAX: usize = 2;

/// Compressed bytes in 20 ms below which no speech is believed: 4.8 kbit/s; Opus' own minimum is
/// 6 kbit/s (RFC 6716 section 2.1.1).
pub const VOICE_BYTES_MIN: u32 = 12;

/// The loudest claim that is believed, in -dBov. Speech peaks at about -15; more wins nothing.
const LOUDEST: i32 = 10;

/// How much louder than usual for its size a single frame may claim to be, in dB.
const EXCESS_FRAME_MAX: i32 = 35;

/// How much louder than usual for their size a track's frames may claim to be on average, in dB.
/// At 12 kbit/s honest speech claims some 10 dB more than our table says.
const EXCESS_MEAN_MAX: i32 = 15;

/// The average is kept in 1/16 dB over about this many frames: 0.6 s. Until there are as many it is
/// their plain mean, so that a liar has no honest past to live on.
const MEAN_SCALE: i32 = 16;
const MEAN_FRAMES: i32 = 32;

/// Claims louder than this, in -dBov, count as voice when a sender never sets the voice bit.
const VOICE_LEVEL: u8 = 50;

/// Level that packets of a size usually hold: (compressed bytes in 20 ms, -dBov), ascending.
const USUAL: [(u32, i32); 7] =
    [(2, 127), (3, 90), (8, 70), (15, 55), (40, 35), (80, 28), (160, 22)];

/// What a sender says about a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Claim {
    /// How loud.
    pub level: Level,
    /// Whether his voice activity detector heard speech.
    pub voice: bool,
}

impl Claim {
    /// Reads the byte of the header extension: voice bit, then level (RFC 6464 section 3).
    #[must_use]
    pub fn from_byte(byte: u8) -> Self {
        Self { level: Level::from_minus_dbov(byte & 0x7f), voice: byte & 0x80 != 0 }
    }

    /// The byte of the header extension.
    #[must_use]
    pub fn to_byte(self) -> u8 {
        self.level.minus_dbov() | if self.voice { 0x80 } else { 0 }
    }
}

/// Weighs the claims of one track. Remembers a few numbers, no frames.
#[derive(Clone, Debug, Default)]
pub struct Judge {
    /// By how much claims exceeded the usual level, on average, in 1/16 dB.
    excess_mean: i32,
    /// How many claims that average holds, up to [`MEAN_FRAMES`].
    averaged: i32,
    voice_bit_seen: bool,
    sizes: Sizes,
}

impl Judge {
    /// What is believed of a claim. `payload` is the length of the frame's packet in bytes, with the TOC
    /// but without padding (see [`unpadded_bytes`](crate::opus::unpadded_bytes)).
    pub fn weigh(&mut self, claim: Claim, payload: usize, duration: FrameDuration) -> Claim {
        self.voice_bit_seen |= claim.voice;
        let claimed = i32::from(claim.level.minus_dbov());
        let size = bytes_in_20_ms(payload, duration);
        let usual = usual_level(size);
        if is_silence(payload) {
            return Claim { level: Level::SILENCE, voice: false };
        }
        if claim.voice || claimed <= i32::from(VOICE_LEVEL) {
            self.averaged = (self.averaged + 1).min(MEAN_FRAMES);
            let excess = (usual - claimed) * MEAN_SCALE;
            self.excess_mean += (excess - self.excess_mean) / self.averaged;
        }
        let taken_away = (self.excess_mean / MEAN_SCALE - EXCESS_MEAN_MAX).max(0);
        let level = (claimed + taken_away).max(usual - EXCESS_FRAME_MAX).max(LOUDEST);
        let level = Level::from_minus_dbov(u8::try_from(level).unwrap_or(u8::MAX));
        let heard = claim.voice || (!self.voice_bit_seen && level.minus_dbov() <= VOICE_LEVEL);
        Claim { level, voice: heard && size >= VOICE_BYTES_MIN }
    }

    /// A guess for a frame without the header extension, from its size beside the track's other
    /// sizes. A sender of constant rate looks like somebody who talks quietly all the time.
    pub fn guess(&mut self, payload: usize, duration: FrameDuration) -> Claim {
        if is_silence(payload) {
            return Claim { level: Level::SILENCE, voice: false };
        }
        let size = bytes_in_20_ms(payload, duration);
        let loud = self.sizes.is_loud(size);
        let level = usual_level(size) + if loud { 0 } else { QUIETER };
        let level = Level::from_minus_dbov(u8::try_from(level).unwrap_or(u8::MAX));
        Claim { level, voice: loud && size >= VOICE_BYTES_MIN }
    }
}

/// Taken from a guess when a frame is small for its track, in dB.
const QUIETER: i32 = 30;

/// The range of sizes of a track, in 1/16 bytes per 20 ms; it slowly closes in on the present.
#[derive(Clone, Debug, Default)]
struct Sizes {
    smallest: u32,
    largest: u32,
}

impl Sizes {
    /// Whether this size is in the upper part of the track's range, or the range is too narrow to say.
    fn is_loud(&mut self, size: u32) -> bool {
        let size = size.saturating_mul(16);
        if self.largest == 0 {
            (self.smallest, self.largest) = (size, size);
        }
        // Each bound is given up by 1/256 of its distance per frame: half of it in 3.5 s.
        self.smallest = (self.smallest + (size.max(self.smallest) - self.smallest) / 256).min(size);
        self.largest = (self.largest - (self.largest - size.min(self.largest)) / 256).max(size);
        let constant_rate = self.largest < self.smallest + self.smallest / 4;
        constant_rate || size >= self.smallest + (self.largest - self.smallest) / 3
    }
}

fn is_silence(payload: usize) -> bool {
    payload <= SILENCE_BYTES_MAX + 1
}

fn bytes_in_20_ms(payload: usize, duration: FrameDuration) -> u32 {
    let compressed = u32::try_from(payload.saturating_sub(1)).unwrap_or(u32::MAX);
    compressed.saturating_mul(u32::from(FrameDuration::MS_20.units())) / u32::from(duration.units())
}

/// Interpolates [`USUAL`]; the result is in -dBov.
fn usual_level(size: u32) -> i32 {
    let (mut below, mut below_level) = USUAL[0];
    if size <= below {
        return below_level;
    }
    for (above, level) in USUAL {
        if size <= above {
            let share = i32::try_from((size - below) * 100 / (above - below).max(1)).unwrap_or(100);
            return below_level + (level - below_level) * share / 100;
        }
        (below, below_level) = (above, level);
    }
    below_level
}

#[cfg(test)]
#[path = "level_tests.rs"]
mod tests;
