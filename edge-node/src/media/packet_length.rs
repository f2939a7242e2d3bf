//! How much audio one packet carries: the biggest lever on the cost of a listener, since a packet
//! costs about the same whatever it holds.

use std::time::Duration;

/// Samples of 20 ms at 48 kHz: what lengths are counted in.
pub(super) const CELL_SAMPLES: u64 = 960;

/// Length of a listener's packets. Opus allows up to 120 ms (RFC 6716 section 3.2.5).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PacketLength {
    /// 20 ms: for the stage, where delay matters most.
    #[default]
    Ms20,
    /// 40 ms.
    Ms40,
    /// 60 ms: a third of the packets for 40 ms more of delay.
    Ms60,
    /// 100 ms.
    Ms100,
    /// 120 ms: for lean listeners.
    Ms120,
}

impl PacketLength {
    /// Every length, the shortest first.
    pub const ALL: [Self; 5] = [Self::Ms20, Self::Ms40, Self::Ms60, Self::Ms100, Self::Ms120];

    /// The longest one of at most `ms` milliseconds; the shortest one where that is too little.
    #[must_use]
    pub fn at_most(ms: u32) -> Self {
        Self::ALL.into_iter().rev().find(|length| length.ms() <= ms).unwrap_or_default()
    }

    /// The one of `ms` milliseconds, if there is one.
    #[must_use]
    pub fn exactly(ms: u32) -> Option<Self> {
        Self::ALL.into_iter().find(|length| length.ms() == ms)
    }

    /// In milliseconds.
    #[must_use]
    pub const fn ms(self) -> u32 {
        self.cells() as u32 * 20
    }

    /// As a span of time.
    #[must_use]
    pub const fn to_std(self) -> Duration {
        Duration::from_millis(self.ms() as u64)
    }

    /// In units of 20 ms, 1 to 6.
    #[must_use]
    pub const fn cells(self) -> u8 {
        match self {
            Self::Ms20 => 1,
            Self::Ms40 => 2,
            Self::Ms60 => 3,
            Self::Ms100 => 5,
            Self::Ms120 => 6,
        }
    }

    /// In samples at 48 kHz.
    pub(super) const fn samples(self) -> u64 {
        self.cells() as u64 * CELL_SAMPLES
    }
}

#[cfg(test)]
mod tests {
    use super::PacketLength;

    #[test]
    fn a_wish_is_met_by_the_longest_length_that_does_not_exceed_it() {
        let met = [0, 19, 20, 59, 60, 99, 100, 119, 120, 500].map(PacketLength::at_most);
        assert_eq!(met.map(PacketLength::ms), [20, 20, 20, 40, 60, 60, 100, 100, 120, 120]);
    }
}
