//! One client: str0m for ICE and DTLS until it is connected, with all SSRCs taken from its hands.
//!
//! The one rule of str0m: after every change, poll until it says when to come back. A session sleeps
//! once it is connected: checks, reports and audio are dealt with here, and str0m's session is given up.

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
use super::microphone::Microphone;
use super::reception::Reception;
use super::{Class, RoomKey, SLOTS_MAX, SessionId};
use crate::media::kernel::Address;
use crate::media::srtp::Masters;
use crate::media::{Downstream, Outbox, PacketLength};

/// A client that has not connected by then is given up.
pub(super) const CONNECT_MAX: Duration = Duration::from_secs(15);

/// A client that has sent no connectivity check for this long is gone (RFC 7675 section 5.1). A
/// client that changes its network comes back within it by an ICE restart.
const CONSENT_MAX: Duration = Duration::from_secs(30);

/// Outputs that one poll may bring.
const POLLS_MAX: usize = 1_024;

/// Outputs that are polled after closing.
const LAST_WORDS_MAX: usize = 16;

/// One client's session.
pub(super) struct Session {
    pub id: SessionId,
    pub room: RoomKey,
    /// Whether he is on the stage: nobody else's audio is let in.
    pub class: Class,
    /// Length of his packets while he is in the audience.
    pub audience_length: PacketLength,
    /// One downlink line that carries the dominant speaker.
    pub single: bool,
    pub booking: Booking,
    pub muted: bool,
    pub streams: [Option<Downstream>; SLOTS_MAX],
    pub(super) engine: Engine,
    keys: KeySlot,
    pub(super) credentials: Credentials,
    /// Of who may speak, now or after he has been put on the stage.
    pub(super) microphone: Option<Box<Microphone>>,
    /// How the answer was edited; an ICE restart's answer is edited alike.
    pub(super) edits: Vec<super::sdp::LineEdit>,
    /// Where everything that we send goes, once it is connected.
    pub path: Option<SocketAddr>,
    created_at: Instant,
    heard_at: Instant,
    connected: bool,
    /// What a connected client tells of what it receives and sends.
    pub(super) reception: Option<Reception>,
    pub(super) counters: SessionCounters,
}

/// When and whence a datagram comes, and to where.
#[derive(Clone, Copy)]
pub(super) struct Arrival<'a> {
    pub source: SocketAddr,
    pub candidates: &'a Candidates,
    pub clock: &'a Clock,
    pub now: Instant,
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
    pub audience_length: PacketLength,
    pub single: bool,
    pub booking: Booking,
    pub muted: bool,
    pub rtc: Box<Rtc>,
    pub keys: KeySlot,
    pub credentials: Credentials,
    pub microphone: Option<Microphone>,
    pub streams: [Option<Downstream>; SLOTS_MAX],
    pub edits: Vec<super::sdp::LineEdit>,
}

impl Session {
    pub(super) fn new(parts: Parts, now: Instant) -> Self {
        Self {
            id: parts.id,
            room: parts.room,
            class: parts.class,
            audience_length: parts.audience_length,
            single: parts.single,
            booking: parts.booking,
            muted: parts.muted,
            streams: parts.streams,
            engine: Engine::Awake(parts.rtc),
            keys: parts.keys,
            credentials: parts.credentials,
            microphone: parts.microphone.map(Box::new),
            edits: parts.edits,
            path: None,
            created_at: now,
            heard_at: now,
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
    /// an address that has passed such a check, which the caller knows. Frames of the uplink are added to `frames`.
    pub(super) fn handle_datagram(
        &mut self,
        datagram: &mut [u8],
        arrival: Arrival<'_>,
        frames: &mut Vec<Frame>,
        out: &mut impl Outbox,
    ) -> Taken {
        let Arrival { source, candidates, clock, now } = arrival;
        match classify(datagram) {
            Kind::BindingRequest(_) if self.connected => {
                self.answer_check(datagram, source, now, out)
            }
            Kind::BindingRequest(_) | Kind::Dtls => self.hand_on(datagram, source, candidates, now),
            Kind::Rtp => {
                self.handle_rtp(datagram, now, frames, out);
                Taken::Done
            }
            Kind::Rtcp => {
                self.handle_report(datagram, clock, now);
                Taken::Done
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

    /// Time has come; see [`Progress::Wait`].
    pub(super) fn handle_timeout(&mut self, now: Instant) {
        let result = self.engine.handle_timeout(now);
        self.counters.refused += u64::from(result.is_err());
    }

    /// What to do next. Poll until [`Progress::Wait`] or [`Progress::Ended`].
    pub(super) fn poll(&mut self, now: Instant, out: &mut impl Outbox) -> Progress {
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
                    if let Some(progress) = self.handle_event(&event, now) {
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

    /// Who is connected needs str0m no more.
    fn falls_asleep(&mut self) -> bool {
        let may = self.connected && self.engine.is_alive();
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

    fn handle_event(&mut self, event: &Event, now: Instant) -> Option<Progress> {
        match event {
            Event::Connected => match self.keys.take() {
                Some(masters) => {
                    self.connected = true;
                    self.heard_at = now;
                    Some(Progress::Connected(masters))
                }
                None => Some(Progress::Ended("failed")),
            },
            Event::Closed => Some(Progress::Ended("hung-up")),
            _ => None,
        }
    }

    /// Whether what is sent with this SSRC is sealed by us: nobody else may.
    fn is_ours(&self, ssrc: u32) -> bool {
        let reports = self.microphone.as_ref().map(|microphone| microphone.report_ssrc());
        reports == Some(ssrc) || self.streams.iter().flatten().any(|stream| stream.ssrc == ssrc)
    }

    /// A number of its own by which its answers name it.
    pub(super) fn origin(&self) -> Option<u32> {
        let stream = self.streams.iter().flatten().map(|stream| stream.ssrc).next();
        stream.or_else(|| self.microphone.as_ref().map(|microphone| microphone.report_ssrc()))
    }

    /// Sends what str0m wants to send, if it may, where it must go.
    fn transmit(&mut self, transmit: &str0m::net::Transmit, out: &mut impl Outbox) {
        let contents = &transmit.contents[..];
        // Control traffic on an SSRC whose nonces are ours is never to be sent.
        if let Some([128..=191, 192..=223, _, _, ssrc @ ..]) = contents.first_chunk::<8>()
            && self.is_ours(u32::from_be_bytes(*ssrc))
        {
            self.counters.fenced += 1;
            return;
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
