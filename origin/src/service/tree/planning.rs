//! Plans made and kept, and told to edges.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use stoa_link::LinkId;
use stoa_protocol::ids::NodeId;
use stoa_protocol::mesh::control::{Body, Branch, Neighbours, Paths, Relay};

use super::branches::Rooted;
use crate::service::core::Service;
use crate::service::hall::RoomKey;

/// How long after a change a room is planned anew: changes come in crowds.
const PLAN_AFTER: Duration = Duration::from_millis(100);

/// How often a room whose network has changed is looked at.
const PLAN_INTERVAL: Duration = Duration::from_secs(30);

/// Rooms that have a plan are looked at one after the other, so that frames need not wait for many of them.
const PLAN_SPACING: Duration = Duration::from_millis(4);

/// How often edges are given others to measure.
const PROBE_INTERVAL: Duration = Duration::from_secs(60);

/// Edges are looked at a few at a time, for the same reason.
const PROBERS_AT_ONCE: usize = 2;
const PROBERS_SPACING: Duration = Duration::from_millis(10);

/// Parents of an edge, in all of its rooms, that are measured in any case.
const PARENTS_PROBED: usize = 6;

impl Service {
    /// An edge says what it offers to others.
    pub(in crate::service) fn handle_relay(&mut self, link: LinkId, relay: Relay, now: Instant) {
        let Some(neighbour) = self.links.get(&link) else { return };
        let (node, region) = (neighbour.peer.node.clone(), neighbour.peer.region.clone());
        self.trees.map.handle_relay(node, link, &region, relay, now);
        self.network_changed(now);
    }

    /// An edge says what it measures.
    pub(in crate::service) fn handle_paths(&mut self, link: LinkId, paths: Paths, now: Instant) {
        let Some(neighbour) = self.links.get(&link) else { return };
        let node = neighbour.peer.node.clone();
        self.trees.map.handle_paths(&node, paths, now);
        let keys: Vec<RoomKey> = self.halls.keys().copied().collect();
        for key in keys {
            self.plan_within(key, PLAN_INTERVAL, now);
        }
    }

    /// An edge's link is down.
    pub(in crate::service) fn forget_in_trees(
        &mut self,
        link: LinkId,
        node: &NodeId,
        now: Instant,
    ) {
        self.trees.map.forget(node, link);
        for hall in self.halls.values_mut() {
            hall.branches.forget(node);
            hall.lanes.forget(node);
        }
        self.forget_blue(link, node);
        self.network_changed(now);
    }

    /// Edges have come or gone: neighbours are named anew, and rooms planned.
    pub(in crate::service) fn network_changed(&mut self, now: Instant) {
        self.name_everybody_at(now + PLAN_AFTER);
        let keys: Vec<RoomKey> = self.halls.keys().copied().collect();
        for key in keys {
            self.plan_within(key, PLAN_AFTER, now);
        }
    }

    /// A room is to be planned anew after this time at the latest.
    pub(in crate::service) fn plan_within(&mut self, key: RoomKey, within: Duration, now: Instant) {
        let Some(hall) = self.halls.get_mut(&key) else { return };
        let at = now + within;
        if hall.plan_at.is_some_and(|planned| planned <= at) {
            return;
        }
        let planned = hall.branches.is_planned();
        let at = if planned { self.trees.reserve(now, within, PLAN_SPACING) } else { at };
        hall.plan_at = Some(at);
        self.reschedule(key, now);
    }

    /// Looks whether a room's edges or roots are others than planned.
    pub(in crate::service) fn follow_members(&mut self, key: RoomKey, now: Instant) {
        let Some(hall) = self.halls.get(&key) else { return };
        let standby = hall.blue_root().map(|standby| standby.link);
        let (links, before) = &hall.planned_for;
        if *before == standby && hall.room.links().eq(links.iter().copied()) {
            return;
        }
        let links = hall.room.links().collect();
        if let Some(hall) = self.halls.get_mut(&key) {
            hall.planned_for = (links, standby);
        }
        self.plan_within(key, PLAN_AFTER, now);
    }

    /// Plans a room, if that is due, and tells those whose places have changed.
    pub(in crate::service) fn plan_due(&mut self, key: RoomKey, now: Instant) {
        let Some(hall) = self.halls.get_mut(&key) else { return };
        if hall.plan_at.is_none_or(|at| at > now) {
            return;
        }
        hall.plan_at = None;
        let nodes = hall.room.links().filter_map(|link| self.links.get(&link));
        let members: BTreeSet<NodeId> =
            nodes.map(|neighbour| neighbour.peer.node.clone()).collect();
        let standby = hall.blue_root().map(|standby| standby.node.clone());
        // Where there is no second tree, a few edges get the room straight from here.
        let alone = standby.is_none() && members.len() <= self.limits.fan_out.into();
        let tellings = if alone {
            hall.branches.clear()
        } else {
            let rooted = Rooted { owner: self.node.clone(), standby };
            hall.branches.plan(&self.trees.map, rooted, &members, &mut self.rng)
        };
        let (room, epoch) = (hall.room.id().as_str().to_owned(), hall.room.epoch().0);
        for (node, branch) in tellings {
            let Some(link) = self.trees.map.spot(&node).map(|spot| spot.link) else { continue };
            self.counts.branches_told += 1;
            self.send(link, Body::Branch(Branch { room: room.clone(), epoch, ..branch }));
        }
    }

    /// Rooms whose edges all have two feeds.
    #[must_use]
    pub fn rooms_doubled(&self) -> usize {
        self.halls.values().filter(|hall| hall.branches.feeds_effective() == 2).count()
    }

    /// Every edge is to be told whom to keep links to.
    fn name_everybody_at(&mut self, at: Instant) {
        if !self.trees.map.has_relays() {
            return;
        }
        let trees = &mut self.trees;
        trees.unnamed.extend(trees.map.edges().map(|(node, _)| node.clone()));
        trees.neighbours_at = Some(trees.neighbours_at.map_or(at, |due| due.min(at)));
    }

    /// Tells edges whom to keep links to, if that is due: a few at a time, and all of them once a minute.
    pub(in crate::service) fn name_neighbours_due(&mut self, now: Instant) {
        if self.trees.neighbours_at.is_none_or(|at| at > now) {
            return;
        }
        self.trees.neighbours_at = None;
        if self.trees.unnamed.is_empty() {
            self.trees.probe_round += 1;
            self.name_everybody_at(now);
        }
        for _ in 0..PROBERS_AT_ONCE {
            if let Some(node) = self.trees.unnamed.pop_first() {
                self.name_neighbours_of(&node, now);
            }
        }
        let all = self.trees.unnamed.is_empty();
        let pause = if all { PROBE_INTERVAL } else { PROBERS_SPACING };
        self.trees.neighbours_at = self.trees.map.has_relays().then_some(now + pause);
    }

    fn name_neighbours_of(&mut self, node: &NodeId, now: Instant) {
        let Some(link) = self.trees.map.spot(node).map(|spot| spot.link) else { return };
        self.trees.map.measure(node, now);
        let parents = self.halls.values().flat_map(|hall| hall.branches.parents_of(node));
        let parents: Vec<NodeId> =
            parents.take(PARENTS_PROBED).filter_map(|parent| NodeId::new(parent).ok()).collect();
        let map = &self.trees.map;
        let nodes = map.neighbours_of(node, &parents, self.trees.probe_round, now);
        let neighbours = nodes.iter().map(|node| map.neighbour(node)).collect();
        let Some(edge) = self.links.get_mut(&link) else { return };
        if edge.neighbours_told != nodes {
            edge.neighbours_told = nodes;
            self.send(link, Body::Neighbours(Neighbours { neighbours }));
        }
        self.name_alternatives_of(node, link);
    }
}
