//! What other threads have for a worker, and how it sleeps until there is something.

use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use crossbeam_queue::ArrayQueue;
use rustix::event::{EventfdFlags, eventfd};
use tokio::sync::oneshot;

use super::change::Change;
use super::registry::WorkerIndex;
use super::{Delivery, OfferError, Restarted, SessionId};

/// Deliveries that may wait for a worker: more than a second of 200 rooms with three speakers each.
const DELIVERIES_MAX: usize = 32_768;

/// Datagrams that may wait to be taken over from another worker.
const FORWARDED_MAX: usize = 1_024;

/// What a worker is told, other than frames.
pub(super) enum Control {
    Close(SessionId),
    Change(SessionId, Change),
    Restart {
        session: SessionId,
        offer: String,
        reply: oneshot::Sender<Result<Restarted, OfferError>>,
    },
    /// A datagram of a session of this worker that reached another one.
    Datagram {
        source: SocketAddr,
        datagram: Vec<u8>,
        reached: WorkerIndex,
    },
    /// This address has turned out to be a client's of that worker.
    Foreign {
        source: SocketAddr,
        owner: WorkerIndex,
    },
    Stop,
}

/// A worker's mailbox. Deliveries neither lock nor allocate.
pub(super) struct Mailbox {
    deliveries: ArrayQueue<(Instant, Delivery)>,
    /// Bounded by what is sent: a few a session, and datagrams up to their own limit.
    controls: Mutex<VecDeque<Control>>,
    controls_waiting: AtomicBool,
    /// Whether the worker must be woken.
    asleep: AtomicBool,
    wake: OwnedFd,
    dropped: AtomicU64,
}

impl Mailbox {
    pub(super) fn new() -> io::Result<Self> {
        Ok(Self {
            deliveries: ArrayQueue::new(DELIVERIES_MAX),
            controls: Mutex::default(),
            controls_waiting: AtomicBool::new(false),
            asleep: AtomicBool::new(false),
            wake: eventfd(0, EventfdFlags::NONBLOCK | EventfdFlags::CLOEXEC)?,
            dropped: AtomicU64::new(0),
        })
    }

    /// `now` is when the delivery was made: its age is looked at when its turn comes.
    pub(super) fn deliver(&self, delivery: Delivery, now: Instant) {
        if self.deliveries.push((now, delivery)).is_err() {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
        self.wake_up();
    }

    pub(super) fn tell(&self, control: Control) {
        let mut controls = self.controls.lock().unwrap_or_else(PoisonError::into_inner);
        if matches!(control, Control::Datagram { .. }) && controls.len() >= FORWARDED_MAX {
            self.dropped.fetch_add(1, Ordering::Relaxed);
            return;
        }
        controls.push_back(control);
        drop(controls);
        self.controls_waiting.store(true, Ordering::Release);
        self.wake_up();
    }

    /// Whether [`Self::next_delivery`] has something; costs two loads.
    pub(super) fn has_delivery(&self) -> bool {
        !self.deliveries.is_empty()
    }

    pub(super) fn next_delivery(&self) -> Option<(Instant, Delivery)> {
        self.deliveries.pop()
    }

    pub(super) fn next_control(&self) -> Option<Control> {
        if !self.controls_waiting.load(Ordering::Acquire) {
            return None;
        }
        let mut controls = self.controls.lock().unwrap_or_else(PoisonError::into_inner);
        let control = controls.pop_front();
        if controls.is_empty() {
            self.controls_waiting.store(false, Ordering::Release);
        }
        control
    }

    /// The worker is about to sleep; `false` when there is something to do first.
    pub(super) fn fall_asleep(&self) -> bool {
        self.asleep.store(true, Ordering::SeqCst);
        let idle = self.deliveries.is_empty() && !self.controls_waiting.load(Ordering::SeqCst);
        if !idle {
            self.asleep.store(false, Ordering::SeqCst);
        }
        idle
    }

    /// The worker is up again, `told` by [`Self::wake_fd`] or by something else.
    pub(super) fn woken(&self, told: bool) {
        self.asleep.store(false, Ordering::SeqCst);
        if told {
            // Nothing to read is as good as something.
            let _ = rustix::io::read(&self.wake, &mut [0u8; 8]);
        }
    }

    /// What becomes readable when the worker must wake.
    pub(super) fn wake_fd(&self) -> BorrowedFd<'_> {
        self.wake.as_fd()
    }

    /// What found no room since the last call.
    pub(super) fn take_dropped(&self) -> u64 {
        self.dropped.swap(0, Ordering::Relaxed)
    }

    fn wake_up(&self) {
        // Orders the push before the look: the worker does the reverse in `fall_asleep`, so one of
        // the two always sees the other.
        std::sync::atomic::fence(Ordering::SeqCst);
        if self.asleep.swap(false, Ordering::SeqCst) {
            // A counter that is full already wakes as well.
            let _ = rustix::io::write(&self.wake, &1u64.to_ne_bytes());
        }
    }
}
