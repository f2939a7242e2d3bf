//! One listener's streams: own sequence, timestamp, SSRC and SRTP context, so that any change
//! upstream is invisible to him.

use aws_lc_rs::error::Unspecified;

use super::group::Content;
use super::kernel::Address;
use super::srtp::Sender;
use super::timeline::{Passage, wrap};
use super::{Outbox, report};
use crate::webrtc::{SLOTS_MAX, SessionId};

/// Length of an RTP header without CSRCs or extensions (RFC 3550 section 5.1).
const HEADER: usize = 12;

/// One downlink stream as it was negotiated.
#[derive(Clone, Copy, Debug)]
pub struct Downstream {
    /// The SSRC that the answer announced.
    pub ssrc: u32,
    /// The payload type of Opus.
    pub payload_type: u8,
    /// First sequence number; below 2^15, so that both sides agree on the roll-over counter
    /// (RFC 3711 section 3.3.1).
    pub first_sequence: u16,
    /// What is added to the slot's timestamps (RFC 3550 section 5.1: random).
    pub timestamp_offset: u32,
}

/// A connected listener.
pub struct Listener {
    session: SessionId,
    to: Address,
    sender: Sender,
    streams: [Option<Stream>; SLOTS_MAX],
}

struct Stream {
    ssrc: u32,
    payload_type: u8,
    timestamp_offset: u32,
    /// Extended sequence number: roll-over counter and sequence, the SRTP packet index.
    index: u64,
    /// Position on the slot's timeline up to which he has heard all, after a change of length.
    heard_until: u64,
    packets: u32,
    octets: u32,
    /// `packets` when he was last reported to.
    reported: u32,
}

impl Listener {
    /// A listener whose packets go to `to`, sealed by `sender`; `streams` in slot order.
    #[must_use]
    pub fn new(
        session: SessionId,
        to: Address,
        sender: Sender,
        streams: [Option<Downstream>; SLOTS_MAX],
    ) -> Self {
        let streams = streams.map(|negotiated| {
            negotiated.map(|n| Stream {
                ssrc: n.ssrc,
                payload_type: n.payload_type,
                timestamp_offset: n.timestamp_offset,
                index: u64::from(n.first_sequence & 0x7fff),
                heard_until: 0,
                packets: 0,
                octets: 0,
                reported: 0,
            })
        });
        Self { session, to, sender, streams }
    }

    /// Whose it is.
    #[must_use]
    pub const fn session(&self) -> SessionId {
        self.session
    }

    pub(super) fn redirect(&mut self, to: Address) {
        self.to = to;
    }

    /// Whether he has heard what begins at a position already.
    pub(super) fn has_heard(&self, slot: usize, position: u64) -> bool {
        matches!(self.streams.get(slot), Some(Some(stream)) if stream.heard_until > position)
    }

    /// His streams go on in another hall: sequence numbers as if nothing had happened, timestamps from where they are.
    pub(super) fn pass_over(&mut self, passages: &[Option<Passage>; SLOTS_MAX]) {
        for (stream, passage) in self.streams.iter_mut().zip(passages) {
            let Some(stream) = stream else { continue };
            stream.heard_until = 0;
            if let Some(Passage { from, to, heard_until }) = *passage {
                let offset = wrap(from).wrapping_sub(wrap(to));
                stream.timestamp_offset = stream.timestamp_offset.wrapping_add(offset);
                stream.heard_until = heard_until;
            }
        }
    }

    pub(super) fn note_heard(&mut self, slot: usize, until: u64) {
        if let Some(Some(stream)) = self.streams.get_mut(slot) {
            stream.heard_until = stream.heard_until.max(until);
        }
    }

    /// Sends one packet on a stream; says whether it went out.
    ///
    /// # Errors
    /// When sealing fails or the packet is too long for the outbox.
    pub(super) fn send(
        &mut self,
        slot: usize,
        content: Content<'_>,
        out: &mut impl Outbox,
    ) -> Result<bool, Unspecified> {
        let payload = content.payload;
        let Some(stream) = self.streams.get_mut(slot).and_then(Option::as_mut) else {
            return Ok(false);
        };
        let length = HEADER + payload.len() + self.sender.rtp_overhead();
        let packet = out.reserve(length).ok_or(Unspecified)?;
        stream.write_header(content, packet);
        packet[HEADER..HEADER + payload.len()].copy_from_slice(payload);
        self.sender.seal_rtp(packet, HEADER, stream.ssrc, stream.index)?;
        out.commit(length, &self.to);
        stream.index += 1;
        stream.packets = stream.packets.wrapping_add(1);
        stream.octets = stream.octets.wrapping_add(u32::try_from(payload.len()).unwrap_or(0));
        Ok(true)
    }

    /// Sends a report on each stream that has sent something since the last one (who has not is no
    /// sender, RFC 3550 section 6.4): a sender report with the stream's clock (`clocks` in slot order, `ntp`
    /// for the same moment), or BYE when `leaving`, if it has ever sent something.
    pub(super) fn report(
        &mut self,
        clocks: &[Option<u32>; SLOTS_MAX],
        ntp: u64,
        leaving: bool,
        out: &mut impl Outbox,
    ) {
        for (stream, clock) in self.streams.iter_mut().zip(clocks) {
            let Some(stream) = stream else { continue };
            let news = if leaving { stream.packets > 0 } else { stream.packets != stream.reported };
            if !news {
                continue;
            }
            stream.reported = stream.packets;
            let clock = clock.unwrap_or(0).wrapping_add(stream.timestamp_offset);
            let sums = report::Sums { packets: stream.packets, octets: stream.octets };
            let mut plain = [0; report::BYTES_MAX];
            let plain = report::write(&mut plain, stream.ssrc, ntp, clock, sums, leaving);
            let length = plain.len() + self.sender.rtcp_overhead();
            let Some(packet) = out.reserve(length) else { continue };
            packet[..plain.len()].copy_from_slice(plain);
            if self.sender.seal_rtcp(packet, stream.ssrc).is_ok() {
                out.commit(length, &self.to);
            }
        }
    }
}

impl Stream {
    #[expect(clippy::cast_possible_truncation, reason = "the sequence is the index's low 16 bits")]
    fn write_header(&self, content: Content<'_>, packet: &mut [u8]) {
        packet[0] = 0x80;
        packet[1] = u8::from(content.marker) << 7 | self.payload_type;
        packet[2..4].copy_from_slice(&(self.index as u16).to_be_bytes());
        let timestamp = wrap(content.start).wrapping_add(self.timestamp_offset);
        packet[4..8].copy_from_slice(&timestamp.to_be_bytes());
        packet[8..12].copy_from_slice(&self.ssrc.to_be_bytes());
    }
}
