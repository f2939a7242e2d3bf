//! What one class of one room hears: a timeline for each slot, and listeners grouped by how their
//! packets are cut, so that a packet is put together once and sealed for each of them.

use std::time::{Duration, Instant};

use bytes::Bytes;
use stoa_audio::frame::{Frame, FrameDuration};
use stoa_audio::opus;

use super::group::{Cut, Group, Scratch};
use super::pace::Pace;
use super::packetizer::Piece;
use super::timeline::{Passage, Placed, Timeline};
use super::{Listener, Outbox, PacketLength};
use crate::webrtc::{SLOTS_MAX, SessionId};

/// A voice that pauses says so (discontinuous transmission). One whose frames just stop is given an end
/// after this time beyond the usual lateness, or its listeners' browsers would stretch the last sound.
const SILENCE_AFTER: Duration = Duration::from_millis(80);

/// The channel of listeners with a single line, which carries the dominant speaker.
const DOMINANT: usize = SLOTS_MAX;

/// See the module.
#[derive(Default)]
pub(super) struct Hall {
    channels: [Channel; SLOTS_MAX + 1],
    groups: Vec<Group>,
    /// When to look at what waits.
    wake_at: Option<Instant>,
}

/// One voice after another.
#[derive(Clone, Copy, Default)]
struct Channel {
    timeline: Timeline,
    pace: Pace,
    /// When the voice counts as broken off.
    silent_at: Option<Instant>,
}

/// Where a listener is in a hall.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Seat {
    pub cut: Cut,
    pub at: usize,
}

impl Hall {
    pub(super) fn is_empty(&self) -> bool {
        self.groups.is_empty()
    }

    /// Takes a listener in; says where he sits.
    pub(super) fn add(&mut self, single: bool, length: PacketLength, listener: Listener) -> Seat {
        let cut = self.emptiest_cut(single, length);
        let group = match self.groups.iter().position(|group| group.cut() == cut) {
            Some(known) => &mut self.groups[known],
            None => {
                self.groups.push(Group::new(cut));
                let last = self.groups.len() - 1;
                &mut self.groups[last]
            }
        };
        Seat { cut, at: group.add(listener) }
    }

    /// Takes a listener out; also says who sits in his place now.
    pub(super) fn remove(&mut self, seat: Seat) -> Option<(Listener, Option<SessionId>)> {
        let index = self.groups.iter().position(|group| group.cut() == seat.cut)?;
        let group = &mut self.groups[index];
        let listener = group.remove(seat.at)?;
        let moved = group.listener(seat.at).map(|moved| moved.session());
        if group.is_empty() {
            self.groups.swap_remove(index);
        }
        Some((listener, moved))
    }

    /// Sends a listener at once what waits for his packets to be full: from now on they are cut otherwise.
    pub(super) fn catch_up(&mut self, seat: Seat, scratch: &mut Scratch, out: &mut impl Outbox) {
        if let Some(group) = self.groups.iter_mut().find(|group| group.cut() == seat.cut) {
            group.catch_up(seat.at, scratch, out);
        }
    }

    /// Makes ready for a listener who comes over from another hall of the room: says how each of his streams goes on.
    /// What has never been heard of here begins as it is there.
    pub(super) fn take_over(
        &mut self,
        other: &Self,
        single: bool,
        now: Instant,
    ) -> [Option<Passage>; SLOTS_MAX] {
        std::array::from_fn(|slot| {
            let channel = if single { DOMINANT } else { slot };
            let (here, there) = (&mut self.channels[channel], &other.channels[channel]);
            if !here.timeline.has_begun() {
                *here = *there;
                self.wake_at = earlier(self.wake_at, here.silent_at);
            }
            there.timeline.passage(&here.timeline, now)
        })
    }

    /// When to look again.
    pub(super) fn wake_at(&self) -> Option<Instant> {
        self.wake_at
    }

    pub(super) fn listener(&mut self, seat: Seat) -> Option<&mut Listener> {
        self.groups.iter_mut().find(|group| group.cut() == seat.cut)?.listener_mut(seat.at)
    }

    /// Plays a frame; returns when to look again.
    pub(super) fn deliver(
        &mut self,
        delivered: &Delivered<'_>,
        now: Instant,
        scratch: &mut Scratch,
        out: &mut impl Outbox,
    ) -> Option<Instant> {
        let frame = delivered.frame;
        let slot = Some(delivered.slot).filter(|slot| *slot < SLOTS_MAX);
        scratch.counters.over_limit += u64::from(slot.is_none());
        let channels = [slot, delivered.dominant.then_some(DOMINANT)];
        for channel in channels.into_iter().flatten() {
            let state = &mut self.channels[channel];
            let Some(placed) = state.place(frame, now) else {
                scratch.counters.late_frames += u64::from(channel != DOMINANT);
                continue;
            };
            let piece = Piece {
                start: placed.position,
                samples: frame.duration.samples(),
                marker: placed.marker,
                except: delivered.except,
                payload: frame.payload.clone(),
            };
            self.push(channel, &piece, now, scratch, out);
        }
        self.wake_at
    }

    /// Sends what is due; returns when to look again.
    pub(super) fn handle_timeout(
        &mut self,
        now: Instant,
        scratch: &mut Scratch,
        out: &mut impl Outbox,
    ) -> Option<Instant> {
        self.wake_at = None;
        for channel in 0..self.channels.len() {
            if self.channels[channel].silent_at.is_some_and(|at| at <= now) {
                self.end_voice(channel, now, scratch, out);
            }
            let state = self.channels[channel];
            for group in &mut self.groups {
                let Some(slot) = group.slot_of(channel) else { continue };
                group.send_due(slot, &state.pace, now, scratch, out);
                let next = group.poll_timeout(slot, &state.pace, now, scratch);
                self.wake_at = earlier(self.wake_at, next);
            }
            self.wake_at = earlier(self.wake_at, state.silent_at);
        }
        self.wake_at
    }

    /// Timestamps of `now`, for sender reports: in slot order, or for a single line.
    pub(super) fn clocks(&self, single: bool, now: Instant) -> [Option<u32>; SLOTS_MAX] {
        let mut clocks = [None; SLOTS_MAX];
        for (slot, clock) in clocks.iter_mut().enumerate() {
            let channel = if single { DOMINANT } else { slot };
            *clock = self.channels[channel].timeline.timestamp_at(now);
        }
        clocks
    }

    pub(super) fn listeners(&self) -> usize {
        self.groups.iter().map(Group::len).sum()
    }

    pub(super) fn groups_mut(&mut self) -> &mut [Group] {
        &mut self.groups
    }

    fn push(
        &mut self,
        channel: usize,
        piece: &Piece,
        now: Instant,
        scratch: &mut Scratch,
        out: &mut impl Outbox,
    ) {
        let state = self.channels[channel];
        let mut wake_at = earlier(self.wake_at, state.silent_at);
        for group in &mut self.groups {
            let Some(slot) = group.slot_of(channel) else { continue };
            group.push(slot, piece.clone());
            group.send_due(slot, &state.pace, now, scratch, out);
            wake_at = earlier(wake_at, group.poll_timeout(slot, &state.pace, now, scratch));
        }
        self.wake_at = wake_at;
    }

    /// The voice has broken off: a frame of silence ends it, and a frame that says "nothing more" (of the
    /// silence's own kind, without content) keeps the listeners' decoders from guessing on.
    fn end_voice(
        &mut self,
        channel: usize,
        now: Instant,
        scratch: &mut Scratch,
        out: &mut impl Outbox,
    ) {
        scratch.counters.voices_ended += u64::from(channel != DOMINANT);
        for payload in [&opus::SILENT_FRAME[..], &opus::SILENT_FRAME[..1]] {
            let samples = FrameDuration::MS_20.samples();
            let state = &mut self.channels[channel];
            state.silent_at = None;
            let Some(start) = state.timeline.append(samples) else { return };
            let payload = Bytes::from_static(payload);
            let piece = Piece { start, samples, marker: false, except: None, payload };
            self.push(channel, &piece, now, scratch, out);
        }
    }

    fn emptiest_cut(&self, single: bool, length: PacketLength) -> Cut {
        let cuts = (0..length.cells()).map(|phase| Cut { single, length, phase });
        let listeners =
            |cut: &Cut| self.groups.iter().find(|g| g.cut() == *cut).map_or(0, |group| group.len());
        cuts.min_by_key(listeners).unwrap_or(Cut { single, length, phase: 0 })
    }
}

impl Channel {
    fn place(&mut self, frame: &Frame, now: Instant) -> Option<Placed> {
        let placed = self.timeline.place(frame, now)?;
        let end = placed.position.saturating_add(u64::from(frame.duration.samples()));
        self.pace.note(end, placed.changed, now);
        let expected = now + frame.duration.to_std() + self.pace.patience();
        let paused = frame.payload.len() <= opus::DTX_BYTES_MAX;
        self.silent_at = (!paused).then_some(expected + SILENCE_AFTER);
        Some(placed)
    }
}

/// A frame to play in a hall.
pub(super) struct Delivered<'a> {
    pub slot: usize,
    pub dominant: bool,
    pub except: Option<SessionId>,
    pub frame: &'a Frame,
}

fn earlier(one: Option<Instant>, other: Option<Instant>) -> Option<Instant> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}
