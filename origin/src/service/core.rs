//! The core over all rooms: links come and go, timers, commands owed.
//!
//! After each `handle_*` call the shell takes commands until there are none, and only then sends the
//! frame that came with the call: a track is bound before its first frame.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use stoa_audio::frame::{Epoch, TrackId};
use stoa_link::{LinkId, PeerName};
use stoa_protocol::ids::{NodeId, NodeRole, RoomId};
use stoa_protocol::mesh::control::{
    Body, Drain, Feed, Load, ORIGINS_MAX, Relay, Subscribe, TrackKind, Undrain, Unsubscribe,
};
use stoa_protocol::token::{REVOCATIONS_MAX, Revocations};

use super::blocklist::{BLOCKS_MAX, Blocklist};
use super::counts::{ControlRefusal, Counts};
use super::durable::Closed;
use super::effects::{Command, Happened};
use super::hall::{Hall, RoomKey};
use super::limits::{INTERESTS_PER_ROOM_MAX, Limits, ROOMS_PER_LINK_MAX};
use super::neighbour::Neighbour;
use super::origins::{Network, NetworkCounts, Readiness, Relocations};
use super::tracks::{Owner, Publication};
use super::tree::Trees;
use crate::room::Start;
use crate::store::Operation;
use stoa_link::Interest;

/// All rooms of this origin.
#[derive(Debug)]
pub struct Service {
    pub(super) limits: Limits,
    pub(super) start: Start,
    pub(super) rng: StdRng,
    pub(super) rooms: BTreeMap<RoomId, RoomKey>,
    pub(super) halls: BTreeMap<RoomKey, Hall>,
    pub(super) next_key: u64,
    /// No new room may start at or below this epoch: rooms of that epoch have been here.
    pub(super) epoch_past: Epoch,
    pub(super) links: BTreeMap<LinkId, Neighbour>,
    /// Whose each track is, from join to leave.
    pub(super) owners: BTreeMap<TrackId, Owner>,
    /// Tracks that are announced by a link that may.
    pub(super) publications: BTreeMap<TrackId, Publication>,
    pub(super) deadlines: BTreeSet<(Instant, RoomKey)>,
    pub(super) commands: VecDeque<Command>,
    pub(super) events: VecDeque<Happened>,
    pub(super) writes: VecDeque<Operation>,
    /// As the store knows this origin.
    pub(super) node: NodeId,
    pub(super) closed: Closed,
    pub(super) revocations: Revocations,
    pub(super) blocks: Blocklist,
    pub(super) counts: Counts,
    pub(super) network: Network,
    /// How many are in the rooms of each tenant; empty for the default one.
    pub(super) people: BTreeMap<String, usize>,
    /// When this origin will be gone.
    pub(super) leaving_at: Option<Instant>,
    /// Rooms that go to other origins.
    pub(super) relocations: Relocations,
    /// How rooms are spread over edges.
    pub(super) trees: Trees,
}

impl Service {
    /// The service of origin `node`, without rooms.
    #[must_use]
    pub fn new(node: NodeId, limits: Limits, rng: StdRng, start: Start) -> Self {
        Self {
            limits,
            start,
            rng,
            rooms: BTreeMap::new(),
            halls: BTreeMap::new(),
            next_key: 0,
            epoch_past: Epoch(0),
            links: BTreeMap::new(),
            owners: BTreeMap::new(),
            publications: BTreeMap::new(),
            deadlines: BTreeSet::new(),
            commands: VecDeque::new(),
            events: VecDeque::new(),
            writes: VecDeque::new(),
            node,
            closed: Closed::new(),
            revocations: Revocations::new(REVOCATIONS_MAX),
            blocks: Blocklist::new(BLOCKS_MAX),
            counts: Counts::default(),
            network: Network::new(),
            people: BTreeMap::new(),
            leaving_at: None,
            relocations: Relocations::default(),
            trees: Trees::new(limits.fan_out),
        }
    }

    /// A link is up.
    pub fn handle_up(&mut self, link: LinkId, peer: PeerName, now: Instant) {
        if peer.role != NodeRole::Edge && !self.network.is_shared() {
            self.counts.links_refused += 1;
            self.close(link, "this origin has a store of its own, so that there can be no other");
            return;
        }
        if peer.role != NodeRole::Edge && self.network.origins.len() < ORIGINS_MAX {
            self.handle_origin_up(link, peer, now);
            return;
        }
        if peer.role != NodeRole::Edge || self.links.len() >= self.limits.links {
            self.counts.links_refused += 1;
            self.close(link, "this origin has as many links as it takes");
            return;
        }
        let (node, relay) = (peer.node.clone(), Relay::default());
        self.trees.map.handle_relay(node, link, &peer.region, relay, now);
        self.links.insert(link, Neighbour::new(peer));
        self.network_changed(now);
        self.tell_revocations(link);
        if !self.network.live.is_empty() {
            let told = self.origins_told();
            self.send(link, Body::Origins(told));
        }
        if let Some(leaving_at) = self.leaving_at {
            let deadline_ms = millis(leaving_at.saturating_duration_since(now));
            self.send(link, Body::Drain(Drain { deadline_ms }));
        }
    }

    /// A link has ended. Its participants stay for [`crate::room::AWAY_GRACE`].
    pub fn handle_down(&mut self, link: LinkId, now: Instant) {
        self.handle_origin_down(link, now);
        let Some(neighbour) = self.links.remove(&link) else { return };
        self.forget_in_trees(link, &neighbour.peer.node, now);
        self.network.votes.forget(link);
        for track in neighbour.tracks {
            self.lose_voice(track, link, &neighbour.peer.node, now);
        }
        for key in neighbour.rooms {
            if let Some(hall) = self.halls.get_mut(&key) {
                hall.room.handle_link_down(link, now);
                hall.tree.handle_link_down(link);
            }
            self.settle(key, now);
        }
    }

    /// A control message of a link.
    pub fn handle_control(&mut self, link: LinkId, body: Body, now: Instant) {
        if self.network.origins.contains_key(&link) {
            self.handle_origin_control(link, body, now);
            return;
        }
        let Some(neighbour) = self.links.get_mut(&link) else {
            self.counts.refuse_control(ControlRefusal::UnknownLink);
            return;
        };
        match body {
            Body::Request(request) => self.handle_request(link, request, now),
            Body::Subscribe(subscribe) => {
                let done = self.subscribe(link, &subscribe, now);
                if done.is_ok() && subscribe.back_fill {
                    self.back_fill(link, &subscribe.room, now);
                }
                self.note_outcome(done);
            }
            Body::Unsubscribe(unsubscribe) => {
                let done = self.unsubscribe(link, &unsubscribe, now);
                self.note_outcome(done);
            }
            Body::Load(load) => neighbour.load = load,
            Body::Relay(relay) => self.handle_relay(link, relay, now),
            Body::Paths(paths) => self.handle_paths(link, paths, now),
            Body::Orphans(orphans) => self.handle_orphans(link, orphans, now),
            Body::Superseded(told) => self.handle_superseded(&told.room, Epoch(told.epoch)),
            Body::Reactions(reactions) => {
                let done = self.react(link, &reactions, now);
                self.note_outcome(done);
            }
            Body::Drain(_) => self.handle_edge_drain(link, true, now),
            Body::Undrain(_) => self.handle_edge_drain(link, false, now),
            Body::Goodbye(_) => {}
            _ => {
                self.counts.refuse_control(ControlRefusal::Unexpected);
                self.note_mistake(link, now);
            }
        }
    }

    /// This origin leaves: nothing new is taken, and every edge is told.
    pub fn handle_drain(&mut self, limit: Duration, now: Instant) {
        self.leaving_at = Some(now + limit);
        self.send_to_all(&Body::Drain(Drain { deadline_ms: millis(limit) }));
        self.hand_over_all(now);
    }

    /// This origin stays after all.
    pub fn handle_undrain(&mut self) {
        if self.leaving_at.take().is_some() {
            self.send_to_all(&Body::Undrain(Undrain {}));
        }
    }

    /// Carries out what is due in each room.
    pub fn handle_timeout(&mut self, now: Instant) {
        let due: Vec<RoomKey> =
            self.deadlines.iter().take_while(|(at, _)| *at <= now).map(|(_, key)| *key).collect();
        for key in due {
            self.handle_room_timeout(key, now);
        }
        self.handle_takings_due(now);
        self.handle_blue_due(now);
        self.name_neighbours_due(now);
    }

    /// When to call [`Self::handle_timeout`] next.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        let room = self.deadlines.first().map(|(at, _)| *at);
        let due = [room, self.network.poll_timeout(), self.trees.poll_timeout()];
        due.into_iter().flatten().min()
    }

    /// The next effect owed on a link.
    pub fn next_command(&mut self) -> Option<Command> {
        self.commands.pop_front()
    }

    /// The next thing that happened in a room; call until `None` after every input.
    pub fn next_event(&mut self) -> Option<Happened> {
        self.events.pop_front()
    }

    /// What happened since the start.
    #[must_use]
    pub fn counts(&self) -> &Counts {
        &self.counts
    }

    /// This origin.
    #[must_use]
    pub fn node(&self) -> &NodeId {
        &self.node
    }

    /// The limits in force.
    #[must_use]
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Rooms right now.
    #[must_use]
    pub fn rooms_len(&self) -> usize {
        self.halls.len()
    }

    /// Participants right now, on stages and in audiences.
    #[must_use]
    pub fn participants_len(&self) -> (u64, u64) {
        self.halls.values().map(|hall| hall.room.info()).fold((0, 0), |(speakers, listeners), i| {
            (speakers + u64::from(i.speakers), listeners + u64::from(i.listeners))
        })
    }

    /// Links that are up, with their other ends and what these say they carry.
    pub fn links(&self) -> impl Iterator<Item = (LinkId, &PeerName, Load)> {
        let origins = self.network.origins.iter();
        self.links
            .iter()
            .map(|(link, neighbour)| (*link, &neighbour.peer, neighbour.load))
            .chain(origins.map(|(link, origin)| (*link, &origin.peer, origin.load)))
    }

    /// What happened among origins.
    #[must_use]
    pub fn network_counts(&self) -> &NetworkCounts {
        &self.network.counts
    }

    /// How many other origins are linked, replicas of their rooms are held here, and own rooms have a standby that
    /// could take over at once.
    #[must_use]
    pub fn network_sizes(&self) -> (usize, usize, usize) {
        let ready = |hall: &&Hall| {
            hall.standby.as_ref().is_some_and(|standby| standby.state == Readiness::Ready)
        };
        let safe = self.halls.values().filter(ready).count();
        (self.network.origins.len(), self.network.replicas.len(), safe)
    }

    /// Whether this origin takes nothing new.
    #[must_use]
    pub fn is_draining(&self) -> bool {
        self.leaving_at.is_some()
    }

    fn subscribe(
        &mut self,
        link: LinkId,
        wire: &Subscribe,
        now: Instant,
    ) -> Result<(), ControlRefusal> {
        let interest = interest(wire.feed, wire.kind, wire.bitrate)?;
        let Some(key) = self.key_of(&wire.room) else { return self.subscribe_blue(link, wire) };
        let hall = self.halls.get_mut(&key).ok_or(ControlRefusal::UnknownRoom)?;
        let neighbour = self.links.get_mut(&link).ok_or(ControlRefusal::UnknownLink)?;
        if wire.epoch > hall.room.epoch().0 {
            return Err(ControlRefusal::NewerEpoch);
        }
        let crowded =
            neighbour.rooms.len() >= ROOMS_PER_LINK_MAX && !neighbour.rooms.contains(&key);
        if crowded || hall.tree.interests_of(link) >= INTERESTS_PER_ROOM_MAX {
            return Err(ControlRefusal::TooMany);
        }
        let newcomer = !hall.has_link(link);
        neighbour.rooms.insert(key);
        hall.tree.handle_subscribe(link, interest);
        if newcomer {
            let state = Body::RoomState(hall.room.state());
            self.commands.push_back(Command::Send { link, body: Box::new(state) });
        }
        let selection = Body::Selection(hall.stage.selection(&hall.room));
        self.commands.push_back(Command::Send { link, body: Box::new(selection) });
        self.settle(key, now);
        Ok(())
    }

    fn unsubscribe(
        &mut self,
        link: LinkId,
        wire: &Unsubscribe,
        now: Instant,
    ) -> Result<(), ControlRefusal> {
        let interest = interest(wire.feed, wire.kind, wire.bitrate)?;
        let Some(key) = self.key_of(&wire.room) else {
            let known = self.unsubscribe_blue(link, &wire.room);
            return known.then_some(()).ok_or(ControlRefusal::UnknownRoom);
        };
        let hall = self.halls.get_mut(&key).ok_or(ControlRefusal::UnknownRoom)?;
        hall.tree.handle_unsubscribe(link, interest);
        self.forget_if_absent(link, key);
        self.settle(key, now);
        Ok(())
    }

    fn note_outcome(&mut self, done: Result<(), ControlRefusal>) {
        if let Err(reason) = done {
            self.counts.refuse_control(reason);
        }
    }

    /// Takes note of a wrong claim; persistence ends the link.
    pub(super) fn note_mistake(&mut self, link: LinkId, now: Instant) {
        let exhausted = self.links.get_mut(&link).is_some_and(|n| n.note_mistake(now));
        if exhausted {
            self.counts.links_distrusted += 1;
            self.handle_down(link, now);
            self.close(link, "too many claims to which this node has no right");
        }
    }

    /// Drops a room from what a link takes part in, once nothing ties the two.
    pub(super) fn forget_if_absent(&mut self, link: LinkId, key: RoomKey) {
        let tied = self.halls.get(&key).is_some_and(|hall| hall.has_link(link));
        if !tied && let Some(neighbour) = self.links.get_mut(&link) {
            neighbour.rooms.remove(&key);
        }
    }

    pub(super) fn key_of(&self, room: &str) -> Option<RoomKey> {
        RoomId::new(room).ok().and_then(|id| self.rooms.get(&id).copied())
    }

    pub(super) fn send(&mut self, link: LinkId, body: Body) {
        self.commands.push_back(Command::Send { link, body: Box::new(body) });
    }

    pub(super) fn send_to_all(&mut self, body: &Body) {
        let send = |link: &LinkId| Command::Send { link: *link, body: Box::new(body.clone()) };
        self.commands.extend(self.links.keys().chain(self.network.origins.keys()).map(send));
    }

    fn close(&mut self, link: LinkId, reason: &str) {
        self.commands.push_back(Command::Close { link, reason: reason.to_owned() });
    }
}

fn interest(feed: i32, kind: i32, bitrate: u32) -> Result<Interest, ControlRefusal> {
    let feed = Feed::try_from(feed).map_err(|_| ControlRefusal::UnknownInterest)?;
    let kind = TrackKind::try_from(kind).map_err(|_| ControlRefusal::UnknownInterest)?;
    Ok(Interest { feed, kind, bitrate })
}

fn millis(span: Duration) -> u32 {
    u32::try_from(span.as_millis()).unwrap_or(u32::MAX)
}
