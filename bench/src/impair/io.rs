//! The proxy: one thread, one socket for the clients, one towards the target for each client.
//!
//! A client's packets keep their own source port towards the target, so that the target tells clients apart.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::io;
use std::net::{SocketAddr, UdpSocket};
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
use super::model::{Model, Verdict};
use super::profile::Profile;

/// Packets that a proxy holds at once, both directions; more are dropped and counted.
const HELD_MAX: usize = 65_536;
/// Datagrams read from one socket before the others get their turn.
const READS_PER_TURN_MAX: usize = 64;
/// The longest sleep, so that a stop is seen.
const SLEEP_MAX: Duration = Duration::from_millis(50);

/// What a proxy does.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// Where clients send to; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Where their packets go.
    pub target: SocketAddr,
    /// What happens on the way to the target.
    pub up: Profile,
    /// What happens on the way back.
    pub down: Profile,
    /// The same seed gives the same losses and delays for the same packets.
    pub seed: u64,
}

/// A running proxy; dropping it stops it.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    counters: Arc<Counters>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
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

    /// Clients now, and how many had to make room for others.
    #[must_use]
    pub fn flows(&self) -> (u64, u64) {
        self.counters.flows()
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
/// When the address cannot be bound or a profile makes no sense.
pub fn spawn(plan: Plan) -> Result<Proxy> {
    let socket = UdpSocket::bind(plan.listen)
        .with_context(|| format!("cannot listen on {} (UDP); is it in use?", plan.listen))?;
    socket.set_nonblocking(true).context("cannot make the socket non-blocking")?;
    let address = socket.local_addr().context("cannot read the socket's address")?;
    let counters = Arc::new(Counters::default());
    let stop = Arc::new(AtomicBool::new(false));
    let now = Instant::now();
    let mut path = Path {
        socket,
        target: plan.target,
        flows: Flows::default(),
        up: Model::new(plan.up, now)?,
        down: Model::new(plan.down, now)?,
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
    Ok(Proxy { address, counters, stop, thread: Some(thread) })
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
        let (model, direction) =
            if up { (&mut self.up, Direction::Up) } else { (&mut self.down, Direction::Down) };
        let counters = self.counters.of(direction);
        counters.count_packet(packet.len());
        match model.handle_packet(now, &mut self.rng, packet.len()) {
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
