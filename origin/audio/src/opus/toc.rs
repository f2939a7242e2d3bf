//! The first byte of an Opus packet (RFC 6716 section 3.1).

use crate::frame::FrameDuration;

/// Configuration, channels and framing code of a packet. Every byte is a valid one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Toc(u8);

/// Which of Opus' coders made a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Linear prediction, for speech.
    Silk,
    /// Both, for speech at higher rates.
    Hybrid,
    /// Transform coding, for music and low delay.
    Celt,
}

/// Audio bandwidth of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Bandwidth {
    /// 4 kHz.
    Narrow,
    /// 6 kHz.
    Medium,
    /// 8 kHz.
    Wide,
    /// 12 kHz.
    SuperWide,
    /// 20 kHz.
    Full,
}

impl Toc {
    /// Takes the first byte of a packet.
    #[must_use]
    pub const fn new(byte: u8) -> Self {
        Self(byte)
    }

    /// The byte itself.
    #[must_use]
    pub const fn byte(self) -> u8 {
        self.0
    }

    /// Number of the configuration, 0 to 31 (RFC 6716 table 2).
    #[must_use]
    pub const fn configuration(self) -> u8 {
        self.0 >> 3
    }

    /// Whether the packet holds two channels.
    #[must_use]
    pub const fn is_stereo(self) -> bool {
        self.0 & 0b100 != 0
    }

    /// How frames are packed: 0 one, 1 two of equal size, 2 two, 3 a counted number.
    #[must_use]
    pub const fn code(self) -> u8 {
        self.0 & 0b11
    }

    /// The same configuration and channels for a packet of one frame (code 0).
    #[must_use]
    pub const fn single(self) -> Self {
        Self(self.0 & !0b11)
    }

    /// Which coder.
    #[must_use]
    pub const fn mode(self) -> Mode {
        match self.configuration() {
            0..=11 => Mode::Silk,
            12..=15 => Mode::Hybrid,
            _ => Mode::Celt,
        }
    }

    /// The audio bandwidth.
    #[must_use]
    pub const fn bandwidth(self) -> Bandwidth {
        match self.configuration() {
            0..=3 | 16..=19 => Bandwidth::Narrow,
            4..=7 => Bandwidth::Medium,
            8..=11 | 20..=23 => Bandwidth::Wide,
            12..=13 | 24..=27 => Bandwidth::SuperWide,
            _ => Bandwidth::Full,
        }
    }

    /// How long each frame sounds: 2.5 to 60 ms.
    #[must_use]
    pub const fn frame_duration(self) -> FrameDuration {
        let position = self.configuration() & 0b11;
        let units = match self.mode() {
            Mode::Silk => match position {
                0 => 4,
                1 => 8,
                2 => 16,
                _ => 24,
            },
            Mode::Hybrid => 4 << (position & 1),
            Mode::Celt => 1 << position,
        };
        match FrameDuration::from_units(units) {
            Some(duration) => duration,
            None => FrameDuration::MS_20,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_configuration_has_the_duration_of_the_rfcs_table() {
        let silk = [4, 8, 16, 24];
        let celt = [1, 2, 4, 8];
        for configuration in 0..32_u8 {
            let position = usize::from(configuration % 4);
            let expected = match configuration {
                0..=11 => silk[position],
                12 | 14 => 4,
                13 | 15 => 8,
                _ => celt[position],
            };
            let toc = Toc::new(configuration << 3);
            assert_eq!(toc.frame_duration().units(), expected, "configuration {configuration}");
        }
    }

    #[test]
    fn the_byte_that_browsers_send_is_read() {
        let toc = Toc::new(0x78 | 0b100);
        assert_eq!((toc.configuration(), toc.code(), toc.is_stereo()), (15, 0, true));
        assert_eq!((toc.mode(), toc.bandwidth()), (Mode::Hybrid, Bandwidth::Full));
        assert_eq!(toc.frame_duration(), FrameDuration::MS_20);
        assert_eq!(Toc::new(0xff).single().byte(), 0xfc);
    }
}
