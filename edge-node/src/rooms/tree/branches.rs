//! What owners plan, carried out: whom to dial and to ask for each room.

use std::collections::BTreeMap;
use std::time::Instant;

use stoa_audio::frame::Epoch;
use stoa_link::LinkId;
use stoa_protocol::ids::{NodeId, RoomId};
use stoa_protocol::mesh::control::{Body, Branch, Neighbours, Relay, Subscribe, TrackKind};

use super::super::command::Command;
use super::super::hub::{Bound, Hub, Timer, count};
use super::super::owners::unsubscribe_of;
use super::super::room::{Room, Subscription};
use super::children::Children;
use super::feeds::{Feeds, Reach, Said};
use crate::webrtc::RoomKey;

impl Hub {
    /// An owner says how this edge gets a room.
    pub(in crate::rooms) fn handle_branch(&mut self, link: LinkId, branch: Branch, now: Instant) {
        let Ok(id) = RoomId::new(branch.room.as_str()) else {
            self.metrics.refused.malformed.inc();
            return;
        };
        if self.directory.key_of(&id).is_none() && !(branch.relays && self.open_relayed(link, &id))
        {
            // Everybody has left while it was under way.
            self.metrics.refused.stale.inc();
            return;
        }
        let Some(key) = self.room_of_owner(link, id.as_str(), Some(branch.epoch), now) else {
            return;
        };
        let Some(room) = self.directory.get_mut(key) else { return };
        let (standby, relays) = (NodeId::new(branch.standby.as_str()).ok(), branch.relays);
        if !room.note_epoch(Epoch(branch.epoch)) || !room.feeds.handle_branch(branch) {
            self.metrics.refused.stale.inc();
            return;
        }
        room.relays = relays;
        self.dial_edges();
        self.settle_feeds(key, now);
        self.set_standby(key, standby);
        self.drop_room_if_over(key);
    }

    /// A room of which nobody is here is passed on for others.
    fn open_relayed(&mut self, link: LinkId, id: &RoomId) -> bool {
        let Some(node) = self.parents.node_of(link).cloned() else { return false };
        if self.directory.len() >= self.limits.rooms_max {
            self.metrics.limits.rooms.inc();
            return false;
        }
        let key = self.directory.open(id);
        if let Some(room) = self.directory.get_mut(key) {
            room.owner_node = Some(node);
            room.adopt(Some(link));
        }
        self.count_rooms();
        true
    }

    /// An origin wants links to other edges measured.
    pub(in crate::rooms) fn handle_neighbours(&mut self, link: LinkId, told: Neighbours) {
        let Some(teller) = self.parents.node_of(link).cloned() else { return };
        self.edges.handle_neighbours(&teller, told.neighbours);
        self.dial_edges();
    }

    /// Dials the edges that rooms or origins need.
    pub(in crate::rooms) fn dial_edges(&mut self) {
        let parents = &self.parents;
        let named =
            self.directory.iter().flat_map(|room| room.feeds.named().chain(room.lanes.named()));
        let wanted: BTreeMap<NodeId, String> = named
            .filter(|named| parents.link_of(&named.node).is_none())
            .map(|named| (named.node.clone(), named.address.clone()))
            .collect();
        let Some(over) = self.edges.settle(wanted, |_| false) else { return };
        self.metrics.tree.refused_edges.inc_by(u64::try_from(over).unwrap_or(u64::MAX));
        self.dial();
    }

    /// Everything that is dialled, origins and edges.
    pub(in crate::rooms) fn dial(&mut self) {
        let mut targets = self.targets.wanted();
        targets.extend(self.edges.dialled());
        self.owe(Command::Dial { targets });
    }

    /// Asks for a room's frames whom it should, and nobody else.
    pub(in crate::rooms) fn settle_feeds(&mut self, key: RoomKey, now: Instant) {
        let Some(room) = self.directory.get_mut(key) else { return };
        let wanted = room.subscription != Subscription::Off || !room.children.is_empty();
        let (parents, edges, bound, id) = (&self.parents, &self.edges, &self.bound, &room.id);
        let reach = Reach {
            link_of: &|node| parents.link_of(node).or_else(|| edges.link_of(node)),
            sends: &|link| {
                // What comes over the lane says nothing of the tree.
                let of = |b: &Bound| b.room == *id && b.kind == TrackKind::Speaker;
                bound.get(&link).is_some_and(|tracks| tracks.values().any(of))
            },
            owner: room.owner,
        };
        let (said, look_at) = room.feeds.settle(wanted, &reach, now);
        let messages: Vec<(LinkId, Body)> =
            said.iter().map(|said| (said.link(), said.body(room))).collect();
        for said in said {
            self.metrics.tree.note_switch(said);
        }
        for (link, body) in messages {
            self.send(link, body);
        }
        if let Some(at) = look_at {
            self.set_timer(at, Timer::Feeds(key));
        }
    }

    /// A neighbour has come or gone: rooms that name it, or that it served, ask anew.
    pub(in crate::rooms) fn settle_feeds_of(&mut self, node: &NodeId, link: LinkId, now: Instant) {
        let concerned = |room: &&Room| {
            room.feeds.is_asked(link) || room.feeds.named().any(|named| named.node == *node)
        };
        let keys: Vec<RoomKey> =
            self.directory.iter().filter(concerned).map(|room| room.key).collect();
        for key in keys {
            self.settle_feeds(key, now);
        }
    }

    /// A link is down: nothing comes from there, and nobody hangs from here by it.
    pub(in crate::rooms) fn forget_neighbour(&mut self, link: LinkId, node: &NodeId, now: Instant) {
        let mut lost = Vec::new();
        for key in self.directory.keys() {
            let Some(room) = self.directory.get_mut(key) else { continue };
            // Whoever owns the room next plans anew.
            room.relays &= room.owner_node.as_ref() != Some(node);
            let hung = room.children.forget(link);
            let asked = room.feeds.is_asked(link);
            room.feeds.forget(link);
            if hung {
                self.metrics.tree.children.dec();
            }
            if hung || asked || room.feeds.named().any(|named| named.node == *node) {
                lost.push(key);
            }
        }
        self.dial_edges();
        self.settle_lanes_of(node);
        for key in lost {
            self.settle_feeds(key, now);
            self.drop_room_if_over(key);
        }
    }

    /// The room has ended: nothing is asked or passed on any more.
    pub(in crate::rooms) fn end_tree(&mut self, key: RoomKey) {
        let Some(room) = self.directory.get_mut(key) else { return };
        let children = i64::try_from(room.children.len()).unwrap_or(i64::MAX);
        room.children = Children::default();
        room.feeds = Feeds::default();
        self.metrics.tree.children.sub(children);
    }

    /// What this edge offers to others from now on.
    pub fn offer(&mut self, relay: Relay) {
        self.relay = relay;
    }

    /// A new origin is told what this edge offers and measures.
    pub(in crate::rooms) fn introduce(&mut self, link: LinkId) {
        let relay = self.relay.clone();
        if relay != Relay::default() {
            self.send(link, Body::Relay(relay));
        }
        let paths = self.edges.all();
        if !paths.paths.is_empty() {
            self.send(link, Body::Paths(paths));
        }
    }

    /// What links to other edges measure is told to every origin, if it is news.
    pub(in crate::rooms) fn tell_paths(&mut self) {
        self.metrics.tree.edges.set(count(self.edges.len()));
        let doubled = self.directory.iter().filter(|room| room.feeds.is_doubled()).count();
        self.metrics.tree.doubled.set(count(doubled));
        self.metrics
            .lane
            .links
            .set(self.directory.iter().map(|room| count(room.lanes.len())).sum());
        let Some(paths) = self.edges.news() else { return };
        for link in self.parents.links().collect::<Vec<_>>() {
            self.send(link, Body::Paths(paths.clone()));
        }
    }
}

impl Said {
    fn link(self) -> LinkId {
        match self {
            Self::Subscribe { link, .. } | Self::Unsubscribe { link, .. } => link,
        }
    }

    fn body(self, room: &Room) -> Body {
        match self {
            Self::Subscribe { feed, back_fill, .. } => Body::Subscribe(Subscribe {
                room: room.id.as_str().to_owned(),
                feed: i32::from(feed),
                kind: i32::from(TrackKind::Speaker),
                bitrate: 0,
                epoch: room.epoch().0,
                back_fill,
            }),
            Self::Unsubscribe { feed, .. } => Body::Unsubscribe(unsubscribe_of(room, feed)),
        }
    }
}
