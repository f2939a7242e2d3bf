//! Links to other origins: what each owns is told to all, and requests for rooms of others are sent there.

use std::collections::BTreeMap;
use std::time::Instant;

use stoa_audio::frame::Epoch;
use stoa_link::{LinkId, PeerName};
use stoa_protocol::ids::{NodeId, RoomId};
use stoa_protocol::mesh::control::{
    Body, Load, ORIGINS_MAX, OriginInfo, Origins, Orphans, Ownerships, Owns, ROOMS_PER_MESSAGE_MAX,
    RoomEpoch, RoomOwnership,
};

use super::network::{FADES_AFTER, Origin, REPLICAS_MAX, Why};
use crate::cluster::{Known, LiveOrigin, Tenure, Tidings};
use crate::service::core::Service;
use crate::service::counts::ControlRefusal;
use crate::service::effects::Command;
use crate::service::hall::{Hall, RoomKey};

impl Service {
    /// From now on this is one of several origins; `domain` is what fails together with it, and `until` its lease
    /// holds. Call before anything else.
    pub fn share(&mut self, domain: &str, until: Instant) {
        domain.clone_into(&mut self.network.domain);
        self.network.tenure = Tenure::Until(until);
    }

    /// The keeper of the lease has news.
    pub fn handle_tidings(&mut self, tidings: Tidings, now: Instant) {
        for record in tidings.records.unwrap_or_default() {
            self.handle_record(&record.room.clone(), Some(&record), now);
        }
        if let (Some(until), true) = (tidings.until, self.network.is_shared()) {
            self.network.tenure = Tenure::Until(until);
        }
        self.tell_people();
        self.forget_faded(now);
        let Some(mut live) = tidings.live else { return };
        live.truncate(ORIGINS_MAX);
        if live != self.network.live {
            self.network.live = live;
            let told = Body::Origins(self.origins_told());
            self.send_to_all(&told);
        }
        self.look_for_the_missing(now);
        self.place_rooms(now);
    }

    /// Whether this origin is the only one.
    #[must_use]
    pub fn is_alone(&self) -> bool {
        !self.network.is_shared()
    }

    /// Whether it may act without asking anybody.
    #[must_use]
    pub fn holds_lease(&self, now: Instant) -> bool {
        self.network.tenure.holds(now)
    }

    pub(in crate::service) fn handle_origin_up(
        &mut self,
        link: LinkId,
        peer: PeerName,
        now: Instant,
    ) {
        let origin = Origin {
            peer,
            load: Load::default(),
            draining: false,
            told: 0,
            copying: BTreeMap::new(),
            people: BTreeMap::new(),
        };
        self.trees.map.handle_origin(&origin.peer.node, &origin.peer.region, now);
        self.network.origins.insert(link, origin);
        let rooms: Vec<RoomOwnership> = self.halls.values().map(ownership_told).collect();
        let mut chunks = rooms.chunks(ROOMS_PER_MESSAGE_MAX).peekable();
        let mut first = true;
        loop {
            let rooms = chunks.next().unwrap_or_default().to_vec();
            let last = chunks.peek().is_none();
            let people = first.then(|| self.people_now());
            let told = Ownerships { rooms, ended: Vec::new(), first, last, people };
            self.send(link, Body::Ownerships(told));
            first = false;
            if last {
                break;
            }
        }
        let keys: Vec<RoomKey> = self.halls.keys().copied().collect();
        for key in keys {
            self.assign_standby(key, now);
        }
    }

    /// Another origin's link is down: it may be dead, or only the link.
    pub(in crate::service) fn handle_origin_down(&mut self, link: LinkId, now: Instant) {
        let Some(origin) = self.network.origins.remove(&link) else { return };
        self.forget_blue(link, &origin.peer.node);
        let lost = |hall: &Hall| hall.standby.as_ref().is_some_and(|s| s.link == link);
        let keys: Vec<RoomKey> =
            self.halls.iter().filter(|(_, hall)| lost(hall)).map(|(key, _)| *key).collect();
        for key in keys {
            self.drop_standby(key, now);
            self.assign_standby(key, now);
        }
        self.consider_rooms_of(&origin.peer.node, now);
    }

    pub(in crate::service) fn handle_origin_control(
        &mut self,
        link: LinkId,
        body: Body,
        now: Instant,
    ) {
        match body {
            Body::Ownerships(told) => self.handle_ownerships(link, told, now),
            Body::Replica(replica) => self.handle_replica(link, replica, now),
            Body::Voices(told) => self.handle_voices(link, told, now),
            Body::Replicated(replicated) => self.handle_replicated(link, replicated.number, now),
            Body::Superseded(told) => self.handle_superseded(&told.room, Epoch(told.epoch)),
            Body::Drain(_) | Body::Undrain(_) => {
                if let Some(origin) = self.network.origins.get_mut(&link) {
                    origin.draining = matches!(body, Body::Drain(_));
                }
            }
            Body::Load(load) => {
                if let Some(origin) = self.network.origins.get_mut(&link) {
                    origin.load = load;
                }
            }
            Body::Origins(_) | Body::Goodbye(_) | Body::Revocations(_) => {}
            _ => self.counts.refuse_control(ControlRefusal::Unexpected),
        }
    }

    fn handle_ownerships(&mut self, link: LinkId, told: Ownerships, now: Instant) {
        let Some(origin) = self.network.origins.get(&link) else { return };
        let owner = origin.peer.node.clone();
        if told.first {
            self.network.directory.begin(&owner);
        }
        if let Some(people) = told.people {
            self.handle_people(link, people);
        }
        for wire in told.rooms {
            let Ok(room) = RoomId::new(wire.room) else { continue };
            let known = Known {
                owner: owner.clone(),
                epoch: Epoch(wire.epoch),
                standby: NodeId::new(wire.standby).ok(),
                tenant: wire.tenant,
            };
            self.learn(room, known, now);
        }
        for ended in told.ended {
            let Ok(room) = RoomId::new(ended.room) else { continue };
            self.network.directory.forget(&room, Epoch(ended.epoch));
        }
        if told.last {
            let left: Vec<(RoomId, Known)> = self.network.directory.end(&owner);
            // An owner that was restarted leaves its rooms to those who hold them.
            for (room, known) in left {
                if self.network.fading.len() < REPLICAS_MAX {
                    self.network.fading.push_back((now + FADES_AFTER, room.clone(), known.epoch));
                    self.network.directory.note(room.clone(), known.clone());
                }
                if known.standby.as_ref() == Some(&self.node) {
                    self.take(&room, Why::Restarted, now);
                }
            }
        }
    }

    /// Rooms of which their owner has not spoken for long since it is linked anew have ended.
    fn forget_faded(&mut self, now: Instant) {
        while self.network.fading.front().is_some_and(|(at, ..)| *at <= now) {
            let Some((_, room, epoch)) = self.network.fading.pop_front() else { return };
            if self.network.directory.find(&room).is_some_and(|known| known.epoch == epoch) {
                self.network.directory.forget(&room, epoch);
            }
        }
    }

    /// Another origin owns a room.
    pub(in crate::service) fn learn(&mut self, room: RoomId, known: Known, now: Instant) {
        let own = self.rooms.get(&room).and_then(|key| Some((*key, self.halls.get(key)?)));
        if let Some((key, hall)) = own {
            if hall.room.epoch() >= known.epoch {
                return;
            }
            self.give_up(key, Some(&known), now);
        }
        let stale = |replica: &crate::cluster::Replica| {
            replica.epoch < known.epoch && replica.owner != known.owner
        };
        if self.network.replicas.get(&room).is_some_and(stale) {
            self.network.replicas.remove(&room);
            self.end_blue(&room);
        }
        if known.owner != self.node && self.network.epoch_left(&room) < Some(known.epoch) {
            self.network.left.remove(&room);
        }
        self.network.directory.note(room, known);
    }

    /// An edge has lost the owner of rooms.
    pub(in crate::service) fn handle_orphans(&mut self, link: LinkId, told: Orphans, now: Instant) {
        let Some(neighbour) = self.links.get(&link) else { return };
        let (edge, Ok(owner)) = (neighbour.peer.node.clone(), NodeId::new(told.owner)) else {
            self.counts.refuse_control(ControlRefusal::Unexpected);
            return;
        };
        let read = |wire: RoomEpoch| Some((RoomId::new(wire.room).ok()?, Epoch(wire.epoch)));
        let rooms: Vec<(RoomId, Epoch)> =
            told.rooms.into_iter().take(ROOMS_PER_MESSAGE_MAX).filter_map(read).collect();
        self.show_owners(link, &owner, &rooms);
        let names = rooms.iter().map(|(room, _)| room.clone());
        let over = self.network.votes.note((link, &edge), &owner, names, told.more);
        self.network.counts.over_limit += over as u64;
        for (room, _) in rooms {
            self.consider(&room, now);
        }
    }

    /// Tells an edge of its orphans which have an owner.
    fn show_owners(&mut self, link: LinkId, lost: &NodeId, rooms: &[(RoomId, Epoch)]) {
        let mut owners: BTreeMap<NodeId, Vec<RoomEpoch>> = BTreeMap::new();
        for (room, _) in rooms {
            let own = self.rooms.get(room).and_then(|key| self.halls.get(key));
            let known = match own {
                Some(hall) => Some((self.node.clone(), hall.room.epoch())),
                None => self.network.directory.find(room).map(|k| (k.owner.clone(), k.epoch)),
            };
            if let Some((owner, epoch)) = known.filter(|(owner, _)| owner != lost) {
                owners.entry(owner).or_default().push(told(room, epoch));
            }
        }
        for (owner, rooms) in owners {
            self.send(link, Body::Owns(Owns { owner: owner.as_str().to_owned(), rooms }));
        }
    }

    /// Tells every other origin of a room of this one.
    pub(in crate::service) fn tell_ownership(&mut self, key: RoomKey) {
        let Some(hall) = self.halls.get(&key) else { return };
        let rooms = vec![ownership_told(hall)];
        self.send_to_origins(&Body::Ownerships(Ownerships { rooms, ..Ownerships::default() }));
    }

    /// Tells every other origin that a room has ended.
    pub(in crate::service) fn tell_ended(&mut self, room: &RoomId, epoch: Epoch) {
        let ended = vec![told(room, epoch)];
        self.send_to_origins(&Body::Ownerships(Ownerships { ended, ..Ownerships::default() }));
    }

    /// Who is alive, for edges.
    pub(in crate::service) fn origins_told(&self) -> Origins {
        let info = |live: &LiveOrigin| OriginInfo {
            node: live.node.as_str().to_owned(),
            address: live.home.address.clone(),
            domain: live.home.domain.clone(),
        };
        Origins { origins: self.network.live.iter().map(info).collect() }
    }

    pub(in crate::service) fn send_to_origins(&mut self, body: &Body) {
        let send = |link: &LinkId| Command::Send { link: *link, body: Box::new(body.clone()) };
        self.commands.extend(self.network.origins.keys().map(send));
    }
}

/// A room and its epoch, as messages name it.
pub(in crate::service) fn told(room: &RoomId, epoch: Epoch) -> RoomEpoch {
    RoomEpoch { room: room.as_str().to_owned(), epoch: epoch.0 }
}

fn ownership_told(hall: &Hall) -> RoomOwnership {
    let standby = hall.ownership.standby.as_ref();
    RoomOwnership {
        room: hall.room.id().as_str().to_owned(),
        epoch: hall.room.epoch().0,
        standby: standby.map(|node| node.as_str().to_owned()).unwrap_or_default(),
        tenant: hall.room.tenant().to_owned(),
    }
}
