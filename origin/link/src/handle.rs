//! The sending half of a link: a cheap handle that never blocks whoever holds it.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use stoa_audio::frame::{Frame, TrackId};
use stoa_protocol::mesh::control::Body;
use thiserror::Error;

use crate::event::{LinkId, PeerName, TrackBinding};
use crate::in_process::Side;
use crate::queue::QueueSender;
use crate::statistics::{LinkCounters, LinkStatistics, count};

/// Why a control message was not taken.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum SendError {
    /// The link has ended.
    #[error("the link has ended")]
    Closed,
    /// The peer is too slow; the link is closed.
    #[error("the link's queue is full: the peer is too slow, the link is closed")]
    Full,
    /// `Hello`, `Refuse`, `BindTrack`, `UnbindTrack` and `Reception` are the link's own business.
    #[error("this message is the link's own business and cannot be sent by its owner")]
    Reserved,
}

/// The sending half of a link; cheap to clone.
#[derive(Clone)]
pub struct Link(Arc<Inner>);

struct Inner {
    id: LinkId,
    peer: PeerName,
    wire: Wire,
}

enum Wire {
    Quic(QuicHalf),
    InProcess(Side),
}

/// What the handle of a QUIC link holds.
pub(crate) struct QuicHalf {
    pub(crate) queue: QueueSender,
    pub(crate) counters: Arc<LinkCounters>,
}

impl Link {
    pub(crate) fn over_quic(id: LinkId, peer: PeerName, half: QuicHalf) -> Self {
        Self(Arc::new(Inner { id, peer, wire: Wire::Quic(half) }))
    }

    pub(crate) fn in_process(id: LinkId, peer: PeerName, side: Side) -> Self {
        Self(Arc::new(Inner { id, peer, wire: Wire::InProcess(side) }))
    }

    /// Names this link within the process.
    #[must_use]
    pub fn id(&self) -> LinkId {
        self.0.id
    }

    /// Who is at the other end.
    #[must_use]
    pub fn peer(&self) -> &PeerName {
        &self.0.peer
    }

    /// Queues a control message. Messages, bindings and frames of one link keep their order.
    ///
    /// # Errors
    /// [`SendError`]; after `Closed` or `Full` a `Down` event follows or has been told.
    pub fn send(&self, body: Body) -> Result<(), SendError> {
        if is_reserved(&body) {
            return Err(SendError::Reserved);
        }
        match &self.0.wire {
            Wire::Quic(half) => half.queue.control(body),
            Wire::InProcess(side) => side.control(body),
        }
    }

    /// Announces a track whose frames will be sent; again for a new epoch.
    pub fn bind(&self, binding: TrackBinding) {
        match &self.0.wire {
            Wire::Quic(half) => half.queue.bind(binding),
            Wire::InProcess(side) => side.bind(binding),
        }
    }

    /// Ends a track; nothing happens if it is not bound.
    pub fn unbind(&self, track: TrackId) {
        match &self.0.wire {
            Wire::Quic(half) => half.queue.unbind(track),
            Wire::InProcess(side) => side.unbind(track),
        }
    }

    /// Sends a frame of a bound track. Never blocks: what cannot be sent is dropped and counted.
    pub fn send_frame(&self, frame: &Frame) {
        match &self.0.wire {
            Wire::Quic(half) => {
                if !half.queue.frame(frame) {
                    count(&half.counters.frames_queue_full);
                }
            }
            Wire::InProcess(side) => side.frame(frame),
        }
    }

    /// The same, without waiting for frames of other tracks: the datagram leaves at once.
    pub fn send_frame_at_once(&self, frame: &Frame) {
        match &self.0.wire {
            Wire::Quic(half) => {
                if !half.queue.urgent(frame) {
                    count(&half.counters.frames_queue_full);
                }
            }
            Wire::InProcess(side) => side.frame(frame),
        }
    }

    /// How the link does.
    #[must_use]
    pub fn statistics(&self) -> LinkStatistics {
        match &self.0.wire {
            Wire::Quic(half) => half.counters.snapshot(),
            Wire::InProcess(side) => side.statistics(),
        }
    }

    /// Ends the link in order: what is queued is sent, then a goodbye. `reason` is for people.
    pub fn close(&self, reason: &str) {
        match &self.0.wire {
            Wire::Quic(half) => half.queue.end(reason),
            Wire::InProcess(side) => side.close(reason),
        }
    }

    /// Ends the link at once.
    pub(crate) fn cut(&self, reason: &str) {
        match &self.0.wire {
            Wire::Quic(half) => half.queue.cut(reason),
            Wire::InProcess(side) => side.close(reason),
        }
    }
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Link")
            .field("id", &self.0.id)
            .field("peer", &self.0.peer)
            .finish_non_exhaustive()
    }
}

/// A name for a new link, unique in this process.
pub(crate) fn next_id() -> LinkId {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    LinkId(NEXT.fetch_add(1, Ordering::Relaxed))
}

fn is_reserved(body: &Body) -> bool {
    matches!(
        body,
        Body::Hello(_)
            | Body::Refuse(_)
            | Body::BindTrack(_)
            | Body::UnbindTrack(_)
            | Body::Reception(_)
    )
}
