//! What must hold at every moment, as sentences that can fail.  One owner per room and epoch. No edge takes frames of
//! an owner after it has heard of a newer one. What edges follow has no circle for longer than a plan takes to arrive.
//! In a settled network nobody has more children than he offers, nobody is deeper than plans may be, both ways to a
//! node share nobody, a room that is to have one way has no second, and nobody hangs from an edge that leaves. Plans
//! keep what they promise.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use stoa_edge::rooms::Position;
use stoa_origin::tree::DEPTH_MAX;
use stoa_protocol::ids::RoomId;
use stoa_protocol::mesh::control::Feed;

use super::node::{Core, FAN_OUT_MAX};
use super::people::ROOM;
use super::run::HEAL;
use super::ways::{Steps, Stop};
use super::world::World;

/// How long a plan takes to be made and to reach everybody it concerns, where nothing goes wrong.
const DELIVERY: Duration = Duration::from_millis(1_500);

/// Former parents are let go after this time at the latest.
const LET_GO: Duration = Duration::from_secs(10);

/// How long after the last fault the network counts as settled: everything has healed, and let its former parents go.
const SETTLED: Duration = HEAL.saturating_add(Duration::from_secs(1));

/// Over how many trees the room goes.
#[derive(Clone, Copy, Debug)]
struct Feeds {
    /// By the plan of its newest owner, to every edge.
    planned: u8,
    /// As it is to be.
    wanted: u8,
}

/// What must hold at every moment.
#[derive(Debug, Default)]
pub(super) struct Model {
    /// What is not as it should be and may last for a while, since when.
    odd: BTreeMap<String, Instant>,
    /// What has not held; each sentence once.
    pub(super) broken: BTreeSet<String>,
}

impl Model {
    /// Something has not held.
    pub(super) fn fail(&mut self, what: String) {
        self.broken.insert(what);
    }

    /// What is odd now; each may be for this long.
    fn note_odd(&mut self, odd: BTreeMap<String, Duration>, now: Instant) {
        self.odd.retain(|what, _| odd.contains_key(what));
        for (what, limit) in odd {
            let since = *self.odd.entry(what.clone()).or_insert(now);
            if now.saturating_duration_since(since) > limit {
                self.fail(format!("for more than {limit:?} {what}"));
            }
        }
    }
}

/// Where frames of the room come from.
struct Roots {
    /// Who owns it.
    owners: BTreeSet<usize>,
    /// Who sends frames of it.
    roots: BTreeSet<usize>,
    feeds: Feeds,
    /// Edges whose voices the owner gets from its standby.
    carried: BTreeSet<usize>,
}

impl World {
    /// Looks at everything.
    pub(super) fn look(&mut self) {
        let Ok(room) = RoomId::new(ROOM) else { return };
        let positions: BTreeMap<usize, Position> = (0..self.nodes.len())
            .filter(|index| self.nodes[*index].runs())
            .filter_map(|index| match &self.nodes[index].core {
                Core::Edge(hub, _) => hub.position(&room).map(|position| (index, position)),
                Core::Origin(_) => None,
            })
            .collect();
        let Roots { owners, roots, feeds, carried } = self.look_at_owners(&room);
        let steps = self.steps(&positions, &roots);
        let cut_off = |(edge, position): (&usize, &Position)| {
            let owner = position.owner.as_ref().and_then(|node| self.node_named(node.as_str()));
            let owner = owner.filter(|owner| owners.contains(owner))?;
            let mut links = position.uplinks[0].into_iter();
            let linked = links.any(|link| self.reaches(*edge, link) == Some(owner));
            (!linked && !carried.contains(edge)).then_some(*edge)
        };
        let cut_off = positions.iter().filter_map(cut_off).collect();
        self.ways.note(self.now, steps, cut_off);
        self.look_at_trees(&positions, feeds);
    }

    /// While the room moves, its former owner sends until it hears that the other has taken it.
    fn look_at_owners(&mut self, room: &RoomId) -> Roots {
        let (mut roots, mut owners, mut carried) =
            (BTreeSet::new(), BTreeMap::new(), BTreeSet::new());
        let mut feeds = BTreeMap::new();
        for index in 0..self.nodes.len() {
            let now = self.local(index);
            if !self.nodes[index].runs() {
                continue;
            }
            let Some(service) = self.nodes[index].service() else { continue };
            let flaw = service.check_plans().err();
            let post = service.post(room, now);
            if let Some(flaw) = flaw {
                self.model.fail(format!("a plan of node {index} is wrong: {flaw}"));
            }
            let Some(post) = post else { continue };
            feeds.insert(post.epoch, Feeds { planned: post.feeds, wanted: post.feeds_wanted });
            roots.insert(index);
            carried.extend(post.carried.iter().filter_map(|node| self.node_named(node.as_str())));
            roots.extend(post.standby.as_ref().and_then(|node| self.node_named(node.as_str())));
            if let Some(other) = owners.insert(post.epoch, index) {
                let epoch = post.epoch.0;
                self.model.fail(format!("nodes {other} and {index} own the room in epoch {epoch}"));
            }
        }
        let newest = feeds.last_entry().map(|entry| *entry.get());
        let feeds = newest.unwrap_or(Feeds { planned: 1, wanted: 2 });
        Roots { owners: owners.into_values().collect(), roots, feeds, carried }
    }

    /// How frames can go now.
    fn steps(&self, positions: &BTreeMap<usize, Position>, roots: &BTreeSet<usize>) -> Steps {
        let mut steps = Steps::new();
        for (edge, position) in positions {
            for link in position.uplinks.into_iter().flatten() {
                if let Some(root) = self.reaches(*edge, link).filter(|root| roots.contains(root)) {
                    steps.insert((Stop::Mouth(*edge), Stop::Node(root)));
                }
            }
            for parent in &position.parents {
                let Some(from) = self.reaches(*edge, parent.link) else { continue };
                let serves = match positions.get(&from) {
                    Some(other) => {
                        let mut children = other.children.iter();
                        children.any(|link| self.reaches(from, *link) == Some(*edge))
                    }
                    None => roots.contains(&from),
                };
                if serves {
                    steps.insert((Stop::Node(from), Stop::Node(*edge)));
                }
            }
        }
        steps
    }

    fn look_at_trees(&mut self, positions: &BTreeMap<usize, Position>, feeds: Feeds) {
        let troubled = self.troubles.within(self.now, SETTLED);
        let mut odd = BTreeMap::new();
        let mut ways: BTreeMap<(usize, Feed), Vec<usize>> = BTreeMap::new();
        for feed in [Feed::Red, Feed::Blue] {
            let parents = self.parents(positions, feed);
            for edge in positions.keys() {
                let (mut way, mut at) = (Vec::new(), *edge);
                while let Some(parent) = parents.get(&at).copied() {
                    if parent == *edge {
                        let circle: BTreeSet<usize> = way.iter().copied().chain([at]).collect();
                        let what = format!("edges {circle:?} follow each other in {feed:?}");
                        odd.insert(what, if troubled { HEAL + DELIVERY } else { DELIVERY });
                        break;
                    }
                    if way.contains(&parent) {
                        break;
                    }
                    way.push(parent);
                    at = parent;
                }
                ways.insert((*edge, feed), way);
            }
        }
        if !troubled {
            self.look_at_settled(positions, &ways, feeds, &mut odd);
        }
        self.model.note_odd(odd, self.now);
    }

    fn look_at_settled(
        &self,
        positions: &BTreeMap<usize, Position>,
        ways: &BTreeMap<(usize, Feed), Vec<usize>>,
        feeds: Feeds,
        odd: &mut BTreeMap<String, Duration>,
    ) {
        for (edge, position) in positions {
            let children = position.children.len();
            if children > FAN_OUT_MAX as usize {
                let what = format!("edge {edge} has {children} children and offers {FAN_OUT_MAX}");
                odd.insert(what, LET_GO + DELIVERY);
            }
            if self.nodes[*edge].drains && children > 0 {
                let what = format!("edge {edge} is to leave, and edges hang from it");
                odd.insert(what, LET_GO + DELIVERY);
            }
            let way = |feed| ways.get(&(*edge, feed)).map_or(&[][..], Vec::as_slice);
            let (red, blue) = (way(Feed::Red), way(Feed::Blue));
            for (feed, way) in [(Feed::Red, red), (Feed::Blue, blue)] {
                if way.len() > usize::from(DEPTH_MAX) {
                    let what = format!("edge {edge} is {} links deep in {feed:?}", way.len());
                    odd.insert(what, DELIVERY);
                }
            }
            if feeds.wanted == 1 && !blue.is_empty() {
                let what = format!("edge {edge} has a second way in a room of one");
                odd.insert(what, DELIVERY);
            }
            if feeds.planned == 2 {
                if let Some(both) = red.iter().find(|node| blue.contains(node)) {
                    odd.insert(format!("both ways to edge {edge} lead over node {both}"), DELIVERY);
                }
                if blue.is_empty() {
                    odd.insert(format!("edge {edge} has no second way"), DELIVERY);
                }
            }
        }
    }

    /// Whom each edge follows in a feed.
    fn parents(&self, positions: &BTreeMap<usize, Position>, feed: Feed) -> BTreeMap<usize, usize> {
        let mut parents = BTreeMap::new();
        for (edge, position) in positions {
            let mut followed = position.parents.iter().filter(|p| p.feed == feed && !p.replaced);
            if let Some(parent) = followed.find_map(|parent| self.far_end(*edge, parent.link)) {
                parents.insert(*edge, parent);
            }
        }
        parents
    }

    /// An edge has taken a frame of an origin: whose owner it was must not be older than what the edge knows. An owner that
    /// has asked its standby to take the room decides nothing any more, but sends until it knows that it was taken.
    pub(super) fn look_at_sender(&mut self, edge: usize, from: usize) {
        let Ok(room) = RoomId::new(ROOM) else { return };
        let now = self.local(from);
        let post = self.nodes[from].service().and_then(|service| service.post(&room, now));
        let position = self.nodes[edge].hub().and_then(|hub| hub.position(&room));
        let (Some(post), Some(position)) = (post, position) else { return };
        let is_named = position.uplinks.into_iter().flatten();
        let is_named =
            is_named.filter_map(|link| self.far_end(edge, link)).any(|node| node == from);
        if post.epoch < position.epoch && !post.moves && !is_named {
            self.model.fail(format!(
                "edge {edge} takes frames of node {from}, owner in epoch {}, and knows epoch {}",
                post.epoch.0, position.epoch.0
            ));
        }
    }
}
