//! What a client is told of how its packets arrive (RFC 3550 section 6.4.2, appendix A): browsers show it and
//! choose their redundancy by it.

use std::time::Instant;

/// Longest report: header, a block for each of eight sources, and the name.
pub(super) const REPORT_BYTES_MAX: usize = HEADER + SOURCES_MAX * BLOCK + DESCRIPTION;

/// Sources that one report has room for; one client has no more.
pub(super) const SOURCES_MAX: usize = 8;

const HEADER: usize = 8;
const BLOCK: usize = 24;
const DESCRIPTION: usize = 16;

/// Samples per second of the RTP clock of Opus (RFC 7587 section 4.1).
const CLOCK_HZ: u128 = 48_000;

/// A timestamp that is off by more has nothing to do with the network: the client's clock has jumped.
const JUMP: u32 = 5 * 48_000;

/// One source of the client.
#[derive(Clone, Copy, Debug)]
pub(super) struct Receipt {
    ssrc: u32,
    /// Extended sequence numbers.
    first: u64,
    newest: u64,
    received: u64,
    /// Packets expected and received when it was last reported of.
    reported: (u64, u64),
    /// How long a packet was on its way, in samples, up to a constant.
    transit: Option<u32>,
    /// In sixteenths of a sample.
    jitter: u64,
    /// Middle 32 bits of the NTP time of the client's last sender report, and when it came.
    sender_report: Option<(u32, Instant)>,
}

impl Receipt {
    /// Of a source whose first packet has this index.
    pub(super) const fn new(ssrc: u32, index: u64) -> Self {
        Self {
            ssrc,
            first: index,
            newest: index,
            received: 0,
            reported: (0, 0),
            transit: None,
            jitter: 0,
            sender_report: None,
        }
    }

    pub(super) const fn ssrc(&self) -> u32 {
        self.ssrc
    }

    /// A packet has come; `since` is any moment that stays the same.
    pub(super) fn note(&mut self, index: u64, timestamp: u32, since: Instant, now: Instant) {
        self.first = self.first.min(index);
        self.newest = self.newest.max(index);
        self.received += 1;
        let elapsed = now.saturating_duration_since(since).as_micros();
        let transit = low(elapsed * CLOCK_HZ / 1_000_000).wrapping_sub(timestamp);
        let Some(before) = self.transit.replace(transit) else { return };
        let off = transit.wrapping_sub(before).cast_signed().unsigned_abs();
        if off <= JUMP {
            // RFC 3550 appendix A.8.
            self.jitter = self.jitter + u64::from(off) - (self.jitter + 8) / 16;
        }
    }

    /// The client has sent a sender report with this NTP time (its middle 32 bits).
    pub(super) fn note_sender_report(&mut self, ntp: u32, now: Instant) {
        self.sender_report = Some((ntp, now));
    }

    /// Whether something has come since it was last reported of.
    fn has_news(&self) -> bool {
        self.received != self.reported.1
    }

    fn block(&mut self, now: Instant) -> [u32; BLOCK / 4] {
        let expected = self.newest - self.first + 1;
        let lost = expected.saturating_sub(self.received).min(0x7f_ffff);
        let expected_since = expected.saturating_sub(self.reported.0);
        let lost_since = expected_since.saturating_sub(self.received - self.reported.1);
        let fraction = (lost_since * 256).checked_div(expected_since).unwrap_or(0).min(255);
        self.reported = (expected, self.received);
        let (last_report, delay) = self.sender_report.map_or((0, 0), |(ntp, at)| {
            (ntp, low(now.saturating_duration_since(at).as_micros() * 65_536 / 1_000_000))
        });
        let lost = low(u128::from(fraction << 24 | lost));
        let jitter = low(u128::from(self.jitter / 16));
        [self.ssrc, lost, low(u128::from(self.newest)), jitter, last_report, delay]
    }
}

/// Writes a receiver report of `from` on those sources of which something has come since the last one, and its
/// name; `None` when there is none.
pub(super) fn write<'a>(
    receipts: &mut [Receipt],
    from: u32,
    now: Instant,
    out: &'a mut [u8; REPORT_BYTES_MAX],
) -> Option<&'a [u8]> {
    let mut at = HEADER;
    let mut blocks = 0u8;
    for receipt in receipts.iter_mut().filter(|receipt| receipt.has_news()).take(SOURCES_MAX) {
        for word in receipt.block(now) {
            out[at..at + 4].copy_from_slice(&word.to_be_bytes());
            at += 4;
        }
        blocks += 1;
    }
    if blocks == 0 {
        return None;
    }
    // The length counts words beside the first.
    out[..4].copy_from_slice(&[0x80 | blocks, 201, 0, 1 + 6 * blocks]);
    out[4..8].copy_from_slice(&from.to_be_bytes());
    // One chunk: SSRC, CNAME item (type 1, length 4), and zeros up to a word.
    out[at..at + 4].copy_from_slice(&[0x81, 202, 0, 3]);
    out[at + 4..at + 8].copy_from_slice(&from.to_be_bytes());
    out[at + 8..at + DESCRIPTION].copy_from_slice(b"\x01\x04stoa\0\0");
    Some(&out[..at + DESCRIPTION])
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "the fields hold the low 32 bits by definition"
)]
const fn low(value: u128) -> u32 {
    value as u32
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const MS: Duration = Duration::from_millis(1);

    fn report(receipts: &mut [Receipt], now: Instant) -> Option<Vec<u8>> {
        write(receipts, 9, now, &mut [0; REPORT_BYTES_MAX]).map(<[u8]>::to_vec)
    }

    #[test]
    fn a_report_tells_loss_since_the_last_one_and_in_all() {
        let now = Instant::now();
        let mut receipts = [Receipt::new(7, 65_530)];
        for index in (65_530..65_550).filter(|index| index % 4 != 0) {
            receipts[0].note(index, 0, now, now);
        }
        let told = report(&mut receipts, now).unwrap();
        assert_eq!(told[..12], [0x81, 201, 0, 7, 0, 0, 0, 9, 0, 0, 0, 7]);
        // 65,532 to 65,548 hold five multiples of four; 5 of 20 are a quarter.
        assert_eq!(told[12..16], [64, 0, 0, 5]);
        assert_eq!(told[16..20], 65_549u32.to_be_bytes());
        assert_eq!(told[32..], *b"\x81\xca\0\x03\0\0\0\x09\x01\x04stoa\0\0");
        assert_eq!(report(&mut receipts, now), None, "nothing has come since");
        receipts[0].note(65_550, 0, now, now);
        assert_eq!(report(&mut receipts, now).unwrap()[12..16], [0, 0, 0, 5]);
    }

    #[test]
    fn jitter_is_that_of_the_network_and_not_of_a_clock_that_jumps() {
        let start = Instant::now();
        let mut uneven = Receipt::new(1, 0);
        for index in 0..400u32 {
            let jump = if index < 200 { 0 } else { 1 << 30 };
            let late = if index % 2 == 0 { Duration::ZERO } else { 5 * MS };
            let now = start + index * 20 * MS + late;
            uneven.note(u64::from(index), index * 960 + jump, start, now);
        }
        let told = report(&mut [uneven], start).unwrap();
        let jitter = u32::from_be_bytes(told[20..24].try_into().unwrap());
        assert!((230..=240).contains(&jitter), "5 ms are 240 samples: {jitter}");
    }

    #[test]
    fn the_delay_since_a_sender_report_is_told() {
        let now = Instant::now();
        let mut receipt = Receipt::new(1, 0);
        receipt.note(0, 0, now, now);
        receipt.note_sender_report(0x0102_0304, now);
        let told = report(&mut [receipt], now + 500 * MS).unwrap();
        assert_eq!(told[24..28], [1, 2, 3, 4]);
        assert_eq!(told[28..32], 32_768u32.to_be_bytes());
    }

    #[test]
    fn as_many_sources_as_a_client_may_have_fit() {
        let now = Instant::now();
        let mut receipts = [1, 2, 3, 4, 5, 6, 7, 8].map(|ssrc| Receipt::new(ssrc, u64::MAX / 2));
        receipts.iter_mut().for_each(|receipt| receipt.note(u64::MAX / 2, 0, now, now));
        let told = report(&mut receipts, now).unwrap();
        assert_eq!(told.len(), REPORT_BYTES_MAX);
        assert_eq!(told[..4], [0x88, 201, 0, 49]);
    }
}
