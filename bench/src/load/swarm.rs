//! All listeners on one thread: reads their sockets, opens every packet, keeps consent, reports.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rand::SeedableRng;
use rand::rngs::StdRng;
use rustix::event::{EventfdFlags, PollFd, PollFlags, Timespec, eventfd, poll};

use super::client::{self, Listener, Progress};
use super::letter::Letter;
use super::member::Client;
pub(super) use super::member::Join;
use super::scenario::Heard;
use super::sockets::{Places, Sockets};
use super::stamp::{Stamp, for_each_stamp};
use super::tally::{Gauges, Tally};
use super::window::{Arrival, Window};

/// What a speaker sends at a time.
const FRAME: Duration = Duration::from_millis(20);
/// Joins that may wait for the swarm's thread.
const JOINS_WAITING_MAX: usize = 1_024;
/// Batches read from one socket before the others get their turn.
const BATCHES_PER_TURN_MAX: usize = 8;
/// The longest sleep, so that a stop is seen.
const SLEEP_MAX: Duration = Duration::from_millis(50);
/// A frame this old would never be played: it counts as late.
const LATE_AFTER: Duration = Duration::from_secs(1);
/// How long a finished handshake is kept for the edge's repeats of its last flight.
const LINGER: Duration = Duration::from_secs(5);

/// The running swarm; dropping it stops it.
pub(super) struct Swarm {
    /// How far it is.
    pub(super) gauges: Arc<Gauges>,
    /// Which frames count.
    pub(super) window: Arc<Window>,
    /// Where each client is.
    pub(super) places: Places,
    joins: SyncSender<Join>,
    wake: Arc<OwnedFd>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<Tally>>,
}

impl Swarm {
    /// Starts the thread for `clients` listeners; `epoch` is what stamps count from, `length` that of
    /// the packets they have asked for.
    ///
    /// # Errors
    /// When the system gives no socket or thread.
    pub(super) fn spawn(
        clients: u32,
        sockets: u32,
        epoch: Instant,
        length: Duration,
    ) -> Result<Self> {
        Self::start(clients, sockets, epoch, length, None)
    }

    /// The same, with one socket, and every frame noted; what `notes` does not take is not noted.
    ///
    /// # Errors
    /// When the system gives no socket or thread.
    pub(super) fn noting(
        clients: u32,
        epoch: Instant,
        length: Duration,
        notes: SyncSender<Heard>,
    ) -> Result<Self> {
        Self::start(clients, 1, epoch, length, Some(notes))
    }

    fn start(
        clients: u32,
        sockets: u32,
        epoch: Instant,
        length: Duration,
        notes: Option<SyncSender<Heard>>,
    ) -> Result<Self> {
        let sockets = Sockets::bind(sockets)?;
        let places = sockets.places();
        let flags = EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK;
        let wake = Arc::new(eventfd(0, flags).context("no event descriptor")?);
        let gauges = Arc::<Gauges>::default();
        let window = Arc::<Window>::default();
        let stop = Arc::<AtomicBool>::default();
        let (joins, joining) = sync_channel(JOINS_WAITING_MAX);
        let state = State {
            sockets,
            epoch,
            length,
            notes,
            joining,
            wake: Arc::clone(&wake),
            gauges: Arc::clone(&gauges),
            window: Arc::clone(&window),
            clients: (0..clients).map(|_| Client::default()).collect(),
            due: BinaryHeap::new(),
            rng: StdRng::seed_from_u64(u64::from(clients)),
            tally: Tally::default(),
        };
        let stopped = Arc::clone(&stop);
        let thread = std::thread::Builder::new()
            .name("listeners".into())
            .spawn(move || state.run(&stopped))
            .context("no thread")?;
        Ok(Self { gauges, window, places, joins, wake, stop, thread: Some(thread) })
    }

    /// Hands over a listener. Waits while very many wait already.
    ///
    /// # Errors
    /// When the thread is gone.
    pub(super) fn join(&self, join: Join) -> Result<()> {
        self.joins.send(join).ok().context("the listeners' thread has ended")?;
        rustix::io::write(&*self.wake, &1u64.to_ne_bytes()).context("cannot wake the listeners")?;
        Ok(())
    }

    /// Stops the thread and returns what it counted.
    ///
    /// # Errors
    /// When the thread had panicked.
    pub(super) fn finish(mut self) -> Result<Tally> {
        self.stop.store(true, Ordering::Relaxed);
        match self.thread.take().map(JoinHandle::join) {
            Some(Ok(tally)) => Ok(tally),
            _ => bail!("the listeners' thread has failed; its message stands above"),
        }
    }
}

impl Drop for Swarm {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

struct State {
    sockets: Sockets,
    epoch: Instant,
    length: Duration,
    notes: Option<SyncSender<Heard>>,
    joining: Receiver<Join>,
    wake: Arc<OwnedFd>,
    gauges: Arc<Gauges>,
    window: Arc<Window>,
    clients: Vec<Client>,
    due: BinaryHeap<Reverse<(Instant, u32)>>,
    rng: StdRng,
    tally: Tally,
}

impl State {
    fn run(mut self, stop: &AtomicBool) -> Tally {
        let mut inbox = Vec::new();
        while !stop.load(Ordering::Relaxed) {
            self.take_joins();
            let now = Instant::now();
            self.serve_due(now);
            for socket in self.sleep(now) {
                for _ in 0..BATCHES_PER_TURN_MAX {
                    if !self.read(socket, &mut inbox) {
                        break;
                    }
                }
            }
        }
        self.tally
    }

    fn take_joins(&mut self) {
        while let Ok(join) = self.joining.try_recv() {
            let Some(client) = self.clients.get_mut(join.client as usize) else { continue };
            client.handshake = Some(join.handshake);
            client.asked = Some(join.asked);
            self.drive_handshake(join.client, Instant::now());
        }
    }

    /// Sleeps until something is due or readable; returns the readable sockets.
    fn sleep(&self, now: Instant) -> Vec<usize> {
        let due = self.due.peek().map_or(SLEEP_MAX, |next| next.0.0.saturating_duration_since(now));
        let due = due.min(SLEEP_MAX);
        let timeout = Timespec { tv_sec: 0, tv_nsec: i64::from(due.subsec_nanos()) };
        let mut waiting: Vec<PollFd<'_>> =
            self.sockets.iter().map(|socket| PollFd::new(socket, PollFlags::IN)).collect();
        waiting.push(PollFd::new(&*self.wake, PollFlags::IN));
        if poll(&mut waiting, Some(&timeout)).is_err() {
            return Vec::new();
        }
        if waiting.pop().is_some_and(|wake| !wake.revents().is_empty()) {
            // Emptied; a failure means that it is empty already.
            let _ = rustix::io::read(&*self.wake, &mut [0; 8]);
        }
        let readable = waiting.iter().enumerate().filter(|(_, fd)| !fd.revents().is_empty());
        readable.map(|(index, _)| index).collect()
    }

    /// Reads one batch; whether there may be more.
    fn read(&mut self, socket: usize, inbox: &mut Vec<Letter>) -> bool {
        let mut used = 0;
        let count = self.sockets.receive(socket, |datagram| {
            if used == inbox.len() {
                inbox.push(Letter::from(datagram.from));
            }
            inbox[used].fill(&datagram);
            used += 1;
        });
        let now = Instant::now();
        let counting = !self.window.frames().is_empty();
        for letter in &mut inbox[..used] {
            let came = now.checked_sub(letter.waited).unwrap_or(now);
            if counting {
                self.tally.read_delay.record(letter.waited);
            }
            self.handle_datagram(letter.client, letter.from, &mut letter.bytes, came);
        }
        count == quinn_udp::BATCH_SIZE
    }

    fn handle_datagram(&mut self, id: u32, from: SocketAddr, datagram: &mut [u8], now: Instant) {
        let Some(client) = self.clients.get_mut(id as usize) else { return };
        let Some(listener) = &mut client.listener else {
            if let Some(handshake) = &mut client.handshake {
                handshake.handle_packet(now, from, datagram);
                self.drive_handshake(id, now);
            }
            return;
        };
        let mut buffer = [0; 256];
        match listener.handle_packet(now, from, datagram, &mut buffer) {
            client::Heard::Audio(payload) => {
                let payload = payload.start..payload.end.min(datagram.len());
                self.handle_audio(id, &datagram[payload], now);
            }
            client::Heard::Report => self.tally.reports += 1,
            client::Heard::Consent => self.tally.consents += 1,
            client::Heard::Goodbye => {
                *client = Client::default();
                self.gauges.sent_away.fetch_add(1, Ordering::Relaxed);
            }
            client::Heard::Answer(length) => self.sockets.send(id, from, &buffer[..length]),
            client::Heard::Dtls => {
                if let Some(handshake) = &mut client.handshake {
                    handshake.handle_packet(now, from, datagram);
                    let sockets = &self.sockets;
                    handshake.poll(|to, bytes| sockets.send(id, to, bytes));
                }
            }
            client::Heard::Refused => self.tally.refused += 1,
        }
    }

    fn handle_audio(&mut self, id: u32, payload: &[u8], now: Instant) {
        let Some(client) = self.clients.get_mut(id as usize) else { return };
        if let Some(asked) = client.asked.take() {
            self.tally.joins.record(now.saturating_duration_since(asked));
            self.gauges.hearing.fetch_add(1, Ordering::Relaxed);
        }
        let counting = self.window.frames();
        let age = now.saturating_duration_since(self.epoch);
        let mut newest: Option<Stamp> = None;
        let mut oldest: Option<Stamp> = None;
        let tally = &mut self.tally;
        let mut counted = 0;
        for_each_stamp(payload, |stamp| {
            let Some(stamp) = stamp else {
                tally.foreign += 1;
                return;
            };
            if let Some(notes) = &self.notes {
                let Stamp { number, sent: spoken } = stamp;
                // A full queue shows as lost frames, which is the honest way round.
                let _ = notes.try_send(Heard { client: id, number, spoken, at: age });
            }
            let arrival = client.record.note(stamp.number);
            if !counting.contains(&stamp.number) {
                return;
            }
            newest = newest.filter(|newest| newest.number > stamp.number).or(Some(stamp));
            oldest = oldest.filter(|oldest| oldest.number < stamp.number).or(Some(stamp));
            let late = age.saturating_sub(stamp.sent) > LATE_AFTER;
            match arrival {
                Arrival::New if !late => counted += 1,
                Arrival::New | Arrival::Late => tally.late += 1,
                Arrival::Duplicate => tally.duplicates += 1,
            }
        });
        if let Some(stamp) = newest {
            tally.packets += 1;
            tally.latency.record(age.saturating_sub(stamp.sent));
        }
        // A packet waits for its last frame, or as long as that would have taken.
        if let Some(stamp) = oldest {
            let unavoidable = stamp.sent + self.length.saturating_sub(FRAME);
            tally.added_delay.record(age.saturating_sub(unavoidable));
        }
        tally.frames += counted;
        self.gauges.frames.fetch_add(counted, Ordering::Relaxed);
    }

    /// Sends what str0m has to send, and takes over once it has shaken hands.
    fn drive_handshake(&mut self, id: u32, now: Instant) {
        let Some(client) = self.clients.get_mut(id as usize) else { return };
        let Some(handshake) = &mut client.handshake else { return };
        let sockets = &self.sockets;
        match handshake.poll(|to, bytes| sockets.send(id, to, bytes)) {
            Progress::Waiting(at) => self.schedule(id, at),
            Progress::Failed(reason) => {
                tracing::debug!(client = id, reason, "a listener failed");
                client.handshake = None;
                self.gauges.failed.fetch_add(1, Ordering::Relaxed);
            }
            Progress::Connected => {
                let Some(established) = handshake.establish() else { return };
                client.remote = Some(established.remote);
                client.forget_handshake = Some(now + LINGER);
                match Listener::new(established, now, &mut self.rng) {
                    Ok(listener) => {
                        let due = listener.poll_timeout();
                        client.listener = Some(Box::new(listener));
                        self.gauges.connected.fetch_add(1, Ordering::Relaxed);
                        self.schedule(id, due);
                    }
                    Err(error) => {
                        tracing::debug!(%error, client = id, "a listener failed");
                        self.gauges.failed.fetch_add(1, Ordering::Relaxed);
                    }
                }
            }
        }
    }

    fn schedule(&mut self, id: u32, at: Instant) {
        let Some(client) = self.clients.get_mut(id as usize) else { return };
        if client.scheduled.is_none_or(|scheduled| at < scheduled) {
            client.scheduled = Some(at);
            self.due.push(Reverse((at, id)));
        }
    }

    fn serve_due(&mut self, now: Instant) {
        while let Some(Reverse((at, id))) = self.due.peek().copied() {
            if at > now {
                return;
            }
            self.due.pop();
            let Some(client) = self.clients.get_mut(id as usize) else { continue };
            if client.scheduled == Some(at) {
                client.scheduled = None;
                self.serve(id, now);
            }
        }
    }

    fn serve(&mut self, id: u32, now: Instant) {
        let Some(client) = self.clients.get_mut(id as usize) else { return };
        if let (Some(listener), Some(remote)) = (&mut client.listener, client.remote) {
            let mut buffer = [0; 256];
            let counting = !self.window.frames().is_empty();
            if let Some(jitter) =
                listener.jitter().filter(|_| counting && now >= listener.report_due())
            {
                self.tally.jitter.record(jitter);
            }
            while let Some(length) = listener.next_datagram(now, &mut self.rng, &mut buffer) {
                self.sockets.send(id, remote, &buffer[..length]);
            }
            if listener.lost_for(now).is_some() {
                tracing::debug!(client = id, "a listener lost the edge");
                *client = Client::default();
                self.gauges.failed.fetch_add(1, Ordering::Relaxed);
                return;
            }
            let due = listener.poll_timeout();
            if client.forget_handshake.is_some_and(|at| now >= at) {
                client.handshake = None;
            }
            self.schedule(id, due);
        } else if let Some(handshake) = &mut client.handshake {
            handshake.handle_timeout(now);
            self.drive_handshake(id, now);
        }
    }
}
