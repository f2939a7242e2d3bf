//! Frames of a link, and the trails that some of them carry: what nodes and links have added to their delay.

use std::time::{Duration, Instant};

use stoa_audio::frame::Frame;

use super::machine::{Peer, State};
use super::vocabulary::Event;
use crate::mesh::control::Hello;
use crate::mesh::datagram::Records;
use crate::mesh::trail::{Departure, FEATURE, PART_US_MAX, Trail, is_sampled};

/// Most events that wait for the owner; frames beyond are dropped and counted.
const EVENTS_MAX: usize = 16_384;

/// Whether a node that says this knows trails.
pub(super) fn can_trace(hello: &Hello) -> bool {
    hello.features.iter().any(|feature| feature == FEATURE)
}

impl Peer {
    /// Sends a frame of a bound track. It leaves within `AGGREGATION`, with frames of other tracks.
    /// A frame of an unbound track or another epoch is dropped and counted.
    pub fn send_frame(&mut self, frame: &Frame, now: Instant) {
        self.send_with(frame, None, now);
    }

    /// The same with what its hops have added so far, for frames that are sampled: it has been in this node for `waited`.
    /// A peer that knows no trails gets the frame alone.
    pub fn send_traced(&mut self, frame: &Frame, trail: &Trail, waited: Duration, now: Instant) {
        let left_us = self.wire.clock_us(now);
        let wanted = self.traces && is_sampled(frame.track, frame.number);
        let departure = wanted.then(|| Departure::new(trail, waited, left_us)).flatten();
        self.send_with(frame, departure, now);
    }

    fn send_with(&mut self, frame: &Frame, trail: Option<Departure>, now: Instant) {
        if self.state != State::Up {
            self.wire.counters.frames_refused += 1;
            return;
        }
        self.outgoing.send_frame((frame, trail), self.redundancy, &mut self.wire, now);
    }

    /// Takes the records of a datagram that was sent at `sent_us` by the peer's clock.
    pub(super) fn handle_records(&mut self, records: Records, sent_us: u32, now: Instant) {
        for record in records {
            let record = match record {
                Ok(record) => record,
                Err(error) => return self.handle_datagram_error(error, now),
            };
            let departure = record.trail;
            let Some(frame) = self.incoming.handle_record(record, &mut self.wire.counters, now)
            else {
                continue;
            };
            if self.events.len() >= EVENTS_MAX {
                self.wire.counters.over_limit += 1;
                continue;
            }
            if let Some(departure) = departure {
                self.trace(&frame, &departure, sent_us);
            }
            self.events.push_back(Event::Frame(frame));
        }
    }

    /// Tells where a new frame's delay comes from.
    fn trace(&mut self, frame: &Frame, departure: &Departure, sent_us: u32) {
        if !self.traces || !is_sampled(frame.track, frame.number) {
            self.wire.counters.trails_refused += 1;
            return;
        }
        // Nothing can be said of a link whose round trip is not known yet.
        let Some(one_way_us) = self.timing.one_way_us() else { return };
        // Beyond the maximum, too, when the peer says that it left after it was sent.
        let held_us = sent_us.wrapping_sub(departure.left_us);
        let link_us = one_way_us.saturating_add(held_us.min(PART_US_MAX + 1));
        let (trail, is_sane) = departure.arrive(link_us);
        self.wire.counters.trails_in += 1;
        self.wire.counters.trails_clamped += u64::from(!is_sane);
        let (track, epoch, number) = (frame.track, frame.epoch, frame.number);
        self.events.push_back(Event::Trail { track, epoch, number, trail });
    }
}
