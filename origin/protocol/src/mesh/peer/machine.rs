//! The state machine of one link: its inputs, its deadlines, its beginning and its end.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use bytes::Bytes;

use super::frames::can_trace;
use super::gaps::Gaps;
use super::incoming::Incoming;
use super::liveness::{Liveness, PROBE_INTERVAL, STALL, STALL_GRACE};
use super::outgoing::{Outgoing, REDUNDANCY_MAX};
use super::redundancy::{Redundancy, Way};
use super::repair::{can_repair, millionths};
use super::reports::Reports;
use super::sequences::{Arrival, Sequences};
use super::statistics::Statistics;
use super::timers::Timer;
use super::timing::Timing;
use super::vocabulary::{Command, Config, Event};
use super::wire::{BEAT_IDLE, Wire};
use crate::mesh::control::{Body, Hello, Reception};
use crate::mesh::datagram::{self, Beat, DatagramError, Header, Kind, Records};
use crate::mesh::identity::{Identity, Misbehaviour};
use crate::mesh::repair::{Nack, Repairs};

/// How long the peer may take to say hello.
const HELLO_WITHIN: Duration = Duration::from_secs(5);
/// How often the peer is told how its datagrams arrive.
const REPORT_INTERVAL: Duration = Duration::from_secs(1);
/// A peer that asks for a sign of life gets one, unless something was sent this short a time ago.
const ANSWER_SPACING: Duration = Duration::from_millis(10);

/// How far a link has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// Our hello is out, the peer's has not come.
    Greeting,
    /// Both have said hello.
    Up,
    /// It has ended; nothing changes any more.
    Closed,
}

/// One side of a link. Pure: bytes and times come in, commands and events go out.
///
/// After each input drain [`Peer::next_command`] and [`Peer::next_event`], then wait for input or
/// for [`Peer::poll_timeout`].
#[derive(Debug)]
pub struct Peer {
    pub(super) peer: Identity,
    pub(super) state: State,
    pub(super) wire: Wire,
    pub(super) outgoing: Outgoing,
    pub(super) incoming: Incoming,
    pub(super) misbehaviour: Misbehaviour,
    pub(super) events: VecDeque<Event>,
    pub(super) gaps: Gaps,
    pub(super) reports: Reports,
    pub(super) adaptive: Redundancy,
    /// Whether both sides can repair.
    pub(super) repairs: bool,
    /// Whether both sides know trails.
    pub(super) traces: bool,
    pub(super) redundancy: u8,
    sequences: Sequences,
    pub(super) timing: Timing,
    pub(super) liveness: Liveness,
    reported: u64,
}

impl Peer {
    /// Begins a link over a connection that stands; the hello is the first command.
    #[must_use]
    pub fn new(config: Config, now: Instant) -> Self {
        let mut wire = Wire::new(config.datagram_bytes_max, now);
        let (repairs, traces) = (can_repair(&config.hello), can_trace(&config.hello));
        wire.send_control_regardless(Body::Hello(config.hello));
        wire.timers.set(Timer::Hello, now + HELLO_WITHIN);
        Self {
            peer: config.peer,
            state: State::Greeting,
            wire,
            outgoing: Outgoing::default(),
            incoming: Incoming::default(),
            misbehaviour: Misbehaviour::default(),
            events: VecDeque::new(),
            gaps: Gaps::default(),
            reports: Reports::default(),
            adaptive: Redundancy::default(),
            repairs,
            traces,
            redundancy: config.redundancy.min(REDUNDANCY_MAX),
            sequences: Sequences::default(),
            timing: Timing::default(),
            liveness: Liveness::new(config.silence_min, BEAT_IDLE),
            reported: 0,
        }
    }

    /// Takes a datagram; frames in it share its memory.
    pub fn handle_datagram(&mut self, datagram: Bytes, now: Instant) {
        if self.state == State::Closed {
            return;
        }
        let (header, body) = match datagram::decode_header(&datagram) {
            Ok(found) => found,
            Err(error) => return self.handle_datagram_error(error, now),
        };
        if self.state == State::Greeting {
            self.wire.counters.early += 1;
            return;
        }
        let highest = self.sequences.highest();
        match self.sequences.handle_sequence(header.sequence) {
            Arrival::New => {}
            Arrival::Late => self.wire.counters.datagrams_late += 1,
            Arrival::Duplicate => {
                self.wire.counters.datagrams_duplicate += 1;
                return;
            }
        }
        self.wire.counters.datagrams_in += 1;
        self.wire.counters.bytes_in += datagram.len() as u64;
        self.timing.handle_sent(header.sent_us, now, self.wire.clock_us(now));
        let is_media = header.kind == Kind::Media;
        self.wire.counters.over_limit += self.gaps.handle_arrival(header.sequence, is_media, now);
        let steps = u32::try_from(self.sequences.highest() - highest).unwrap_or(u32::MAX);
        if self.liveness.handle_arrival(steps, now) {
            self.events.push_back(Event::Trusted);
        }
        self.handle_body(header, datagram, body, now);
        self.expect_signs_of_life(now);
        self.follow_gaps();
    }

    /// Does what is due; call it when [`Peer::poll_timeout`] has come.
    pub fn handle_timeout(&mut self, now: Instant) {
        while let Some((timer, due)) = self.wire.timers.pop(now) {
            match timer {
                Timer::Hello => self.refuse("no hello came in time", now),
                Timer::Flush => self.wire.flush(now),
                Timer::Beat if self.outgoing.ride_alone(&mut self.wire, now) => {}
                Timer::Beat | Timer::Echo => self.beat(false, now),
                Timer::Calm => {}
                Timer::Nack => self.ask(now),
                Timer::Probe => {
                    self.beat(true, now);
                    self.wire.timers.set(Timer::Probe, now + PROBE_INTERVAL);
                }
                Timer::Suspect => self.handle_suspect_due(due, now),
                Timer::Down => self.handle_down_due(due, now),
                Timer::Report => self.report(now),
            }
        }
    }

    /// When [`Peer::handle_timeout`] must be called next; `None` once the link has ended.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.wire.timers.next()
    }

    /// What the shell owes the link, oldest first.
    pub fn next_command(&mut self) -> Option<Command> {
        self.wire.next_command()
    }

    /// What the link tells its owner, oldest first.
    pub fn next_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// Sends the frames that wait for company at once, for a shell that knows that no more come.
    pub fn flush(&mut self, now: Instant) {
        self.wire.flush(now);
    }

    /// Tells how large a datagram the path carries now, in bytes.
    pub fn set_datagram_size_max(&mut self, bytes: usize, now: Instant) {
        self.wire.set_limit(bytes, now);
    }

    /// Sets how many previous frames of a track ride along with each, 0 to `REDUNDANCY_MAX`.
    pub fn set_redundancy(&mut self, frames: u8) {
        self.redundancy = frames.min(REDUNDANCY_MAX);
    }

    /// Sets the same by the loss that the peer reports and the round trip, and how fast we beat; to be
    /// called a few times a second by a shell that wants it so.
    pub fn adapt_redundancy(&mut self, now: Instant) {
        let way =
            Way { loss: self.reports.loss(), rtt: self.timing.smoothed(), asks: self.repairs };
        self.redundancy = self.adaptive.handle_way(&way, now);
        self.wire.set_pace(self.adaptive.pace(), now);
    }

    /// Whether both sides have said hello and the link has not ended.
    #[must_use]
    pub fn is_up(&self) -> bool {
        self.state == State::Up
    }

    /// Whether the link has ended.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.state == State::Closed
    }

    /// Counters and measurements so far.
    #[must_use]
    pub fn statistics(&self) -> Statistics {
        let loss = self.sequences.loss();
        Statistics {
            datagrams_lost: self.sequences.lost(),
            tracks_out: self.outgoing.len(),
            tracks_in: self.incoming.len(),
            rtt_latest: self.timing.latest(),
            rtt_smoothed: self.timing.smoothed(),
            rtt_min: self.timing.min(),
            jitter: self.timing.jitter(),
            queueing: self.timing.queueing(),
            repairs_failed: self.gaps.failed(),
            loss_out_ppm: millionths(self.reports.loss()),
            redundancy: self.redundancy,
            loss_in_permille: self.sequences.recent_permille(),
            silence_max: self.liveness.silence_max(loss, self.timing.jitter()),
            ..self.wire.counters
        }
    }

    pub(super) fn come_up(&mut self, hello: Hello, now: Instant) {
        self.state = State::Up;
        self.repairs &= can_repair(&hello);
        self.traces &= can_trace(&hello);
        if self.repairs {
            self.wire.keep_for_repair();
        }
        self.wire.timers.stop(Timer::Hello);
        self.wire.timers.set(Timer::Report, now + REPORT_INTERVAL);
        self.events.push_back(Event::Up { hello });
        self.liveness.handle_arrival(0, now);
        self.expect_signs_of_life(now);
        self.beat(false, now);
    }

    /// Sets the pace by whether tracks are bound, and tells the peer at once when it changes.
    pub(super) fn follow_activity(&mut self, now: Instant) {
        let active = self.outgoing.len() + self.incoming.len() > 0;
        if self.wire.set_active(active, now) {
            self.beat(false, now);
        }
    }

    pub(super) fn end(&mut self, reason: String, now: Instant) {
        if self.state == State::Closed {
            return;
        }
        self.state = State::Closed;
        self.wire.close(reason.clone(), now);
        self.events.push_back(Event::Down { reason });
    }

    pub(super) fn handle_datagram_error(&mut self, error: DatagramError, now: Instant) {
        if matches!(error, DatagramError::Version(_)) {
            self.wire.counters.datagrams_unknown += 1;
            return;
        }
        self.wire.counters.malformed += 1;
        self.handle_misbehaviour(now);
    }

    fn handle_body(&mut self, header: Header, datagram: Bytes, at: usize, now: Instant) {
        match header.kind {
            Kind::Media => self.handle_records(Records::new(datagram, at), header.sent_us, now),
            Kind::Beat => match Beat::decode(&datagram, at) {
                Ok(beat) => self.handle_beat(beat, header.sequence, now),
                Err(error) => self.handle_datagram_error(error, now),
            },
            Kind::Nack => match Nack::decode(&datagram, at) {
                Ok(nack) => self.handle_nack(&nack, now),
                Err(error) => self.handle_datagram_error(error, now),
            },
            Kind::Repair => self.handle_repairs(Repairs::new(datagram, at), header.sent_us, now),
            Kind::Other(_) => self.wire.counters.datagrams_unknown += 1,
        }
    }

    fn handle_beat(&mut self, beat: Beat, sequence: u64, now: Instant) {
        self.wire.counters.beats_in += 1;
        if beat.farewell {
            return self.end("the peer no longer hears this node".to_owned(), now);
        }
        if let Some(media) = beat.media_ago.and_then(|ago| sequence.checked_sub(ago)) {
            self.gaps.handle_media_newest(media, sequence);
        }
        self.liveness.handle_promise(beat.interval_ms, BEAT_IDLE);
        if let Some(echo) = beat.echo
            && !self.timing.handle_echo(echo, now, self.wire.clock_us(now))
        {
            self.wire.counters.malformed += 1;
        }
        let quiet = self.wire.sent_ago(now).is_none_or(|ago| ago >= ANSWER_SPACING);
        if beat.answer_wanted && quiet {
            self.beat(false, now);
        }
    }

    fn handle_suspect_due(&mut self, due: Instant, now: Instant) {
        if now.saturating_duration_since(due) > STALL {
            self.wire.timers.set(Timer::Suspect, now + STALL_GRACE * 3 / 4);
            return;
        }
        self.liveness.suspected = true;
        // If only one direction is cut the peer sees in the echo how long it has not been heard.
        self.beat(true, now);
        self.wire.counters.suspicions += 1;
        self.events.push_back(Event::Suspect);
    }

    /// The peer has been silent for too long, unless it was this node that stood still: then what
    /// the peer sent meanwhile lies unread, and it gets one more chance.
    fn handle_down_due(&mut self, due: Instant, now: Instant) {
        if now.saturating_duration_since(due) > STALL && !self.liveness.grace_given {
            self.liveness.grace_given = true;
            self.wire.counters.stalls += 1;
            self.wire.timers.set(Timer::Down, now + STALL_GRACE);
            return;
        }
        let limit = self.liveness.silence_max(self.sequences.loss(), self.timing.jitter());
        self.wire.farewell(self.timing.echo(now), now);
        self.end(format!("the peer was silent for {} ms", limit.as_millis()), now);
    }

    fn expect_signs_of_life(&mut self, now: Instant) {
        if self.state != State::Up {
            return;
        }
        let limit = self.liveness.silence_max(self.sequences.loss(), self.timing.jitter());
        self.wire.timers.set(Timer::Suspect, now + limit * 3 / 4);
        self.wire.timers.set(Timer::Down, now + limit);
        match self.liveness.probe_after() {
            Some(after) => self.wire.timers.set(Timer::Probe, now + after),
            None => self.wire.timers.stop(Timer::Probe),
        }
    }

    fn report(&mut self, now: Instant) {
        self.wire.timers.set(Timer::Report, now + REPORT_INTERVAL);
        self.liveness.fade();
        let received = self.sequences.received();
        if received == self.reported {
            return;
        }
        self.reported = received;
        let lost_permille = self.sequences.take_period_permille();
        let highest = self.sequences.highest();
        self.wire.send_control(Body::Reception(Reception { highest, received, lost_permille }));
    }

    fn beat(&mut self, answer_wanted: bool, now: Instant) {
        let echo = self.timing.echo(now);
        self.wire.beat(echo, answer_wanted, now);
    }
}
