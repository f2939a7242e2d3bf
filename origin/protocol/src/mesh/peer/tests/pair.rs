//! The test bench: an origin and an edge, and a wire between them.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use bytes::Bytes;
use rand::rngs::StdRng;
use rand::{Rng, RngExt, SeedableRng};
use stoa_audio::frame::{Epoch, Frame, FrameDuration, FrameNumber, Level, TrackId};

use super::accents::Accent;
use crate::ids::RoomId;
use crate::mesh::control::{Control, Hello, TrackKind};
use crate::mesh::identity::Identity;
use crate::mesh::peer::{Command, Config, Event, Peer, TrackParams};

/// Index of a side.
pub(super) const ORIGIN: usize = 0;
pub(super) const EDGE: usize = 1;

/// How a wire loses datagrams. Control messages come late instead, as on a reliable stream.
#[derive(Clone, Copy, Debug)]
pub(super) enum Lose {
    Nothing,
    /// Each with this probability.
    Independently(f64),
    /// Gilbert-Elliott: with odds `enter` a burst begins, with odds `leave` it ends.
    InBursts {
        enter: f64,
        leave: f64,
    },
    /// Every n-th.
    Every(u64),
}

#[derive(Debug)]
enum Packet {
    Control(Box<Control>),
    Datagram(Bytes),
}

/// One direction.
pub(super) struct Path {
    pub(super) delay: Duration,
    pub(super) jitter: Duration,
    pub(super) lose: Lose,
    pub(super) cut: bool,
    /// Extra delay of control messages, so that datagrams overtake them.
    pub(super) control_delay: Duration,
    /// In which version's words everything goes.
    pub(super) accent: Option<Accent>,
    in_burst: bool,
    count: u64,
    control_free: Option<Instant>,
    in_flight: BTreeMap<(Instant, u64), Packet>,
    /// Every datagram that was given to this path, with its time.
    pub(super) sent: Vec<(Instant, Bytes)>,
}

/// One node and everything it said.
pub(super) struct Side {
    pub(super) peer: Peer,
    pub(super) events: Vec<(Instant, Event)>,
    pub(super) control: Vec<Control>,
    pub(super) closed: Option<String>,
}

impl Side {
    /// The frames that it was given, with their times.
    pub(super) fn frame_times(&self) -> Vec<(Instant, u64)> {
        let frames = self.events.iter().filter_map(|(at, event)| match event {
            Event::Frame(frame) => Some((*at, frame.number.0)),
            _ => None,
        });
        frames.collect()
    }
}

pub(super) struct Pair {
    pub(super) now: Instant,
    pub(super) sides: [Side; 2],
    /// `paths[ORIGIN]` leads from the origin to the edge.
    pub(super) paths: [Path; 2],
    rng: StdRng,
}

impl Pair {
    /// Two peers that have not heard from each other, 10 ms apart.
    pub(super) fn new() -> Self {
        Self::with(config(ORIGIN), config(EDGE))
    }

    pub(super) fn with(origin: Config, edge: Config) -> Self {
        let now = Instant::now();
        let side = |config| Side {
            peer: Peer::new(config, now),
            events: vec![],
            control: vec![],
            closed: None,
        };
        let mut pair = Self {
            now,
            sides: [side(origin), side(edge)],
            paths: [Path::new(), Path::new()],
            rng: StdRng::seed_from_u64(7),
        };
        pair.drain();
        pair
    }

    /// Two peers of an older version with track 1 bound, of which the edge repeats `redundancy` frames.
    pub(super) fn active_without_repair(redundancy: u8) -> Self {
        let edge = Config { redundancy, ..config(EDGE) };
        let mut pair = Self::with(without_repair(config(ORIGIN)), without_repair(edge));
        pair.run_ms(30);
        pair.bind(EDGE, 1);
        pair.run_ms(30);
        pair
    }

    /// Two peers that are up.
    pub(super) fn up() -> Self {
        let mut pair = Self::new();
        pair.run_ms(30);
        assert!(pair.sides.iter().all(|side| side.peer.is_up()));
        pair
    }

    /// Two peers that are up, with track 1 bound from the edge to the origin.
    pub(super) fn active() -> Self {
        let mut pair = Self::up();
        pair.bind(EDGE, 1);
        pair.run_ms(30);
        pair
    }

    /// Other draws from now on.
    pub(super) fn seed(&mut self, seed: u64) {
        self.rng = StdRng::seed_from_u64(seed);
    }

    pub(super) fn set_paths(&mut self, delay_ms: u64, jitter_ms: u64, lose: Lose) {
        for path in &mut self.paths {
            path.delay = Duration::from_millis(delay_ms);
            path.jitter = Duration::from_millis(jitter_ms);
            path.lose = lose;
        }
    }

    pub(super) fn bind(&mut self, side: usize, track: u64) {
        self.sides[side].peer.bind(params(track), self.now).unwrap();
        self.drain();
    }

    pub(super) fn send(&mut self, side: usize, frame: &Frame) {
        self.sides[side].peer.send_frame(frame, self.now);
        self.drain();
    }

    /// Sends frames `numbers` of track 1 from the edge, one each 20 ms.
    pub(super) fn speak(&mut self, numbers: impl Iterator<Item = u64>) {
        for number in numbers {
            self.send(EDGE, &frame(1, number));
            self.run_ms(20);
        }
    }

    pub(super) fn run_ms(&mut self, ms: u64) {
        self.run_until(self.now + Duration::from_millis(ms));
    }

    /// Lets everything happen that is due by `end`, in order of time.
    pub(super) fn run_until(&mut self, end: Instant) {
        loop {
            let arrivals = self.paths.iter().filter_map(|path| path.in_flight.keys().next());
            let arrival = arrivals.map(|(at, _)| *at).min();
            let deadline = self.sides.iter().filter_map(|side| side.peer.poll_timeout()).min();
            let Some(next) =
                [arrival, deadline].into_iter().flatten().min().filter(|at| *at <= end)
            else {
                self.now = end;
                return;
            };
            self.now = self.now.max(next);
            self.deliver();
            for side in &mut self.sides {
                side.peer.handle_timeout(self.now);
            }
            self.drain();
        }
    }

    /// The frames that a side was given.
    pub(super) fn frames(&self, side: usize) -> Vec<Frame> {
        let frames = self.sides[side].events.iter().filter_map(|(_, event)| match event {
            Event::Frame(frame) => Some(frame.clone()),
            _ => None,
        });
        frames.collect()
    }

    pub(super) fn numbers(&self, side: usize) -> Vec<u64> {
        self.frames(side).iter().map(|frame| frame.number.0).collect()
    }

    /// When and why a side took the link for ended.
    pub(super) fn down(&self, side: usize) -> Option<(Instant, String)> {
        self.sides[side].events.iter().find_map(|(at, event)| match event {
            Event::Down { reason } => Some((*at, reason.clone())),
            _ => None,
        })
    }

    /// Takes everything that the peers want sent or told.
    pub(super) fn drain(&mut self) {
        for index in [ORIGIN, EDGE] {
            let (side, path) = (&mut self.sides[index], &mut self.paths[index]);
            while let Some(event) = side.peer.next_event() {
                side.events.push((self.now, event));
            }
            while let Some(command) = side.peer.next_command() {
                assert_eq!(side.closed, None, "nothing follows a close: {command:?}");
                match command {
                    Command::SendControl(control) => {
                        side.control.push(Control::clone(&control));
                        path.send_control(*control, self.now, &mut self.rng);
                    }
                    Command::SendDatagram(datagram) => {
                        path.send_datagram(datagram, self.now, &mut self.rng);
                    }
                    Command::Close { reason } => side.closed = Some(reason),
                }
            }
        }
    }

    fn deliver(&mut self) {
        for from in [ORIGIN, EDGE] {
            let path = &mut self.paths[from];
            let later = path.in_flight.split_off(&(self.now + Duration::from_nanos(1), 0));
            let peer = &mut self.sides[1 - from].peer;
            for packet in std::mem::replace(&mut path.in_flight, later).into_values() {
                match packet {
                    Packet::Control(control) => peer.handle_control(*control, self.now),
                    Packet::Datagram(datagram) => peer.handle_datagram(datagram, self.now),
                }
            }
        }
        self.drain();
    }
}

impl Path {
    fn new() -> Self {
        Self {
            delay: Duration::from_millis(10),
            jitter: Duration::ZERO,
            lose: Lose::Nothing,
            cut: false,
            control_delay: Duration::ZERO,
            accent: None,
            in_burst: false,
            count: 0,
            control_free: None,
            in_flight: BTreeMap::new(),
            sent: vec![],
        }
    }

    fn send_control(&mut self, control: Control, now: Instant, rng: &mut impl Rng) {
        let mut arrival = now + self.delay + self.control_delay;
        // Counted losses would catch every attempt.
        let counted = matches!(self.lose, Lose::Every(_));
        while !self.cut && !counted && self.loses(rng) {
            arrival += 2 * self.delay + Duration::from_millis(30);
        }
        let arrival = self.control_free.map_or(arrival, |free| free.max(arrival));
        self.control_free = Some(arrival);
        let said = match self.accent {
            Some(accent) => accent.control(&control),
            None => vec![control],
        };
        for control in said {
            self.put(arrival, Packet::Control(Box::new(control)));
        }
    }

    fn send_datagram(&mut self, datagram: Bytes, now: Instant, rng: &mut impl Rng) {
        self.sent.push((now, datagram.clone()));
        if !self.loses(rng) {
            let jitter = self.jitter.mul_f64(rng.random());
            let said = match self.accent {
                Some(accent) => accent.datagram(&datagram),
                None => vec![datagram],
            };
            for datagram in said {
                self.put(now + self.delay + jitter, Packet::Datagram(datagram));
            }
        }
    }

    fn put(&mut self, arrival: Instant, packet: Packet) {
        self.count += 1;
        if !self.cut {
            self.in_flight.insert((arrival, self.count), packet);
        }
    }

    fn loses(&mut self, rng: &mut impl Rng) -> bool {
        match self.lose {
            Lose::Nothing => false,
            Lose::Independently(share) => rng.random_bool(share),
            Lose::InBursts { enter, leave } => {
                let turn = if self.in_burst { leave } else { enter };
                self.in_burst ^= rng.random_bool(turn);
                self.in_burst
            }
            Lose::Every(nth) => self.sent.len() as u64 % nth == nth - 1,
        }
    }
}

pub(super) fn identity(side: usize) -> Identity {
    let uri = ["stoa://origin/iad/origin-1", "stoa://edge/ams/edge-1"][side];
    uri.parse().unwrap()
}

/// How `side` sees its peer.
pub(super) fn config(side: usize) -> Config {
    Config::new(&identity(side), identity(1 - side))
}

/// The same as a node of an older version, that neither asks nor is asked for what was lost.
pub(super) fn without_repair(config: Config) -> Config {
    Config { hello: Hello { features: vec![], ..config.hello.clone() }, ..config }
}

pub(super) fn params(track: u64) -> TrackParams {
    TrackParams {
        track: TrackId(track),
        epoch: Epoch(1),
        room: RoomId::new("agora").unwrap(),
        participant: format!("p_{track}"),
        kind: TrackKind::Speaker,
        bitrate: 0,
    }
}

/// The `number`th frame of 20 ms.
pub(super) fn frame(track: u64, number: u64) -> Frame {
    Frame {
        track: TrackId(track),
        epoch: Epoch(1),
        number: FrameNumber(8 * number),
        duration: FrameDuration::MS_20,
        level: Level::from_minus_dbov(u8::try_from(number % 128).unwrap()),
        voice: number.is_multiple_of(2),
        payload: Bytes::from(vec![u8::try_from(number % 251).unwrap(); 80]),
    }
}
