//! Listeners of one room whose packets are cut alike: each packet is put together once, then written
//! and sealed for one listener after another, always in the same order.

use std::time::Instant;

use stoa_audio::opus::{self, JOINED_BYTES_MAX, Joiner};

use super::fanout::FanoutCounters;
use super::kernel::prefetch;
use super::pace::Pace;
use super::packetizer::{Packetizer, Piece};
use super::{Listener, Outbox, PacketLength};
use crate::webrtc::SLOTS_MAX;

/// How many listeners ahead one is asked for, with his key: memory takes about as long as two seals.
const PREFETCH_AHEAD: usize = 4;

/// How the packets of a group are cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cut {
    /// For listeners with one line, which carries the dominant speaker.
    pub single: bool,
    pub length: PacketLength,
    /// Which of the length's cells begins a packet.
    pub phase: u8,
}

/// What a worker needs once, however many groups it has.
pub(super) struct Scratch {
    pub counters: FanoutCounters,
    joiner: Joiner,
    frames: Vec<Piece>,
    joined: Box<[u8]>,
}

impl Default for Scratch {
    fn default() -> Self {
        Self {
            counters: FanoutCounters::default(),
            joiner: Joiner::default(),
            frames: Vec::with_capacity(opus::FRAMES_MAX),
            joined: vec![0; JOINED_BYTES_MAX].into_boxed_slice(),
        }
    }
}

/// See the module.
pub(super) struct Group {
    cut: Cut,
    packetizers: [Packetizer; SLOTS_MAX],
    listeners: Vec<Listener>,
}

/// A packet's content, the same for all who get it.
#[derive(Clone, Copy)]
pub(super) struct Content<'a> {
    /// Where it begins on the slot's timeline, in samples.
    pub start: u64,
    /// Sound begins after a pause.
    pub marker: bool,
    pub payload: &'a [u8],
}

impl Group {
    pub(super) fn new(cut: Cut) -> Self {
        let packetizers = std::array::from_fn(|_| Packetizer::new(cut.length, cut.phase));
        Self { cut, packetizers, listeners: Vec::new() }
    }

    pub(super) fn cut(&self) -> Cut {
        self.cut
    }

    /// Which of its lines carries a channel of the hall, if one does.
    pub(super) fn slot_of(&self, channel: usize) -> Option<usize> {
        match (self.cut.single, channel < SLOTS_MAX) {
            (false, true) => Some(channel),
            (true, false) => Some(0),
            _ => None,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.listeners.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.listeners.is_empty()
    }

    pub(super) fn add(&mut self, listener: Listener) -> usize {
        self.listeners.push(listener);
        self.listeners.len() - 1
    }

    /// Takes a listener out; the last one moves to his place, so that the others keep theirs.
    pub(super) fn remove(&mut self, at: usize) -> Option<Listener> {
        (at < self.listeners.len()).then(|| self.listeners.swap_remove(at))
    }

    pub(super) fn listener(&self, at: usize) -> Option<&Listener> {
        self.listeners.get(at)
    }

    pub(super) fn listener_mut(&mut self, at: usize) -> Option<&mut Listener> {
        self.listeners.get_mut(at)
    }

    pub(super) fn push(&mut self, slot: usize, piece: Piece) {
        if let Some(packetizer) = self.packetizers.get_mut(slot) {
            packetizer.push(piece);
        }
    }

    /// Sends what must leave by `now`.
    pub(super) fn send_due(
        &mut self,
        slot: usize,
        pace: &Pace,
        now: Instant,
        scratch: &mut Scratch,
        out: &mut impl Outbox,
    ) {
        let Some(packetizer) = self.packetizers.get_mut(slot) else { return };
        let Scratch { counters, joiner, frames, joined } = scratch;
        while packetizer.next(now, pace, joiner, frames) {
            let Some(content) = content_of(frames, joiner, joined) else { continue };
            let except = frames.first().and_then(|first| first.except);
            let (start, mut some_heard_it) = (content.start, false);
            for at in 0..self.listeners.len() {
                if let Some(ahead) = self.listeners.get(at + PREFETCH_AHEAD) {
                    prefetch(ahead);
                }
                let listener = &mut self.listeners[at];
                if except == Some(listener.session()) {
                    continue;
                }
                if listener.has_heard(slot, start) {
                    some_heard_it = true;
                    continue;
                }
                counters.note(&listener.send(slot, content, out));
            }
            if some_heard_it {
                let behind = self.listeners.iter_mut().filter(|l| l.has_heard(slot, start));
                for listener in behind.filter(|l| except != Some(l.session())) {
                    send_rest(listener, slot, frames, joiner, joined, counters, out);
                }
            }
        }
    }

    /// When something is due on a slot, if nothing more comes.
    pub(super) fn poll_timeout(
        &self,
        slot: usize,
        pace: &Pace,
        now: Instant,
        scratch: &mut Scratch,
    ) -> Option<Instant> {
        self.packetizers.get(slot)?.poll_timeout(pace, &mut scratch.joiner, now)
    }

    /// Sends a listener what waits, in packets as short as need be; what comes later he gets as of
    /// another group.
    pub(super) fn catch_up(&mut self, at: usize, scratch: &mut Scratch, out: &mut impl Outbox) {
        let Some(listener) = self.listeners.get_mut(at) else { return };
        let Scratch { counters, joiner, frames, joined } = scratch;
        for (slot, packetizer) in self.packetizers.iter().enumerate() {
            for piece in packetizer.waiting() {
                frames.clear();
                frames.push(piece.clone());
                if piece.except != Some(listener.session()) {
                    send_rest(listener, slot, frames, joiner, joined, counters, out);
                }
                listener.note_heard(slot, piece.end());
            }
        }
    }
}

/// The frames that a listener has not heard yet, in one packet.
fn send_rest(
    listener: &mut Listener,
    slot: usize,
    frames: &[Piece],
    joiner: &mut Joiner,
    joined: &mut [u8],
    counters: &mut FanoutCounters,
    out: &mut impl Outbox,
) {
    let heard = frames.iter().take_while(|piece| listener.has_heard(slot, piece.start)).count();
    let rest = &frames[heard..];
    joiner.clear();
    let fit = rest.iter().all(|piece| joiner.push(&piece.payload).is_ok());
    if let Some(content) = content_of(rest, joiner, joined).filter(|_| fit || rest.len() == 1) {
        counters.note(&listener.send(slot, content, out));
    }
}

/// The packet that `joiner` has put together from `frames`; a single frame goes as it came.
fn content_of<'a>(
    frames: &'a [Piece],
    joiner: &Joiner,
    joined: &'a mut [u8],
) -> Option<Content<'a>> {
    let first = frames.first()?;
    let payload = if frames.len() == 1 {
        &first.payload[..]
    } else {
        let length = joiner.write(joined)?;
        joined.get(..length)?
    };
    Some(Content { start: first.start, marker: first.marker, payload })
}
