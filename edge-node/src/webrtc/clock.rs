//! NTP time (RFC 5905) from the monotonic clock, for sender reports.

use std::time::{Duration, Instant};

/// Seconds from 1900 (NTP, RFC 5905) to 1970.
const NTP_OFFSET_S: u64 = 2_208_988_800;

/// A moment on both clocks. Steps of the wall clock after it do not show.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clock {
    at: Instant,
    ntp_at: u64,
}

impl Clock {
    /// `unix` is the time since 1970 at `now`.
    pub(super) fn new(now: Instant, unix: Duration) -> Self {
        let ntp_at = fixed_point(unix).wrapping_add(NTP_OFFSET_S << 32);
        Self { at: now, ntp_at }
    }

    /// Seconds since 1900 in 32.32 bits.
    pub(super) fn ntp(&self, now: Instant) -> u64 {
        self.ntp_at.wrapping_add(fixed_point(now.saturating_duration_since(self.at)))
    }
}

/// Seconds in 32.32 bits.
fn fixed_point(time: Duration) -> u64 {
    (time.as_secs() << 32) | ((u64::from(time.subsec_nanos()) << 32) / 1_000_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_a_second_is_half_of_the_lower_word() {
        let now = Instant::now();
        let clock = Clock::new(now, Duration::from_secs(1));
        let later = clock.ntp(now + Duration::from_millis(1_500));
        assert_eq!(later, ((NTP_OFFSET_S + 2) << 32) | 0x8000_0000);
    }
}
