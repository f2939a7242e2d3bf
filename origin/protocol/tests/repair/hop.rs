//! One hop between two real peers under virtual time: frames go in at their times, and come out at
//! theirs. Hops of a path are run one after the other, because frames flow one way.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use bytes::Bytes;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use stoa_audio::frame::{Epoch, Frame, FrameDuration, FrameNumber, Level, TrackId};
use stoa_protocol::ids::RoomId;
use stoa_protocol::mesh::control::{Control, Hello, TrackKind};
use stoa_protocol::mesh::identity::Identity;
use stoa_protocol::mesh::peer::{Command, Config, Event, Peer, Statistics, TrackParams};

/// Bytes of a frame: 32 kbit/s.
pub(super) const PAYLOAD_BYTES: usize = 80;
/// What a datagram takes on the wire besides its own bytes: IPv4, UDP, the short header of QUIC with
/// an identifier of 8 bytes and a number of 2, the tag, the frame's type and length.
const AROUND_BYTES: u64 = 20 + 8 + (1 + 8 + 2) + 16 + 3;
/// How often a shell lets redundancy follow the loss.
const ADAPT_EACH: Duration = Duration::from_millis(100);
/// The hop stands so long before the first frame goes in.
const BEFORE: Duration = Duration::from_millis(1_500);
/// And so long after the last.
const AFTER: Duration = Duration::from_secs(2);

/// How a path loses datagrams, in each direction by itself.
#[derive(Clone, Copy, Debug)]
pub(super) enum Loss {
    /// Each with this probability.
    Independent(f64),
    /// Gilbert-Elliott: this share, in bursts of this mean length, counted in datagrams.
    Bursts(f64, f64),
}

/// The path of a hop.
#[derive(Clone, Copy, Debug)]
pub(super) struct Path {
    /// Its round trip.
    pub(super) rtt: Duration,
    /// Each datagram comes later by up to this.
    pub(super) jitter: Duration,
    /// How it loses.
    pub(super) loss: Loss,
}

/// What is done against loss.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Remedy {
    /// Nothing.
    Nothing,
    /// Redundancy that follows the loss, and repair.
    Adaptive,
}

/// A frame on its way, with the time at which it left or came.
#[derive(Clone, Copy, Debug)]
pub(super) struct Passing {
    pub(super) at: Duration,
    pub(super) number: u64,
}

/// What came out of a hop, and what it took.
#[derive(Clone, Debug, Default)]
pub(super) struct Passed {
    /// In order of arrival.
    pub(super) frames: Vec<Passing>,
    /// Bytes on the wire in both directions.
    pub(super) bytes: u64,
    /// How often the link was taken for dead.
    pub(super) alarms: u64,
    pub(super) sender: Statistics,
}

enum Packet {
    Control(Box<Control>),
    Datagram(Bytes),
}

struct Hop {
    remedy: Remedy,
    down: bool,
    start: Instant,
    now: Instant,
    peers: [Peer; 2],
    path: Path,
    in_burst: [bool; 2],
    control_free: [Instant; 2],
    in_flight: BTreeMap<(Instant, u64), (usize, Packet)>,
    count: u64,
    rng: StdRng,
    passed: Passed,
}

/// Lets `frames`, in order of time, pass one hop. A link that is taken for dead begins anew.
#[must_use]
pub(super) fn pass(frames: &[Passing], path: Path, remedy: Remedy, seed: u64) -> Passed {
    let mut hop = Hop::new(path, remedy, seed);
    hop.speak(frames);
    hop.run_until(hop.now + AFTER);
    hop.passed.sender = hop.peers[0].statistics();
    hop.passed
}

/// How long the receiver takes to notice that the sender has died after `frames`, beyond the time of the way between
/// them; `None` if a link was taken for dead before.
#[must_use]
pub(super) fn noticed(frames: &[Passing], path: Path, seed: u64) -> Option<Duration> {
    let mut hop = Hop::new(path, Remedy::Adaptive, seed);
    hop.speak(frames);
    let last_breath = Duration::from_millis(20).mul_f64(hop.rng.random());
    hop.run_until(hop.now + last_breath);
    if hop.passed.alarms > 0 {
        return None;
    }
    let died = hop.now;
    hop.in_flight.retain(|_, (to, _)| *to == 1);
    while !hop.peers[1].is_closed() {
        let arrival = hop.in_flight.first_key_value().map(|((at, _), _)| *at);
        hop.now = arrival.into_iter().chain(hop.peers[1].poll_timeout()).min()?.max(hop.now);
        hop.deliver();
        hop.peers[1].handle_timeout(hop.now);
        // Nobody is there to hear what it says.
        while hop.peers[1].next_command().is_some() {}
        while hop.peers[1].next_event().is_some() {}
    }
    Some((hop.now - died).saturating_sub(path.rtt / 2))
}

impl Hop {
    fn new(path: Path, remedy: Remedy, seed: u64) -> Self {
        let now = Instant::now();
        let mut hop = Self {
            remedy,
            down: false,
            start: now,
            now,
            peers: peers(remedy, now),
            path,
            in_burst: [false; 2],
            control_free: [now; 2],
            in_flight: BTreeMap::new(),
            count: 0,
            rng: StdRng::seed_from_u64(seed),
            passed: Passed::default(),
        };
        hop.drain();
        hop
    }

    /// Comes up and takes these frames, each at its time.
    fn speak(&mut self, frames: &[Passing]) {
        self.run_until(self.start + BEFORE / 2);
        let payload = Bytes::from_static(&[0x78; PAYLOAD_BYTES]);
        let mut adapt = self.now;
        let follows = self.remedy == Remedy::Adaptive;
        for passing in frames {
            let at = self.start + BEFORE + passing.at;
            while follows && adapt <= at {
                self.run_until(adapt);
                for peer in &mut self.peers {
                    peer.adapt_redundancy(self.now);
                }
                adapt += ADAPT_EACH;
            }
            self.run_until(at);
            self.peers[0].send_frame(&frame(passing.number, payload.clone()), self.now);
            self.drain();
        }
    }

    /// Lets everything happen that is due by `end`, in order of time.
    fn run_until(&mut self, end: Instant) {
        loop {
            let arrival = self.in_flight.first_key_value().map(|((at, _), _)| *at);
            let deadline = self.peers.iter().filter_map(Peer::poll_timeout).min();
            let next = arrival.into_iter().chain(deadline).min().filter(|at| *at <= end);
            let Some(next) = next else {
                self.now = self.now.max(end);
                return;
            };
            self.now = self.now.max(next);
            self.deliver();
            for peer in &mut self.peers {
                peer.handle_timeout(self.now);
            }
            self.drain();
        }
    }

    /// What is due arrives.
    fn deliver(&mut self) {
        while let Some(entry) = self.in_flight.first_entry().filter(|e| e.key().0 <= self.now) {
            match entry.remove() {
                (to, Packet::Control(control)) => {
                    self.peers[to].handle_control(*control, self.now);
                }
                (to, Packet::Datagram(datagram)) => {
                    self.peers[to].handle_datagram(datagram, self.now);
                }
            }
        }
    }

    fn drain(&mut self) {
        for from in [0, 1] {
            while let Some(event) = self.peers[from].next_event() {
                match event {
                    Event::Frame(frame) => {
                        let at = self.now - self.start - BEFORE;
                        self.passed.frames.push(Passing { at, number: frame.number.0 });
                    }
                    Event::Up { .. } if from == 0 => {
                        // A link that takes no track is as good as none.
                        self.down |= self.peers[0].bind(track(), self.now).is_err();
                    }
                    Event::Down { .. } => self.down = true,
                    _ => {}
                }
            }
            while let Some(command) = self.peers[from].next_command() {
                match command {
                    Command::SendDatagram(datagram) => self.send(from, datagram),
                    Command::SendControl(control) => self.say(from, control),
                    Command::Close { .. } => {}
                }
            }
        }
        if std::mem::take(&mut self.down) {
            self.passed.alarms += 1;
            self.in_flight.clear();
            self.control_free = [self.now; 2];
            self.peers = peers(self.remedy, self.now);
            self.drain();
        }
    }

    fn send(&mut self, from: usize, datagram: Bytes) {
        self.passed.bytes += datagram.len() as u64 + AROUND_BYTES;
        if !self.loses(from) {
            let jitter = self.path.jitter.mul_f64(self.rng.random());
            self.put(self.now + self.path.rtt / 2 + jitter, 1 - from, Packet::Datagram(datagram));
        }
    }

    /// A stream is reliable: what is lost comes later, and what follows it waits.
    fn say(&mut self, from: usize, control: Box<Control>) {
        let mut arrival = self.now + self.path.rtt / 2;
        while self.loses(from) {
            arrival += self.path.rtt + Duration::from_millis(30);
        }
        self.control_free[from] = arrival.max(self.control_free[from]);
        self.put(self.control_free[from], 1 - from, Packet::Control(control));
    }

    fn put(&mut self, at: Instant, to: usize, packet: Packet) {
        self.count += 1;
        self.in_flight.insert((at, self.count), (to, packet));
    }

    fn loses(&mut self, from: usize) -> bool {
        match self.path.loss {
            Loss::Independent(share) => self.rng.random_bool(share),
            Loss::Bursts(share, mean) => {
                let leave = 1.0 / mean;
                let enter = leave * share / (1.0 - share);
                let turn = if self.in_burst[from] { leave } else { enter };
                self.in_burst[from] ^= self.rng.random_bool(turn);
                self.in_burst[from]
            }
        }
    }
}

#[expect(clippy::expect_used, reason = "names that stand here are valid")]
fn peers(remedy: Remedy, now: Instant) -> [Peer; 2] {
    let names: [Identity; 2] = ["stoa://origin/iad/origin-1", "stoa://edge/ams/edge-1"]
        .map(|uri| uri.parse().expect("a name"));
    [0, 1].map(|side: usize| {
        let config = Config::new(&names[side], names[1 - side].clone());
        let features =
            if remedy == Remedy::Adaptive { config.hello.features.clone() } else { Vec::new() };
        let hello = Hello { features, ..config.hello.clone() };
        Peer::new(Config { hello, ..config }, now)
    })
}

#[expect(clippy::expect_used, reason = "a name that stands here is valid")]
fn track() -> TrackParams {
    TrackParams {
        track: TrackId(1),
        epoch: Epoch(1),
        room: RoomId::new("agora").expect("a name"),
        participant: "ada".to_owned(),
        kind: TrackKind::Speaker,
        bitrate: 0,
    }
}

fn frame(number: u64, payload: Bytes) -> Frame {
    Frame {
        track: TrackId(1),
        epoch: Epoch(1),
        number: FrameNumber(number),
        duration: FrameDuration::MS_20,
        level: Level::from_minus_dbov(30),
        voice: true,
        payload,
    }
}
