//! The handle of the media plane, for the room side and for signaling.

use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Instant;

use anyhow::Context;
use serde::{Deserialize, Serialize};
use tokio::sync::{mpsc, oneshot, watch};

use super::admission::Admission;
use super::candidates::Candidates;
use super::capacity::Capacity;
use super::change::Change;
use super::io;
use super::keys::Hook;
use super::mailbox::{Control, Mailbox};
use super::metrics::PlaneMetrics;
use super::offer::{self, Surroundings};
use super::registry::{Borrowed, Dismissed, Registry, WorkerIndex};
use super::{
    Delivery, FromPlane, OfferError, OpenSession, Opened, Restarted, SessionEvent, SessionId,
    Uplinked,
};
use crate::media::PacketLength;
use crate::media::kernel::{Lane, Socket, lanes};

/// Frames that may wait for the room side.
const FRAMES_MAX: usize = 16_384;

/// Settings of the media plane.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PlaneConfig {
    /// UDP address of all sessions; an unspecified IPv6 address takes both families.
    pub listen: SocketAddr,
    /// Addresses at which clients reach this host, where they are not its own (1:1 NAT).
    pub advertise: Vec<IpAddr>,
    /// Worker threads; 0 for one per core.
    pub workers: usize,
    /// Most sessions at a time; further offers are refused.
    pub sessions_max: usize,
    /// Length of the audience's packets in milliseconds, where an offer does not say: 20, 40, 60, 100
    /// or 120. Each packet costs about the same, whatever it holds; each millisecond is one of delay.
    pub audience_packet_ms: u32,
    /// Bits a second that may be sent, UDP payloads counted; as many as the machine can bear when absent.
    pub egress_bits_per_second_max: Option<u64>,
    /// Network interface whose driver gets packets directly (AF_XDP), where it can take them; none by default.
    pub express_interface: Option<String>,
}

impl PlaneConfig {
    /// Checks what types cannot.
    ///
    /// # Errors
    /// A sentence that names the key, its value and what is allowed.
    pub fn check(&self) -> anyhow::Result<()> {
        let ms = self.audience_packet_ms;
        anyhow::ensure!(
            PacketLength::exactly(ms).is_some(),
            "media.audience_packet_ms is {ms}; it may be 20, 40, 60, 100 or 120"
        );
        Ok(())
    }
}

impl Default for PlaneConfig {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([0u16; 8], 8_089)),
            advertise: Vec::new(),
            workers: 0,
            sessions_max: 25_000,
            audience_packet_ms: 60,
            egress_bits_per_second_max: None,
            express_interface: None,
        }
    }
}

/// The media plane. Cloning clones the handle; the plane runs until [`Self::stop`].
#[derive(Clone)]
pub struct Plane {
    shared: Arc<Shared>,
}

struct Shared {
    registry: Arc<Registry>,
    surroundings: Arc<Surroundings>,
    mailboxes: Arc<[Mailbox]>,
    admission: Arc<Admission>,
    metrics: PlaneMetrics,
    next_session: AtomicU64,
    sessions_max: usize,
    local_addr: SocketAddr,
    /// Weak, so that the queue ends when the workers have.
    events: mpsc::WeakUnboundedSender<SessionEvent>,
    running: watch::Sender<io::Running>,
}

/// What the media plane says to the room side.
pub struct FromPlaneQueue {
    frames: mpsc::Receiver<Uplinked>,
    events: mpsc::UnboundedReceiver<SessionEvent>,
}

impl FromPlaneQueue {
    /// The next frame or event; `None` after the plane has stopped.
    pub async fn recv(&mut self) -> Option<FromPlane> {
        tokio::select! {
            biased;
            Some(event) = self.events.recv() => Some(FromPlane::Session(event)),
            Some(uplinked) = self.frames.recv() => Some(FromPlane::Uplinked(uplinked)),
            else => None,
        }
    }
}

impl Plane {
    /// Binds the media port and starts the workers.
    ///
    /// # Errors
    /// When the port is taken, or the system gives no thread or certificate.
    pub fn start(
        config: &PlaneConfig,
        metrics: PlaneMetrics,
    ) -> anyhow::Result<(Self, FromPlaneQueue)> {
        let first = Socket::bind(config.listen)
            .with_context(|| format!("cannot bind the media port {} (UDP)", config.listen))?;
        let local_addr = first.local_addr()?;
        let cores = thread::available_parallelism().map_or(1, usize::from);
        let workers = if config.workers == 0 { cores } else { config.workers };
        let mut sockets = vec![first];
        while sockets.len() < workers {
            sockets.push(sockets[0].bind_another().context("cannot share the media port")?);
        }
        let express = express(config, local_addr, workers)?;
        let hook = Hook::shared();
        let certificate = hook.certificate().context("cannot make a DTLS certificate")?;
        let candidates = Candidates::new(local_addr, &config.advertise, &local_addresses());
        let (frames, frames_out) = mpsc::channel(FRAMES_MAX);
        let (events, events_out) = mpsc::unbounded_channel();
        let bits = config.egress_bits_per_second_max.map_or(f64::MAX, |bits| bits as f64);
        let capacity = Capacity::new(bits / 8.0 / workers as f64);
        let mailboxes: std::io::Result<Vec<_>> = sockets.iter().map(|_| Mailbox::new()).collect();
        let shared = Shared {
            registry: Arc::default(),
            surroundings: Arc::new(Surroundings {
                hook,
                certificate,
                candidates,
                audience_length: PacketLength::at_most(config.audience_packet_ms),
            }),
            mailboxes: mailboxes?.into(),
            admission: Arc::new(Admission::new(workers, capacity.bookable())),
            metrics,
            next_session: AtomicU64::new(1),
            sessions_max: config.sessions_max,
            local_addr,
            events: events.downgrade(),
            running: watch::Sender::default(),
        };
        shared.spawn_workers(sockets, express, capacity, &frames, &events)?;
        let queue = FromPlaneQueue { frames: frames_out, events: events_out };
        Ok((Self { shared: Arc::new(shared) }, queue))
    }

    /// Where it is bound.
    #[must_use]
    pub fn local_addr(&self) -> SocketAddr {
        self.shared.local_addr
    }

    /// Answers an offer. Costs about a millisecond of the caller's time.
    ///
    /// # Errors
    /// An [`OfferError`] that says what is wrong with the offer, or that the edge is full.
    pub fn open(&self, open: &OpenSession) -> Result<Opened, OfferError> {
        let shared = &self.shared;
        // Looked at before the work is done; `insert` looks again.
        if shared.registry.sessions() >= shared.sessions_max {
            return Err(shared.refuse("sessions"));
        }
        let length = offer::length(open, shared.surroundings.audience_length);
        let booking = shared.admission.book(open.class, length);
        let booking = booking.ok_or_else(|| shared.refuse("capacity"))?;
        let id = SessionId(shared.next_session.fetch_add(1, Ordering::Relaxed));
        let now = Instant::now();
        let (session, opened) =
            offer::open(open, id, &shared.surroundings, booking, now, &mut rand::rng())?;
        let ufrag = opened.ice_ufrag.clone();
        match shared.registry.insert(session, ufrag, shared.sessions_max, now) {
            Ok(()) => Ok(opened),
            Err(_) => Err(shared.refuse("sessions")),
        }
    }

    /// Answers an offer with new ICE credentials for a session that goes on.
    ///
    /// # Errors
    /// [`OfferError::Malformed`], or [`OfferError::Gone`] when the session has ended.
    pub async fn restart(
        &self,
        session: SessionId,
        offer: String,
    ) -> Result<Restarted, OfferError> {
        match self.shared.registry.borrow(session) {
            Borrowed::Taken(mut waiting) => {
                let surroundings = &self.shared.surroundings;
                let restarted = offer::restart(&mut waiting, &offer, surroundings, Instant::now());
                self.shared.registry.give_back(waiting);
                let restarted = restarted?;
                self.shared.registry.add_ufrag(session, restarted.ice_ufrag.clone());
                Ok(restarted)
            }
            Borrowed::Owned(worker) => {
                let (reply, answer) = oneshot::channel();
                self.tell(worker, Control::Restart { session, offer, reply });
                answer.await.unwrap_or(Err(OfferError::Gone))
            }
            Borrowed::Unknown => Err(OfferError::Gone),
        }
    }

    /// Ends a session; its `Closed` event follows.
    pub fn close(&self, session: SessionId) {
        match self.shared.registry.dismiss(session) {
            Dismissed::Owned(worker) => self.tell(worker, Control::Close(session)),
            Dismissed::Forgotten => {
                let event = SessionEvent::Closed { session, reason: "closed" };
                if let Some(events) = self.shared.events.upgrade() {
                    // Without anybody to hear it, the plane has stopped.
                    let _ = events.send(event);
                }
            }
            Dismissed::Unknown => {}
        }
    }

    /// Lets a participant's frames in, or not.
    pub fn set_muted(&self, session: SessionId, muted: bool) {
        self.change(session, Change::Muted(muted));
    }

    /// Puts a participant on the stage, or takes him off, without a word to his client: he hears what the stage
    /// hears, and what he sends is let in, from the next packet on; or the reverse.
    pub fn set_stage(&self, session: SessionId, on: bool) {
        self.change(session, Change::Stage(on));
    }

    /// Changes the length of a listener's packets; on the stage he keeps the shortest ones.
    pub fn change_length(&self, session: SessionId, length: PacketLength) {
        self.change(session, Change::Length(length));
    }

    fn change(&self, session: SessionId, change: Change) {
        if let Some(worker) = self.shared.registry.change(session, change) {
            self.tell(worker, Control::Change(session, change));
        }
    }

    /// Plays a frame. Never blocks; what finds no room is counted and dropped.
    pub fn deliver(&self, delivery: Delivery) {
        if let Some((last, others)) = self.shared.mailboxes.split_last() {
            let now = Instant::now();
            for mailbox in others {
                mailbox.deliver(delivery.clone(), now);
            }
            last.deliver(delivery, now);
        }
    }

    /// Says goodbye to every client and ends the workers.
    pub fn stop(&self) {
        for mailbox in self.shared.mailboxes.iter() {
            mailbox.tell(Control::Stop);
        }
    }

    /// Returns once all workers have ended, as after [`Self::stop`].
    pub async fn ended(&self) {
        let mut running = self.shared.running.subscribe();
        // The sender lives as long as we do.
        let _ = running.wait_for(|running| running.workers == 0).await;
    }

    /// Returns once a worker has ended without being told to: its clients hear nothing any more.
    pub async fn failed(&self) {
        let mut running = self.shared.running.subscribe();
        // The sender lives as long as we do.
        let _ = running.wait_for(|running| running.failed).await;
    }

    fn tell(&self, worker: WorkerIndex, control: Control) {
        if let Some(mailbox) = self.shared.mailboxes.get(worker.0) {
            mailbox.tell(control);
        }
    }
}

impl Shared {
    /// Counts an offer that comes too much.
    fn refuse(&self, reason: &'static str) -> OfferError {
        self.metrics.refused.with_label_values(&[reason]).inc();
        OfferError::Full(match reason {
            "sessions" => "it has as many sessions as it may have",
            _ => "it sends as many packets as it can",
        })
    }

    fn spawn_workers(
        &self,
        sockets: Vec<Socket>,
        express: Vec<Lane>,
        capacity: Capacity,
        frames: &mpsc::Sender<Uplinked>,
        events: &mpsc::UnboundedSender<SessionEvent>,
    ) -> anyhow::Result<()> {
        let mut express = express.into_iter();
        for (index, socket) in sockets.into_iter().enumerate() {
            io::spawn(io::Parts {
                index: WorkerIndex(index),
                socket: Arc::new(socket),
                express: express.next(),
                mailboxes: Arc::clone(&self.mailboxes),
                registry: Arc::clone(&self.registry),
                surroundings: Arc::clone(&self.surroundings),
                admission: Arc::clone(&self.admission),
                capacity,
                frames: frames.clone(),
                events: events.clone(),
                metrics: self.metrics.clone(),
                running: self.running.clone(),
            })
            .context("cannot start a media thread")?;
        }
        Ok(())
    }
}

/// The express path, as far as the operator asked for it.
fn express(config: &PlaneConfig, local: SocketAddr, workers: usize) -> anyhow::Result<Vec<Lane>> {
    let Some(interface) = &config.express_interface else { return Ok(Vec::new()) };
    let lanes = lanes(interface, local, workers)
        .with_context(|| format!("media.express_interface = {interface:?}"))?;
    tracing::info!(
        interface,
        express_workers = lanes.len(),
        plain_workers = workers - lanes.len(),
        "packets take the express path: one worker for each queue of the interface"
    );
    Ok(lanes)
}

/// The addresses from which this host reaches the world, one per family, found by asking the
/// routing table; nothing is sent.
fn local_addresses() -> Vec<IpAddr> {
    // Addresses for documentation (RFC 5737, RFC 3849): routed like any far host.
    let probes: [(&str, &str); 2] = [("0.0.0.0:0", "203.0.113.1:9"), ("[::]:0", "[2001:db8::1]:9")];
    let mut found = Vec::new();
    for (from, to) in probes {
        let address = UdpSocket::bind(from)
            .and_then(|socket| socket.connect(to).and_then(|()| socket.local_addr()));
        if let Ok(address) = address
            && !address.ip().is_loopback()
            && !address.ip().is_unspecified()
        {
            found.push(address.ip());
        }
    }
    found
}
