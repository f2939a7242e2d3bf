//! What a receiver has to report of one source (RFC 3550 section 6.4.1, appendix A.3 and A.8).

use std::time::{Duration, Instant};

use rand::{Rng, RngExt};

/// Samples per second of Opus in RTP (RFC 7587 section 4.1).
const CLOCK_HZ: u128 = 48_000;
/// Mean time between two reports; each is 0.5 to 1.5 times that (RFC 3550 section 6.2).
const INTERVAL: Duration = Duration::from_millis(2_500);
/// `RR` with one block, then `SDES` with a name of 8 bytes.
pub(super) const REPORT_BYTES: usize = 32 + 20;

/// Reception of one source.
#[derive(Debug)]
pub(super) struct Reception {
    ssrc: u32,
    first: u64,
    newest: u64,
    received: u64,
    /// Expected and received at the last report.
    reported: (u64, u64),
    jitter: f64,
    transit: Option<i128>,
    /// Middle 32 bits of the last sender report's time, and when it came.
    sender_report: Option<(u32, Instant)>,
}

impl Reception {
    pub(super) fn new(ssrc: u32, index: u64) -> Self {
        Self {
            ssrc,
            first: index,
            newest: index,
            received: 0,
            reported: (0, 0),
            jitter: 0.0,
            transit: None,
            sender_report: None,
        }
    }

    pub(super) fn ssrc(&self) -> u32 {
        self.ssrc
    }

    /// Counts a packet of extended sequence number `index`; `age` counts from any fixed moment.
    pub(super) fn handle_packet(&mut self, index: u64, timestamp: u32, age: Duration) {
        self.received += 1;
        self.newest = self.newest.max(index);
        let arrival = age.as_nanos() * CLOCK_HZ / 1_000_000_000;
        let transit = i128::try_from(arrival).unwrap_or(0) - i128::from(timestamp);
        if let Some(last) = self.transit.replace(transit) {
            // A wrapped timestamp or a new timeline makes one absurd step; it is left out.
            let step = (transit - last).unsigned_abs();
            if step < CLOCK_HZ {
                self.jitter += (step as f64 - self.jitter) / 16.0;
            }
        }
    }

    /// Interarrival jitter.
    pub(super) fn jitter(&self) -> Duration {
        Duration::from_secs_f64(self.jitter / 48_000.0)
    }

    /// Notes a sender report, whose first 28 bytes are given.
    pub(super) fn handle_sender_report(&mut self, report: &[u8], now: Instant) {
        if let Some([a, b, c, d]) = report.get(10..14) {
            self.sender_report = Some((u32::from_be_bytes([*a, *b, *c, *d]), now));
        }
    }

    /// Writes a receiver report of `from` with its name; `out` is [`REPORT_BYTES`] long.
    pub(super) fn write_report(&mut self, from: u32, now: Instant, out: &mut [u8; REPORT_BYTES]) {
        let expected = self.newest - self.first + 1;
        let lost = expected.saturating_sub(self.received);
        let since = (expected - self.reported.0, self.received - self.reported.1);
        let lost_since = since.0.saturating_sub(since.1);
        let fraction = (lost_since * 256).checked_div(since.0).unwrap_or(0).min(255);
        self.reported = (expected, self.received);
        let (last_report, delay) = self.sender_report.map_or((0, 0), |(middle, at)| {
            let delay = now.saturating_duration_since(at).as_micros() * 65_536 / 1_000_000;
            (middle, u32::try_from(delay).unwrap_or(u32::MAX))
        });
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "the fields' widths; the extended number keeps its low 32 bits by definition"
        )]
        let words = [
            0x81c9_0007,
            from,
            self.ssrc,
            (fraction as u32) << 24 | (lost.min(0x7f_ffff) as u32),
            self.newest as u32,
            self.jitter as u32,
            last_report,
            delay,
            // SDES with one chunk: CNAME of 8 characters, its end, and padding to a word.
            0x81ca_0004,
            from,
        ];
        for (place, word) in out.chunks_exact_mut(4).zip(words) {
            place.copy_from_slice(&word.to_be_bytes());
        }
        let name = format!("{from:08x}");
        out[40] = 1;
        out[41] = 8;
        out[42..50].copy_from_slice(name.as_bytes());
        out[50..].fill(0);
    }
}

/// When the next report is due after one was sent.
pub(super) fn pause(rng: &mut impl Rng) -> Duration {
    INTERVAL.mul_f64(rng.random_range(0.5..=1.5))
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::{REPORT_BYTES, Reception};

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn a_report_tells_loss_since_the_last_one_and_in_all() {
        let now = Instant::now();
        let mut reception = Reception::new(7, 65_530);
        for index in (65_530..65_550).filter(|index| index % 4 != 0) {
            reception.handle_packet(index, 0, Duration::ZERO);
        }
        let mut report = [0; REPORT_BYTES];
        reception.write_report(9, now, &mut report);
        assert_eq!(report[..4], [0x81, 201, 0, 7]);
        // 65,532 to 65,548 hold five multiples of four; 5 of 20 are a quarter.
        assert_eq!(report[12], 64);
        assert_eq!(report[13..16], [0, 0, 5]);
        assert_eq!(u32::from_be_bytes(report[16..20].try_into().unwrap()), 65_549);
        assert_eq!(report[32..36], [0x81, 202, 0, 4]);
        assert_eq!(&report[40..50], b"\x01\x0800000009");

        reception.handle_packet(65_550, 0, Duration::ZERO);
        reception.write_report(9, now, &mut report);
        assert_eq!((report[12], report[15]), (0, 5), "nothing new is lost");
    }

    #[test]
    fn jitter_is_that_of_the_packets_and_a_steady_stream_has_none() {
        let (mut steady, mut uneven) = (Reception::new(1, 0), Reception::new(1, 0));
        for index in 0..400u32 {
            let on_time = index * 20 * MS;
            steady.handle_packet(u64::from(index), index * 960, on_time);
            let late = if index % 2 == 0 { Duration::ZERO } else { 5 * MS };
            uneven.handle_packet(u64::from(index), index * 960, on_time + late);
        }
        assert!(steady.jitter < 1.0);
        assert!((uneven.jitter - 240.0).abs() < 2.0, "5 ms are 240 samples: {}", uneven.jitter);
    }

    #[test]
    fn the_delay_since_a_sender_report_is_told() {
        let now = Instant::now();
        let mut reception = Reception::new(1, 0);
        let mut sent = [0; 28];
        sent[10..14].copy_from_slice(&[1, 2, 3, 4]);
        reception.handle_sender_report(&sent, now);
        let mut report = [0; REPORT_BYTES];
        reception.write_report(2, now + 500 * MS, &mut report);
        assert_eq!(report[24..28], [1, 2, 3, 4]);
        assert_eq!(u32::from_be_bytes(report[28..32].try_into().unwrap()), 32_768);
    }
}
