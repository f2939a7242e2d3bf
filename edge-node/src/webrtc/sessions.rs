//! The sessions of one worker: which datagram is whose, and when each must be looked at again.
//!
//! Never a scan over sessions: datagrams are found by the directory, deadlines by a heap.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use stoa_audio::frame::Frame;

use super::clock::Clock;
use super::containment::{Panicked, contain};
use super::counters::SessionsCounters;
use super::datagram::{BindingRequest, Kind, classify};
use super::directory::{Directory, Names, Owner};
use super::offer::{self, Surroundings};
use super::registry::{Claim, Registry, WorkerIndex};
use super::session::{Progress, Session};
use super::{Delivery, FromPlane, OfferError, Restarted, SessionEvent, SessionId, Uplinked};
use crate::media::kernel::Address;
use crate::media::srtp::Sender;
use crate::media::{Fanout, Listener, Outbox, PacketLength};

/// Changes that one poll of a session may ask for, so that no session can hold up the others.
const STEPS_MAX: usize = 256;

/// Sender reports are looked at this often.
const REPORT_TICK: Duration = Duration::from_millis(100);

/// All sessions of one worker.
pub(super) struct Sessions {
    worker: WorkerIndex,
    registry: Arc<Registry>,
    surroundings: Arc<Surroundings>,
    clock: Clock,
    entries: Vec<Option<Entry>>,
    free: Vec<usize>,
    directory: Directory,
    timers: BinaryHeap<Reverse<(Instant, usize)>>,
    fanout: Fanout,
    report_at: Instant,
    frames: Vec<Frame>,
    outputs: Vec<FromPlane>,
    counters: SessionsCounters,
}

struct Entry {
    session: Box<Session>,
    names: Names,
    /// When it wants to be looked at.
    wake_at: Instant,
    /// The earliest of its entries in the heap.
    queued_at: Option<Instant>,
    /// Where the fan-out sends.
    playing_to: Option<SocketAddr>,
    /// It has panicked.
    broken: bool,
}

impl Sessions {
    /// No sessions yet. `unix` is the time since 1970 at `now`.
    pub(super) fn new(
        worker: WorkerIndex,
        registry: Arc<Registry>,
        surroundings: Arc<Surroundings>,
        now: Instant,
        unix: Duration,
    ) -> Self {
        Self {
            worker,
            registry,
            surroundings,
            clock: Clock::new(now, unix),
            entries: Vec::new(),
            free: Vec::new(),
            directory: Directory::default(),
            timers: BinaryHeap::new(),
            fanout: Fanout::default(),
            report_at: now,
            frames: Vec::new(),
            outputs: Vec::new(),
            counters: SessionsCounters::default(),
        }
    }

    /// Takes a datagram, or names the worker whose it is.
    pub(super) fn handle_datagram(
        &mut self,
        datagram: &[u8],
        source: SocketAddr,
        now: Instant,
        out: &mut impl Outbox,
    ) -> Option<WorkerIndex> {
        let kind = classify(datagram);
        let found = match kind {
            Kind::Unknown => {
                self.counters.unknown_kind += 1;
                return None;
            }
            // We are ICE-lite (RFC 8445 section 2.5): we ask nothing, so nobody has anything to answer.
            Kind::OtherStun => {
                self.counters.unasked_stun += 1;
                return None;
            }
            Kind::BindingRequest(check) => self.find_checked(check, now),
            Kind::Dtls | Kind::Rtp | Kind::Rtcp => self.find(source),
        };
        let index = match found? {
            Owner::Here(index) => index,
            Owner::There(worker) => {
                self.counters.forwarded += 1;
                return Some(worker);
            }
        };
        let entry = self.entries.get_mut(index).and_then(Option::as_mut)?;
        let candidates = &self.surroundings.candidates;
        let session = &mut entry.session;
        let taken = contain(|| session.handle_datagram(kind, datagram, source, candidates, now));
        let Ok(taken) = taken else {
            self.give_up(index, now, out);
            return None;
        };
        if taken && matches!(kind, Kind::BindingRequest(_)) {
            self.directory.add_address(&mut entry.names, source, index);
        }
        if taken {
            self.drive(index, now, out);
        } else {
            self.counters.count(session);
        }
        None
    }

    /// Plays a frame.
    pub(super) fn deliver(&mut self, delivery: &Delivery, now: Instant, out: &mut impl Outbox) {
        self.fanout.deliver(delivery, now, out);
    }

    /// Looks at every session whose time has come.
    pub(super) fn handle_timeout(&mut self, now: Instant, out: &mut impl Outbox) {
        while let Some(Reverse((at, index))) = self.timers.peek().copied() {
            if at > now {
                break;
            }
            self.timers.pop();
            let Some(entry) = self.entries.get_mut(index).and_then(Option::as_mut) else {
                continue;
            };
            if entry.queued_at != Some(at) {
                continue;
            }
            entry.queued_at = None;
            if entry.wake_at > now {
                self.schedule(index);
                continue;
            }
            match contain(|| entry.session.handle_timeout(now)) {
                Ok(()) => self.drive(index, now, out),
                Err(Panicked) => self.give_up(index, now, out),
            }
        }
        if now >= self.report_at {
            self.report_at = now + REPORT_TICK;
            let ntp = self.clock.ntp(now);
            self.fanout.report(now, ntp, out);
        }
        self.fanout.handle_timeout(now, out);
    }

    /// When to call [`Self::handle_timeout`].
    pub(super) fn poll_timeout(&self) -> Instant {
        let session = self.timers.peek().map(|Reverse((at, _))| *at);
        let due = [Some(self.report_at), session, self.fanout.poll_timeout()];
        due.into_iter().flatten().min().unwrap_or(self.report_at)
    }

    pub(super) fn set_muted(&mut self, id: SessionId, muted: bool) {
        if let Some(entry) = self.entry(id) {
            entry.session.muted = muted;
        }
    }

    pub(super) fn change_length(
        &mut self,
        id: SessionId,
        length: PacketLength,
        out: &mut impl Outbox,
    ) {
        if let Some(entry) = self.entry(id) {
            entry.session.change_length(length);
            let length = entry.session.length;
            self.fanout.change_length(id, length, out);
        }
    }

    pub(super) fn close(&mut self, id: SessionId, now: Instant, out: &mut impl Outbox) {
        if let Some(index) = self.directory.with_id(id) {
            self.end(index, "closed", now, out);
        }
    }

    pub(super) fn close_all(&mut self, now: Instant, out: &mut impl Outbox) {
        for index in 0..self.entries.len() {
            self.end(index, "closed", now, out);
        }
    }

    pub(super) fn restart(
        &mut self,
        id: SessionId,
        offer: &str,
        now: Instant,
        out: &mut impl Outbox,
    ) -> Result<Restarted, OfferError> {
        let index = self.directory.with_id(id).ok_or(OfferError::Gone)?;
        let entry = self.entries.get_mut(index).and_then(Option::as_mut).ok_or(OfferError::Gone)?;
        let Ok(restarted) = contain(|| offer::restart(&mut entry.session, offer)) else {
            self.give_up(index, now, out);
            return Err(OfferError::Gone);
        };
        let restarted = restarted?;
        self.directory.add_ufrag(&mut entry.names, &restarted.ice_ufrag, index);
        self.registry.add_ufrag(id, restarted.ice_ufrag.clone());
        self.drive(index, now, out);
        Ok(restarted)
    }

    /// Whether an address is one of a session here.
    pub(super) fn owns(&self, source: SocketAddr) -> bool {
        matches!(self.directory.owner(source), Some(Owner::Here(_)))
    }

    /// Another worker says that this address is one of its clients'.
    pub(super) fn add_foreign(&mut self, source: SocketAddr, owner: WorkerIndex) {
        self.directory.add_foreign(source, owner);
    }

    /// Frames and events for the room side.
    pub(super) fn drain_outputs(&mut self) -> impl Iterator<Item = FromPlane> + '_ {
        self.outputs.drain(..)
    }

    pub(super) fn take_counters(&mut self) -> SessionsCounters {
        std::mem::take(&mut self.counters)
    }

    pub(super) fn fanout(&mut self) -> &mut Fanout {
        &mut self.fanout
    }

    fn entry(&mut self, id: SessionId) -> Option<&mut Entry> {
        let index = self.directory.with_id(id)?;
        self.entries.get_mut(index)?.as_mut()
    }

    fn find(&mut self, source: SocketAddr) -> Option<Owner> {
        let owner = self.directory.owner(source);
        self.counters.unknown_source += u64::from(owner.is_none());
        owner
    }

    /// The user fragment decides, not the address: after a client's restart the same address may
    /// belong to a new session.
    fn find_checked(&mut self, check: BindingRequest<'_>, now: Instant) -> Option<Owner> {
        if let Some(index) = self.directory.with_ufrag(check.local_ufrag) {
            return Some(Owner::Here(index));
        }
        match self.registry.claim(check.local_ufrag, self.worker) {
            Claim::Taken(session, ufrags) => Some(Owner::Here(self.adopt(session, ufrags, now))),
            Claim::Owned(worker) if worker != self.worker => Some(Owner::There(worker)),
            Claim::Owned(_) | Claim::Unknown => {
                self.counters.unknown_ufrag += 1;
                None
            }
        }
    }

    fn adopt(&mut self, session: Box<Session>, ufrags: Vec<String>, now: Instant) -> usize {
        let index = self.free.pop().unwrap_or_else(|| {
            self.entries.push(None);
            self.entries.len() - 1
        });
        let names = self.directory.enter(session.id, ufrags, index);
        let entry = Entry {
            session,
            names,
            wake_at: now,
            queued_at: None,
            playing_to: None,
            broken: false,
        };
        self.entries[index] = Some(entry);
        index
    }

    /// Polls a session until it rests.
    fn drive(&mut self, index: usize, now: Instant, out: &mut impl Outbox) {
        let mut ended = None;
        for _ in 0..STEPS_MAX {
            let Some(entry) = self.entries.get_mut(index).and_then(Option::as_mut) else { return };
            let (session, frames) = (&mut entry.session, &mut self.frames);
            let Ok(progress) = contain(|| session.poll(now, frames)) else {
                self.give_up(index, now, out);
                return;
            };
            match progress {
                Progress::Transmit(transmit) => send(&transmit, out),
                Progress::Connected(masters) => match Sender::new(&masters.local) {
                    Ok(sender) => ended = self.connected(index, sender, out),
                    Err(_) => ended = Some("failed"),
                },
                Progress::Wait(at) => {
                    entry.wake_at = at;
                    break;
                }
                Progress::Ended(reason) => ended = Some(reason),
            }
            if ended.is_some() {
                break;
            }
        }
        self.pass_on(index, out);
        match ended {
            Some(reason) => self.end(index, reason, now, out),
            None => self.schedule(index),
        }
    }

    /// Says why the session must end instead, if it must.
    fn connected(
        &mut self,
        index: usize,
        sender: Sender,
        out: &mut impl Outbox,
    ) -> Option<&'static str> {
        let entry = self.entries.get_mut(index).and_then(Option::as_mut)?;
        let session = &entry.session;
        let Some(remote) = session.path else { return Some("failed") };
        if session.listens() {
            let to = Address::new(remote, out.dual_stack());
            let listener = Listener::new(session.id, to, sender, session.streams);
            let (single, length) = (session.single, session.length);
            if !self.fanout.add(session.room, session.class, single, length, listener) {
                return Some("failed");
            }
            entry.playing_to = Some(remote);
        }
        let event = SessionEvent::Connected { session: session.id, remote };
        self.outputs.push(FromPlane::Session(event));
        None
    }

    /// Passes on the session's frames, and follows it to a new address.
    fn pass_on(&mut self, index: usize, out: &impl Outbox) {
        let Some(entry) = self.entries.get_mut(index).and_then(Option::as_mut) else { return };
        let (session, room) = (entry.session.id, entry.session.room);
        let uplinked = self.frames.drain(..).map(|frame| Uplinked { session, room, frame });
        self.outputs.extend(uplinked.map(FromPlane::Uplinked));
        self.counters.count(&mut entry.session);
        if let Some(path) = entry.session.path
            && entry.playing_to.is_some_and(|old| old != path)
        {
            entry.playing_to = Some(path);
            self.fanout.redirect(session, Address::new(path, out.dual_stack()));
        }
    }

    fn schedule(&mut self, index: usize) {
        let Some(entry) = self.entries.get_mut(index).and_then(Option::as_mut) else { return };
        if entry.queued_at.is_none_or(|queued| entry.wake_at < queued) {
            entry.queued_at = Some(entry.wake_at);
            self.timers.push(Reverse((entry.wake_at, index)));
        }
    }

    /// A session has panicked: it ends without being touched again.
    fn give_up(&mut self, index: usize, now: Instant, out: &mut impl Outbox) {
        self.counters.panics += 1;
        self.frames.clear();
        if let Some(entry) = self.entries.get_mut(index).and_then(Option::as_mut) {
            entry.broken = true;
        }
        self.end(index, "failed", now, out);
    }

    fn end(&mut self, index: usize, reason: &'static str, now: Instant, out: &mut impl Outbox) {
        let Some(mut entry) = self.entries.get_mut(index).and_then(Option::take) else { return };
        let id = entry.session.id;
        let ntp = self.clock.ntp(now);
        self.fanout.remove(id, now, ntp, out);
        if !entry.broken && contain(|| entry.session.close(|last| send(last, out))).is_err() {
            self.counters.panics += 1;
        }
        self.counters.count(&mut entry.session);
        self.directory.leave(&entry.names, index);
        self.free.push(index);
        self.registry.remove(id);
        self.outputs.push(FromPlane::Session(SessionEvent::Closed { session: id, reason }));
    }
}

fn send(transmit: &str0m::net::Transmit, out: &mut impl Outbox) {
    let to = Address::new(transmit.destination, out.dual_stack());
    if let Some(packet) = out.reserve(transmit.contents.len()) {
        packet.copy_from_slice(&transmit.contents);
        out.commit(transmit.contents.len(), &to);
    }
}
