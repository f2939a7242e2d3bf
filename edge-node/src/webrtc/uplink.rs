//! What a client sends, turned into frames: redundancy opened (RFC 2198), packets of several frames
//! split, each frame numbered once.

use std::time::Instant;

use bytes::Bytes;
use stoa_audio::frame::{Epoch, Frame, FrameNumber, PAYLOAD_BYTES_MAX, TrackId};
use stoa_audio::level::{Claim, Judge};
use stoa_audio::opus;
use str0m::rtp::RedDecoder;

/// Samples per second of the RTP clock of Opus (RFC 7587 section 4.1).
const CLOCK_HZ: u64 = 48_000;

/// Number of the first frame: room below it for redundancy that is older than the first packet.
const FIRST_NUMBER: u64 = 400;

/// A timestamp that runs ahead of the wall clock, or goes back, by more seconds than this is taken for
/// a restart of the client's clock.
const JUMP_S: u64 = 5;

/// Frames that may come late, in units of 2.5 ms: what the window below remembers.
const WINDOW: u64 = 128;

/// Longest frame, in units of 2.5 ms (RFC 6716 section 2.1.4).
const FRAME_MAX: u64 = 24;

/// One RTP packet, opened.
#[derive(Clone, Debug)]
pub(super) struct Packet {
    /// Its payload type.
    pub payload_type: u8,
    /// Its timestamp, unwrapped.
    pub timestamp: u64,
    /// What the client says of its loudness (RFC 6464), if it says anything.
    pub claim: Option<Claim>,
    /// Its payload.
    pub payload: Bytes,
}

/// The payload types that were negotiated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct PayloadTypes {
    /// Opus.
    pub opus: u8,
    /// Redundancy, where negotiated.
    pub red: Option<u8>,
}

/// What came of packets, since last taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct UplinkCounters {
    /// Frames passed on.
    pub frames: u64,
    /// Of those, frames that only redundancy brought.
    pub recovered: u64,
    /// Packets of a payload type that was not negotiated.
    pub unknown_payload_type: u64,
    /// Payloads that are not RED or not Opus.
    pub malformed: u64,
    /// Frames above the size limit.
    pub too_large: u64,
    /// Times the client's clock jumped.
    pub clock_restarts: u64,
    /// Packets whose clock jumped again too soon.
    pub erratic: u64,
}

impl std::ops::AddAssign for UplinkCounters {
    fn add_assign(&mut self, more: Self) {
        self.frames += more.frames;
        self.recovered += more.recovered;
        self.unknown_payload_type += more.unknown_payload_type;
        self.malformed += more.malformed;
        self.too_large += more.too_large;
        self.clock_restarts += more.clock_restarts;
        self.erratic += more.erratic;
    }
}

/// One client's microphone.
#[derive(Debug)]
pub(super) struct Uplink {
    track: TrackId,
    types: PayloadTypes,
    /// Timestamp and arrival of the packet that numbering counts from, and the number it has.
    anchor: Option<Anchor>,
    /// Packets were not handed in before the next one; the anchor before that, if there was one.
    rested: Option<Option<Anchor>>,
    newest: u64,
    /// Bit n: number `newest - n` is covered by a frame already.
    seen: u128,
    /// Guesses the loudness of clients that do not say it.
    judge: Judge,
    counters: UplinkCounters,
}

#[derive(Clone, Copy, Debug)]
struct Anchor {
    timestamp: u64,
    number: u64,
    at: Instant,
}

impl Uplink {
    /// A microphone that will be known as `track`.
    #[must_use]
    pub(super) fn new(track: TrackId, types: PayloadTypes) -> Self {
        Self {
            track,
            types,
            anchor: None,
            rested: None,
            newest: 0,
            seen: 0,
            judge: Judge::default(),
            counters: UplinkCounters::default(),
        }
    }

    /// Hands every frame of a packet that was not seen before to `emit`, oldest first.
    pub(super) fn handle_packet(
        &mut self,
        packet: &Packet,
        now: Instant,
        mut emit: impl FnMut(Frame),
    ) {
        if packet.payload_type == self.types.opus {
            if self.follow_clock(packet.timestamp, now) {
                self.handle_opus(packet.claim, packet.timestamp, &packet.payload, &mut emit);
            }
            return;
        }
        if Some(packet.payload_type) != self.types.red {
            self.counters.unknown_payload_type += 1;
            return;
        }
        let Ok(blocks) = RedDecoder::decode(&packet.payload) else {
            self.counters.malformed += 1;
            return;
        };
        if !self.follow_clock(packet.timestamp, now) {
            return;
        }
        let opus = self.types.opus;
        for block in blocks.iter().filter(|block| block.pt == opus) {
            let timestamp = packet.timestamp.saturating_sub(u64::from(block.timestamp_offset));
            let payload = packet.payload.slice_ref(block.payload);
            // An empty redundant block stands for a frame that was silent (libwebrtc sends them).
            if payload.is_empty() && !block.is_primary {
                continue;
            }
            let before = self.counters.frames;
            self.handle_opus(packet.claim, timestamp, &payload, &mut emit);
            if !block.is_primary {
                self.counters.recovered += self.counters.frames - before;
            }
        }
    }

    /// After packets that were not handed in: the next one is numbered by the time that has passed, whatever the
    /// client's clock did meanwhile, and what its redundancy holds of before it is not heard.
    pub(super) fn resume(&mut self) {
        let before = self.rested.flatten();
        self.rested = Some(self.anchor.take().or(before));
    }

    /// What came of packets since the last call.
    pub(super) fn take_counters(&mut self) -> UplinkCounters {
        std::mem::take(&mut self.counters)
    }

    fn handle_opus(
        &mut self,
        claim: Option<Claim>,
        timestamp: u64,
        payload: &Bytes,
        emit: &mut impl FnMut(Frame),
    ) {
        let Ok(frames) = opus::split(payload) else {
            self.counters.malformed += 1;
            return;
        };
        let Some(mut number) = self.number(timestamp) else { return };
        let duration = frames.frame_duration();
        for payload in frames {
            let this = FrameNumber(number);
            number += u64::from(duration.units());
            if payload.len() > PAYLOAD_BYTES_MAX {
                self.counters.too_large += 1;
                continue;
            }
            if !self.take(this.0) {
                continue;
            }
            self.counters.frames += 1;
            let claim =
                claim.unwrap_or_else(|| self.judge.guess(opus::unpadded_bytes(&payload), duration));
            emit(Frame {
                track: self.track,
                epoch: Epoch::default(),
                number: this,
                duration,
                level: claim.level,
                voice: claim.voice,
                payload,
            });
        }
    }

    /// Where numbering counts from: the first packet, or the one at which the client's clock jumped.
    ///
    /// Says whether the clock can be followed: one that jumps again at once would let a client number
    /// any amount of frames as new.
    fn follow_clock(&mut self, timestamp: u64, now: Instant) -> bool {
        let Some(anchor) = self.anchor else {
            let number = self.first_number(now);
            self.anchor = Some(Anchor { timestamp, number, at: now });
            return true;
        };
        let gone_s = now.saturating_duration_since(anchor.at).as_secs();
        let ahead = timestamp.saturating_sub(anchor.timestamp);
        let newest = anchor.timestamp
            + self.newest.saturating_sub(anchor.number) * u64::from(FrameNumber::SAMPLES);
        let back = newest.saturating_sub(timestamp);
        if ahead <= (gone_s + JUMP_S) * CLOCK_HZ && back <= JUMP_S * CLOCK_HZ {
            return true;
        }
        if anchor.number != FIRST_NUMBER && gone_s < JUMP_S {
            self.counters.erratic += 1;
            return false;
        }
        self.counters.clock_restarts += 1;
        self.anchor = Some(Anchor { timestamp, number: self.newest + WINDOW, at: now });
        true
    }

    /// The number of the first packet, or of the first one after a rest: then everything older counts as seen.
    fn first_number(&mut self, now: Instant) -> u64 {
        let Some(before) = self.rested.take() else { return FIRST_NUMBER };
        let due = before.map_or(FIRST_NUMBER, |anchor| {
            let gone = now.saturating_duration_since(anchor.at).as_micros();
            let samples = u64::try_from(gone * u128::from(CLOCK_HZ) / 1_000_000).unwrap_or(0);
            anchor.number + samples / u64::from(FrameNumber::SAMPLES)
        });
        let number = due.max(self.newest + FRAME_MAX);
        self.newest = number - 1;
        self.seen = u128::MAX;
        number
    }

    /// The frame number of a timestamp; `None` when it lies before the track's beginning.
    fn number(&self, timestamp: u64) -> Option<u64> {
        let anchor = self.anchor?;
        let step = u64::from(FrameNumber::SAMPLES);
        if timestamp >= anchor.timestamp {
            Some(anchor.number + (timestamp - anchor.timestamp) / step)
        } else {
            anchor.number.checked_sub((anchor.timestamp - timestamp).div_ceil(step))
        }
    }

    /// Whether a number is new; remembers it.
    fn take(&mut self, number: u64) -> bool {
        if number > self.newest {
            let ahead = number - self.newest;
            self.seen = if ahead < WINDOW { self.seen << ahead } else { 0 } | 1;
            self.newest = number;
            return true;
        }
        let back = self.newest - number;
        if back >= WINDOW || self.seen & (1 << back) != 0 {
            return false;
        }
        self.seen |= 1 << back;
        true
    }
}

#[cfg(test)]
#[path = "uplink_tests.rs"]
mod tests;
