//! Rooms of other origins are taken: by their standby when most of their edges have lost the owner, by lease, or
//! because the owner hands them over; and given up when another has taken them.

use std::time::Instant;

use stoa_audio::frame::Epoch;
use stoa_link::LinkId;
use stoa_protocol::ids::{NodeId, RoomId};
use stoa_protocol::mesh::control::{Body, Owns, RoomEpoch};

use super::links::told;
use super::network::{CLAIM_WITHIN, STANDBY_FIRST, Step, Taking, Why};
use crate::cluster::{Known, Replica, successor_of};
use crate::room::Change;
use crate::service::core::Service;
use crate::service::effects::Command;
use crate::service::hall::RoomKey;
use crate::store::{Kept, Operation, Ownership, RoomRecord, StoreError};

impl Service {
    /// Whether a room of another origin is to be taken; then takes it.
    pub(in crate::service) fn consider(&mut self, room: &RoomId, now: Instant) {
        let network = &self.network;
        let Some(replica) = network.replicas.get(room) else { return };
        let owner = replica.owner.clone();
        let named = network.directory.find(room).is_some_and(|known| {
            known.owner == owner && known.standby.as_ref() == Some(&self.node)
        });
        if !named || network.link_of(&owner).is_some() {
            return;
        }
        if network.votes.has_majority(room, &owner, &replica.edges) {
            self.take(room, Why::Majority, now);
        } else if network.missing.contains_key(&owner) {
            self.take(room, Why::Expired, now);
        }
    }

    /// An origin is no longer linked, or has no lease.
    pub(in crate::service) fn consider_rooms_of(&mut self, owner: &NodeId, now: Instant) {
        let of = |(_, replica): &(&RoomId, &Replica)| replica.owner == *owner;
        let rooms: Vec<RoomId> =
            self.network.replicas.iter().filter(of).map(|(room, _)| room.clone()).collect();
        for room in rooms {
            self.consider(&room, now);
        }
    }

    /// Owners without a lease: their standbys take their rooms, and later, where there is none, whoever is next.
    pub(in crate::service) fn look_for_the_missing(&mut self, now: Instant) {
        let live: Vec<NodeId> = self.network.live.iter().map(|live| live.node.clone()).collect();
        let mut owners = self.network.directory.owners();
        owners.retain(|owner| !live.contains(owner));
        self.network.missing.retain(|owner, _| owners.contains(owner));
        for owner in owners {
            let since = *self.network.missing.entry(owner.clone()).or_insert(now);
            self.consider_rooms_of(&owner, now);
            let waited = now.saturating_duration_since(since) >= STANDBY_FIRST;
            self.inherit(&owner, &live, waited);
        }
    }

    /// Takes rooms of which neither owner nor standby is left, if it is this origin's turn. Whoever has no lease and is
    /// still linked is waited for: only the store may be out of its reach.
    fn inherit(&mut self, owner: &NodeId, live: &[NodeId], waited: bool) {
        let is_lost = |node: &NodeId| self.network.link_of(node).is_none();
        let is_owner_lost = is_lost(owner);
        let orphaned = |(room, known): &(&RoomId, &Known)| {
            let standby = known.standby.as_ref();
            standby.is_none_or(|standby| !live.contains(standby))
                && (waited || (is_owner_lost && standby.is_some_and(is_lost)))
                && successor_of(room, live.iter()) == Some(&self.node)
                && !self.network.takings.contains_key(*room)
        };
        let rooms: Vec<RoomId> = self
            .network
            .directory
            .of(owner)
            .filter(orphaned)
            .map(|(room, _)| room.clone())
            .take(self.limits.rooms.saturating_sub(self.halls.len()))
            .collect();
        for room in rooms {
            self.look(room);
        }
    }

    /// Takes a room of which this origin has a replica.
    pub(in crate::service) fn take(&mut self, room: &RoomId, why: Why, now: Instant) {
        let Some(replica) = self.network.replicas.get(room) else { return };
        if self.network.takings.contains_key(room) || self.rooms.contains_key(room) {
            return;
        }
        let before = Ownership {
            owner: Some(replica.owner.clone()),
            standby: Some(self.node.clone()),
            epoch: u64::from(replica.epoch.0),
        };
        let until = (why != Why::Expired).then(|| now + CLAIM_WITHIN);
        self.claim(room, why, before, Step::Asked { until }, now);
    }

    fn claim(&mut self, room: &RoomId, why: Why, before: Ownership, step: Step, now: Instant) {
        let past = u32::try_from(before.epoch).unwrap_or(u32::MAX);
        self.epoch_past = self.epoch_past.max(Epoch(past));
        let next = self.ownership(self.epoch(self.start.unix_ms_at(now)));
        let taking = Taking { why, next: next.clone(), step };
        self.network.takings.insert(room.clone(), taking);
        self.writes.push_back(Operation::Claim { room: room.clone(), before, next });
    }

    /// What the store has said of an [`Operation`] that opens a room.
    pub fn handle_opened(
        &mut self,
        operation: &Operation,
        outcome: &Result<(), StoreError>,
        now: Instant,
    ) {
        let Some(room) = operation.room() else { return };
        if let Operation::Claim { next, .. } = operation {
            if self.network.takings.get(room).is_some_and(|taking| taking.next == *next) {
                self.handle_claimed(room, outcome, now);
                return;
            }
            if let (Some(key), Ok(())) = (self.rooms.get(room).copied(), outcome) {
                self.handle_named(key, next, now);
            }
        }
        if outcome.is_err() && self.network.is_shared() && self.rooms.contains_key(room) {
            self.commands.push_back(Command::Verify { room: room.clone() });
        }
    }

    fn handle_claimed(&mut self, room: &RoomId, outcome: &Result<(), StoreError>, now: Instant) {
        let Some(taking) = self.network.takings.get_mut(room) else { return };
        match (outcome, taking.step) {
            (Ok(()), Step::Asked { .. }) if self.network.replicas.contains_key(room) => {
                self.install_replica(room, now);
                self.network.takings.remove(room);
            }
            (Ok(()), Step::Asked { .. }) => {
                taking.step = Step::Loading;
                self.commands.push_back(Command::Load { room: room.clone() });
            }
            (Err(error), Step::Taken) => {
                self.network.takings.remove(room);
                tracing::warn!(%room, %error, "another origin has taken this room");
                self.commands.push_back(Command::Verify { room: room.clone() });
            }
            (Err(StoreError::Absent), Step::Asked { .. }) if taking.why != Why::Expired => {
                // Its owner died before the store had heard of it.
                let next = taking.next.clone();
                self.install_replica(room, now);
                self.network.takings.remove(room);
                if let Some(hall) = self.rooms.get(room).and_then(|key| self.halls.get(key)) {
                    let mut record = self.kept_of(hall).record;
                    record.ownership = next;
                    self.writes.push_back(Operation::Create(Box::new(record)));
                }
            }
            _ => {
                self.network.takings.remove(room);
            }
        }
    }

    /// What the store has of a room, after [`Command::Load`].
    pub fn handle_loaded(&mut self, room: &RoomId, kept: Option<Kept>, now: Instant) {
        let Some(step) = self.network.takings.get(room).map(|taking| taking.step) else { return };
        let open = kept.filter(|kept| kept.record.closed_ms.is_none());
        match (open, step) {
            // Its standby has taken it meanwhile.
            (Some(kept), Step::Looking) if self.is_well_owned(&kept.record) => {
                self.network.takings.remove(room);
                self.handle_record(room, Some(&kept.record), now);
            }
            (Some(kept), Step::Looking) => {
                let step = Step::Asked { until: None };
                self.claim(room, Why::Expired, kept.record.ownership, step, now);
            }
            (Some(kept), Step::Loading) => {
                self.install(&kept, now);
                self.network.takings.remove(room);
                *self.network.counts.taken.entry(Why::Expired).or_default() += 1;
                let edges: Vec<LinkId> = self.links.keys().copied().collect();
                self.announce(room, &edges);
            }
            _ => {
                self.network.takings.remove(room);
            }
        }
    }

    /// Whether a room has an owner that is alive, and is not this origin.
    fn is_well_owned(&self, record: &RoomRecord) -> bool {
        let owner = record.ownership.owner.as_ref().filter(|owner| **owner != self.node);
        owner.is_some_and(|owner| self.network.live.iter().any(|live| live.node == *owner))
    }

    /// Goes on without the store where it has not answered in time, and takes rooms back that did not move.
    pub(in crate::service) fn handle_takings_due(&mut self, now: Instant) {
        let due =
            |taking: &Taking| matches!(taking.step, Step::Asked { until: Some(at) } if at <= now);
        let rooms: Vec<RoomId> = self
            .network
            .takings
            .iter()
            .filter(|(_, taking)| due(taking))
            .map(|(room, _)| room.clone())
            .collect();
        for room in rooms {
            tracing::warn!(%room, "taking a room by the majority of its edges; the store is away");
            self.install_replica(&room, now);
            if let Some(taking) = self.network.takings.get_mut(&room) {
                taking.step = Step::Taken;
            }
        }
        self.take_what_is_left(now);
    }

    /// Takes rooms of the former run out of the store that their standbys have not taken.
    fn take_what_is_left(&mut self, now: Instant) {
        let due = |(_, at): &(&RoomId, &Instant)| **at <= now;
        let rooms: Vec<RoomId> =
            self.network.left.iter().filter(due).map(|(room, _)| room.clone()).collect();
        for room in rooms {
            self.network.left.remove(&room);
            if !self.rooms.contains_key(&room) && !self.network.takings.contains_key(&room) {
                self.look(room);
            }
        }
    }

    /// Reads a room, to take it from whoever has it in the store.
    fn look(&mut self, room: RoomId) {
        let taking = Taking { why: Why::Expired, next: Ownership::default(), step: Step::Looking };
        self.network.takings.insert(room.clone(), taking);
        self.commands.push_back(Command::Load { room });
    }

    /// Opens a room out of its replica, in the epoch of the taking, and writes anew what the store may lack.
    fn install_replica(&mut self, room: &RoomId, now: Instant) {
        let Some(taking) = self.network.takings.get(room) else { return };
        let (why, next) = (taking.why, taking.next.clone());
        let Some(replica) = self.network.replicas.remove(room) else { return };
        let mut kept = replica.kept();
        kept.record.ownership = next.clone();
        let key = self.install(&kept, now);
        self.adopt_blue(room, key, now);
        for change in replica.recent() {
            let (room, change) = (room.clone(), change.clone());
            self.writes.push_back(Operation::Change { room, epoch: next.epoch, change });
        }
        self.write_people_of(key);
        *self.network.counts.taken.entry(why).or_default() += 1;
        tracing::info!(%room, why = why.label(), epoch = next.epoch, "this origin owns a room now");
        let edges: Vec<LinkId> = self
            .links
            .iter()
            .filter(|(_, edge)| replica.edges.is_empty() || replica.edges.contains(&edge.peer.node))
            .map(|(link, _)| *link)
            .chain(self.network.votes.links_of(room))
            .collect();
        self.announce(room, &edges);
    }

    /// Tells edges that this origin owns a room.
    fn announce(&mut self, room: &RoomId, edges: &[LinkId]) {
        let Some((_, key)) = self.own(room.as_str()) else { return };
        let Some(hall) = self.halls.get(&key) else { return };
        let rooms: Vec<RoomEpoch> = vec![told(room, hall.room.epoch())];
        let owner = self.node.as_str().to_owned();
        for link in edges {
            self.send(*link, Body::Owns(Owns { owner: owner.clone(), rooms: rooms.clone() }));
        }
    }

    /// Writes anew who is in a room.
    pub(in crate::service) fn write_people_of(&mut self, key: RoomKey) {
        let Some(hall) = self.halls.get(&key) else { return };
        let room = &hall.room;
        // Somebody may stand there who has left since.
        let epoch = u64::from(room.epoch().0);
        self.writes.push_back(Operation::Dissolve { room: room.id().clone(), epoch });
        for participant in room.participants() {
            let here = Change::Here(Box::new(participant.clone()));
            self.writes.push_back(crate::service::durable::operation_of(room, here));
            if let Some(turn) = participant.turn {
                let participant = participant.id.clone();
                let raised = Change::Raised { participant, turn };
                self.writes.push_back(crate::service::durable::operation_of(room, raised));
            }
        }
    }
}
