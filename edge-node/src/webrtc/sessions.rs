//! The sessions of one worker: which datagram is whose, and what is asked of them from outside.
//!
//! Never a scan over sessions: datagrams are found by the directory, deadlines by a wheel.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use stoa_audio::frame::Frame;

use super::change::Change;
use super::clock::Clock;
use super::containment::contain;
use super::counters::SessionsCounters;
use super::datagram::{Kind, classify};
use super::directory::{Directory, Names, Owner};
use super::offer::{self, Surroundings};
use super::reception::Report;
use super::registry::{Claim, Registry, WorkerIndex};
use super::session::{Arrival, Session, Taken};
use super::wheel::Wheel;
use super::{Delivery, FromPlane, OfferError, Restarted, SessionId};
use crate::media::{Fanout, Outbox};

/// How late a session's deadline may be noticed. The nearest that sessions have are those of DTLS
/// flights, which are repeated after a second or so.
const TICK: Duration = Duration::from_millis(8);

/// All sessions of one worker.
pub(super) struct Sessions {
    worker: WorkerIndex,
    pub(super) registry: Arc<Registry>,
    surroundings: Arc<Surroundings>,
    pub(super) clock: Clock,
    pub(super) entries: Vec<Option<Entry>>,
    pub(super) free: Vec<usize>,
    pub(super) directory: Directory,
    pub(super) timers: Wheel<Timer>,
    /// Timers that have come out, while they are seen to.
    pub(super) due: Vec<Timer>,
    pub(super) fanout: Fanout,
    pub(super) report_at: Instant,
    pub(super) frames: Vec<Frame>,
    pub(super) outputs: Vec<FromPlane>,
    pub(super) reports: Vec<Report>,
    pub(super) counters: SessionsCounters,
}

pub(super) struct Entry {
    pub session: Box<Session>,
    pub names: Names,
    /// When it wants to be looked at.
    pub wake_at: Instant,
    /// The earliest of its timers; others are of the past and mean nothing.
    pub queued_at: Option<Instant>,
    /// Where the fan-out sends.
    pub playing_to: Option<SocketAddr>,
    /// It has panicked.
    pub broken: bool,
}

/// The session at this index is to be looked at.
#[derive(Clone, Copy, Debug)]
pub(super) struct Timer {
    pub at: Instant,
    pub index: usize,
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
            timers: Wheel::new(now, TICK),
            due: Vec::new(),
            fanout: Fanout::default(),
            report_at: now,
            frames: Vec::new(),
            outputs: Vec::new(),
            reports: Vec::new(),
            counters: SessionsCounters::default(),
        }
    }

    /// Takes a datagram, which may be opened in place, or names the worker whose it is.
    pub(super) fn handle_datagram(
        &mut self,
        datagram: &mut [u8],
        source: SocketAddr,
        now: Instant,
        out: &mut impl Outbox,
    ) -> Option<WorkerIndex> {
        let mut check = false;
        let found = match classify(datagram) {
            Kind::Unknown => {
                self.counters.unknown_kind += 1;
                return None;
            }
            // We are ICE-lite (RFC 8445 section 2.5): we ask nothing, so nobody has anything to answer.
            Kind::OtherStun => {
                self.counters.unasked_stun += 1;
                return None;
            }
            Kind::BindingRequest(request) => {
                let known = self.find_known(request.local_ufrag, source);
                check = known.is_none();
                known.or_else(|| self.find_checked(request.local_ufrag, now))
            }
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
        let (session, frames) = (&mut entry.session, &mut self.frames);
        let (candidates, clock) = (&self.surroundings.candidates, &self.clock);
        let arrival = Arrival { source, candidates, clock, now };
        let taken = contain(|| session.handle_datagram(datagram, arrival, frames, out));
        let Ok(taken) = taken else {
            self.give_up(index, now, out);
            return None;
        };
        if check && taken != Taken::Refused {
            self.directory.add_address(&mut entry.names, source, index);
        }
        match taken {
            Taken::Poll => self.drive(index, now, out),
            Taken::Done | Taken::Refused => self.pass_on(index, out),
        }
        None
    }

    /// Plays a frame.
    pub(super) fn deliver(&mut self, delivery: &Delivery, now: Instant, out: &mut impl Outbox) {
        self.fanout.deliver(delivery, now, out);
    }

    /// Changes a session, and what it is played with it.
    pub(super) fn change(
        &mut self,
        id: SessionId,
        change: Change,
        now: Instant,
        out: &mut impl Outbox,
    ) {
        let Some(entry) = self.entry(id) else { return };
        entry.session.change(change);
        let (class, length) = (entry.session.class, entry.session.length());
        self.fanout.change(id, class, length, now, out);
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
        let surroundings = &self.surroundings;
        let restarted = contain(|| offer::restart(&mut entry.session, offer, surroundings, now));
        let Ok(restarted) = restarted else {
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

    /// What listeners have reported.
    pub(super) fn drain_reports(&mut self) -> impl Iterator<Item = Report> + '_ {
        self.reports.drain(..)
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

    /// The owner of a check that comes from where its session's last one came, under the same name: nearly all
    /// are such, and cost one look.
    fn find_known(&self, ufrag: &str, source: SocketAddr) -> Option<Owner> {
        let Some(Owner::Here(index)) = self.directory.owner(source) else { return None };
        let entry = self.entries.get(index)?.as_ref()?;
        let same = entry.session.credentials.newest() == Some(ufrag);
        (same && entry.names.newest_address() == Some(source)).then_some(Owner::Here(index))
    }

    /// The user fragment decides, not the address: after a client's restart the same address may
    /// belong to a new session.
    fn find_checked(&mut self, ufrag: &str, now: Instant) -> Option<Owner> {
        if let Some(index) = self.directory.with_ufrag(ufrag) {
            return Some(Owner::Here(index));
        }
        match self.registry.claim(ufrag, self.worker) {
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
}
