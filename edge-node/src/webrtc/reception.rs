//! What a client reports of what it receives and sends (RFC 3550 section 6.4): opened with its keys, never by str0m.
//!
//! Loss is taken from the counters of two reports and not from their fraction, which knows nothing of
//! what a lost report has told.

use std::time::Instant;

use super::SLOTS_MAX;
use crate::media::Downstream;
use crate::media::srtp::{ControlReceiver, Master, OpenError};

const SENDER_REPORT: u8 = 200;
const RECEIVER_REPORT: u8 = 201;
/// Bytes of the common header and the sender's SSRC, and of the sender's part of a sender report.
const HEADER: usize = 8;
const SENDER_PART: usize = 20;
const BLOCK: usize = 24;

/// Units of a jitter: Opus counts 48,000 a second whatever it carries (RFC 7587 section 4.1).
const TICKS_PER_MS: f32 = 48.0;
/// What a unit of NTP's middle 32 bits is.
const MS_PER_NTP: f32 = 1_000.0 / 65_536.0;

/// Packets between two reports that are believed; a counter that leaps further has no meaning.
const PROGRESS_MAX: u32 = 1 << 16;
/// Round trips longer than this (a minute, in 1/65,536 s) come from clocks, not from networks; as do
/// those that are negative by more than a hundredth of a second.
const ROUND_TRIP_MAX: u32 = 60 << 16;
const ROUND_TRIP_ERROR: u32 = 655;

/// How a listener fared since his report before.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Report {
    pub at: Instant,
    /// Share of the packets that did not arrive, 0 to 1; `None` when none was due.
    pub loss: Option<f32>,
    /// Interarrival jitter of the stream that suffers most; `None` as above.
    pub jitter_ms: Option<f32>,
    /// Round-trip time, once he has heard a sender report.
    pub round_trip_ms: Option<f32>,
}

/// Why a control packet said nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refused {
    /// Its seal is wrong, or it is none.
    Forged,
    /// Seen before.
    Replayed,
    /// Sealed well, but not what RFC 3550 section 6 describes.
    Malformed,
}

/// A listener's reports.
pub(super) struct Reception {
    receiver: ControlReceiver,
    streams: [Option<Stream>; SLOTS_MAX],
    last: Option<Report>,
    news: bool,
}

/// A sender report of the client, as far as our own reports answer it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SenderReport {
    /// Of which stream.
    pub ssrc: u32,
    /// Middle 32 bits of its NTP time.
    pub ntp: u32,
}

/// One of our streams, as far as he has told of it.
#[derive(Clone, Copy)]
struct Stream {
    ssrc: u32,
    highest: u32,
    lost: i32,
}

/// One report block (RFC 3550 section 6.4.1).
struct Block {
    ssrc: u32,
    /// Of 24 bits; duplicates make it negative.
    lost: i32,
    /// Extended highest sequence number received.
    highest: u32,
    jitter: u32,
    /// Middle 32 bits of the NTP time of the last sender report, and the time since, in 1/65,536 s.
    last_report: u32,
    delay: u32,
}

impl Reception {
    /// Of a client who seals with `master` and gets `streams`; `None` when the keys are refused.
    pub(super) fn new(master: &Master, streams: &[Option<Downstream>; SLOTS_MAX]) -> Option<Self> {
        let streams = streams.map(|stream| {
            stream.map(|Downstream { ssrc, first_sequence, .. }| Stream {
                ssrc,
                highest: u32::from(first_sequence).wrapping_sub(1),
                lost: 0,
            })
        });
        let receiver = ControlReceiver::new(master).ok()?;
        Some(Self { receiver, streams, last: None, news: false })
    }

    /// Takes a sealed control packet, which is opened in place. `ntp` is the NTP timestamp of `now`. What the client
    /// says of its own streams goes to `hear`.
    pub(super) fn handle_packet(
        &mut self,
        packet: &mut [u8],
        now: Instant,
        ntp: u64,
        mut hear: impl FnMut(SenderReport),
    ) -> Result<(), Refused> {
        let length = self.receiver.open_rtcp(packet).map_err(|error| match error {
            OpenError::Replay => Refused::Replayed,
            OpenError::Malformed | OpenError::Authentication | OpenError::TooManySources => {
                Refused::Forged
            }
        })?;
        let mut sums = Sums::default();
        let whole = items(&packet[..length], |item| match item {
            Item::Sender(report) => hear(report),
            Item::Block(block) => self.take(&block, ntp, &mut sums),
        });
        if sums.ours > 0 {
            self.last = Some(sums.report(now));
            self.news = true;
        }
        whole.then_some(()).ok_or(Refused::Malformed)
    }

    /// His last report, if it has not been taken yet.
    pub(super) fn take_news(&mut self) -> Option<Report> {
        std::mem::take(&mut self.news).then_some(self.last).flatten()
    }

    fn take(&mut self, block: &Block, ntp: u64, sums: &mut Sums) {
        let mut streams = self.streams.iter_mut().flatten();
        let Some(stream) = streams.find(|stream| stream.ssrc == block.ssrc) else { return };
        sums.ours += 1;
        if let Some(round_trip) = block.round_trip(ntp) {
            sums.round_trip = Some(sums.round_trip.map_or(round_trip, |old| old.min(round_trip)));
        }
        let progress = block.highest.wrapping_sub(stream.highest);
        if progress == 0 || progress > PROGRESS_MAX {
            return;
        }
        let lost = u32::try_from(block.lost.saturating_sub(stream.lost)).unwrap_or(0);
        stream.highest = block.highest;
        stream.lost = block.lost;
        sums.expected += progress;
        sums.lost += lost.min(progress);
        sums.jitter = sums.jitter.max(block.jitter);
    }
}

/// What the blocks of one packet add up to.
#[derive(Default)]
struct Sums {
    ours: u32,
    expected: u32,
    lost: u32,
    jitter: u32,
    round_trip: Option<u32>,
}

impl Sums {
    #[expect(
        clippy::cast_precision_loss,
        reason = "seven digits are more than a report is good for"
    )]
    fn report(&self, at: Instant) -> Report {
        let heard = self.expected > 0;
        Report {
            at,
            loss: heard.then(|| self.lost as f32 / self.expected as f32),
            jitter_ms: heard.then(|| self.jitter as f32 / TICKS_PER_MS),
            round_trip_ms: self.round_trip.map(|units| units as f32 * MS_PER_NTP),
        }
    }
}

impl Block {
    fn read(bytes: &[u8; BLOCK]) -> Self {
        let word = |at: usize| {
            u32::from_be_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
        };
        Self {
            ssrc: word(0),
            // The sign is that of 24 bits.
            lost: (word(4) << 8).cast_signed() >> 8,
            highest: word(8),
            jitter: word(12),
            last_report: word(16),
            delay: word(20),
        }
    }

    /// RFC 3550 section 6.4.1, in 1/65,536 s; `None` before he has heard a sender report.
    #[expect(clippy::cast_possible_truncation, reason = "the middle 32 bits are meant")]
    fn round_trip(&self, ntp: u64) -> Option<u32> {
        if self.last_report == 0 {
            return None;
        }
        let now = (ntp >> 16) as u32;
        let round_trip = now.wrapping_sub(self.last_report).wrapping_sub(self.delay);
        // Both sides round.
        let round_trip = if round_trip > u32::MAX - ROUND_TRIP_ERROR { 0 } else { round_trip };
        (round_trip <= ROUND_TRIP_MAX).then_some(round_trip)
    }
}

/// What of a compound is looked at.
enum Item {
    Sender(SenderReport),
    Block(Block),
}

/// Walks over a compound and shows what it reports; says whether all of it was well-formed. Other
/// packets are passed over: a BYE ends nothing, because the session is DTLS's to end.
fn items(compound: &[u8], mut show: impl FnMut(Item)) -> bool {
    let mut rest = compound;
    while let [first, kind, high, low, ..] = rest {
        let bytes = 4 * (usize::from(u16::from_be_bytes([*high, *low])) + 1);
        let Some(packet) = rest.get(..bytes).filter(|_| first >> 6 == 2) else { return false };
        rest = &rest[bytes..];
        let start = match *kind {
            SENDER_REPORT => HEADER + SENDER_PART,
            RECEIVER_REPORT => HEADER,
            _ => continue,
        };
        let count = usize::from(first & 0x1f);
        let Some(reports) = packet.get(start..start + BLOCK * count) else { return false };
        if let (SENDER_REPORT, [_, _, _, _, s0, s1, s2, s3, _, _, n0, n1, n2, n3, ..]) =
            (*kind, packet)
        {
            let ssrc = u32::from_be_bytes([*s0, *s1, *s2, *s3]);
            let ntp = u32::from_be_bytes([*n0, *n1, *n2, *n3]);
            show(Item::Sender(SenderReport { ssrc, ntp }));
        }
        let (reports, _) = reports.as_chunks::<BLOCK>();
        for report in reports {
            show(Item::Block(Block::read(report)));
        }
    }
    rest.is_empty()
}

#[cfg(test)]
#[path = "reception_tests.rs"]
mod tests;
