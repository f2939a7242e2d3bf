//! The one queue through which all links of a node tell their owner what happened.
//!
//! Frames may fill it only up to a mark; the rest is kept for facts, so that a burst of audio never
//! delays "this link is gone".

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use stoa_audio::frame::Frame;
use tokio::sync::mpsc;

use crate::event::{Event, LinkId};

/// Events that may wait in an inbox.
pub const INBOX_EVENTS_MAX: usize = 8_192;
/// Places of an inbox that frames leave free for everything else.
pub const INBOX_FACTS_RESERVED: usize = 2_048;

/// The receiving end: `recv`, `try_recv`, `recv_many`, `blocking_recv`.
pub type Inbox = mpsc::Receiver<Event>;

/// Makes an inbox for all links of a node.
#[must_use]
pub fn inbox() -> (InboxSender, Inbox) {
    let (events, inbox) = mpsc::channel(INBOX_EVENTS_MAX);
    (InboxSender { events, counters: Arc::default() }, inbox)
}

/// The end that links hold; cheap to clone.
#[derive(Clone, Debug)]
pub struct InboxSender {
    events: mpsc::Sender<Event>,
    counters: Arc<Counters>,
}

#[derive(Debug, Default)]
struct Counters {
    frames_dropped: AtomicU64,
    facts_waited: AtomicU64,
}

/// A place in an inbox that is kept for a last event.
pub(crate) type Place = mpsc::OwnedPermit<Event>;

/// The owner has dropped its inbox, or the inbox is full.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Undelivered {
    Full,
    Gone,
}

impl InboxSender {
    /// Frames dropped because the owner did not keep up, over all links.
    #[must_use]
    pub fn frames_dropped(&self) -> u64 {
        self.counters.frames_dropped.load(Ordering::Relaxed)
    }

    /// How often a link had to wait, or was cut, because the inbox was full to the last place.
    #[must_use]
    pub fn facts_waited(&self) -> u64 {
        self.counters.facts_waited.load(Ordering::Relaxed)
    }

    /// Delivers a fact, waiting for room.
    pub(crate) async fn tell(&self, event: Event) -> Result<(), Undelivered> {
        match self.events.try_send(event) {
            Ok(()) => Ok(()),
            Err(mpsc::error::TrySendError::Closed(_)) => Err(Undelivered::Gone),
            Err(mpsc::error::TrySendError::Full(event)) => {
                self.counters.facts_waited.fetch_add(1, Ordering::Relaxed);
                self.events.send(event).await.map_err(|_| Undelivered::Gone)
            }
        }
    }

    /// Delivers a fact at once or not at all.
    pub(crate) fn try_tell(&self, event: Event) -> Result<(), Undelivered> {
        self.events.try_send(event).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => {
                self.counters.facts_waited.fetch_add(1, Ordering::Relaxed);
                Undelivered::Full
            }
            mpsc::error::TrySendError::Closed(_) => Undelivered::Gone,
        })
    }

    /// Delivers a frame if that leaves room for facts; returns whether it did.
    pub(crate) fn try_frame(&self, id: LinkId, frame: Frame) -> bool {
        let room = self.events.capacity() > INBOX_FACTS_RESERVED;
        let delivered = room && self.events.try_send(Event::Frame { id, frame }).is_ok();
        if !delivered {
            self.counters.frames_dropped.fetch_add(1, Ordering::Relaxed);
        }
        delivered
    }

    /// Keeps a place for a last event; `None` when the inbox is full or gone.
    pub(crate) fn try_keep_place(&self) -> Option<Place> {
        self.events.clone().try_reserve_owned().ok()
    }

    /// Keeps a place for a last event, waiting for room; `None` when the owner is gone.
    pub(crate) async fn keep_place(&self) -> Option<Place> {
        self.events.clone().reserve_owned().await.ok()
    }

    /// Whether the owner has dropped its end.
    pub(crate) fn is_gone(&self) -> bool {
        self.events.is_closed()
    }
}
