//! An established listener: opens what comes, checks consent, reports what it received.

use std::net::SocketAddr;
use std::ops::Range;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use rand::{Rng, RngExt};
use stoa_edge::media::srtp::{Receiver, Sender};
use str0m::ice::StunMessage;

use super::consent::{self, Credentials, LOST_AFTER};
use super::handshake::Established;
use super::reception::{self, REPORT_BYTES, Reception};

/// What a datagram was.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Heard {
    /// Audio: where in the datagram its payload lies.
    Audio(Range<usize>),
    /// A report of the edge.
    Report,
    /// The edge says that the stream has ended.
    Goodbye,
    /// The edge consents.
    Consent,
    /// The edge asks for consent; the answer of that many bytes lies in the buffer.
    Answer(usize),
    /// DTLS: for whoever shook hands.
    Dtls,
    /// Nothing that belongs here: broken, replayed or foreign.
    Refused,
}

/// A listener.
pub(crate) struct Listener {
    receiver: Receiver,
    sender: Sender,
    credentials: Credentials,
    ssrc: u32,
    born: Instant,
    reception: Option<Reception>,
    consent_due: Instant,
    report_due: Instant,
    consented: Instant,
}

impl Listener {
    /// From a finished handshake.
    ///
    /// # Errors
    /// When the keys are refused.
    pub(crate) fn new(established: Established, now: Instant, rng: &mut impl Rng) -> Result<Self> {
        let keys = &established.keys;
        Ok(Self {
            receiver: Receiver::new(&keys.remote).ok().context("the keys are refused")?,
            sender: Sender::new(&keys.local).ok().context("the keys are refused")?,
            credentials: established.credentials,
            ssrc: rng.random(),
            born: now,
            reception: None,
            consent_due: now + consent::pause(rng),
            report_due: now + reception::pause(rng),
            consented: now,
        })
    }

    /// Takes a datagram, which is opened in place. `buffer` gets the answer, if one is due.
    pub(crate) fn handle_packet(
        &mut self,
        now: Instant,
        from: SocketAddr,
        packet: &mut [u8],
        buffer: &mut [u8],
    ) -> Heard {
        // RFC 7983 section 7, and RFC 5761 section 4 for what is RTCP.
        match (packet.first(), packet.get(1)) {
            (Some(0..=3), _) => self.handle_stun(now, from, packet, buffer),
            (Some(20..=63), _) => Heard::Dtls,
            (Some(128..=191), Some(192..=223)) => self.handle_rtcp(now, packet),
            (Some(128..=191), _) => self.handle_rtp(now, packet),
            _ => Heard::Refused,
        }
    }

    fn handle_rtp(&mut self, now: Instant, packet: &mut [u8]) -> Heard {
        let Ok((payload, index)) = self.receiver.open_rtp(packet) else { return Heard::Refused };
        let word = |at: usize| {
            u32::from_be_bytes([packet[at], packet[at + 1], packet[at + 2], packet[at + 3]])
        };
        let (timestamp, ssrc) = (word(4), word(8));
        let known = self.reception.take().filter(|reception| reception.ssrc() == ssrc);
        let reception = self.reception.insert(known.unwrap_or_else(|| Reception::new(ssrc, index)));
        reception.handle_packet(index, timestamp, now.saturating_duration_since(self.born));
        Heard::Audio(payload)
    }

    fn handle_rtcp(&mut self, now: Instant, packet: &mut [u8]) -> Heard {
        const SENDER_REPORT: u8 = 200;
        const GOODBYE: u8 = 203;
        let Ok(length) = self.receiver.open_rtcp(packet) else { return Heard::Refused };
        let mut rest = &packet[..length];
        let mut heard = Heard::Report;
        while let [_, kind, high, low, ..] = rest {
            if let (SENDER_REPORT, Some(reception)) = (*kind, &mut self.reception) {
                reception.handle_sender_report(rest, now);
            } else if *kind == GOODBYE {
                heard = Heard::Goodbye;
            }
            let words = usize::from(u16::from_be_bytes([*high, *low])) + 1;
            rest = rest.get(words * 4..).unwrap_or_default();
        }
        heard
    }

    fn handle_stun(
        &mut self,
        now: Instant,
        from: SocketAddr,
        packet: &[u8],
        buffer: &mut [u8],
    ) -> Heard {
        let Ok(message) = StunMessage::parse(packet) else { return Heard::Refused };
        if self.credentials.is_answer(&message) {
            self.consented = now;
            return Heard::Consent;
        }
        match self.credentials.answer(&message, from, buffer) {
            Some(length) => Heard::Answer(length),
            None => Heard::Refused,
        }
    }

    /// When something is due next.
    pub(crate) fn poll_timeout(&self) -> Instant {
        self.consent_due.min(self.report_due)
    }

    /// When it will report next.
    pub(crate) fn report_due(&self) -> Instant {
        self.report_due
    }

    /// The jitter that its next report will tell (RFC 3550 section 6.4.1); `None` before any audio.
    pub(crate) fn jitter(&self) -> Option<Duration> {
        self.reception.as_ref().map(Reception::jitter)
    }

    /// Writes the next datagram that is due; call again until `None`.
    pub(crate) fn next_datagram(
        &mut self,
        now: Instant,
        rng: &mut impl Rng,
        buffer: &mut [u8],
    ) -> Option<usize> {
        if now >= self.consent_due {
            self.consent_due = now + consent::pause(rng);
            return self.credentials.request(buffer);
        }
        if now >= self.report_due {
            self.report_due = now + reception::pause(rng);
            return self.write_report(now, buffer);
        }
        None
    }

    fn write_report(&mut self, now: Instant, buffer: &mut [u8]) -> Option<usize> {
        let length = REPORT_BYTES + self.sender.rtcp_overhead();
        let mut report = [0; REPORT_BYTES];
        self.reception.as_mut()?.write_report(self.ssrc, now, &mut report);
        let place = buffer.get_mut(..length)?;
        place[..REPORT_BYTES].copy_from_slice(&report);
        self.sender.seal_rtcp(place, self.ssrc).ok()?;
        Some(length)
    }

    /// For how long the edge has not consented, when that means that the path is lost.
    pub(crate) fn lost_for(&self, now: Instant) -> Option<Duration> {
        Some(now.saturating_duration_since(self.consented)).filter(|silent| *silent > LOST_AFTER)
    }
}
