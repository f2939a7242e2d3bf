//! Round-trip time from echoes, jitter and queueing from send times. All clocks wrap after 71 minutes.

use std::time::{Duration, Instant};

use crate::mesh::datagram::Echo;

/// A longer round trip is a wrong or hostile echo.
const RTT_US_MAX: u32 = 10_000_000;
/// Length of the periods over which the least round-trip time is kept.
const MIN_PERIOD: Duration = Duration::from_secs(30);
/// Length of the periods over which the shortest transit is kept: clocks drift apart by half a millisecond in one.
const TRANSIT_PERIOD: Duration = Duration::from_secs(10);
/// An arrival older than this is not worth an echo.
const ECHO_AGE_MAX: Duration = Duration::from_secs(10);

/// What is measured of a path's times.
#[derive(Debug, Default)]
pub(super) struct Timing {
    latest_us: Option<u32>,
    smoothed_us: Option<u32>,
    min_us: [Option<u32>; 2],
    min_since: Option<Instant>,
    /// The peer's newest send time and when it arrived.
    newest: Option<(u32, Instant)>,
    /// Arrival minus send time of the last datagram; only differences mean anything.
    transit_us: Option<u32>,
    jitter_us: f64,
    transit_min_us: [Option<u32>; 2],
    transit_since: Option<Instant>,
    /// Of the last datagram, beyond the shortest transit, and the same smoothed.
    queueing_us: u32,
    queueing_smoothed_us: f64,
}

impl Timing {
    /// Takes note of a datagram's send time; `now_us` is our own clock.
    pub(super) fn handle_sent(&mut self, sent_us: u32, now: Instant, now_us: u32) {
        let transit = now_us.wrapping_sub(sent_us);
        if let Some(last) = self.transit_us.replace(transit) {
            let difference = f64::from(transit.wrapping_sub(last).cast_signed().unsigned_abs());
            self.jitter_us += (difference - self.jitter_us) / 16.0;
        }
        self.handle_transit(transit, now);
        let newer =
            self.newest.is_none_or(|(newest, _)| sent_us.wrapping_sub(newest).cast_signed() >= 0);
        if newer {
            self.newest = Some((sent_us, now));
        }
    }

    fn handle_transit(&mut self, transit_us: u32, now: Instant) {
        let since = *self.transit_since.get_or_insert(now);
        if now.saturating_duration_since(since) >= TRANSIT_PERIOD {
            self.transit_since = Some(now);
            self.transit_min_us = [None, self.transit_min_us[0]];
        }
        let beyond = |min: u32| transit_us.wrapping_sub(min).cast_signed();
        let period = self.transit_min_us[0].filter(|min| beyond(*min) >= 0);
        self.transit_min_us[0] = Some(period.unwrap_or(transit_us));
        let known = self.transit_min_us.iter().flatten().map(|min| beyond(*min)).max();
        self.queueing_us = u32::try_from(known.unwrap_or(0)).unwrap_or(0);
        self.queueing_smoothed_us +=
            (f64::from(self.queueing_us) - self.queueing_smoothed_us) / 16.0;
    }

    /// How long the last datagram took, one way. Clocks cannot be compared, so this is an estimate: half of the least
    /// round trip, as if both ways were alike, and what it took beyond the quickest one.
    pub(super) fn one_way_us(&self) -> Option<u32> {
        let rtt_us = self.min_us.iter().flatten().min()?;
        Some((rtt_us / 2).saturating_add(self.queueing_us))
    }

    /// How much longer datagrams take than the quickest.
    pub(super) fn queueing(&self) -> Duration {
        Duration::from_secs_f64(self.queueing_smoothed_us.max(0.0) / 1e6)
    }

    /// Takes an echo; gives whether it is plausible.
    pub(super) fn handle_echo(&mut self, echo: Echo, now: Instant, now_us: u32) -> bool {
        let rtt = now_us.wrapping_sub(echo.sent_us).wrapping_sub(echo.held_us);
        if rtt > RTT_US_MAX {
            return false;
        }
        self.latest_us = Some(rtt);
        let smoothed = self.smoothed_us.map_or(rtt, |smoothed| smoothed - smoothed / 8 + rtt / 8);
        self.smoothed_us = Some(smoothed);
        let since = *self.min_since.get_or_insert(now);
        if now.saturating_duration_since(since) >= MIN_PERIOD {
            self.min_since = Some(now);
            self.min_us = [None, self.min_us[0]];
        }
        self.min_us[0] = Some(self.min_us[0].map_or(rtt, |min| min.min(rtt)));
        true
    }

    /// What to give back to the peer.
    pub(super) fn echo(&self, now: Instant) -> Option<Echo> {
        let (sent_us, arrived) = self.newest?;
        let held = now.saturating_duration_since(arrived);
        if held > ECHO_AGE_MAX {
            return None;
        }
        Some(Echo { sent_us, held_us: u32::try_from(held.as_micros()).ok()? })
    }

    pub(super) fn latest(&self) -> Option<Duration> {
        self.latest_us.map(micros)
    }

    pub(super) fn smoothed(&self) -> Option<Duration> {
        self.smoothed_us.map(micros)
    }

    pub(super) fn min(&self) -> Option<Duration> {
        self.min_us.iter().flatten().min().copied().map(micros)
    }

    pub(super) fn jitter(&self) -> Duration {
        Duration::from_secs_f64(self.jitter_us / 1e6)
    }
}

fn micros(us: u32) -> Duration {
    Duration::from_micros(u64::from(us))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_round_trip_is_what_is_left_without_the_hold_even_when_the_clock_wraps() {
        let (mut timing, now) = (Timing::default(), Instant::now());
        let sent_us = u32::MAX - 10_000;
        assert!(timing.handle_echo(Echo { sent_us, held_us: 5_000 }, now, 40_000 - 10_001));
        assert_eq!(timing.latest(), Some(Duration::from_millis(35)));
    }

    #[test]
    fn an_echo_from_the_future_or_the_far_past_changes_nothing() {
        let (mut timing, now) = (Timing::default(), Instant::now());
        assert!(!timing.handle_echo(Echo { sent_us: 2_000, held_us: 0 }, now, 1_000));
        assert!(!timing.handle_echo(Echo { sent_us: 0, held_us: 0 }, now, 11_000_000));
        assert!(!timing.handle_echo(
            Echo { sent_us: 0, held_us: u32::MAX - 20_000_000 },
            now,
            1_000
        ));
        assert_eq!((timing.latest(), timing.smoothed(), timing.min()), (None, None, None));
    }

    #[test]
    fn the_least_round_trip_is_forgotten_after_two_periods() {
        let (mut timing, start) = (Timing::default(), Instant::now());
        let echo = |us| Echo { sent_us: 0_u32.wrapping_sub(us), held_us: 0 };
        timing.handle_echo(echo(10_000), start, 0);
        for second in 1..=61 {
            timing.handle_echo(echo(50_000), start + Duration::from_secs(second), 0);
        }
        assert_eq!(timing.min(), Some(Duration::from_millis(50)));
    }

    #[test]
    fn what_a_datagram_takes_is_half_the_round_trip_and_what_the_quickest_did_not_take() {
        let (mut timing, start) = (Timing::default(), Instant::now());
        assert_eq!(timing.one_way_us(), None);
        timing.handle_echo(Echo { sent_us: 0, held_us: 0 }, start, 40_000);
        // The clocks are far apart, and one of them wraps.
        let clock = |us: u32| us.wrapping_sub(5_000);
        for (sent, extra, expected) in
            [(0, 0, 20_000), (20_000, 7_000, 27_000), (40_000, 0, 20_000)]
        {
            timing.handle_sent(clock(sent), start, sent + 900_000 + extra);
            assert_eq!(timing.one_way_us(), Some(expected));
        }
        // A route that has become longer is the usual one after two periods.
        for second in 1..=25_u32 {
            let sent = second * 1_000_000;
            let now = start + Duration::from_secs(second.into());
            timing.handle_sent(clock(sent), now, sent + 930_000);
        }
        assert_eq!(timing.one_way_us(), Some(20_000));
        assert!(timing.queueing() < Duration::from_millis(30));
    }

    #[test]
    fn a_steady_stream_has_no_jitter_and_an_uneven_one_has() {
        let (mut steady, mut uneven, now) = (Timing::default(), Timing::default(), Instant::now());
        for index in 0..200_u32 {
            let sent = index * 20_000;
            steady.handle_sent(sent, now, sent + 70_000);
            uneven.handle_sent(sent, now, sent + 70_000 + (index % 2) * 4_000);
        }
        assert_eq!(steady.jitter(), Duration::ZERO);
        assert!(uneven.jitter().abs_diff(Duration::from_millis(4)) < Duration::from_micros(50));
    }
}
