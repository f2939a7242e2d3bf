//! The proxy: one thread, one socket for the clients, one towards the target for each client.
//!
//! A client's packets keep their own source port towards the target, so that the target tells clients apart.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::io;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use rand::SeedableRng;
use rand::rngs::StdRng;
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::counters::{Counters, Direction, Sample};
use super::flows::Flows;
use super::model::{Cause, Model, Verdict};
use super::profile::Profile;

/// Packets that a proxy holds at once, both directions; more are dropped and counted.
const HELD_MAX: usize = 65_536;
/// Datagrams read from one socket before the others get their turn.
const READS_PER_TURN_MAX: usize = 64;
/// The longest sleep, so that a stop is seen.
const SLEEP_MAX: Duration = Duration::from_millis(50);

/// What a proxy does.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Where packets of clients go.
    pub target: SocketAddr,
    /// What happens on the way to the target.
    pub up: Profile,
    /// What happens on the way back.
    pub down: Profile,
    /// Clients at these addresses have a path of their own, the same both ways.
    pub sources: BTreeMap<IpAddr, Profile>,
    /// The same seed gives the same losses and delays for the same packets.
    pub seed: u64,
}

/// A proxy's address that is taken already, before anybody knows where its packets are to go.
#[derive(Debug)]
pub struct Entrance {
    socket: UdpSocket,
    address: SocketAddr,
}

/// A running proxy; dropping it stops it.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    counters: Arc<Counters>,
    sources: BTreeMap<IpAddr, Arc<Source>>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

/// What is shared of one source's path.
#[derive(Debug, Default)]
struct Source {
    counters: Counters,
    cut_up: AtomicBool,
    cut_down: AtomicBool,
}

impl Proxy {
    /// Where clients send to.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What happened so far in one direction.
    #[must_use]
    pub fn sample(&self, direction: Direction) -> Sample {
        self.counters.sample(direction)
    }

    /// What happened so far in one direction of a source's own path; `None` without one.
    #[must_use]
    pub fn sample_of(&self, source: IpAddr, direction: Direction) -> Option<Sample> {
        self.sources.get(&source).map(|source| source.counters.sample(direction))
    }

    /// Cuts a source's own path in one direction, or mends it. Says whether it has one.
    pub fn cut(&self, source: IpAddr, direction: Direction, cut: bool) -> bool {
        let Some(source) = self.sources.get(&source) else { return false };
        source.valve(direction).store(cut, Ordering::Relaxed);
        true
    }

    /// Clients now, and how many had to make room for others.
    #[must_use]
    pub fn flows(&self) -> (u64, u64) {
        self.counters.flows()
    }
}

impl Source {
    fn valve(&self, direction: Direction) -> &AtomicBool {
        match direction {
            Direction::Up => &self.cut_up,
            Direction::Down => &self.cut_down,
        }
    }
}

impl Entrance {
    /// Takes an address; port 0 takes a free one.
    ///
    /// # Errors
    /// When it cannot be bound.
    pub fn bind(listen: SocketAddr) -> Result<Self> {
        let socket = UdpSocket::bind(listen)
            .with_context(|| format!("cannot listen on {listen} (UDP); is it in use?"))?;
        socket.set_nonblocking(true).context("cannot make the socket non-blocking")?;
        let address = socket.local_addr().context("cannot read the socket's address")?;
        Ok(Self { socket, address })
    }

    /// Where clients send to.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // A panic of the thread was printed by its own hook; there is nothing to add.
            drop(thread.join());
        }
    }
}

/// Starts a proxy on a thread of its own.
///
/// # Errors
/// When a profile makes no sense.
pub fn spawn(entrance: Entrance, plan: Plan) -> Result<Proxy> {
    let Entrance { socket, address } = entrance;
    let counters = Arc::new(Counters::default());
    let stop = Arc::new(AtomicBool::new(false));
    let now = Instant::now();
    let mut own = BTreeMap::new();
    for (ip, profile) in plan.sources {
        let shared = Arc::<Source>::default();
        let (up, down) = (Model::new(profile, now)?, Model::new(profile, now)?);
        own.insert(ip, Own { shared, up, down });
    }
    let sources = own.iter().map(|(ip, own)| (*ip, Arc::clone(&own.shared))).collect();
    let mut path = Path {
        socket,
        target: plan.target,
        flows: Flows::default(),
        up: Model::new(plan.up, now)?,
        down: Model::new(plan.down, now)?,
        own,
        rng: StdRng::seed_from_u64(plan.seed),
        held: BinaryHeap::new(),
        arrivals: 0,
        counters: Arc::clone(&counters),
    };
    let stopped = Arc::clone(&stop);
    let thread = std::thread::Builder::new()
        .name("impair".into())
        .spawn(move || path.run(&stopped))
        .context("cannot start a thread")?;
    Ok(Proxy { address, counters, sources, stop, thread: Some(thread) })
}

/// A source's own path.
struct Own {
    shared: Arc<Source>,
    up: Model,
    down: Model,
}

/// A packet on its way, ordered by arrival; `turn` keeps the order of equal arrivals.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Held {
    arrival: Instant,
    turn: u64,
    flow: u64,
    up: bool,
    packet: Vec<u8>,
}

struct Path {
    socket: UdpSocket,
    target: SocketAddr,
    flows: Flows<UdpSocket>,
    up: Model,
    down: Model,
    own: BTreeMap<IpAddr, Own>,
    rng: StdRng,
    held: BinaryHeap<Reverse<Held>>,
    arrivals: u64,
    counters: Arc<Counters>,
}

impl Path {
    fn run(&mut self, stop: &AtomicBool) {
        let mut buffer = vec![0; 65_536];
        while !stop.load(Ordering::Relaxed) {
            let now = Instant::now();
            self.deliver(now);
            let ready = self.sleep(now);
            self.read_clients(&mut buffer);
            for flow in ready {
                self.read_target(flow, &mut buffer);
            }
        }
    }

    fn deliver(&mut self, now: Instant) {
        while self.held.peek().is_some_and(|next| next.0.arrival <= now) {
            let Some(Reverse(held)) = self.held.pop() else { break };
            let Some(flow) = self.flows.find(held.flow) else { continue };
            let (sent, direction) = if held.up {
                (flow.socket.send(&held.packet), Direction::Up)
            } else {
                (self.socket.send_to(&held.packet, flow.client), Direction::Down)
            };
            self.counters.of(direction).count_sent(sent.is_ok());
        }
    }

    /// Sleeps until something is due or readable; returns the flows that are readable.
    fn sleep(&self, now: Instant) -> Vec<u64> {
        let due = self.held.peek().map_or(SLEEP_MAX, |next| next.0.arrival - now).min(SLEEP_MAX);
        let timeout = Timespec { tv_sec: 0, tv_nsec: i64::from(due.subsec_nanos()) };
        let mut ids = Vec::with_capacity(self.flows.count());
        let mut sockets = vec![PollFd::new(&self.socket, PollFlags::IN)];
        for (id, flow) in self.flows.iter() {
            ids.push(id);
            sockets.push(PollFd::new(&flow.socket, PollFlags::IN));
        }
        if poll(&mut sockets, Some(&timeout)).is_err() {
            // Interrupted by a signal: the next turn comes at once.
            return Vec::new();
        }
        let readable = ids.into_iter().zip(&sockets[1..]);
        readable.filter(|(_, fd)| !fd.revents().is_empty()).map(|(id, _)| id).collect()
    }

    fn read_clients(&mut self, buffer: &mut [u8]) {
        for _ in 0..READS_PER_TURN_MAX {
            let Ok((length, client)) = self.socket.recv_from(buffer) else { return };
            let now = Instant::now();
            let flow = match self.flows.touch(client, now) {
                Some(flow) => flow,
                None => match self.open(client, now) {
                    Ok(flow) => flow,
                    Err(error) => {
                        tracing::warn!(%error, "no socket for a new client; its packet is dropped");
                        continue;
                    }
                },
            };
            self.take(flow, true, &buffer[..length], now);
        }
    }

    fn open(&mut self, client: SocketAddr, now: Instant) -> io::Result<u64> {
        let any = if self.target.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
        let socket = UdpSocket::bind(any)?;
        socket.connect(self.target)?;
        socket.set_nonblocking(true)?;
        let (flow, evicted) = self.flows.insert(client, socket, now);
        self.counters.note_flows(self.flows.count(), evicted);
        Ok(flow)
    }

    fn read_target(&mut self, id: u64, buffer: &mut [u8]) {
        for _ in 0..READS_PER_TURN_MAX {
            let Some(flow) = self.flows.find(id) else { return };
            let Ok(length) = flow.socket.recv(buffer) else { return };
            self.take(id, false, &buffer[..length], Instant::now());
        }
    }

    fn take(&mut self, flow: u64, up: bool, packet: &[u8], now: Instant) {
        let direction = if up { Direction::Up } else { Direction::Down };
        let counters = self.counters.of(direction);
        counters.count_packet(packet.len());
        let source = self.flows.find(flow).map(|flow| flow.client.ip());
        let own = source.and_then(|source| self.own.get_mut(&source));
        let (model, own) = match own {
            Some(own) => (if up { &mut own.up } else { &mut own.down }, Some(&*own.shared)),
            None => (if up { &mut self.up } else { &mut self.down }, None),
        };
        if let Some(own) = own {
            own.counters.of(direction).count_packet(packet.len());
        }
        let is_cut = own.is_some_and(|own| own.valve(direction).load(Ordering::Relaxed));
        match model.handle_packet(now, &mut self.rng, packet.len()) {
            Verdict::DeliverAt(_) if is_cut => counters.count_drop(Cause::Cut),
            Verdict::Drop(cause) => counters.count_drop(cause),
            Verdict::DeliverAt(_) if self.held.len() >= HELD_MAX => counters.count_overflow(),
            Verdict::DeliverAt(arrival) => {
                self.arrivals += 1;
                let turn = self.arrivals;
                self.held.push(Reverse(Held { arrival, turn, flow, up, packet: packet.to_vec() }));
            }
        }
    }
}

#[cfg(test)]
mod tests;
