//! A client's microphone: its packets opened with our own SRTP, turned into frames, and answered with reports.
//! Keys are derived when the first packet comes, because most who may be put on the stage never are.
//!
//! What comes off stage or muted is opened all the same: who stopped counting would lose the roll-over counter.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bytes::Bytes;
use stoa_audio::frame::{Frame, TrackId};

use super::receipts::{self, REPORT_BYTES_MAX, Receipt};
use super::rtp;
use super::uplink::{Packet, PayloadTypes, Uplink, UplinkCounters};
use crate::media::Outbox;
use crate::media::kernel::Address;
use crate::media::srtp::{AudioReceiver, ControlSender, Masters, OpenError};

/// Reports are sent this often while packets come, the first one earlier: browsers learn their round trip from it.
const REPORT_INTERVAL: Duration = Duration::from_secs(5);
const FIRST_REPORT: Duration = Duration::from_secs(1);

/// What was negotiated for a microphone.
#[derive(Clone, Copy, Debug)]
pub(super) struct Line {
    pub track: TrackId,
    pub types: PayloadTypes,
    /// Identifier of the level's header extension, where negotiated.
    pub level_id: Option<u8>,
    /// SSRC of our reports; no other stream of the session has it.
    pub report_ssrc: u32,
}

/// Why a packet came to nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refused {
    /// The handshake is not done.
    Early,
    /// Its seal is wrong, or it is none.
    Forged,
    /// Seen before, or too old to know.
    Replayed,
    /// Sealed well, but not what RFC 3550 draws.
    Malformed,
    /// Of more sources than any client needs.
    TooManySources,
}

/// See the module.
pub(super) struct Microphone {
    line: Line,
    masters: Option<Masters>,
    live: Option<Box<Live>>,
}

/// What there is once something has come.
struct Live {
    receiver: AudioReceiver,
    sender: ControlSender,
    uplink: Uplink,
    receipts: Vec<Receipt>,
    /// The newest timestamp, unwrapped.
    timestamp: Option<u64>,
    since: Instant,
    report_at: Instant,
}

impl Microphone {
    pub(super) const fn new(line: Line) -> Self {
        Self { line, masters: None, live: None }
    }

    /// The handshake is done.
    pub(super) fn set_masters(&mut self, masters: &Masters) {
        self.masters = Some(masters.clone());
    }

    pub(super) const fn report_ssrc(&self) -> u32 {
        self.line.report_ssrc
    }

    /// Takes a sealed packet, which is opened in place; its frames go to `emit` if it is `let_in`.
    pub(super) fn handle_packet(
        &mut self,
        datagram: &mut [u8],
        let_in: bool,
        now: Instant,
        emit: impl FnMut(Frame),
    ) -> Result<(), Refused> {
        let line = self.line;
        let live = match &mut self.live {
            Some(live) => live,
            none => {
                let masters = self.masters.as_ref().ok_or(Refused::Early)?;
                let live = Live::new(line, masters, now).ok_or(Refused::Forged)?;
                none.insert(Box::new(live))
            }
        };
        let (payload, index) = live.receiver.open_rtp(datagram).map_err(|error| match error {
            OpenError::Replay => Refused::Replayed,
            OpenError::TooManySources => Refused::TooManySources,
            OpenError::Malformed | OpenError::Authentication => Refused::Forged,
        })?;
        let rtp = rtp::read(datagram, payload, line.level_id).ok_or(Refused::Malformed)?;
        let since = live.since;
        live.receipt(rtp.ssrc, index).note(index, rtp.timestamp, since, now);
        let timestamp = live.unwrapped(rtp.timestamp);
        if let_in {
            let packet = Packet {
                payload_type: rtp.payload_type,
                timestamp,
                claim: rtp.claim,
                payload: Bytes::copy_from_slice(&datagram[rtp.payload]),
            };
            live.uplink.handle_packet(&packet, now, emit);
        }
        Ok(())
    }

    /// From now on its packets are let in again: what was said meanwhile stays unheard, and no number comes back.
    pub(super) fn resume(&mut self) {
        if let Some(live) = &mut self.live {
            live.uplink.resume();
        }
    }

    /// The client has sent a sender report: its SSRC, and the middle 32 bits of its NTP time.
    pub(super) fn note_sender_report(&mut self, ssrc: u32, ntp: u32, now: Instant) {
        let receipts = self.live.iter_mut().flat_map(|live| &mut live.receipts);
        for receipt in receipts.filter(|receipt| receipt.ssrc() == ssrc) {
            receipt.note_sender_report(ntp, now);
        }
    }

    /// Tells the client how its packets arrive, if that is due.
    pub(super) fn report(&mut self, to: SocketAddr, now: Instant, out: &mut impl Outbox) {
        let Some(live) = self.live.as_mut().filter(|live| now >= live.report_at) else { return };
        let ssrc = self.line.report_ssrc;
        let mut room = [0; REPORT_BYTES_MAX];
        let Some(plain) = receipts::write(&mut live.receipts, ssrc, now, &mut room) else { return };
        live.report_at = now + REPORT_INTERVAL;
        let length = plain.len() + live.sender.overhead();
        let to = Address::new(to, out.dual_stack());
        let Some(packet) = out.reserve(length) else { return };
        packet[..plain.len()].copy_from_slice(plain);
        if live.sender.seal(packet, ssrc).is_ok() {
            out.commit(length, &to);
        }
    }

    /// What came of packets since the last call.
    pub(super) fn take_counters(&mut self) -> UplinkCounters {
        self.live.as_mut().map(|live| live.uplink.take_counters()).unwrap_or_default()
    }
}

impl Live {
    fn new(line: Line, masters: &Masters, now: Instant) -> Option<Self> {
        Some(Self {
            receiver: AudioReceiver::new(&masters.remote).ok()?,
            sender: ControlSender::new(&masters.local).ok()?,
            uplink: Uplink::new(line.track, line.types),
            receipts: Vec::new(),
            timestamp: None,
            since: now,
            report_at: now + FIRST_REPORT,
        })
    }

    /// The receiver has bounded how many there are: it knows no more sources.
    fn receipt(&mut self, ssrc: u32, index: u64) -> &mut Receipt {
        let known = self.receipts.iter().position(|receipt| receipt.ssrc() == ssrc);
        let at = known.unwrap_or_else(|| {
            self.receipts.push(Receipt::new(ssrc, index));
            self.receipts.len() - 1
        });
        &mut self.receipts[at]
    }

    /// The moment of this timestamp that is nearest to the newest one. The first lies well above zero, so that
    /// there is room for what is older.
    fn unwrapped(&mut self, timestamp: u32) -> u64 {
        let first = u64::from(u32::MAX) + 1 + u64::from(timestamp);
        let Some(newest) = self.timestamp else {
            self.timestamp = Some(first);
            return first;
        };
        #[expect(clippy::cast_possible_truncation, reason = "the low 32 bits are the timestamp")]
        let ahead = timestamp.wrapping_sub(newest as u32).cast_signed();
        let unwrapped = newest.saturating_add_signed(i64::from(ahead));
        self.timestamp = Some(newest.max(unwrapped));
        unwrapped
    }
}

#[cfg(test)]
#[path = "microphone_tests.rs"]
mod tests;
