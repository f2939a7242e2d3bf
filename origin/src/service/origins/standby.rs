//! An owner and its standby: everything that is written of a room is told to another origin, which is named in the
//! store once it knows the room, and takes the room over when this origin is gone.

use std::collections::{BTreeSet, VecDeque};
use std::time::Instant;

use stoa_link::LinkId;
use stoa_protocol::ids::NodeId;
use stoa_protocol::mesh::control::{Body, Replica as WireReplica, RoomEdges};

use super::network::{MOVE_WITHIN, Moving, Readiness, Standby};
use crate::cluster::{Line, standby_of};
use crate::room::Room;
use crate::service::core::Service;
use crate::service::effects::Command;
use crate::service::hall::RoomKey;
use crate::store::{Operation, Ownership};

/// Bytes of lines in one message, roughly; the control stream takes 64 KiB.
const MESSAGE_BYTES: usize = 24 * 1_024;

impl Service {
    /// Gives a room a standby if it has none, and one in another failure domain if it has not.
    pub(in crate::service) fn assign_standby(&mut self, key: RoomKey, now: Instant) {
        let Some(hall) = self.halls.get(&key) else { return };
        let moves = hall.moving.is_some() || self.relocations.contains(key);
        if !self.network.is_shared() || moves {
            return;
        }
        let network = &self.network;
        let others = network.origins.values().filter(|origin| !origin.draining);
        let others = others.map(|origin| (&origin.peer.node, network.domain_of(&origin.peer)));
        let Some(best) = standby_of(hall.room.id(), &network.domain, others) else { return };
        if let Some(before) = &hall.standby {
            let domain = |node: &NodeId| {
                let peers = network.origins.values().map(|origin| &origin.peer);
                peers.filter(|peer| peer.node == *node).map(|p| network.domain_of(p)).next()
            };
            let near = domain(&before.node).is_none_or(|domain| domain == network.domain);
            // A standby that does its work is not changed for one that would do it as well.
            if !near || domain(best).is_none_or(|domain| domain == network.domain) {
                return;
            }
        }
        let best = best.clone();
        let Some(link) = self.network.link_of(&best) else { return };
        self.drop_standby(key, now);
        self.tell_room(key, link, best);
    }

    /// Tells another origin a room from the beginning.
    pub(in crate::service) fn tell_room(&mut self, key: RoomKey, link: LinkId, node: NodeId) {
        let Some(hall) = self.halls.get(&key) else { return };
        let lines = Line::all_of(self.kept_of(hall));
        let links: Vec<LinkId> = hall.room.links().collect();
        let (mut first, mut told) = (true, Some(self.edges_of(&links)));
        for operations in in_messages(&lines) {
            let replica =
                WireReplica { operations, first, edges: told.take(), ..WireReplica::default() };
            self.send_replica(key, link, replica, false);
            first = false;
        }
        let Some(origin) = self.network.origins.get_mut(&link) else { return };
        origin.copying.insert(origin.told, key);
        if let Some(hall) = self.halls.get_mut(&key) {
            hall.standby = Some(Standby { link, node, state: Readiness::Copying, told: links });
        }
    }

    /// The standby is lost, or another is better: what it holds counts no more.
    pub(in crate::service) fn drop_standby(&mut self, key: RoomKey, now: Instant) {
        let Some(hall) = self.halls.get_mut(&key) else { return };
        let Some(standby) = hall.standby.take() else { return };
        if hall.ownership.standby.is_some() {
            self.name_standby(key, None);
        }
        if let Some(origin) = self.network.origins.get_mut(&standby.link) {
            origin.copying.retain(|_, of| *of != key);
            let over = WireReplica { over: true, ..WireReplica::default() };
            self.send_replica(key, standby.link, over, false);
        }
        self.end_carried(key, now);
        self.stay(key, now);
    }

    /// Tells a standby what is written of a room.
    pub(in crate::service) fn replicate(&mut self, key: RoomKey, operations: &[Operation]) {
        let Some(hall) = self.halls.get(&key) else { return };
        let Some(standby) = &hall.standby else { return };
        let lines: Vec<Line> = operations.iter().filter_map(Line::of).collect();
        let (link, counts) = (standby.link, standby.state == Readiness::Ready);
        let mut told = None;
        if !hall.room.links().eq(standby.told.iter().copied()) {
            let links: Vec<LinkId> = hall.room.links().collect();
            told = Some(self.edges_of(&links));
            if let Some(standby) = self.halls.get_mut(&key).and_then(|hall| hall.standby.as_mut()) {
                standby.told = links;
            }
        }
        for operations in in_messages(&lines) {
            let replica = WireReplica { operations, edges: told.take(), ..WireReplica::default() };
            self.send_replica(key, link, replica, counts);
        }
        if told.is_some() {
            self.send_replica(
                key,
                link,
                WireReplica { edges: told, ..WireReplica::default() },
                false,
            );
        }
    }

    /// A standby holds everything up to this number.
    pub(in crate::service) fn handle_replicated(
        &mut self,
        link: LinkId,
        number: u64,
        now: Instant,
    ) {
        let Some(origin) = self.network.origins.get_mut(&link) else { return };
        let later = origin.copying.split_off(&number.saturating_add(1));
        let ready = std::mem::replace(&mut origin.copying, later);
        for key in ready.into_values() {
            let Some(hall) = self.halls.get_mut(&key) else { continue };
            let Some(standby) = hall.standby.as_mut().filter(|s| s.link == link) else { continue };
            standby.state = Readiness::Naming;
            let node = standby.node.clone();
            self.name_standby(key, Some(node));
            if self.leaving_at.is_some() {
                self.hand_over(key, now);
            }
        }
    }

    /// The store is to know who takes over. Writes that come later wait for it.
    fn name_standby(&mut self, key: RoomKey, standby: Option<NodeId>) {
        let Some(hall) = self.halls.get_mut(&key) else { return };
        let before = hall.ownership.clone();
        hall.ownership = Ownership { standby, ..before.clone() };
        let (room, next) = (hall.room.id().clone(), hall.ownership.clone());
        self.writes.push_back(Operation::Claim { room, before, next });
        self.tell_ownership(key);
    }

    /// The store has named a standby, or no longer does.
    pub(in crate::service) fn handle_named(
        &mut self,
        key: RoomKey,
        next: &Ownership,
        now: Instant,
    ) {
        let Some(hall) = self.halls.get_mut(&key) else { return };
        let Some(standby) = hall.standby.as_mut() else { return };
        if standby.state == Readiness::Naming && next.standby.as_ref() == Some(&standby.node) {
            standby.state = Readiness::Ready;
            if self.leaving_at.is_some() {
                self.hand_over(key, now);
            }
        }
    }

    /// This origin leaves: rooms go to their standbys.
    pub(in crate::service) fn hand_over_all(&mut self, now: Instant) {
        let keys: Vec<RoomKey> = self.halls.keys().copied().collect();
        for key in keys {
            self.hand_over(key, now);
        }
    }

    /// Asks the standby to take a room now; until it has, requests wait.
    pub(in crate::service) fn hand_over(&mut self, key: RoomKey, now: Instant) {
        let Some(hall) = self.halls.get_mut(&key) else { return };
        let ready = hall.standby.as_ref().filter(|standby| standby.state == Readiness::Ready);
        let Some(link) = ready.map(|standby| standby.link).filter(|_| hall.moving.is_none()) else {
            return;
        };
        hall.moving = Some(Moving { until: now + MOVE_WITHIN, held: VecDeque::new() });
        let replica = WireReplica { hand_over: true, ..WireReplica::default() };
        self.send_replica(key, link, replica, false);
        self.reschedule(key, now);
    }

    /// The room does not move after all: what waited for it is answered here.
    pub(in crate::service) fn stay(&mut self, key: RoomKey, now: Instant) {
        let moving = self.halls.get_mut(&key).and_then(|hall| hall.moving.take());
        for (link, request) in moving.map(|moving| moving.held).unwrap_or_default() {
            self.handle_request(link, request, now);
        }
    }

    fn send_replica(&mut self, key: RoomKey, link: LinkId, replica: WireReplica, counts: bool) {
        let Some(hall) = self.halls.get(&key) else { return };
        let Some(origin) = self.network.origins.get_mut(&link) else { return };
        origin.told += 1;
        let (number, id) = (origin.told, hall.room.id().clone());
        let room = id.as_str().to_owned();
        let replica = WireReplica { number, room, epoch: hall.room.epoch().0, ..replica };
        let body = Box::new(Body::Replica(replica));
        if counts {
            self.commands.push_back(Command::Replicate { link, number, room: id, body });
        } else {
            self.commands.push_back(Command::Send { link, body });
        }
    }

    /// The room has ended.
    pub(in crate::service) fn end_replica(&mut self, room: &Room, standby: &Standby) {
        let Some(origin) = self.network.origins.get_mut(&standby.link) else { return };
        origin.told += 1;
        let (number, epoch) = (origin.told, room.epoch().0);
        let room = room.id().as_str().to_owned();
        let over = WireReplica { number, room, epoch, over: true, ..WireReplica::default() };
        self.send(standby.link, Body::Replica(over));
    }

    /// The edges at the other ends.
    fn edges_of(&self, links: &[LinkId]) -> RoomEdges {
        let nodes: BTreeSet<&str> = links
            .iter()
            .filter_map(|link| self.links.get(link))
            .map(|neighbour| neighbour.peer.node.as_str())
            .collect();
        RoomEdges { nodes: nodes.into_iter().map(ToOwned::to_owned).collect() }
    }
}

/// Lines as JSON, as many in each message as fit.
fn in_messages(lines: &[Line]) -> Vec<Vec<Vec<u8>>> {
    let mut messages: Vec<Vec<Vec<u8>>> = Vec::new();
    let mut bytes = usize::MAX;
    for line in lines {
        // Nothing in a line can fail to become text.
        let json = serde_json::to_vec(line).unwrap_or_default();
        if bytes.saturating_add(json.len()) > MESSAGE_BYTES {
            messages.push(Vec::new());
            bytes = 0;
        }
        bytes += json.len();
        if let Some(message) = messages.last_mut() {
            message.push(json);
        }
    }
    messages
}
