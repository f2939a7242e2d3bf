//! Replicas that owners tell this origin, who may act for a room, and rooms that others have taken.

use std::collections::BTreeSet;
use std::time::Instant;

use stoa_audio::frame::Epoch;
use stoa_link::LinkId;
use stoa_protocol::ids::{NodeId, RoomId};
use stoa_protocol::mesh::control::{Body, Owns, Replica as WireReplica, Replicated, Superseded};

use super::links::told;
use super::network::{LEFT_TO_STANDBY, Moved, REPLICAS_MAX, Why};
use crate::cluster::{Known, Line, Replica};
use crate::service::core::Service;
use crate::service::effects::Command;
use crate::service::hall::RoomKey;
use crate::service::refusal::Refusal;
use crate::store::RoomRecord;

impl Service {
    /// An owner tells this origin what it would need to take the room over.
    pub(in crate::service) fn handle_replica(
        &mut self,
        link: LinkId,
        wire: WireReplica,
        now: Instant,
    ) {
        let Some(origin) = self.network.origins.get(&link) else { return };
        let owner = origin.peer.node.clone();
        let Ok(room) = RoomId::new(wire.room) else { return };
        let epoch = Epoch(wire.epoch);
        if let Some(newer) = self.newer_epoch(&room, epoch, &owner) {
            self.network.counts.superseded += 1;
            let superseded = Superseded { room: room.as_str().to_owned(), epoch: newer.0 };
            self.send(link, Body::Superseded(superseded));
            return;
        }
        let mut lines = wire.operations.iter().filter_map(|json| serde_json::from_slice(json).ok());
        if wire.over {
            self.network.replicas.remove(&room);
            self.end_blue(&room);
        } else if wire.first
            && let Some(Line::Record(record)) = lines.next()
        {
            if self.network.replicas.len() >= REPLICAS_MAX
                && !self.network.replicas.contains_key(&room)
            {
                // Not acknowledged: the owner goes on without a standby for this room.
                self.network.counts.over_limit += 1;
                return;
            }
            let replica = Replica::new(owner, epoch, *record);
            self.network.replicas.insert(room.clone(), replica);
        }
        if let Some(replica) = self.network.replicas.get_mut(&room) {
            replica.epoch = epoch;
            lines.for_each(|line| replica.apply(line));
            if let Some(edges) = wire.edges {
                let nodes = edges.nodes.into_iter().filter_map(|node| NodeId::new(node).ok());
                replica.edges = nodes.collect();
            }
        }
        self.send(link, Body::Replicated(Replicated { number: wire.number }));
        if wire.hand_over {
            self.take(&room, Why::HandOver, now);
        }
    }

    /// The epoch in which a room has another owner than this one, if it is newer.
    fn newer_epoch(&self, room: &RoomId, epoch: Epoch, owner: &NodeId) -> Option<Epoch> {
        let own = self.rooms.get(room).and_then(|key| self.halls.get(key));
        let own = own.map(|hall| hall.room.epoch());
        let other = self.network.directory.find(room).filter(|known| known.owner != *owner);
        let newest = [own, other.map(|known| known.epoch)].into_iter().flatten().max()?;
        (newest >= epoch).then_some(newest)
    }

    /// Somebody knows a newer owner of a room. Others may err, the store does not.
    pub(in crate::service) fn handle_superseded(&mut self, room: &str, epoch: Epoch) {
        let Some((room, key)) = self.own(room) else { return };
        if self.halls.get(&key).is_some_and(|hall| hall.room.epoch() < epoch) {
            self.commands.push_back(Command::Verify { room });
        }
    }

    /// The store refuses writes of a room because it has a newer owner.
    pub fn handle_fenced(&mut self, room: RoomId) {
        self.commands.push_back(Command::Verify { room });
    }

    /// What the store says of a room, after [`Command::Verify`] or the loss of the lease.
    pub fn handle_record(&mut self, room: &RoomId, record: Option<&RoomRecord>, now: Instant) {
        let Some(record) = record.filter(|record| record.closed_ms.is_none()) else { return };
        let Some(owner) = record.ownership.owner.clone().filter(|owner| *owner != self.node) else {
            return;
        };
        let known = known_of(record, owner);
        // What its owner has told is newer than what the store has heard of the same epoch.
        let told = self.network.directory.find(room);
        if told.is_none_or(|told| told.epoch < known.epoch) {
            self.learn(room.clone(), known, now);
        }
    }

    /// Another origin owns this room now: nothing of it is left here, and nobody is told that it has ended.
    pub(in crate::service) fn give_up(
        &mut self,
        key: RoomKey,
        known: Option<&Known>,
        now: Instant,
    ) {
        let Some(hall) = self.take_down(key) else { return };
        self.network.counts.given_up += 1;
        let nearer = self.relocations.contains(key);
        self.relocations.forget(key);
        if hall.moving.is_some() {
            let reason = if nearer { Moved::Nearer } else { Moved::Leaving };
            *self.network.counts.moved.entry(reason).or_default() += 1;
        }
        let room = hall.room.id().clone();
        tracing::info!(%room, owner = known.map_or("?", |known| known.owner.as_str()), "given up");
        if let Some(standby) = &hall.standby
            && let Some(origin) = self.network.origins.get_mut(&standby.link)
        {
            origin.copying.retain(|_, of| *of != key);
        }
        if let Some(known) = known {
            let rooms = vec![told(&room, known.epoch)];
            let owns = Owns { owner: known.owner.as_str().to_owned(), rooms };
            for link in hall.links() {
                self.send(link, Body::Owns(owns.clone()));
            }
            self.network.directory.note(room, known.clone());
        }
        for (link, request) in hall.moving.map(|moving| moving.held).unwrap_or_default() {
            self.handle_request(link, request, now);
        }
    }

    /// A room of this origin's former run is its standby's, unless that does not take it.
    pub(in crate::service) fn leave_to_standby(&mut self, record: &RoomRecord, now: Instant) {
        let Some(standby) = record.ownership.standby.clone() else { return };
        let known = known_of(record, standby);
        self.network.left.insert(record.room.clone(), now + LEFT_TO_STANDBY);
        self.network.directory.note(record.room.clone(), Known { standby: None, ..known });
    }

    /// Whether this origin may act for a room: by its lease, or with most of the room's edges, that of the asker
    /// included.
    pub(in crate::service) fn check_tenure(
        &mut self,
        room: &str,
        link: LinkId,
        now: Instant,
    ) -> Result<(), Refusal> {
        let Some((room, key)) = self.own(room) else { return Ok(()) };
        if self.may_act(key, Some(link), now) {
            return Ok(());
        }
        self.network.counts.uncertain += 1;
        Err(Refusal::OwnerUncertain(room))
    }

    pub(in crate::service) fn may_act(
        &self,
        key: RoomKey,
        asker: Option<LinkId>,
        now: Instant,
    ) -> bool {
        if self.network.tenure.holds(now) {
            return true;
        }
        let Some(hall) = self.halls.get(&key) else { return true };
        let linked: BTreeSet<&NodeId> = hall
            .room
            .links()
            .chain(asker)
            .filter_map(|link| self.links.get(&link))
            .map(|neighbour| &neighbour.peer.node)
            .collect();
        let away = hall.room.participants().filter(|p| p.link().is_none()).map(|p| &p.node);
        let lost = away.filter(|node| **node != self.node && !linked.contains(node));
        let lost: BTreeSet<&NodeId> = lost.collect();
        linked.len() > lost.len()
    }

    /// A room of this origin.
    pub(in crate::service) fn own(&self, room: &str) -> Option<(RoomId, RoomKey)> {
        let room = RoomId::new(room).ok()?;
        let key = *self.rooms.get(&room)?;
        Some((room, key))
    }
}

/// What a record says of a room.
fn known_of(record: &RoomRecord, owner: NodeId) -> Known {
    Known {
        owner,
        epoch: Epoch(u32::try_from(record.ownership.epoch).unwrap_or(u32::MAX)),
        standby: record.ownership.standby.clone(),
        tenant: crate::service::durable::tenant_of(record),
    }
}
