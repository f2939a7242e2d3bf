//! Frames of rooms of other origins, of which this one is the standby.

use std::time::{Duration, Instant};

use stoa_audio::frame::{Frame, TrackId};
use stoa_link::{Interest, LinkId, TrackBinding};
use stoa_protocol::ids::{NodeId, RoomId};
use stoa_protocol::mesh::control::{Feed, Subscribe, Voices};
use stoa_protocol::mesh::peer::TRACKS_PER_LINK_MAX;

use super::blue::{Blue, BlueRoute, Doing};
use crate::service::core::Service;
use crate::service::counts::{ClaimRefusal, ControlRefusal, FrameDrop};
use crate::service::effects::Command;
use crate::service::hall::RoomKey;
use crate::service::origins::REPLICAS_MAX;

/// How long after a take-over the last owner's decisions hold for voices that have not been announced anew.
const BRIDGE: Duration = Duration::from_secs(5);

/// What edges ask of a standby.
const BLUE: Interest = Interest { feed: Feed::Blue, ..Interest::SPEAKERS };

impl Service {
    /// The owner of a room says who speaks in it.
    pub(in crate::service) fn handle_voices(&mut self, link: LinkId, told: Voices, now: Instant) {
        let Some(owner) = self.network.origins.get(&link).map(|origin| origin.peer.node.clone())
        else {
            return;
        };
        let Ok(room) = RoomId::new(told.room.as_str()) else { return };
        let replica = self.network.replicas.get(&room);
        if replica.is_none_or(|replica| replica.owner != owner) || self.rooms.contains_key(&room) {
            self.network.counts.superseded += 1;
            return;
        }
        let blue = self.trees.blue.entry(room.clone()).or_insert_with(|| Blue::new(room.clone()));
        let before: Vec<TrackId> = blue.tracks().collect();
        if !blue.handle_voices(link, told, now) {
            self.network.counts.superseded += 1;
            return;
        }
        let after: Vec<TrackId> = blue.tracks().collect();
        for track in before {
            self.trees.blue_tracks.remove(&track);
        }
        for track in after {
            self.trees.blue_tracks.insert(track, room.clone());
        }
        self.carry_out_blue(&room);
    }

    /// An edge asks for the blue feed of a room of another origin.
    pub(in crate::service) fn subscribe_blue(
        &mut self,
        link: LinkId,
        wire: &Subscribe,
    ) -> Result<(), ControlRefusal> {
        let room = RoomId::new(wire.room.as_str()).map_err(|_| ControlRefusal::UnknownRoom)?;
        // Its owner's word that this origin is the standby may be slower than the edge's question.
        if !self.network.is_shared() {
            return Err(ControlRefusal::UnknownRoom);
        }
        if self.trees.blue.len() >= REPLICAS_MAX && !self.trees.blue.contains_key(&room) {
            return Err(ControlRefusal::TooMany);
        }
        self.trees.blue.entry(room.clone()).or_insert_with(|| Blue::new(room.clone())).insert(link);
        self.carry_out_blue(&room);
        Ok(())
    }

    /// It needs it no longer; says whether this was such a room.
    pub(in crate::service) fn unsubscribe_blue(&mut self, link: LinkId, room: &str) -> bool {
        let room = RoomId::new(room).ok();
        let Some((room, blue)) =
            room.and_then(|room| Some((room.clone(), self.trees.blue.get_mut(&room)?)))
        else {
            return false;
        };
        blue.remove(link);
        let unused = blue.links().next().is_none() && blue.tracks().next().is_none();
        self.carry_out_blue(&room);
        if unused {
            self.trees.blue.remove(&room);
        }
        true
    }

    /// An edge announces a voice of a room of another origin. Whether it may is looked at frame by frame, because the
    /// owner's word may be slower than the edge's.
    pub(in crate::service) fn bind_blue(
        &mut self,
        link: LinkId,
        binding: &TrackBinding,
    ) -> Result<bool, ClaimRefusal> {
        if !self.network.is_shared() || self.rooms.contains_key(&binding.room) {
            return Ok(false);
        }
        if self.note_announced(link, binding) { Ok(true) } else { Err(ClaimRefusal::TooMany) }
    }

    /// Keeps an announcement that means nothing yet; `false` when there are too many.
    pub(in crate::service) fn note_announced(
        &mut self,
        link: LinkId,
        binding: &TrackBinding,
    ) -> bool {
        let Some(neighbour) = self.links.get_mut(&link) else { return false };
        let crowded = neighbour.announced.len() >= TRACKS_PER_LINK_MAX;
        if crowded && !neighbour.announced.contains_key(&binding.track) {
            return false;
        }
        neighbour.announced.insert(binding.track, binding.clone());
        true
    }

    /// Somebody has joined. If his voice was announced while another origin owned the room, that holds here.
    pub(in crate::service) fn claim_announced(
        &mut self,
        link: LinkId,
        track: TrackId,
        now: Instant,
    ) {
        let announced = self.links.get_mut(&link).and_then(|n| n.announced.remove(&track));
        if let Some(binding) = announced {
            self.handle_bound(link, &binding, now);
        }
    }

    /// A frame of a room of another origin; `None` if it is none of such a room.
    pub(in crate::service) fn route_blue(
        &mut self,
        link: LinkId,
        frame: &Frame,
    ) -> Option<Result<BlueRoute, FrameDrop>> {
        let neighbour = self.links.get(&link)?;
        if !neighbour.announced.contains_key(&frame.track) {
            return None;
        }
        let Some(room) = self.trees.blue_tracks.get(&frame.track) else {
            return Some(Err(FrameDrop::UnknownTrack));
        };
        let blue = self.trees.blue.get(room)?;
        Some(blue.route(&neighbour.peer.node, frame))
    }

    /// This origin owns a room of which it was the standby. Who hung from here goes on to, and the last owner's decisions
    /// hold for each voice until its edge has announced it anew.
    pub(in crate::service) fn adopt_blue(&mut self, room: &RoomId, key: RoomKey, now: Instant) {
        let Some(blue) = self.trees.blue.get_mut(room) else { return };
        blue.end_at(now + BRIDGE);
        blue.end_carried();
        for link in blue.links() {
            if let (Some(hall), Some(neighbour)) =
                (self.halls.get_mut(&key), self.links.get_mut(&link))
            {
                neighbour.rooms.insert(key);
                hall.tree.handle_subscribe(link, BLUE);
            }
        }
    }

    /// This origin is no longer the standby of a room. What it sends as the room's owner goes on.
    pub(in crate::service) fn end_blue(&mut self, room: &RoomId) {
        if let Some(blue) = self.trees.blue.get_mut(room) {
            blue.end_carried();
        }
        self.carry_out_blue(room);
        let Some(blue) = self.trees.blue.remove(room) else { return };
        let hall = self.rooms.get(room).and_then(|key| self.halls.get(key));
        for track in blue.tracks() {
            self.trees.blue_tracks.remove(&track);
            let own = hall.map_or(&[][..], |hall| hall.tree.children(track));
            for child in blue.children(track).iter().filter(|child| !own.contains(child)) {
                self.commands.push_back(Command::Unbind { link: *child, track });
            }
        }
    }

    /// A link to `node` has ended. It may have another by now.
    pub(in crate::service) fn forget_blue(&mut self, link: LinkId, node: &NodeId) {
        let lost = !self.links.values().any(|neighbour| neighbour.peer.node == *node);
        let rooms: Vec<RoomId> = self.trees.blue.keys().cloned().collect();
        for room in rooms {
            if let Some(blue) = self.trees.blue.get_mut(&room) {
                blue.forget(link, Some(node).filter(|_| lost));
            }
            self.carry_out_blue(&room);
        }
    }

    /// Tracks that have not been selected for a while are taken back.
    pub(in crate::service) fn handle_blue_due(&mut self, now: Instant) {
        let due = |blue: &Blue| blue.poll_timeout().is_some_and(|at| at <= now);
        let rooms: Vec<RoomId> = self
            .trees
            .blue
            .iter()
            .filter(|(_, blue)| due(blue))
            .map(|(room, _)| room.clone())
            .collect();
        for room in rooms {
            let Some(blue) = self.trees.blue.get_mut(&room) else { continue };
            blue.handle_timeout(now);
            if blue.is_over(now) {
                self.end_blue(&room);
            } else {
                self.carry_out_blue(&room);
            }
        }
    }

    fn carry_out_blue(&mut self, room: &RoomId) {
        while let Some(doing) = self.trees.blue.get_mut(room).and_then(Blue::next_doing) {
            self.do_blue(doing);
        }
    }

    fn do_blue(&mut self, doing: Doing) {
        self.commands.push_back(match doing {
            Doing::Bind { child, binding } => Command::Bind { link: child, binding },
            Doing::Unbind { child, track } => Command::Unbind { link: child, track },
        });
    }
}
