//! A link inside one process: an edge with its own origin. Control messages and frames go straight
//! into the other side's inbox, with the same events as over the network.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use stoa_audio::frame::{Epoch, Frame, TrackId};
use stoa_protocol::mesh::control::Body;

use crate::event::{Event, LinkId, PeerName, TrackBinding};
use crate::handle::{Link, SendError, next_id};
use crate::inbox::{InboxSender, Place, Undelivered};
use crate::statistics::{LinkStatistics, count};

/// Tracks that one side may bind at a time.
pub(crate) const BINDINGS_MAX: usize = 16_384;

/// Joins two nodes of one process: each inbox gets `Up` with a link to the other.
///
/// Call it before the inboxes fill: if one of them has no room, the link is not made and an error is
/// logged.
pub fn in_process(a: PeerName, to_a: InboxSender, b: PeerName, to_b: InboxSender) {
    let (Some(down_a), Some(down_b)) = (to_a.try_keep_place(), to_b.try_keep_place()) else {
        tracing::error!(a = %a.node, b = %b.node, "no room in an inbox for a link inside the process");
        return;
    };
    let ends = [End::new(to_a, next_id()), End::new(to_b, next_id())];
    let ids = [ends[0].id, ends[1].id];
    let span = Arc::new(Span {
        ends,
        state: Mutex::new(State { downs: Some([down_a, down_b]), bound: Default::default() }),
    });
    // The state stays locked until both ends are up, so that neither hears of the other too early.
    let state = span.lock();
    let link_of = |end: usize, peer: PeerName| {
        Link::in_process(ids[end], peer, Side { span: Arc::clone(&span), here: end })
    };
    let up_a = Event::Up { id: ids[0], peer: b.clone(), link: link_of(0, b) };
    let up_b = Event::Up { id: ids[1], peer: a.clone(), link: link_of(1, a) };
    let told =
        span.ends[0].inbox.try_tell(up_a).is_ok() && span.ends[1].inbox.try_tell(up_b).is_ok();
    drop(state);
    if !told {
        span.close("no room in an inbox");
    }
}

/// One direction's view of a [`Span`].
pub(crate) struct Side {
    span: Arc<Span>,
    /// Index of this side's end.
    here: usize,
}

struct Span {
    ends: [End; 2],
    state: Mutex<State>,
}

struct End {
    id: LinkId,
    inbox: InboxSender,
    counters: Counters,
}

#[derive(Default)]
struct Counters {
    frames_out: AtomicU64,
    frames_in: AtomicU64,
    frames_unbound: AtomicU64,
    frames_inbox_full: AtomicU64,
    over_limit: AtomicU64,
}

struct State {
    /// Kept places for the last event of both ends; taken when the link ends.
    downs: Option<[Place; 2]>,
    /// What each end has bound, with the epoch whose frames may pass.
    bound: [BTreeMap<TrackId, Epoch>; 2],
}

impl End {
    fn new(inbox: InboxSender, id: LinkId) -> Self {
        Self { id, inbox, counters: Counters::default() }
    }
}

impl Span {
    fn lock(&self) -> MutexGuard<'_, State> {
        // The state is consistent between any two statements, so a panic elsewhere does not spoil it.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn close(&self, reason: &str) {
        let downs = self.lock().downs.take();
        if let Some([a, b]) = downs {
            for (place, end) in [(a, &self.ends[0]), (b, &self.ends[1])] {
                place.send(Event::Down { id: end.id, reason: reason.to_owned() });
            }
        }
    }
}

impl Side {
    fn there(&self) -> &End {
        &self.span.ends[1 - self.here]
    }

    pub(crate) fn control(&self, body: Body) -> Result<(), SendError> {
        let state = self.span.lock();
        if state.downs.is_none() {
            return Err(SendError::Closed);
        }
        let there = self.there();
        let told = there.inbox.try_tell(Event::Control { id: there.id, body: Box::new(body) });
        drop(state);
        told.map_err(|why| self.give_up(why))
    }

    pub(crate) fn bind(&self, binding: TrackBinding) {
        let mut state = self.span.lock();
        if state.downs.is_none() {
            return;
        }
        let bound = &mut state.bound[self.here];
        if bound.len() >= BINDINGS_MAX && !bound.contains_key(&binding.track) {
            drop(state);
            count(&self.span.ends[self.here].counters.over_limit);
            return;
        }
        bound.insert(binding.track, binding.epoch);
        let there = self.there();
        let told = there.inbox.try_tell(Event::Bound { id: there.id, binding: Box::new(binding) });
        drop(state);
        if let Err(why) = told {
            self.give_up(why);
        }
    }

    pub(crate) fn unbind(&self, track: TrackId) {
        let mut state = self.span.lock();
        if state.downs.is_none() || state.bound[self.here].remove(&track).is_none() {
            return;
        }
        let there = self.there();
        let told = there.inbox.try_tell(Event::Unbound { id: there.id, track });
        drop(state);
        if let Err(why) = told {
            self.give_up(why);
        }
    }

    pub(crate) fn frame(&self, frame: &Frame) {
        let here = &self.span.ends[self.here].counters;
        let state = self.span.lock();
        if state.downs.is_none() || state.bound[self.here].get(&frame.track) != Some(&frame.epoch) {
            count(&here.frames_unbound);
            return;
        }
        count(&here.frames_out);
        let there = self.there();
        if there.inbox.try_frame(there.id, frame.clone()) {
            count(&there.counters.frames_in);
        } else {
            count(&there.counters.frames_inbox_full);
        }
    }

    pub(crate) fn statistics(&self) -> LinkStatistics {
        let counters = &self.span.ends[self.here].counters;
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        LinkStatistics {
            frames_out: read(&counters.frames_out),
            frames_in: read(&counters.frames_in),
            frames_unbound: read(&counters.frames_unbound),
            frames_inbox_full: read(&counters.frames_inbox_full),
            over_limit: read(&counters.over_limit),
            ..LinkStatistics::default()
        }
    }

    pub(crate) fn close(&self, reason: &str) {
        self.span.close(reason);
    }

    fn give_up(&self, why: Undelivered) -> SendError {
        match why {
            Undelivered::Full => {
                self.span.close("the other side's inbox is full");
                SendError::Full
            }
            Undelivered::Gone => {
                self.span.close("the other side is gone");
                SendError::Closed
            }
        }
    }
}

#[cfg(test)]
#[path = "in_process_tests.rs"]
mod tests;
