//! Several services around one store, edges that remember what they are told, and every kind of failure between them.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rand::SeedableRng;
use rand::rngs::StdRng;
use stoa_link::{LinkId, PeerName};
use stoa_protocol::ids::{NodeId, NodeRole, Region, RoomId};
use stoa_protocol::mesh::control::{
    Answer, Ask, Body, CreateRoom, Orphans, Request, RoomEpoch, WireRole,
};

use super::world::{UNIX_MS, join_ask};
use crate::cluster::{LiveOrigin, Tidings};
use crate::room::Start;
use crate::service::core::Service;
use crate::service::limits::Limits;
use crate::store::{
    Answer as Stored, Embedded, Home, Kept, Operation, Ownership, Store, StoreError,
};

/// How long a lease holds in these tests.
const LEASE: Duration = Duration::from_millis(1_700);

pub(super) struct Origin {
    pub(super) service: Service,
    /// Stopped: what comes waits, and time goes by.
    pub(super) frozen: bool,
    waiting: VecDeque<(LinkId, Body)>,
    /// What could not be written yet.
    pub(super) journal: VecDeque<Operation>,
}

#[derive(Default)]
pub(super) struct Edge {
    /// What it was told, and by whom.
    pub(super) told: Vec<(&'static str, Body)>,
    /// Who is here.
    people: BTreeSet<&'static str>,
}

pub(super) struct Cluster {
    pub(super) origins: BTreeMap<&'static str, Origin>,
    pub(super) edges: BTreeMap<&'static str, Edge>,
    pub(super) store: Arc<Embedded>,
    pub(super) store_is_up: bool,
    pub(super) now: Instant,
    start: Instant,
    pub(super) links: BTreeMap<LinkId, (&'static str, &'static str)>,
    /// Where nodes are; nobody knows where others are.
    regions: BTreeMap<&'static str, &'static str>,
    next: u64,
    /// Writes that the store has refused.
    pub(super) refused: Vec<(&'static str, StoreError)>,
}

impl Cluster {
    /// Origins with their failure domains, and edges, all linked.
    pub(super) async fn new(
        origins: &[(&'static str, &'static str)],
        edges: &[&'static str],
    ) -> Self {
        Self::in_regions(origins, edges, &[]).await
    }

    /// The same, with the places of some of them.
    pub(super) async fn in_regions(
        origins: &[(&'static str, &'static str)],
        edges: &[&'static str],
        regions: &[(&'static str, &'static str)],
    ) -> Self {
        let now = Instant::now();
        let mut cluster = Self {
            regions: regions.iter().copied().collect(),
            origins: BTreeMap::new(),
            edges: BTreeMap::new(),
            store: Arc::new(Embedded::in_memory().unwrap()),
            store_is_up: true,
            now,
            start: now,
            links: BTreeMap::new(),
            next: 0,
            refused: Vec::new(),
        };
        for edge in edges {
            cluster.edges.insert(edge, Edge::default());
        }
        for (origin, domain) in origins {
            cluster.add(origin, domain).await;
        }
        cluster
    }

    /// Another origin, linked to everybody.
    pub(super) async fn add(&mut self, name: &'static str, domain: &'static str) {
        let unix_ms = UNIX_MS + u64::try_from((self.now - self.start).as_millis()).unwrap();
        let start = Start { now: self.now, unix_ms };
        let rng = StdRng::seed_from_u64(1);
        let mut service = Service::new(NodeId::new(name).unwrap(), Limits::default(), rng, start);
        service.share(domain, self.now + LEASE);
        service.locate(&self.region_of(name), self.now);
        let all = Operation::Rooms { after: None, limit: 100 };
        if let Ok(Stored::Rooms(records)) = self.store.apply(all).await {
            records.into_iter().for_each(|record| service.restore(&Kept::bare(record), self.now));
        }
        let origin =
            Origin { service, frozen: false, waiting: VecDeque::new(), journal: VecDeque::new() };
        let others: Vec<&'static str> = self.origins.keys().copied().collect();
        self.origins.insert(name, origin);
        for other in others {
            self.link(name, other);
        }
        for edge in self.edges.keys().copied().collect::<Vec<_>>() {
            self.link(name, edge);
        }
        self.pump().await;
    }

    pub(super) fn link(&mut self, a: &'static str, b: &'static str) {
        self.next += 1;
        let link = LinkId(self.next);
        self.links.insert(link, (a, b));
        for (one, other) in [(a, b), (b, a)] {
            let role =
                if self.origins.contains_key(other) { NodeRole::Origin } else { NodeRole::Edge };
            let region = self.region_of(other);
            let peer = PeerName { node: NodeId::new(other).unwrap(), role, region };
            if let Some(origin) = self.origins.get_mut(one) {
                origin.service.handle_up(link, peer, self.now);
            }
        }
    }

    fn region_of(&self, node: &str) -> Region {
        Region::new(self.regions.get(node).copied().unwrap_or("x")).unwrap()
    }

    pub(super) fn since_start(&self) -> Duration {
        self.now - self.start
    }

    /// Cuts the links between two nodes; both notice.
    pub(super) async fn cut(&mut self, a: &'static str, b: &'static str) {
        let between = |(x, y): (&str, &str)| (x, y) == (a, b) || (x, y) == (b, a);
        let links: Vec<LinkId> =
            self.links.iter().filter(|(_, pair)| between(**pair)).map(|(link, _)| *link).collect();
        for link in links {
            self.links.remove(&link);
            for name in [a, b] {
                if let Some(origin) = self.origins.get_mut(name) {
                    origin.service.handle_down(link, self.now);
                }
            }
        }
        self.pump().await;
    }

    /// An origin dies; everybody notices that it is not linked any more.
    pub(super) async fn kill(&mut self, name: &'static str) {
        self.origins.remove(name);
        self.unlink(name).await;
    }

    /// An origin is stopped: others lose it, and it notices nothing.
    pub(super) async fn freeze(&mut self, name: &'static str) {
        self.origins.get_mut(name).unwrap().frozen = true;
        let of = |(a, b): (&str, &str)| a == name || b == name;
        let links: Vec<(LinkId, (&'static str, &'static str))> = self
            .links
            .iter()
            .filter(|(_, pair)| of(**pair))
            .map(|(link, pair)| (*link, *pair))
            .collect();
        for (link, (a, b)) in links {
            let other = if a == name { b } else { a };
            if let Some(origin) = self.origins.get_mut(other) {
                origin.service.handle_down(link, self.now);
            }
        }
        self.pump().await;
    }

    async fn unlink(&mut self, name: &'static str) {
        let others: Vec<&'static str> =
            self.origins.keys().chain(self.edges.keys()).copied().collect();
        for other in others {
            self.cut(name, other).await;
        }
    }

    /// Edges tell every origin but `owner` that they have lost it.
    pub(super) async fn orphan(&mut self, edges: &[&'static str], owner: &str, rooms: &[&str]) {
        let told = Orphans {
            owner: owner.into(),
            rooms: rooms.iter().map(|r| RoomEpoch { room: (*r).into(), epoch: 0 }).collect(),
            more: false,
        };
        for edge in edges {
            let origins: Vec<&'static str> = self.origins.keys().copied().collect();
            for origin in origins.into_iter().filter(|origin| *origin != owner) {
                let link = self.link_between(origin, edge);
                self.deliver(origin, link, Body::Orphans(told.clone()));
            }
        }
        self.pump().await;
    }

    /// The keeper of each origin's lease tells who is alive; `None` where the store cannot be reached.
    pub(super) async fn tidings(&mut self) {
        let awake = self.origins.iter().filter(|(_, origin)| !origin.frozen);
        let awake: Vec<&'static str> = awake.map(|(name, _)| *name).collect();
        self.tidings_of(&awake).await;
    }

    /// Only these have leases, and read of them.
    pub(super) async fn tidings_of(&mut self, names: &[&'static str]) {
        let live =
            |name: &&str| LiveOrigin { node: NodeId::new(*name).unwrap(), home: Home::default() };
        let live: Vec<LiveOrigin> = names.iter().map(live).collect();
        let with = |(name, _): &(&&'static str, &mut Origin)| names.contains(*name);
        for (_, origin) in self.origins.iter_mut().filter(with) {
            let told = Tidings {
                until: self.store_is_up.then(|| self.now + LEASE),
                live: self.store_is_up.then(|| live.clone()),
                records: None,
            };
            origin.service.handle_tidings(told, self.now);
        }
        self.pump().await;
    }

    /// Lets time pass in steps of half a second, with timers and leases.
    pub(super) async fn advance(&mut self, span: Duration) {
        let end = self.now + span;
        while self.now < end {
            self.now += Duration::from_millis(100);
            for origin in self.origins.values_mut().filter(|origin| !origin.frozen) {
                origin.service.handle_timeout(self.now);
            }
            self.pump().await;
            if (self.now - self.start).as_millis().is_multiple_of(500) {
                self.tidings().await;
            }
        }
    }

    /// Asks through an edge.
    pub(super) async fn ask(
        &mut self,
        edge: &'static str,
        origin: &'static str,
        ask: Ask,
    ) -> Option<Answer> {
        self.next += 1;
        let id = self.next;
        let link = self.link_between(origin, edge);
        self.deliver(origin, link, Body::Request(Request { id, ask: Some(ask) }));
        self.pump().await;
        let told = &mut self.edges.get_mut(edge).unwrap().told;
        let is_answer = |(_, body): &(&str, Body)| matches!(body, Body::Response(r) if r.id == id);
        let at = told.iter().position(is_answer)?;
        match told.remove(at).1 {
            Body::Response(response) => response.answer,
            _ => None,
        }
    }

    /// Lets an origin decide, and nothing more.
    pub(super) fn decide(&mut self, origin: &'static str, edge: &'static str, ask: Ask) {
        let link = self.link_between(origin, edge);
        self.deliver(origin, link, Body::Request(Request { id: u64::MAX, ask: Some(ask) }));
    }

    pub(super) async fn create(&mut self, edge: &'static str, origin: &'static str, room: &str) {
        let ask = CreateRoom { room: room.into(), name: "A room".into(), ..CreateRoom::default() };
        let answer = self.ask(edge, origin, Ask::CreateRoom(ask)).await;
        assert!(matches!(answer, Some(Answer::Room(_))), "{answer:?}");
    }

    pub(super) async fn join(
        &mut self,
        edge: &'static str,
        origin: &'static str,
        room: &str,
        who: &'static str,
    ) {
        let role = if who == "hana" { WireRole::Host } else { WireRole::Listener };
        let answer = self.ask(edge, origin, join_ask(room, who, role)).await;
        assert!(matches!(answer, Some(Answer::Room(_))), "{answer:?}");
        self.edges.get_mut(edge).unwrap().people.insert(who);
    }

    /// An edge reminds an origin of everybody.
    pub(super) async fn rejoin(&mut self, edge: &'static str, origin: &'static str, room: &str) {
        for who in self.edges[edge].people.clone() {
            self.join(edge, origin, room, who).await;
        }
    }

    /// Who owns a room, as the edge was told last.
    pub(super) fn owner_told(&self, edge: &str, room: &str) -> Option<String> {
        let names = |body: &Body| match body {
            Body::Owns(owns) if owns.rooms.iter().any(|one| one.room == room) => {
                Some(owns.owner.clone())
            }
            _ => None,
        };
        self.edges[edge].told.iter().rev().find_map(|(_, body)| names(body))
    }

    /// Who owns a room, as the store has it.
    pub(super) async fn stored(&self, room: &str) -> Ownership {
        match self.store.apply(Operation::Room(RoomId::new(room).unwrap())).await {
            Ok(Stored::Room(Some(record))) => record.ownership,
            other => panic!("{other:?}"),
        }
    }

    /// Origins that hold a room.
    pub(super) fn holders(&self, room: &str) -> Vec<&'static str> {
        let holds = |(_, origin): &(&&str, &Origin)| origin.service.key_of(room).is_some();
        self.origins.iter().filter(holds).map(|(name, _)| *name).collect()
    }

    pub(super) fn link_between(&self, a: &str, b: &str) -> LinkId {
        let between = |(x, y): (&str, &str)| (x, y) == (a, b) || (x, y) == (b, a);
        let found = self.links.iter().rev().find(|(_, pair)| between(**pair));
        *found.unwrap_or_else(|| panic!("{a} and {b} are not linked")).0
    }

    pub(super) fn deliver(&mut self, to: &'static str, link: LinkId, body: Body) {
        let from = self.links.get(&link).map(|(a, b)| if *a == to { *b } else { *a });
        if let Some(origin) = self.origins.get_mut(to) {
            if origin.frozen {
                origin.waiting.push_back((link, body));
            } else {
                origin.service.handle_control(link, body, self.now);
            }
        } else if let (Some(edge), Some(from)) = (self.edges.get_mut(to), from) {
            edge.told.push((from, body));
        }
    }

    /// Wakes an origin: what waited for it comes, then it notices that its links are gone.
    pub(super) async fn thaw(&mut self, name: &'static str) {
        let origin = self.origins.get_mut(name).unwrap();
        origin.frozen = false;
        for (link, body) in std::mem::take(&mut origin.waiting) {
            origin.service.handle_control(link, body, self.now);
        }
        self.pump().await;
        self.unlink(name).await;
    }
}
