//! A worker: one thread, one socket, the sessions that came to it. Everything it decides is decided
//! in `sessions` and `media`; here are the clock, the socket and the loop.

use std::net::SocketAddr;
use std::os::fd::AsFd;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use tokio::sync::{mpsc, watch};

use super::admission::Admission;
use super::backlog::Backlog;
use super::capacity::Capacity;
use super::datagram::{Kind, classify};
use super::mailbox::{Control, Mailbox};
use super::meter::Meter;
use super::metrics::PlaneMetrics;
use super::offer::Surroundings;
use super::publish::PUBLISH_TICK;
use super::registry::{Registry, WorkerIndex};
use super::sessions::Sessions;
use super::{FromPlane, SessionEvent, Uplinked};
use crate::media::kernel::{Egress, Lane, ReceiveBatch, Socket};

/// Deliveries taken before the socket is looked at again.
const DELIVERIES_A_TURN: usize = 256;

/// Controls obeyed before deliveries are looked at again; an ICE restart counts as all of them,
/// because it takes as long.
const CONTROLS_A_TURN: usize = 64;

/// Sound that has waited longer, from a client or for listeners, is dropped: an overloaded worker is in time again
/// then, instead of ever later.
const AGE_MAX: Duration = Duration::from_millis(200);

/// Batches received before deliveries are looked at again.
const BATCHES_A_TURN: usize = 4;

/// Datagrams of handshakes taken before everything else is looked at again: less than 1 ms.
const HANDSHAKES_A_TURN: usize = 4;

/// Most of what comes is checks and reports: after each batch the worker leaves its socket alone, to wake once
/// for several. For `BRIEF_REST` while somebody speaks here, for `REST` when nobody has for `LULL`.
const LULL: Duration = Duration::from_secs(1);
const REST: Duration = Duration::from_millis(2);
const BRIEF_REST: Duration = Duration::from_millis(1);

/// What a worker is made of.
pub(super) struct Parts {
    pub index: WorkerIndex,
    pub socket: Arc<Socket>,
    pub express: Option<Lane>,
    pub mailboxes: Arc<[Mailbox]>,
    pub registry: Arc<Registry>,
    pub surroundings: Arc<Surroundings>,
    pub admission: Arc<Admission>,
    pub capacity: Capacity,
    pub frames: mpsc::Sender<Uplinked>,
    pub events: mpsc::UnboundedSender<SessionEvent>,
    pub metrics: PlaneMetrics,
    pub running: watch::Sender<Running>,
}

/// How the workers are.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Running {
    /// Threads that have not ended.
    pub workers: usize,
    /// One has ended without being told to.
    pub failed: bool,
}

/// Starts a worker's thread; it ends when told to stop.
///
/// # Errors
/// When the system gives no thread.
pub(super) fn spawn(parts: Parts) -> std::io::Result<()> {
    let name = format!("media-{}", parts.index.0);
    let end = End { running: parts.running.clone(), asked: false };
    end.running.send_modify(|running| running.workers += 1);
    thread::Builder::new().name(name).spawn(move || {
        let mut end = end;
        Worker::new(parts).run();
        end.asked = true;
        drop(end);
    })?;
    Ok(())
}

/// Tells of a worker's end, however it comes.
struct End {
    running: watch::Sender<Running>,
    asked: bool,
}

impl Drop for End {
    fn drop(&mut self) {
        let asked = self.asked;
        self.running.send_modify(|running| {
            running.workers -= 1;
            running.failed |= !asked;
        });
    }
}

pub(super) struct Worker {
    pub(super) parts: Parts,
    pub(super) sessions: Sessions,
    pub(super) received: ReceiveBatch,
    pub(super) batch: Egress,
    pub(super) handshakes: Backlog,
    pub(super) meter: Meter,
    /// What the gauges of capacity hold of this worker: packets and bytes a second.
    pub(super) told: [i64; 2],
    pub(super) publish_at: Instant,
    /// When a client's frame was last handed over.
    pub(super) spoken_at: Instant,
    /// Whether the last look at the socket has brought something.
    pub(super) has_received: bool,
    pub(super) received_datagrams: u64,
    pub(super) late_deliveries: u64,
    pub(super) late_uplinks: u64,
    pub(super) listeners: i64,
    pub(super) stopping: bool,
}

impl Worker {
    fn new(mut parts: Parts) -> Self {
        let now = Instant::now();
        let unix = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let (registry, surroundings) = (parts.registry.clone(), parts.surroundings.clone());
        Self {
            sessions: Sessions::new(parts.index, registry, surroundings, now, unix),
            received: ReceiveBatch::default(),
            batch: Egress::new(parts.socket.clone(), parts.express.take()),
            handshakes: Backlog::default(),
            meter: Meter::new(parts.capacity, now),
            told: [0; 2],
            publish_at: now,
            spoken_at: now,
            has_received: false,
            received_datagrams: 0,
            late_deliveries: 0,
            late_uplinks: 0,
            listeners: 0,
            stopping: false,
            parts,
        }
    }

    fn run(mut self) {
        while !self.stopping {
            // 1. Frames, because they are late already. 2. What the room side wants. 3. Deadlines.
            let mut busy = self.deliver();
            self.obey();
            self.sessions.handle_timeout(Instant::now(), &mut self.batch);
            self.batch.flush();
            // 4. Clients.
            busy |= self.receive();
            self.batch.flush();
            self.hand_over();
            // 5. Handshakes, of which each takes long and none is urgent.
            busy |= self.shake_hands();
            self.batch.flush();
            self.hand_over();
            self.publish(Instant::now());
            if !busy {
                self.sleep();
            }
        }
        self.sessions.close_all(Instant::now(), &mut self.batch);
        self.batch.flush();
        self.hand_over();
        self.publish_at = Instant::now();
        self.publish(self.publish_at);
    }

    pub(super) fn mailbox(&self) -> &Mailbox {
        &self.parts.mailboxes[self.parts.index.0]
    }

    /// Plays what waits and sends it, also in the midst of other work: a handshake takes as long as hundreds of
    /// packets, and hundreds of handshakes may have come at once. Says whether there may be more.
    fn deliver(&mut self) -> bool {
        if !self.mailbox().has_delivery() {
            return false;
        }
        self.batch.flush(); // What is in it by now is somebody else's work.
        let (began, before) = (self.meter.begin(), self.batch.sent());
        let more = self.play();
        self.batch.flush();
        self.meter.end(began, self.batch.sent().since(before));
        more
    }

    fn play(&mut self) -> bool {
        let now = Instant::now();
        for _ in 0..DELIVERIES_A_TURN {
            let Some((made_at, delivery)) = self.mailbox().next_delivery() else { return false };
            let waited = now.saturating_duration_since(made_at);
            let late = waited > AGE_MAX;
            self.meter.note_wait(waited, late);
            if late {
                self.late_deliveries += 1;
            } else {
                self.sessions.deliver(&delivery, now, &mut self.batch);
            }
        }
        true
    }

    fn obey(&mut self) {
        for _ in 0..CONTROLS_A_TURN {
            self.deliver();
            let Some(control) = self.mailbox().next_control() else { return };
            let now = Instant::now();
            match control {
                Control::Close(session) => self.sessions.close(session, now, &mut self.batch),
                Control::Change(session, change) => {
                    self.sessions.change(session, change, now, &mut self.batch);
                }
                Control::Restart { session, offer, reply } => {
                    let restarted = self.sessions.restart(session, &offer, now, &mut self.batch);
                    // Who no longer waits for the answer needs none.
                    let _ = reply.send(restarted);
                    return;
                }
                Control::Datagram { source, mut datagram, reached } => {
                    self.take_over(&mut datagram, source, reached, now);
                }
                Control::Foreign { source, owner } => self.sessions.add_foreign(source, owner),
                Control::Stop => self.stopping = true,
            }
        }
    }

    /// A datagram that reached another worker. It goes no further, whatever is said of it here; once
    /// its address has passed a check, the other worker may know it.
    fn take_over(
        &mut self,
        datagram: &mut [u8],
        source: SocketAddr,
        reached: WorkerIndex,
        now: Instant,
    ) {
        if can_wait(&self.sessions, datagram, source) {
            self.handshakes.push(source, datagram);
            return;
        }
        let check = matches!(classify(datagram), Kind::BindingRequest(_));
        self.sessions.handle_datagram(datagram, source, now, &mut self.batch);
        if check
            && self.sessions.owns(source)
            && let Some(other) = self.parts.mailboxes.get(reached.0)
        {
            other.tell(Control::Foreign { source, owner: self.parts.index });
        }
    }

    fn receive(&mut self) -> bool {
        self.has_received = false;
        for _ in 0..BATCHES_A_TURN {
            // An error of the socket (an ICMP message, say) is about one peer; the next call goes on.
            let count = self.received.receive(&self.parts.socket).unwrap_or(0);
            let now = Instant::now();
            let clock = SystemTime::now();
            for index in 0..count {
                self.deliver();
                let waited = waited(&self.received, index, clock);
                let Some((packet, source)) = self.received.packet(index) else { continue };
                // Sound that is late stays late for everybody; checks and reports are worth something still.
                let late = waited > AGE_MAX && classify(packet) == Kind::Rtp;
                self.meter.note_wait(waited, late);
                if late {
                    self.late_uplinks += 1;
                    continue;
                }
                if can_wait(&self.sessions, packet, source) {
                    self.handshakes.push(source, packet);
                    continue;
                }
                let owner = self.sessions.handle_datagram(packet, source, now, &mut self.batch);
                if let Some(owner) = owner.and_then(|o| self.parts.mailboxes.get(o.0)) {
                    let reached = self.parts.index;
                    owner.tell(Control::Datagram { source, datagram: packet.to_vec(), reached });
                }
            }
            self.received_datagrams += count as u64;
            self.has_received |= count > 0;
            // Fewer than there is room for were all that there were.
            if count < ReceiveBatch::PACKETS {
                return false;
            }
        }
        true
    }

    /// Whether there are more.
    fn shake_hands(&mut self) -> bool {
        for _ in 0..HANDSHAKES_A_TURN {
            let Some((source, mut datagram)) = self.handshakes.pop() else { return false };
            let began = self.meter.begin();
            self.sessions.handle_datagram(&mut datagram, source, Instant::now(), &mut self.batch);
            self.meter.end_handshake(began);
            self.deliver();
        }
        !self.handshakes.is_empty()
    }

    fn hand_over(&mut self) {
        let (mut dropped, mut spoken) = (0, false);
        for output in self.sessions.drain_outputs() {
            match output {
                FromPlane::Uplinked(uplinked) => {
                    spoken = true;
                    dropped += u64::from(self.parts.frames.try_send(uplinked).is_err());
                }
                // Bounded by the number of sessions: each tells of itself twice.
                FromPlane::Session(event) => {
                    let _ = self.parts.events.send(event);
                }
            }
        }
        self.parts.metrics.drop_by("room-side-full", dropped);
        if spoken {
            self.spoken_at = Instant::now();
        }
    }

    fn sleep(&mut self) {
        let now = Instant::now();
        let until = self.sessions.poll_timeout().min(self.publish_at);
        let rests = self.has_received;
        let lull = now.saturating_duration_since(self.spoken_at) > LULL;
        let rest = if lull { REST } else { BRIEF_REST };
        let wait =
            until.saturating_duration_since(now).min(if rests { rest } else { PUBLISH_TICK });
        if wait.is_zero() || !self.mailbox().fall_asleep() {
            return;
        }
        let wait = Timespec {
            tv_sec: i64::try_from(wait.as_secs()).unwrap_or(1),
            tv_nsec: i64::from(wait.subsec_nanos()),
        };
        let mut fds = [
            PollFd::from_borrowed_fd(self.mailbox().wake_fd(), PollFlags::IN),
            PollFd::from_borrowed_fd(self.parts.socket.as_fd(), PollFlags::IN),
        ];
        let watched = if rests { 1 } else { 2 };
        let _ = poll(&mut fds[..watched], Some(&wait)); // Woken for nothing, the loop looks for itself.
        let told = !fds[0].revents().is_empty();
        self.mailbox().woken(told);
    }
}

/// How long a datagram has lain in the kernel. A clock that is set meanwhile makes it wrong once.
fn waited(received: &ReceiveBatch, index: usize, clock: SystemTime) -> Duration {
    let arrival = received.arrival(index);
    arrival.and_then(|arrival| clock.duration_since(arrival).ok()).unwrap_or_default()
}

/// Whether a datagram is part of a handshake of a client of `sessions`; of others it is not worth keeping.
fn can_wait(sessions: &Sessions, datagram: &[u8], source: SocketAddr) -> bool {
    matches!(classify(datagram), Kind::Dtls) && sessions.owns(source)
}
