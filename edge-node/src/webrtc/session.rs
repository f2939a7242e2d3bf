//! One client: str0m for ICE, DTLS and the uplink, with the downlink's SSRCs taken from its hands.
//!
//! The one rule of str0m: after every change, poll until it says when to come back.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use stoa_audio::frame::{Frame, Level};
use stoa_audio::level::Claim;
use str0m::net::{Protocol, Receive};
use str0m::{Event, Input, Output, Rtc};

use super::candidates::Candidates;
use super::datagram::Kind;
use super::keys::KeySlot;
use super::uplink::{Packet, Uplink};
use super::{Class, RoomKey, SLOTS_MAX, SessionId};
use crate::media::srtp::Masters;
use crate::media::{Downstream, PacketLength};

/// A client that has not connected by then is given up.
pub(super) const CONNECT_MAX: Duration = Duration::from_secs(15);

/// A client that has sent no connectivity check for this long is gone (RFC 7675 section 5.1). A
/// client that changes its network comes back within it by an ICE restart.
const CONSENT_MAX: Duration = Duration::from_secs(30);

/// SSRCs that one client may use: a microphone has one, and a new one after some restarts.
const SOURCES_MAX: usize = 8;

/// Outputs without anything to do that one poll may bring.
const POLLS_MAX: usize = 1_024;

/// Outputs that are polled after closing.
const LAST_WORDS_MAX: usize = 16;

/// One client's session.
pub(super) struct Session {
    pub id: SessionId,
    pub room: RoomKey,
    pub class: Class,
    /// One downlink line that carries the dominant speaker.
    pub single: bool,
    /// Of the packets that it is sent.
    pub length: PacketLength,
    pub muted: bool,
    pub streams: [Option<Downstream>; SLOTS_MAX],
    pub(super) rtc: Rtc,
    pub(super) keys: KeySlot,
    pub(super) uplink: Option<Uplink>,
    /// How the answer was edited; an ICE restart's answer is edited alike.
    pub(super) edits: Vec<super::sdp::LineEdit>,
    /// Where the downlink goes.
    pub path: Option<SocketAddr>,
    created_at: Instant,
    heard_at: Instant,
    /// SSRCs of authentic RTP packets.
    sources: Vec<u32>,
    connected: bool,
    counters: SessionCounters,
}

/// What happened to a session's packets since last taken.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct SessionCounters {
    /// Uplink packets of a muted participant.
    pub muted: u64,
    /// RTP of somebody who may not send, or of more streams than anybody needs.
    pub unknown_stream: u64,
    /// Datagrams that str0m refused.
    pub refused: u64,
    /// Control packets of str0m on an SSRC of ours, which must never leave.
    pub fenced: u64,
}

/// What a session wants next.
pub(super) enum Progress {
    /// Send this datagram.
    Transmit(str0m::net::Transmit),
    /// The handshake is done: these are the keys.
    Connected(Masters),
    /// Nothing until then.
    Wait(Instant),
    /// It is over, and why.
    Ended(&'static str),
}

/// What a new session is made of; see `offer::open`.
pub(super) struct Parts {
    pub id: SessionId,
    pub room: RoomKey,
    pub class: Class,
    pub single: bool,
    pub length: PacketLength,
    pub muted: bool,
    pub rtc: Rtc,
    pub keys: KeySlot,
    pub uplink: Option<Uplink>,
    pub streams: [Option<Downstream>; SLOTS_MAX],
    pub edits: Vec<super::sdp::LineEdit>,
}

impl Session {
    pub(super) fn new(parts: Parts, now: Instant) -> Self {
        Self {
            id: parts.id,
            room: parts.room,
            class: parts.class,
            single: parts.single,
            length: parts.length,
            muted: parts.muted,
            streams: parts.streams,
            rtc: parts.rtc,
            keys: parts.keys,
            uplink: parts.uplink,
            edits: parts.edits,
            path: None,
            created_at: now,
            heard_at: now,
            sources: Vec::new(),
            connected: false,
            counters: SessionCounters::default(),
        }
    }

    /// Of the packets that it is sent from now on. The stage hears the shortest ones.
    pub(super) fn change_length(&mut self, length: PacketLength) {
        if self.class == Class::Audience {
            self.length = length;
        }
    }

    /// Whether it has streams to play on.
    pub(super) fn listens(&self) -> bool {
        self.streams.iter().any(Option::is_some)
    }

    /// Takes a datagram; says whether it belongs to this session. STUN is checked against the
    /// session's password; anything else must come from an address that has passed such a check,
    /// which the caller knows.
    pub(super) fn handle_datagram(
        &mut self,
        kind: Kind<'_>,
        datagram: &[u8],
        source: SocketAddr,
        candidates: &Candidates,
        now: Instant,
    ) -> bool {
        if matches!(kind, Kind::Rtp) && !self.may_send(datagram) {
            self.counters.unknown_stream += 1;
            return false;
        }
        let Some(destination) = candidates.facing(source) else { return false };
        let Ok(receive) = Receive::new(Protocol::Udp, source, destination, datagram) else {
            self.counters.refused += 1;
            return false;
        };
        let input = Input::Receive(now, receive);
        if let Kind::BindingRequest(check) = kind {
            if !self.rtc.accepts(&input) {
                self.counters.refused += 1;
                return false;
            }
            self.heard_at = now;
            if check.nominates && self.connected {
                self.path = Some(source);
            }
        }
        if self.rtc.handle_input(input).is_err() {
            self.counters.refused += 1;
        }
        true
    }

    /// Time has come; see [`Progress::Wait`].
    pub(super) fn handle_timeout(&mut self, now: Instant) {
        if self.rtc.handle_input(Input::Timeout(now)).is_err() {
            self.counters.refused += 1;
        }
    }

    /// What to do next; frames of the uplink are added to `frames`. Poll until
    /// [`Progress::Wait`] or [`Progress::Ended`].
    pub(super) fn poll(&mut self, now: Instant, frames: &mut Vec<Frame>) -> Progress {
        for _ in 0..POLLS_MAX {
            if let Some(reason) = self.overdue(now) {
                return Progress::Ended(reason);
            }
            match self.rtc.poll_output() {
                Ok(Output::Timeout(at)) => return self.wait(at),
                Ok(Output::Transmit(transmit)) => match self.examine(&transmit) {
                    Examined::Ours => self.counters.fenced += 1,
                    Examined::Moves => {
                        self.path = Some(transmit.destination);
                        return Progress::Transmit(transmit);
                    }
                    Examined::Plain => return Progress::Transmit(transmit),
                },
                Ok(Output::Event(event)) => {
                    if let Some(progress) = self.handle_event(event, now, frames) {
                        return progress;
                    }
                }
                Err(_) if self.rtc.is_alive() => self.counters.refused += 1,
                Err(_) => return Progress::Ended("failed"),
            }
        }
        // It neither rests nor ends: whatever that is, others must not wait for it.
        Progress::Ended("failed")
    }

    /// Ends it and hands its last words to `transmit`: DTLS says goodbye. Our own BYE must have
    /// been sent before.
    pub(super) fn close(&mut self, mut transmit: impl FnMut(&str0m::net::Transmit)) {
        if self.rtc.close().is_err() {
            self.rtc.disconnect();
        }
        for _ in 0..LAST_WORDS_MAX {
            match self.rtc.poll_output() {
                Ok(Output::Transmit(last)) => match self.examine(&last) {
                    Examined::Ours => self.counters.fenced += 1,
                    Examined::Moves | Examined::Plain => transmit(&last),
                },
                Ok(Output::Event(_)) => {}
                Ok(Output::Timeout(_)) | Err(_) => break,
            }
        }
    }

    pub(super) fn take_counters(&mut self) -> SessionCounters {
        std::mem::take(&mut self.counters)
    }

    fn wait(&mut self, at: Instant) -> Progress {
        if !self.rtc.is_alive() {
            return Progress::Ended("hung-up");
        }
        Progress::Wait(at.min(self.deadline()))
    }

    fn deadline(&self) -> Instant {
        if self.connected { self.heard_at + CONSENT_MAX } else { self.created_at + CONNECT_MAX }
    }

    fn overdue(&self, now: Instant) -> Option<&'static str> {
        let reason = if self.connected { "timed-out" } else { "never-connected" };
        (now >= self.deadline()).then_some(reason)
    }

    fn handle_event(
        &mut self,
        event: Event,
        now: Instant,
        frames: &mut Vec<Frame>,
    ) -> Option<Progress> {
        match event {
            Event::Connected => match self.keys.take() {
                Some(masters) => {
                    self.connected = true;
                    self.heard_at = now;
                    Some(Progress::Connected(masters))
                }
                None => Some(Progress::Ended("failed")),
            },
            Event::RtpPacket(packet) => {
                self.handle_rtp(packet, now, frames);
                None
            }
            Event::Closed => Some(Progress::Ended("hung-up")),
            _ => None,
        }
    }

    /// Whether an RTP packet can be one of this client's few streams. str0m remembers every SSRC that
    /// it has seen, so strangers among them must be kept from it.
    fn may_send(&self, datagram: &[u8]) -> bool {
        let ssrc = datagram.get(8..12).and_then(|ssrc| ssrc.try_into().ok());
        let known = ssrc.is_some_and(|ssrc| self.sources.contains(&u32::from_be_bytes(ssrc)));
        self.uplink.is_some() && (known || self.sources.len() < SOURCES_MAX)
    }

    fn handle_rtp(&mut self, rtp: str0m::rtp::RtpPacket, now: Instant, frames: &mut Vec<Frame>) {
        let Some(uplink) = &mut self.uplink else { return };
        if !self.sources.contains(&rtp.header.ssrc) {
            self.sources.push(*rtp.header.ssrc);
        }
        if self.muted {
            self.counters.muted += 1;
            return;
        }
        let extensions = &rtp.header.ext_vals;
        let packet = Packet {
            payload_type: *rtp.header.payload_type,
            timestamp: rtp.time.numer(),
            claim: extensions.audio_level.map(|level| Claim {
                level: Level::from_minus_dbov(level.unsigned_abs()),
                voice: extensions.voice_activity == Some(true),
            }),
            payload: bytes::Bytes::from_owner(rtp.payload),
        };
        uplink.handle_packet(&packet, now, |frame| frames.push(frame));
    }

    fn examine(&self, transmit: &str0m::net::Transmit) -> Examined {
        match transmit.contents.first_chunk::<8>() {
            Some([128..=191, 192..=223, _, _, ssrc @ ..]) => {
                let ssrc = u32::from_be_bytes(*ssrc);
                let ours = self.streams.iter().flatten().any(|stream| stream.ssrc == ssrc);
                if ours { Examined::Ours } else { Examined::Plain }
            }
            Some([20..=63, ..]) => Examined::Moves,
            _ => Examined::Plain,
        }
    }
}

enum Examined {
    /// Control traffic on an SSRC whose nonces are ours: never to be sent.
    Ours,
    /// DTLS: its destination is the nominated path.
    Moves,
    Plain,
}
