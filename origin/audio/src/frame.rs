//! One Opus frame of one track: the unit that every node relays, selects and de-duplicates.

use bytes::Bytes;

/// Largest Opus frame that is relayed, in bytes; larger ones are dropped and counted.
///
/// 20 ms at 128 kbit/s is 320 bytes; the answer to an offer asks for far less.
pub const PAYLOAD_BYTES_MAX: usize = 400;

/// Identifies a track in the whole network. Drawn at random by the edge that hosts the publisher.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TrackId(pub u64);

/// Grows each time a room or a track changes owner; frames of an older epoch are refused.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Epoch(pub u32);

/// Media time of a frame's first sample since the start of its track, in units of 2.5 ms
/// (120 samples at 48 kHz, the shortest Opus frame; RFC 6716 section 2.1.4).
///
/// It comes from the unwrapped RTP timestamp, so consecutive 20 ms frames differ by 8 and a pause
/// shows as a larger step.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FrameNumber(pub u64);

impl FrameNumber {
    /// Samples at 48 kHz that one unit stands for.
    pub const SAMPLES: u32 = 120;
    /// Units in one millisecond times ten: 2.5 ms each, so 4 units are 10 ms.
    pub const UNITS_PER_10_MS: u64 = 4;

    /// The number of the frame that follows one of `duration`.
    #[must_use]
    pub fn after(self, duration: FrameDuration) -> Self {
        Self(self.0.saturating_add(u64::from(duration.units())))
    }
}

/// Length of a frame or packet, 2.5 to 120 ms in units of 2.5 ms.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FrameDuration(u8);

impl FrameDuration {
    /// The normal frame: 20 ms.
    pub const MS_20: Self = Self(8);
    /// The longest packet: 120 ms.
    pub const MS_120: Self = Self(48);

    /// From units of 2.5 ms; `None` outside 1 to 48 (120 ms; RFC 6716 section 3.2).
    #[must_use]
    pub const fn from_units(units: u8) -> Option<Self> {
        if units >= 1 && units <= 48 { Some(Self(units)) } else { None }
    }

    /// In units of 2.5 ms, 1 to 48.
    #[must_use]
    pub const fn units(self) -> u8 {
        self.0
    }

    /// In samples at 48 kHz, 120 to 5,760.
    #[must_use]
    pub fn samples(self) -> u32 {
        u32::from(self.0) * FrameNumber::SAMPLES
    }

    /// As a span of time.
    #[must_use]
    pub fn to_std(self) -> std::time::Duration {
        std::time::Duration::from_micros(u64::from(self.0) * 2_500)
    }
}

/// Loudness of a frame in -dBov: 0 is the loudest, 127 is silence (RFC 6464 section 3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Level(u8);

impl Level {
    /// Digital silence, -127 dBov.
    pub const SILENCE: Self = Self(127);

    /// From -dBov; values above 127 mean silence.
    #[must_use]
    pub const fn from_minus_dbov(value: u8) -> Self {
        if value > 127 { Self::SILENCE } else { Self(value) }
    }

    /// In -dBov, 0 (loudest) to 127 (silence).
    #[must_use]
    pub const fn minus_dbov(self) -> u8 {
        self.0
    }
}

/// One Opus frame of one track. Cloning counts a reference; the payload is never copied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// Whose audio this is.
    pub track: TrackId,
    /// Under which owner of the track it was made.
    pub epoch: Epoch,
    /// Its place on the track's timeline.
    pub number: FrameNumber,
    /// How long it sounds.
    pub duration: FrameDuration,
    /// How loud the sender says it is.
    pub level: Level,
    /// Whether the sender's voice activity detector heard speech (RFC 6464 "V" bit).
    pub voice: bool,
    /// One Opus packet that holds this one frame, or several where a padded packet was left whole (see
    /// [`split`](crate::opus::split())); TOC byte included, 1 to [`PAYLOAD_BYTES_MAX`] bytes.
    pub payload: Bytes,
}
