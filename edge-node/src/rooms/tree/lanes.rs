//! The stage lane: a speaker's frames go from his edge straight to the other edges of the stage, and the tree brings them
//! once more. An edge believes of another only voices that the owner has named for it; who is muted is not named.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use stoa_audio::frame::{Epoch, Frame, TrackId};
use stoa_link::{LinkId, TrackBinding};
use stoa_protocol::ids::{NodeId, ParticipantId, RoomId};
use stoa_protocol::mesh::control::{LANE_EDGES_MAX, Lane, TrackKind, VOICES_MAX, Voice, twin};

use super::super::command::Command;
use super::super::hub::Hub;
use super::super::joins::TRACK_EPOCH;
use super::super::room::Room;
use super::super::routing::{TreeRoute, own_session};
use super::super::seat::Seat;
use super::super::tracks::Heard;
use super::super::window::Verdict;
use super::feeds::Named;
use crate::webrtc::{Class, Delivery, RoomKey, SessionId};

/// Somebody who may be heard over the lane.
#[derive(Debug)]
struct Speaker {
    edge: NodeId,
    participant: Option<ParticipantId>,
}

/// The stage's other edges, as a room's owner names them.
#[derive(Debug, Default)]
pub(in crate::rooms) struct Lanes {
    version: Option<u64>,
    edges: Vec<Named>,
    speakers: BTreeMap<TrackId, Speaker>,
    /// Links to those edges, over which voices of this edge are announced.
    links: Vec<LinkId>,
}

impl Lanes {
    /// Takes the owner's word; `false` when a newer one is known.
    fn handle_lane(&mut self, lane: Lane) -> bool {
        if self.version > Some(lane.version) {
            return false;
        }
        self.version = Some(lane.version);
        self.edges = lane.edges.into_iter().take(LANE_EDGES_MAX).filter_map(Named::read).collect();
        self.speakers = lane.voices.into_iter().take(VOICES_MAX).filter_map(speaker).collect();
        true
    }

    /// Another owner counts anew; what the last one has said holds until it says otherwise.
    pub(in crate::rooms) fn handle_owner(&mut self) {
        self.version = None;
    }

    /// The stage's other edges, to be linked.
    pub(in crate::rooms) fn named(&self) -> impl Iterator<Item = &Named> {
        self.edges.iter()
    }

    /// Whose microphone a track is, as the owner says.
    pub(in crate::rooms) fn speaker_of(&self, track: TrackId) -> Option<ParticipantId> {
        self.speakers.get(&track)?.participant.clone()
    }

    /// How many of them are linked.
    pub(in crate::rooms) fn len(&self) -> usize {
        self.links.len()
    }

    /// Whether a voice is believed that comes from this edge.
    fn takes(&self, track: TrackId, from: &NodeId) -> bool {
        self.speakers.get(&track).is_some_and(|speaker| speaker.edge == *from)
    }
}

impl Hub {
    /// An owner says which edges have people on the stage, and who of them may be heard.
    pub(in crate::rooms) fn handle_lane(&mut self, link: LinkId, lane: Lane, now: Instant) {
        if self.directory.key_of_text(&lane.room).is_none() {
            // Everybody has left while it was under way.
            self.metrics.refused.stale.inc();
            return;
        }
        let Some(key) = self.room_of_owner(link, &lane.room, Some(lane.epoch), now) else { return };
        let Some(room) = self.directory.get_mut(key) else { return };
        if !room.note_epoch(Epoch(lane.epoch)) || !room.lanes.handle_lane(lane) {
            self.metrics.refused.stale.inc();
            return;
        }
        self.dial_edges();
        self.settle_lanes(key);
    }

    /// Brings the links over which voices of this edge go in line with who is named and linked.
    pub(in crate::rooms) fn settle_lanes(&mut self, key: RoomKey) {
        let Some(room) = self.directory.get_mut(key) else { return };
        let edges = &self.edges;
        let wanted: BTreeSet<LinkId> =
            room.lanes.named().filter_map(|named| edges.link_of(&named.node)).collect();
        let before = std::mem::replace(&mut room.lanes.links, wanted.iter().copied().collect());
        if before.iter().eq(wanted.iter()) {
            return;
        }
        let voices = self.voices_of(key);
        let left = before.iter().filter(|link| !wanted.contains(*link));
        let left: Vec<LinkId> = left.copied().filter(|link| self.edges.contains(*link)).collect();
        for seat in &voices {
            for link in &left {
                self.unbind_in_lane(*link, seat.track);
            }
            for link in wanted.iter().filter(|link| !before.contains(*link)) {
                self.bind_in_lane(*link, seat);
            }
        }
    }

    /// An edge has come or gone: lanes that name it go over other links, or end.
    pub(in crate::rooms) fn settle_lanes_of(&mut self, node: &NodeId) {
        for key in self.directory.keys() {
            let named = |room: &Room| room.lanes.named().any(|named| named.node == *node);
            if self.directory.get(key).is_some_and(named) {
                self.settle_lanes(key);
            }
        }
    }

    /// The room has ended: nobody hears of its stage any more.
    pub(in crate::rooms) fn end_lanes(&mut self, key: RoomKey) {
        let Some(room) = self.directory.get_mut(key) else { return };
        room.lanes.edges.clear();
        room.lanes.speakers.clear();
        self.settle_lanes(key);
    }

    /// A voice is announced to the stage's other edges.
    pub(in crate::rooms) fn bind_in_lanes(&mut self, seat: &Seat) {
        for link in self.lanes(seat.room).to_vec() {
            self.bind_in_lane(link, seat);
        }
    }

    /// A voice is announced to them no longer.
    pub(in crate::rooms) fn silence_in_lanes(&mut self, key: RoomKey, track: TrackId) {
        for link in self.lanes(key).to_vec() {
            self.unbind_in_lane(link, Some(track));
        }
    }

    fn bind_in_lane(&mut self, link: LinkId, seat: &Seat) {
        let (Some(track), Class::Stage) = (seat.track, seat.class) else { return };
        let Some(room) = self.directory.get(seat.room) else { return };
        let binding = TrackBinding {
            track: twin(track),
            epoch: TRACK_EPOCH,
            room: room.id.clone(),
            participant: seat.participant.as_str().to_owned(),
            kind: TrackKind::Lane,
            bitrate: 0,
        };
        self.owe(Command::Bind { link, binding: Box::new(binding) });
    }

    fn unbind_in_lane(&mut self, link: LinkId, track: Option<TrackId>) {
        if let Some(track) = track.map(twin) {
            self.owe(Command::Unbind { link, track });
        }
    }

    /// Links over which voices of this edge go to the other edges of a room's stage.
    #[must_use]
    pub fn lanes(&self, key: RoomKey) -> &[LinkId] {
        self.directory.get(key).map_or(&[], |room| &room.lanes.links)
    }

    /// A frame of a local voice as it travels along the lane; `None` when there is nobody to hear it.
    pub(in crate::rooms) fn in_lane(&self, key: RoomKey, frame: &Frame) -> Option<Frame> {
        let links = self.lanes(key).len();
        self.metrics.lane.sent.inc_by(u64::try_from(links).unwrap_or(u64::MAX));
        (links > 0).then(|| Frame { track: twin(frame.track), ..frame.clone() })
    }

    /// Routes a frame that came over a stage lane: to the stage here, and nowhere else, because what the audience and other
    /// edges get is the owner's choice.
    pub(in crate::rooms) fn route_from_lane(
        &mut self,
        link: LinkId,
        room: &RoomId,
        frame: &Frame,
        now: Instant,
    ) -> TreeRoute {
        let lane = &self.metrics.lane;
        let frame = Frame { track: twin(frame.track), ..frame.clone() };
        let room = self.directory.key_of(room).and_then(|key| self.directory.get_mut(key));
        let (Some(room), Some(from)) = (room, self.edges.node_of(link)) else {
            self.metrics.dropped.no_room.inc();
            return TreeRoute::default();
        };
        if !room.lanes.takes(frame.track, from) || self.seats.has_track(frame.track) {
            lane.unnamed.inc();
            return TreeRoute::default();
        }
        let key = room.key;
        if room.listeners(Class::Stage) == 0 {
            lane.unheard.inc();
            return TreeRoute::default();
        }
        let his = room.lanes.speakers.get(&frame.track).and_then(|from| from.participant.as_ref());
        let own = own_session(&self.movers, &mut self.seats, key, his, &frame);
        let (verdict, forgot) = room.tracks.note(Heard::Stage, &frame, None, now);
        if forgot {
            self.metrics.limits.tracks.inc();
        }
        match verdict {
            Verdict::Fresh => lane.first.inc(),
            Verdict::Duplicate | Verdict::TooOld => lane.behind.inc(),
            Verdict::OldEpoch => self.metrics.dropped.old_epoch.inc(),
        }
        let fresh = verdict == Verdict::Fresh;
        let stage = if fresh { self.deliver(key, Class::Stage, &frame, own, now) } else { None };
        TreeRoute { stage, ..TreeRoute::default() }
    }

    /// Delivers a frame that came along the tree to the stage, unless the lane was faster.
    pub(in crate::rooms) fn route_to_stage(
        &mut self,
        key: RoomKey,
        frame: &Frame,
        own: Option<SessionId>,
        now: Instant,
    ) -> Option<Delivery> {
        let room = self.directory.get_mut(key)?;
        if room.listeners(Class::Stage) == 0 {
            return None;
        }
        let (verdict, _) = room.tracks.note(Heard::Stage, frame, None, now);
        if verdict != Verdict::Fresh {
            return None;
        }
        if room.lanes.speakers.contains_key(&frame.track) {
            self.metrics.lane.late.inc();
        }
        self.deliver(key, Class::Stage, frame, own, now)
    }
}

fn speaker(wire: Voice) -> Option<(TrackId, Speaker)> {
    let edge = NodeId::new(wire.edge).ok()?;
    let participant = ParticipantId::new(wire.participant).ok();
    Some((TrackId(wire.track), Speaker { edge, participant }))
}
