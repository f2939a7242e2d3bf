//! Whose a room is: a lost owner has a successor, one hands over to another, and one that has slept
//! through it is told. People here notice none of it.

use std::time::{Duration, Instant};

use stoa_audio::frame::Epoch;
use stoa_link::{LinkId, PeerName};
use stoa_protocol::ids::{NodeId, NodeRole};
use stoa_protocol::mesh::control::{
    self, Body, Feed, Origins, Owns, ROOMS_PER_MESSAGE_MAX, RoomEpoch, Superseded, TrackKind,
};

use super::command::Command;
use super::hub::Hub;
use super::room::Room;
use super::seat::Seat;
use crate::mesh::Parents;
use crate::webrtc::{Class, RoomKey};

/// A room changes its owner by the word of the former one at most this often: two origins that name
/// each other must not have everybody reminded of in each round trip.
const REDIRECT_INTERVAL: Duration = Duration::from_secs(1);

/// An origin hears this often that a room is not its own any more.
const SUPERSEDED_INTERVAL: Duration = Duration::from_secs(1);

/// Why a room has another owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cause {
    /// An origin says that it, or another, owns the room.
    Told,
    /// The one who was asked has named another.
    Redirected,
}

impl Room {
    /// Whether its owner is known by name and not linked.
    pub(super) fn is_orphan(&self) -> bool {
        self.owner.is_none() && self.owner_node.is_some()
    }

    /// Whether frames of it may come this way: from whom they were asked of, or from its owner, over any link to it.
    pub(super) fn is_heard_over(&self, link: LinkId, parents: &Parents) -> bool {
        self.feeds.is_asked(link)
            || self.owner == Some(link)
            || (self.owner_node.is_some() && self.is_owner(link, parents))
    }

    fn is_owner(&self, link: LinkId, parents: &Parents) -> bool {
        parents.node_of(link) == self.owner_node.as_ref()
    }

    /// Whether who is asked over `link` may say that the room is another's.
    pub(super) fn may_be_moved_by(&self, link: LinkId, now: Instant) -> bool {
        match self.owner {
            // Nobody has said yet that it is his.
            _ if self.owner_node.is_none() => true,
            Some(owner) => {
                let lately = self.moved_at.is_some_and(|at| now < at + REDIRECT_INTERVAL);
                owner == link && !lately
            }
            None => false,
        }
    }
}

impl Hub {
    /// A link is up.
    pub fn handle_link_up(&mut self, link: LinkId, peer: PeerName, now: Instant) {
        let node = peer.node;
        if peer.role != NodeRole::Origin {
            if self.edges.insert(link, node.clone()) {
                self.settle_feeds_of(&node, link, now);
                self.settle_lanes_of(&node);
            } else {
                self.metrics.tree.refused_edges.inc();
            }
            return;
        }
        self.edges.insert_origin(link, node.clone());
        self.introduce(link);
        self.parents.insert(link, node.clone());
        self.tell_drain(link, now);
        self.memory.note_found(&node);
        self.start_load(now);
        let waits = |room: &Room| room.is_orphan() && room.owner_node.as_ref() == Some(&node);
        let mut returned = Vec::new();
        for key in self.directory.keys() {
            if let Some(room) = self.directory.get_mut(key).filter(|room| waits(room)) {
                room.adopt(Some(link));
                self.metrics.ownership.returned.inc();
                returned.push(key);
            }
        }
        self.tell_orphans_over(link);
        self.follow_owners(&returned, now);
        self.settle_standbys();
        self.settle_feeds_of(&node, link, now);
    }

    /// A link has ended. Who is here stays; what was asked over it is asked of whoever comes next.
    pub fn handle_link_down(&mut self, link: LinkId, now: Instant) {
        self.bound.remove(&link);
        if let Some(node) = self.edges.remove(link) {
            return self.forget_neighbour(link, &node, now);
        }
        let Some(node) = self.parents.remove(link) else { return };
        self.edges.handle_gone(&node);
        self.forget_alternatives(&node);
        let newer = self.parents.link_of(&node);
        let mut returned = Vec::new();
        for key in self.directory.keys() {
            let owned = |room: &&mut Room| room.owner == Some(link);
            let Some(room) = self.directory.get_mut(key).filter(owned) else { continue };
            let known = room.owner_node.is_some();
            room.adopt(newer.filter(|_| known));
            if room.is_orphan() {
                room.orphaned_at = Some(now);
            } else if known {
                returned.push(key);
            }
        }
        if newer.is_none() {
            self.memory.note_lost(node.clone(), now);
            if self.targets.handle_gone(&node) {
                self.dial();
            }
        }
        self.forget_neighbour(link, &node, now);
        self.settle_standbys();
        self.tell_orphans();
        self.follow_owners(&returned, now);
        self.handle_unanswered(link, now);
    }

    /// How long the way to a neighbour and back takes, and which share of what it sends is lost.
    pub fn handle_measured(&mut self, link: LinkId, round_trip: Duration, lost_permille: u32) {
        self.parents.set_round_trip(link, round_trip);
        self.edges.note(link, round_trip, lost_permille);
    }

    /// An origin says which origins are alive.
    pub(super) fn handle_origins(&mut self, link: LinkId, told: Origins) {
        let Some(teller) = self.parents.node_of(link).cloned() else { return };
        let parents = &self.parents;
        let linked = |node: &NodeId| parents.link_of(node).is_some();
        let noted = self.targets.handle_told(&teller, told.origins, linked);
        self.metrics.limits.origins.inc_by(u64::try_from(noted.over_limit).unwrap_or(u64::MAX));
        self.metrics.refused.malformed.inc_by(u64::try_from(noted.malformed).unwrap_or(u64::MAX));
        if noted.changed {
            self.dial();
        }
    }

    /// An origin says whose rooms are.
    pub(super) fn handle_owns(&mut self, link: LinkId, owns: Owns, now: Instant) {
        let Ok(owner) = NodeId::new(owns.owner) else {
            self.metrics.refused.malformed.inc();
            return;
        };
        let mut changed = Vec::new();
        for RoomEpoch { room, epoch } in owns.rooms.into_iter().take(ROOMS_PER_MESSAGE_MAX) {
            let Some(key) = self.directory.key_of_text(&room) else { continue };
            changed.extend(self.hear_owner(link, key, &owner, Epoch(epoch), now));
        }
        self.follow_owners(&changed, now);
    }

    /// Says so when the room has another owner now.
    fn hear_owner(
        &mut self,
        link: LinkId,
        key: RoomKey,
        owner: &NodeId,
        epoch: Epoch,
        now: Instant,
    ) -> Option<RoomKey> {
        let room = self.directory.get_mut(key)?;
        if epoch < room.epoch() {
            self.metrics.ownership.stale.inc();
            self.tell_superseded(link, key, now);
            return None;
        }
        let other = room.owner_node.as_ref().is_some_and(|node| node != owner);
        if epoch == room.epoch() && other && room.owner.is_some() {
            // Two of one epoch: whoever is linked and known goes on until a newer epoch decides.
            self.metrics.ownership.stale.inc();
            return None;
        }
        room.note_epoch(epoch);
        self.change_owner(key, owner, Cause::Told, now)
    }

    /// Gives a room another owner, who hears of everybody by [`Self::follow_owners`]. The former one
    /// gets nothing more. Nothing happens when the owner is the same.
    pub(super) fn change_owner(
        &mut self,
        key: RoomKey,
        node: &NodeId,
        cause: Cause,
        now: Instant,
    ) -> Option<RoomKey> {
        let link = self.parents.link_of(node);
        let room = self.directory.get_mut(key)?;
        if room.owner_node.as_ref() == Some(node) && room.owner == link {
            return None;
        }
        let former = room.owner;
        let asked: Vec<Feed> =
            former.map(|link| room.feeds.asked_of(link).collect()).unwrap_or_default();
        let same = former.is_some() && former == link;
        room.owner_node = Some(node.clone());
        let seats = &self.seats;
        if room.seats.iter().any(|id| seats.get(*id).is_some_and(Seat::joined)) {
            room.moved_at = Some(now);
        }
        if same {
            // It was guessed, and now it is known.
            return None;
        }
        room.adopt(link);
        if link.is_none() {
            // Nobody waits for one who was never there, unless it is about to be.
            let expected = (cause == Cause::Told).then_some(now);
            room.orphaned_at = self.memory.lost_at(node).or(expected);
        }
        match cause {
            Cause::Told => self.metrics.ownership.told.inc(),
            Cause::Redirected => self.metrics.ownership.redirected.inc(),
        }
        if let Some(former) = former.filter(|link| self.parents.contains(*link)) {
            self.let_go(key, former, &asked);
        }
        self.settle_standby(key);
        Some(key)
    }

    /// A former owner that is still linked sends and gets nothing more of the room.
    fn let_go(&mut self, key: RoomKey, former: LinkId, asked: &[Feed]) {
        let Some(room) = self.directory.get(key) else { return };
        let voices: Vec<_> = room
            .seats
            .iter()
            .filter_map(|id| self.seats.get(*id))
            .filter(|seat| seat.joined() && seat.class == Class::Stage)
            .filter_map(|seat| seat.track)
            .collect();
        let unsubscribe: Vec<_> = asked.iter().map(|feed| unsubscribe_of(room, *feed)).collect();
        for track in voices {
            self.owe(Command::Unbind { link: former, track });
        }
        for unsubscribe in unsubscribe {
            self.send(former, Body::Unsubscribe(unsubscribe));
        }
    }

    /// New owners are reminded of who is here, and then asked what has waited for them.
    pub(super) fn follow_owners(&mut self, changed: &[RoomKey], now: Instant) {
        let owned = |key: &&RoomKey| self.directory.get(**key).is_some_and(|r| r.owner.is_some());
        let owned: Vec<RoomKey> = changed.iter().filter(owned).copied().collect();
        for key in &owned {
            self.enter_room(*key);
        }
        self.pump_rejoins(now);
        for key in &owned {
            self.release(*key, now);
        }
        if !changed.is_empty() {
            self.note_orphans(now);
        }
    }

    /// The room that an origin speaks of, if it is its to speak of. Who was replaced and does not
    /// know it is told, and what it says changes nothing.
    pub(super) fn room_of_owner(
        &mut self,
        link: LinkId,
        room: &str,
        epoch: Option<u32>,
        now: Instant,
    ) -> Option<RoomKey> {
        let key = self.directory.key_of_text(room);
        let Some(room) = key.and_then(|key| self.directory.get(key)) else {
            self.metrics.refused.unexpected.inc();
            return None;
        };
        let (key, own) = (room.key, room.owner == Some(link));
        let older = epoch.is_none_or(|epoch| Epoch(epoch) < room.epoch());
        let newer = epoch.is_some_and(|epoch| Epoch(epoch) > room.epoch());
        if own && (epoch.is_none() || !older) {
            return Some(key);
        }
        if newer || room.owner_node.is_none() || (!own && room.is_owner(link, &self.parents)) {
            // It should have said first that the room is its own, or say it over its newest link.
            self.metrics.refused.unexpected.inc();
            return None;
        }
        self.metrics.ownership.stale.inc();
        if older {
            self.tell_superseded(link, key, now);
        }
        // The caller finds out for himself that this is old, and counts it.
        own.then_some(key)
    }

    fn tell_superseded(&mut self, link: LinkId, key: RoomKey, now: Instant) {
        let Some(room) = self.directory.get_mut(key) else { return };
        if room.superseded_at.is_some_and(|at| now < at + SUPERSEDED_INTERVAL) {
            return;
        }
        room.superseded_at = Some(now);
        let superseded = Superseded { room: room.id.as_str().to_owned(), epoch: room.epoch().0 };
        self.send(link, Body::Superseded(superseded));
    }
}

/// "No more of this room's speakers."
pub(super) fn unsubscribe_of(room: &Room, feed: Feed) -> control::Unsubscribe {
    control::Unsubscribe {
        room: room.id.as_str().to_owned(),
        feed: i32::from(feed),
        kind: i32::from(TrackKind::Speaker),
        bitrate: 0,
    }
}
