//! A worker: one thread, one socket, the sessions that came to it. Everything it decides is decided
//! in `sessions` and `media`; here are the clock, the socket and the loop.

use std::net::SocketAddr;
use std::os::fd::AsFd;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use tokio::sync::{mpsc, watch};

use super::backlog::Backlog;
use super::datagram::{Kind, classify};
use super::mailbox::{Control, Mailbox};
use super::metrics::PlaneMetrics;
use super::offer::Surroundings;
use super::registry::{Registry, WorkerIndex};
use super::sessions::Sessions;
use super::{FromPlane, SessionEvent, Uplinked};
use crate::media::kernel::{Egress, Lane, ReceiveBatch, Socket};

/// Deliveries taken before the socket is looked at again.
const DELIVERIES_A_TURN: usize = 256;

/// Controls obeyed before deliveries are looked at again; an ICE restart counts as all of them,
/// because it takes as long.
const CONTROLS_A_TURN: usize = 64;

/// A frame that has waited longer is of no use to anybody: an overloaded worker drops it and is in
/// time again, instead of being later and later.
const DELIVERY_AGE_MAX: Duration = Duration::from_millis(200);

/// Batches received before deliveries are looked at again.
const BATCHES_A_TURN: usize = 4;

/// Datagrams of handshakes taken before everything else is looked at again: less than a millisecond.
const HANDSHAKES_A_TURN: usize = 4;

/// Counters are published this often.
const PUBLISH_TICK: Duration = Duration::from_millis(200);

/// What a worker is made of.
pub(super) struct Parts {
    pub index: WorkerIndex,
    pub socket: Arc<Socket>,
    pub express: Option<Lane>,
    pub mailboxes: Arc<[Mailbox]>,
    pub registry: Arc<Registry>,
    pub surroundings: Arc<Surroundings>,
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

struct Worker {
    parts: Parts,
    sessions: Sessions,
    received: ReceiveBatch,
    batch: Egress,
    handshakes: Backlog,
    publish_at: Instant,
    received_datagrams: u64,
    late_deliveries: u64,
    listeners: i64,
    stopping: bool,
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
            publish_at: now,
            received_datagrams: 0,
            late_deliveries: 0,
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
            self.publish();
            if !busy {
                self.sleep();
            }
        }
        self.sessions.close_all(Instant::now(), &mut self.batch);
        self.batch.flush();
        self.hand_over();
        self.publish_at = Instant::now();
        self.publish();
    }

    fn mailbox(&self) -> &Mailbox {
        &self.parts.mailboxes[self.parts.index.0]
    }

    fn deliver(&mut self) -> bool {
        let now = Instant::now();
        for _ in 0..DELIVERIES_A_TURN {
            let Some((made_at, delivery)) = self.mailbox().next_delivery() else { return false };
            if now.saturating_duration_since(made_at) > DELIVERY_AGE_MAX {
                self.late_deliveries += 1;
                continue;
            }
            self.sessions.deliver(&delivery, now, &mut self.batch);
        }
        true
    }

    /// Plays what waits and sends it, in the midst of other work: a handshake takes as long as hundreds
    /// of packets, and hundreds of handshakes may have come at once.
    fn deliver_first(&mut self) {
        if self.mailbox().has_delivery() {
            self.deliver();
            self.batch.flush();
        }
    }

    fn obey(&mut self) {
        for _ in 0..CONTROLS_A_TURN {
            self.deliver_first();
            let Some(control) = self.mailbox().next_control() else { return };
            let now = Instant::now();
            match control {
                Control::Close(session) => self.sessions.close(session, now, &mut self.batch),
                Control::SetMuted(session, muted) => self.sessions.set_muted(session, muted),
                Control::ChangeLength(session, length) => {
                    self.sessions.change_length(session, length, &mut self.batch);
                }
                Control::Restart { session, offer, reply } => {
                    let restarted = self.sessions.restart(session, &offer, now, &mut self.batch);
                    // Who no longer waits for the answer needs none.
                    let _ = reply.send(restarted);
                    return;
                }
                Control::Datagram { source, datagram, reached } => {
                    self.take_over(&datagram, source, reached, now);
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
        datagram: &[u8],
        source: SocketAddr,
        reached: WorkerIndex,
        now: Instant,
    ) {
        if self.sessions.can_wait(datagram, source) {
            self.handshakes.push(source, datagram);
            return;
        }
        self.sessions.handle_datagram(datagram, source, now, &mut self.batch);
        let check = matches!(classify(datagram), Kind::BindingRequest(_));
        if check
            && self.sessions.owns(source)
            && let Some(other) = self.parts.mailboxes.get(reached.0)
        {
            other.tell(Control::Foreign { source, owner: self.parts.index });
        }
    }

    fn receive(&mut self) -> bool {
        for _ in 0..BATCHES_A_TURN {
            // An error of the socket (an ICMP message, say) is about one peer; the next call goes on.
            let count = self.received.receive(&self.parts.socket).unwrap_or(0);
            let now = Instant::now();
            for index in 0..count {
                self.deliver_first();
                let Some((packet, source)) = self.received.packet(index) else { continue };
                if self.sessions.can_wait(packet, source) {
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
            if count == 0 {
                return false;
            }
        }
        true
    }

    /// Whether there are more.
    fn shake_hands(&mut self) -> bool {
        for _ in 0..HANDSHAKES_A_TURN {
            let Some((source, datagram)) = self.handshakes.pop() else { return false };
            self.sessions.handle_datagram(&datagram, source, Instant::now(), &mut self.batch);
            self.deliver_first();
        }
        !self.handshakes.is_empty()
    }

    fn hand_over(&mut self) {
        let mut dropped = 0;
        for output in self.sessions.drain_outputs() {
            match output {
                FromPlane::Uplinked(uplinked) => {
                    dropped += u64::from(self.parts.frames.try_send(uplinked).is_err());
                }
                // Bounded by the number of sessions: each tells of itself twice.
                FromPlane::Session(event) => {
                    let _ = self.parts.events.send(event);
                }
            }
        }
        self.parts.metrics.drop_by("room-side-full", dropped);
    }

    fn publish(&mut self) {
        let now = Instant::now();
        if now < self.publish_at {
            return;
        }
        self.publish_at = now + PUBLISH_TICK;
        if self.parts.index.0 == 0 {
            self.expire(now);
        }
        let metrics = &self.parts.metrics;
        metrics.add_sent(self.batch.take_sent());
        metrics.add_sessions(self.sessions.take_counters());
        metrics.add_fanout(self.sessions.fanout().take_counters());
        let truncated = self.received.take_truncated();
        metrics.add_received(std::mem::take(&mut self.received_datagrams), truncated);
        metrics.drop_by("late-delivery", std::mem::take(&mut self.late_deliveries));
        metrics.drop_by("mailbox-full", self.mailbox().take_dropped());
        metrics.drop_by("handshakes-full", self.handshakes.take_dropped());
        let listeners = i64::try_from(self.sessions.fanout().listeners()).unwrap_or(i64::MAX);
        metrics.listeners.add(listeners - self.listeners);
        self.listeners = listeners;
    }

    /// Sessions that nobody has claimed in time end here, once for all workers.
    fn expire(&mut self, now: Instant) {
        for session in self.parts.registry.expire(now) {
            let event = SessionEvent::Closed { session, reason: "never-connected" };
            let _ = self.parts.events.send(event);
        }
        let sessions = i64::try_from(self.parts.registry.sessions()).unwrap_or(i64::MAX);
        self.parts.metrics.sessions.set(sessions);
    }

    fn sleep(&mut self) {
        let until = self.sessions.poll_timeout().min(self.publish_at);
        let wait = until.saturating_duration_since(Instant::now());
        if wait.is_zero() || !self.mailbox().fall_asleep() {
            return;
        }
        let wait = Timespec {
            tv_sec: i64::try_from(wait.as_secs()).unwrap_or(1),
            tv_nsec: i64::from(wait.subsec_nanos()),
        };
        let mut fds = [
            PollFd::from_borrowed_fd(self.parts.socket.as_fd(), PollFlags::IN),
            PollFd::from_borrowed_fd(self.mailbox().wake_fd(), PollFlags::IN),
        ];
        // Woken early or for nothing: the loop looks for itself.
        let _ = poll(&mut fds, Some(&wait));
        self.mailbox().woken();
    }
}
