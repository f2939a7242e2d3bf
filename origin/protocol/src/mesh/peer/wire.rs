//! Datagrams on their way out: aggregation, sequence numbers, beats, what is kept for repair, and the
//! commands to the shell.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};

use super::kept::Kept;
use super::pace::Pace;
use super::statistics::Statistics;
use super::timers::{Timer, Timers};
use super::vocabulary::Command;
use crate::mesh::control::{Body, Control};
use crate::mesh::datagram::{Beat, Echo, HEADER_BYTES_MAX, Header, Kind, Record, Writer};
use crate::mesh::repair::{Again, Nack};

/// Longest time that a frame waits for company in its datagram.
pub const AGGREGATION: Duration = Duration::from_millis(1);
/// Longest time between two datagrams of a link that carries tracks in either direction.
pub const BEAT_ACTIVE: Duration = Duration::from_millis(20);
/// The same where the peer misses many of them, so that it knows sooner what is missing and whether we
/// are alive, and frames ride along sooner.
pub const BEAT_LOSSY: Duration = Duration::from_millis(10);
/// The same where it misses so many that it would take too long to be sure of a death.
pub const BEAT_URGENT: Duration = Duration::from_millis(5);
/// Longest time between two datagrams of a link without tracks.
pub const BEAT_IDLE: Duration = Duration::from_millis(500);
/// How often an active link sends a beat although frames flow, for the round-trip time.
pub const ECHO_INTERVAL: Duration = Duration::from_millis(100);
/// Most commands that wait for the shell; further ones are dropped and counted.
pub const COMMANDS_MAX: usize = 4_096;
/// Left free in each media datagram, so that a repair, which names it, carries what it held.
const REPAIR_BYTES: usize = 12;
/// How often the last beat is sent, because nobody will repair it.
const FAREWELLS: usize = 3;
/// How long the fast pace goes on after the last track, so that some beat with the slow promise arrives.
const CALM_AFTER: Duration = Duration::from_secs(1);

/// The sending side of a link, shared by everything that sends.
#[derive(Debug)]
pub(super) struct Wire {
    started: Instant,
    writer: Writer,
    next_sequence: u64,
    active: bool,
    beats: Pace,
    /// The faster pace that was given up last, and when.
    eased: Option<(Instant, Pace)>,
    /// Whether the datagram that is being written holds more than frames that ride along.
    holds_news: bool,
    last_sent: Option<Instant>,
    limit: usize,
    /// Whether the peer may ask for what it misses.
    keeps: bool,
    media_newest: Option<u64>,
    pub(super) kept: Kept,
    commands: VecDeque<Command>,
    pub(super) timers: Timers,
    pub(super) counters: Statistics,
}

impl Wire {
    pub(super) fn new(datagram_bytes_max: usize, now: Instant) -> Self {
        Self {
            started: now,
            writer: Writer::new(datagram_bytes_max),
            next_sequence: 0,
            active: false,
            beats: Pace::default(),
            eased: None,
            holds_news: false,
            last_sent: None,
            limit: datagram_bytes_max,
            keeps: false,
            media_newest: None,
            kept: Kept::default(),
            commands: VecDeque::new(),
            timers: Timers::default(),
            counters: Statistics::default(),
        }
    }

    /// Our clock as it stands in datagrams: microseconds since the link began, wrapping.
    pub(super) fn clock_us(&self, now: Instant) -> u32 {
        let micros = now.saturating_duration_since(self.started).as_micros() & u128::from(u32::MAX);
        u32::try_from(micros).unwrap_or(0)
    }

    pub(super) fn set_limit(&mut self, datagram_bytes_max: usize, now: Instant) {
        self.flush(now);
        self.limit = datagram_bytes_max;
        self.writer.set_limit(datagram_bytes_max);
    }

    /// From now on what is sent is kept, for the peer may ask for it again.
    pub(super) fn keep_for_repair(&mut self) {
        self.keeps = true;
    }

    /// The sequence number of the datagram that is being written, or of the next.
    pub(super) fn open_sequence(&self) -> u64 {
        self.next_sequence
    }

    /// Whether records of so many bytes still fit into the datagram that is being written.
    pub(super) fn fits(&self, bytes: usize, records: usize) -> bool {
        self.writer.fits(bytes.saturating_add(if self.keeps { REPAIR_BYTES } else { 0 }), records)
    }

    /// Puts a record into the datagram that is being written, which leaves within [`AGGREGATION`].
    pub(super) fn push(&mut self, record: &Record, now: Instant) {
        self.push_rider(record, now);
        self.holds_news = true;
    }

    /// The same with a frame that has been sent before.
    pub(super) fn push_rider(&mut self, record: &Record, now: Instant) {
        if self.writer.is_empty() {
            self.timers.set(Timer::Flush, now + AGGREGATION);
        }
        self.writer.push(self.next_sequence, record);
    }

    /// Sends the datagram that is being written, if any.
    pub(super) fn flush(&mut self, now: Instant) {
        self.timers.stop(Timer::Flush);
        let sent_us = self.clock_us(now);
        if let Some(datagram) = self.writer.finish(sent_us) {
            if std::mem::take(&mut self.holds_news) {
                self.media_newest = Some(self.next_sequence);
                if self.keeps {
                    self.kept.keep(self.next_sequence, datagram.clone(), now, &mut self.counters);
                }
            }
            self.send_datagram(datagram, now);
        }
    }

    /// Sends a beat, after what waits.
    pub(super) fn beat(&mut self, echo: Option<Echo>, answer_wanted: bool, now: Instant) {
        self.send_beat(echo, answer_wanted, false, now);
    }

    /// Tells a peer that is not heard any more that it is not, in case it hears us.
    pub(super) fn farewell(&mut self, echo: Option<Echo>, now: Instant) {
        for _ in 0..FAREWELLS {
            self.send_beat(echo, false, true, now);
        }
    }

    /// Asks for what is missing.
    pub(super) fn nack(&mut self, nack: &Nack, now: Instant) {
        self.counters.repairs_asked += nack.back.len() as u64 + u64::from(nack.open);
        self.send_whole(Kind::Nack, now, |out| nack.encode(out));
    }

    /// Sends again what the peer asked for, as many at once as fit.
    pub(super) fn repair(&mut self, asked: &[Again], now: Instant) {
        let mut rest = asked;
        while !rest.is_empty() {
            let room = self.limit.saturating_sub(HEADER_BYTES_MAX);
            let mut taken = 0;
            let fit = rest.iter().take_while(|again| {
                taken += again.encoded_len();
                taken <= room
            });
            // One that does not fit alone was written under a larger limit; the path may still take it.
            let (batch, later) = rest.split_at(fit.count().max(1));
            self.send_whole(Kind::Repair, now, |out| {
                batch.iter().for_each(|again| again.encode(out));
            });
            rest = later;
        }
    }

    fn send_whole(&mut self, kind: Kind, now: Instant, body: impl FnOnce(&mut BytesMut)) {
        self.flush(now);
        let header = Header { kind, sequence: self.next_sequence, sent_us: self.clock_us(now) };
        if let Some(datagram) = self.writer.whole(header, body) {
            if kind == Kind::Repair {
                self.counters.repair_bytes_out += datagram.len() as u64;
            }
            self.send_datagram(datagram, now);
        }
    }

    fn send_beat(&mut self, echo: Option<Echo>, answer_wanted: bool, farewell: bool, now: Instant) {
        self.flush(now);
        let promised = if self.active { self.beats.interval() } else { BEAT_IDLE };
        let interval_ms = u64::try_from(promised.as_millis()).unwrap_or(u64::MAX);
        let media_ago = self.media_newest.map(|newest| self.next_sequence - newest);
        let beat = Beat { interval_ms, answer_wanted, farewell, echo, media_ago };
        let sent_us = self.clock_us(now);
        let Some(datagram) = self.writer.beat(self.next_sequence, sent_us, &beat) else {
            return;
        };
        self.counters.beats_out += 1;
        self.send_datagram(datagram, now);
        if self.is_fast() {
            self.timers.set(Timer::Echo, now + ECHO_INTERVAL);
        } else {
            self.timers.stop(Timer::Echo);
        }
    }

    /// Sets whether tracks are bound; gives whether that is news, of which a beat should tell.
    pub(super) fn set_active(&mut self, active: bool, now: Instant) -> bool {
        if self.active == active {
            return false;
        }
        self.active = active;
        if active {
            self.timers.stop(Timer::Calm);
        } else {
            self.timers.set(Timer::Calm, now + CALM_AFTER);
        }
        true
    }

    /// Sets how fast beats come.
    pub(super) fn set_pace(&mut self, beats: Pace, now: Instant) {
        if beats < self.beats {
            self.eased = Some((now, self.pace(now)));
        }
        self.beats = beats;
    }

    /// How long ago the last datagram left.
    pub(super) fn sent_ago(&self, now: Instant) -> Option<Duration> {
        self.last_sent.map(|sent| now.saturating_duration_since(sent))
    }

    /// Queues a control message; gives false, and counts, when too much waits for the shell.
    pub(super) fn send_control(&mut self, body: Body) -> bool {
        if self.commands.len() >= COMMANDS_MAX {
            self.counters.over_limit += 1;
            return false;
        }
        self.send_control_regardless(body);
        true
    }

    /// For the first and last words of a link, which no limit may cut.
    pub(super) fn send_control_regardless(&mut self, body: Body) {
        self.counters.control_out += 1;
        self.commands.push_back(Command::SendControl(Box::new(Control { body: Some(body) })));
    }

    /// Whether so many more control messages may be queued.
    pub(super) fn has_room_for(&self, messages: usize) -> bool {
        self.commands.len() + messages <= COMMANDS_MAX
    }

    /// Sends what waits, then asks the shell to close.
    pub(super) fn close(&mut self, reason: String, now: Instant) {
        self.flush(now);
        self.timers.stop_all();
        self.commands.push_back(Command::Close { reason });
    }

    pub(super) fn next_command(&mut self) -> Option<Command> {
        self.commands.pop_front()
    }

    /// The pace at which we beat: a slower promise has to arrive before it is made use of.
    fn pace(&self, now: Instant) -> Pace {
        let held = self.eased.filter(|(at, _)| now.saturating_duration_since(*at) < CALM_AFTER);
        held.map_or(self.beats, |(_, pace)| pace.max(self.beats))
    }

    fn interval(&self, now: Instant) -> Duration {
        if self.is_fast() { self.pace(now).interval() } else { BEAT_IDLE }
    }

    fn is_fast(&self) -> bool {
        self.active || self.timers.is_set(Timer::Calm)
    }

    fn send_datagram(&mut self, datagram: Bytes, now: Instant) {
        self.next_sequence += 1;
        self.timers.set(Timer::Beat, now + self.interval(now));
        self.last_sent = Some(now);
        if self.commands.len() >= COMMANDS_MAX {
            self.counters.over_limit += 1;
            return;
        }
        self.counters.datagrams_out += 1;
        self.counters.bytes_out += datagram.len() as u64;
        self.commands.push_back(Command::SendDatagram(datagram));
    }
}
