//! One client: str0m for ICE, DTLS and the uplink, with the downlink's SSRCs taken from its hands.
//!
//! The one rule of str0m: after every change, poll until it says when to come back. A listener sleeps
//! once it is connected: checks and reports are answered here, and str0m's session is given up.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use stoa_audio::frame::Frame;
use str0m::{Event, Output, Rtc};

use super::admission::Booking;
use super::asleep::{Asleep, Next};
use super::candidates::Candidates;
use super::clock::Clock;
use super::consent::{Check, Credentials};
use super::counters::SessionCounters;
use super::datagram::{Kind, classify};
use super::engine::{Engine, Refusal};
use super::keys::KeySlot;
use super::reception::{Reception, Refused, Report};
use super::uplink::{Packet, Uplink};
use super::{Class, RoomKey, SLOTS_MAX, SessionId};
use crate::media::kernel::Address;
use crate::media::srtp::Masters;
use crate::media::{Downstream, Outbox};

/// A client that has not connected by then is given up.
pub(super) const CONNECT_MAX: Duration = Duration::from_secs(15);

/// A client that has sent no connectivity check for this long is gone (RFC 7675 section 5.1). A
/// client that changes its network comes back within it by an ICE restart.
const CONSENT_MAX: Duration = Duration::from_secs(30);

/// SSRCs that one client may use: a microphone has one, and a new one after some restarts.
const SOURCES_MAX: usize = 8;

/// Outputs that one poll may bring.
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
    pub booking: Booking,
    pub muted: bool,
    pub streams: [Option<Downstream>; SLOTS_MAX],
    pub(super) engine: Engine,
    keys: KeySlot,
    pub(super) credentials: Credentials,
    pub(super) uplink: Option<Uplink>,
    /// How the answer was edited; an ICE restart's answer is edited alike.
    pub(super) edits: Vec<super::sdp::LineEdit>,
    /// Where everything that we send goes, once it is connected.
    pub path: Option<SocketAddr>,
    created_at: Instant,
    heard_at: Instant,
    /// SSRCs of authentic RTP packets.
    sources: Vec<u32>,
    connected: bool,
    /// What a connected listener tells of what he receives.
    reception: Option<Reception>,
    counters: SessionCounters,
}

/// What became of a datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Taken {
    /// It does not belong to this session.
    Refused,
    /// It is dealt with.
    Done,
    /// The session must be polled.
    Poll,
}

/// What a session wants next.
pub(super) enum Progress {
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
    pub booking: Booking,
    pub muted: bool,
    pub rtc: Box<Rtc>,
    pub keys: KeySlot,
    pub credentials: Credentials,
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
            booking: parts.booking,
            muted: parts.muted,
            streams: parts.streams,
            engine: Engine::Awake(parts.rtc),
            keys: parts.keys,
            credentials: parts.credentials,
            uplink: parts.uplink,
            edits: parts.edits,
            path: None,
            created_at: now,
            heard_at: now,
            sources: Vec::new(),
            connected: false,
            reception: None,
            counters: SessionCounters::default(),
        }
    }

    /// Whether it has streams to play on.
    pub(super) fn listens(&self) -> bool {
        self.streams.iter().any(Option::is_some)
    }

    /// Takes a datagram. STUN is checked against the session's password; anything else must come from
    /// an address that has passed such a check, which the caller knows.
    pub(super) fn handle_datagram(
        &mut self,
        datagram: &mut [u8],
        source: SocketAddr,
        candidates: &Candidates,
        clock: &Clock,
        now: Instant,
        out: &mut impl Outbox,
    ) -> Taken {
        match classify(datagram) {
            Kind::BindingRequest(_) if self.connected => {
                self.answer_check(datagram, source, now, out)
            }
            Kind::BindingRequest(_) | Kind::Dtls => self.hand_on(datagram, source, candidates, now),
            Kind::Rtp if self.may_send(datagram) => self.hand_on(datagram, source, candidates, now),
            Kind::Rtp => {
                self.counters.unknown_stream += 1;
                Taken::Refused
            }
            Kind::Rtcp => {
                // str0m wants the sender reports of what it receives; it opens them in a copy.
                let taken = match self.uplink {
                    Some(_) => self.hand_on(datagram, source, candidates, now),
                    None => Taken::Done,
                };
                self.handle_report(datagram, clock, now);
                taken
            }
            Kind::OtherStun | Kind::Unknown => Taken::Refused,
        }
    }

    fn answer_check(
        &mut self,
        datagram: &[u8],
        source: SocketAddr,
        now: Instant,
        out: &mut impl Outbox,
    ) -> Taken {
        let Some(check) = self.credentials.verify(datagram) else {
            self.counters.refused += 1;
            return Taken::Refused;
        };
        self.heard_at = now;
        if check.nominates {
            self.path = Some(source);
        }
        let to = Address::new(source, out.dual_stack());
        let length = Check::answer_bytes(source);
        if let Some(room) = out.reserve(length) {
            check.answer(source, room);
            out.commit(length, &to);
        }
        Taken::Done
    }

    /// Hands a datagram to what runs the session.
    fn hand_on(
        &mut self,
        datagram: &[u8],
        source: SocketAddr,
        candidates: &Candidates,
        now: Instant,
    ) -> Taken {
        let result = self.engine.handle_datagram(datagram, source, candidates, now);
        self.counters.refused += u64::from(result.is_err());
        if result == Err(Refusal::Foreign) { Taken::Refused } else { Taken::Poll }
    }

    fn handle_report(&mut self, datagram: &mut [u8], clock: &Clock, now: Instant) {
        let Some(reception) = &mut self.reception else { return };
        match reception.handle_packet(datagram, now, clock.ntp(now)) {
            Ok(()) => {}
            Err(Refused::Forged) => self.counters.forged_reports += 1,
            Err(Refused::Replayed) => self.counters.replayed_reports += 1,
            Err(Refused::Malformed) => self.counters.malformed_reports += 1,
        }
    }

    /// The listener's last report, if it has not been taken yet.
    pub(super) fn take_report(&mut self) -> Option<Report> {
        self.reception.as_mut().and_then(Reception::take_news)
    }

    /// Time has come; see [`Progress::Wait`].
    pub(super) fn handle_timeout(&mut self, now: Instant) {
        let result = self.engine.handle_timeout(now);
        self.counters.refused += u64::from(result.is_err());
    }

    /// What to do next; frames of the uplink are added to `frames`. Poll until
    /// [`Progress::Wait`] or [`Progress::Ended`].
    pub(super) fn poll(
        &mut self,
        now: Instant,
        frames: &mut Vec<Frame>,
        out: &mut impl Outbox,
    ) -> Progress {
        for _ in 0..POLLS_MAX {
            if let Some(reason) = self.overdue(now) {
                return Progress::Ended(reason);
            }
            let output = match &mut self.engine {
                Engine::Awake(rtc) => rtc.poll_output(),
                Engine::Asleep(_) => return self.poll_asleep(out),
            };
            match output {
                Ok(Output::Timeout(_)) if self.falls_asleep() => {}
                Ok(Output::Timeout(at)) => return self.wait(at),
                Ok(Output::Transmit(transmit)) => self.transmit(&transmit, out),
                Ok(Output::Event(event)) => {
                    if let Some(progress) = self.handle_event(event, now, frames) {
                        return progress;
                    }
                }
                Err(_) if self.engine.is_alive() => self.counters.refused += 1,
                Err(_) => return Progress::Ended("failed"),
            }
        }
        // It neither rests nor ends: whatever that is, others must not wait for it.
        Progress::Ended("failed")
    }

    fn poll_asleep(&mut self, out: &mut impl Outbox) -> Progress {
        let (Engine::Asleep(asleep), Some(path)) = (&mut self.engine, self.path) else {
            return Progress::Ended("failed");
        };
        match asleep.poll(|datagram| out.send(datagram, path)) {
            Ok(Next::Wait(at)) => Progress::Wait(at.min(self.deadline())),
            Ok(Next::Closed) => Progress::Ended("hung-up"),
            Err(_) => Progress::Ended("failed"),
        }
    }

    /// The handshake is done: from now on what the listener says of what he receives is heard. Says
    /// whether his keys are good.
    pub(super) fn hear_reports(&mut self, masters: &Masters) -> bool {
        self.reception = Reception::new(&masters.remote, &self.streams);
        self.reception.is_some()
    }

    /// Ends it and sends its last words: DTLS says goodbye. Our own BYE must have been sent before.
    pub(super) fn close(&mut self, out: &mut impl Outbox) {
        match &mut self.engine {
            Engine::Awake(rtc) => {
                if rtc.close().is_err() {
                    rtc.disconnect();
                }
            }
            Engine::Asleep(asleep) => {
                if let Some(path) = self.path {
                    asleep.close(|datagram| out.send(datagram, path));
                }
            }
        }
        for _ in 0..LAST_WORDS_MAX {
            let Engine::Awake(rtc) = &mut self.engine else { return };
            match rtc.poll_output() {
                Ok(Output::Transmit(last)) => self.transmit(&last, out),
                Ok(Output::Event(_)) => {}
                Ok(Output::Timeout(_)) | Err(_) => return,
            }
        }
    }

    pub(super) fn take_counters(&mut self) -> SessionCounters {
        std::mem::take(&mut self.counters)
    }

    /// A listener who is connected needs str0m no more; a speaker needs it for what he sends.
    fn falls_asleep(&mut self) -> bool {
        let may = self.connected && self.uplink.is_none() && self.engine.is_alive();
        let Some(dtls) = self.keys.dtls().filter(|_| may) else { return false };
        self.engine = Engine::Asleep(Asleep::new(dtls));
        true
    }

    fn wait(&self, at: Instant) -> Progress {
        let over = !self.engine.is_alive();
        if over { Progress::Ended("hung-up") } else { Progress::Wait(at.min(self.deadline())) }
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
        uplink.handle_packet(&Packet::from(rtp), now, |frame| frames.push(frame));
    }

    /// Sends what str0m wants to send, if it may, where it must go.
    fn transmit(&mut self, transmit: &str0m::net::Transmit, out: &mut impl Outbox) {
        let contents = &transmit.contents[..];
        // Control traffic on an SSRC whose nonces are ours is never to be sent.
        if let Some([128..=191, 192..=223, _, _, ssrc @ ..]) = contents.first_chunk::<8>() {
            let ssrc = u32::from_be_bytes(*ssrc);
            if self.streams.iter().flatten().any(|stream| stream.ssrc == ssrc) {
                self.counters.fenced += 1;
                return;
            }
        }
        let to = match (contents, self.path) {
            // An answer to a check goes back where the check came from.
            ([0..=3, ..], _) => transmit.destination,
            // str0m sees no check of a connected session, and so does not know when it moves.
            (_, Some(path)) if self.connected => path,
            ([20..=63, ..], _) => {
                self.path = Some(transmit.destination);
                transmit.destination
            }
            _ => transmit.destination,
        };
        out.send(contents, to);
    }
}
