//! One room's plan, and what each edge of it was told. Nodes keep their places in the plan while they come and go, so that
//! a plan is changed where something has changed and nowhere else.

use std::collections::{BTreeMap, BTreeSet};

use rand::Rng;
use stoa_protocol::ids::NodeId;
use stoa_protocol::mesh::control::{Branch, Neighbour};

use super::map::Map;
use crate::tree::{Feed, Flaw, Knobs, Network, Node, NodeIndex, Plan, Planner, Roots, check};

/// Places of a plan come in steps of so many: until they are used up, nobody changes his.
const PLACES_STEP: usize = 32;

/// What one feed costs a parent for each child, in kbit/s: three voices.
const FEED_KBPS: u32 = 150;

/// Moves that are tried each time that a plan is looked at.
const MOVES: usize = 400;

/// Who roots a room's trees.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::service) struct Rooted {
    pub(in crate::service) owner: NodeId,
    pub(in crate::service) standby: Option<NodeId>,
}

/// One room's plan.
#[derive(Debug)]
struct Planned {
    rooted: Rooted,
    places: Vec<Option<NodeId>>,
    network: Network,
    plan: Plan,
}

/// Who hangs from whom in a tree.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::service) struct Hanging {
    pub(in crate::service) parent: NodeId,
    pub(in crate::service) child: NodeId,
    /// One way, from the parent and from the root.
    pub(in crate::service) hop_ms: f32,
    pub(in crate::service) delay_ms: f32,
}

/// One room's plan, and what each edge of it was told.
#[derive(Debug, Default)]
pub(in crate::service) struct Branches {
    planned: Option<Planned>,
    told: BTreeMap<NodeId, Branch>,
    number: u64,
}

/// What an edge is told, and which.
pub(in crate::service) type Telling = (NodeId, Branch);

impl Branches {
    /// Whether there is a plan.
    pub(in crate::service) fn is_planned(&self) -> bool {
        self.planned.is_some()
    }

    /// How many feeds every member has.
    pub(in crate::service) fn feeds_effective(&self) -> u8 {
        self.planned.as_ref().map_or(1, |planned| planned.plan.feeds_effective())
    }

    /// Whether the plan keeps what plans promise.
    pub(in crate::service) fn check(&self) -> Result<(), Flaw> {
        self.planned.as_ref().map_or(Ok(()), |planned| check(&planned.network, &planned.plan))
    }

    /// The edges that an edge gets a room from.
    pub(in crate::service) fn parents_of(&self, node: &NodeId) -> impl Iterator<Item = &str> {
        let told = self.told.get(node);
        let named = told.into_iter().flat_map(|branch| [&branch.red, &branch.blue]).flatten();
        named.map(|parent| parent.node.as_str())
    }

    /// Both trees as they are planned, red and blue; without a plan every member hangs from the owner, so many ms away.
    pub(in crate::service) fn hanging<'a>(
        &self,
        owner: &NodeId,
        members: impl Iterator<Item = (&'a NodeId, f32)>,
    ) -> (Vec<Hanging>, Vec<Hanging>) {
        if let Some(planned) = &self.planned {
            let blue = planned.plan.blue().map(|blue| planned.hanging(blue));
            return (planned.hanging(planned.plan.red()), blue.unwrap_or_default());
        }
        let star = members.map(|(child, hop_ms)| {
            let (parent, child) = (owner.clone(), child.clone());
            Hanging { parent, child, hop_ms, delay_ms: hop_ms }
        });
        (star.collect(), Vec::new())
    }

    /// Brings the plan in line with who is a member and what the network is like. Says what is to be told to whom.
    pub(in crate::service) fn plan(
        &mut self,
        map: &Map,
        rooted: Rooted,
        members: &BTreeSet<NodeId>,
        rng: &mut impl Rng,
    ) -> Vec<Telling> {
        let fits = self.planned.as_ref().is_some_and(|planned| planned.rooted == rooted);
        let mut planned = match self.planned.take().filter(|_| fits) {
            Some(planned) if planned.has_places_for(map) => planned,
            _ => Planned::new(map, rooted, rng),
        };
        planned.follow(map, members, rng);
        let wanted = planned.branches(map, members);
        self.planned = Some(planned);
        self.differences(wanted)
    }

    /// The room has ended, or nobody needs a plan: whoever was told something gets it straight from the owner.
    pub(in crate::service) fn clear(&mut self) -> Vec<Telling> {
        self.planned = None;
        self.differences(BTreeMap::new())
    }

    /// An edge's link is down: it knows nothing any more.
    pub(in crate::service) fn forget(&mut self, node: &NodeId) {
        self.told.remove(node);
    }

    fn differences(&mut self, wanted: BTreeMap<NodeId, Branch>) -> Vec<Telling> {
        let mut tellings = Vec::new();
        for node in self.told.keys().filter(|node| !wanted.contains_key(node)) {
            tellings.push((node.clone(), Branch::default()));
        }
        for (node, branch) in &wanted {
            if self.told.get(node) != Some(branch) {
                tellings.push((node.clone(), branch.clone()));
            }
        }
        self.told = wanted;
        for (_, branch) in &mut tellings {
            self.number += 1;
            branch.plan = self.number;
        }
        tellings
    }
}

impl Planned {
    fn new(map: &Map, rooted: Rooted, rng: &mut impl Rng) -> Self {
        let roots = [Some(rooted.owner.clone()), rooted.standby.clone()];
        let mut places: Vec<Option<NodeId>> = roots.to_vec();
        places.extend(map.edges().map(|(node, _)| Some(node.clone())));
        let count = (places.len() / PLACES_STEP + 1) * PLACES_STEP;
        places.resize(count, None);
        let network =
            Network::new(vec![Node { is_up: false, ..Node::default() }; count], |_, _| 0.0);
        let roots =
            Roots { owner: NodeIndex(0), standby: rooted.standby.as_ref().map(|_| NodeIndex(1)) };
        // Without members there is nothing to search: they join one by one.
        let plan = planner().plan(&network, roots, &[], FEED_KBPS, rng);
        Self { rooted, places, network, plan }
    }

    fn has_places_for(&self, map: &Map) -> bool {
        let known: BTreeSet<&NodeId> = self.places.iter().flatten().collect();
        let newcomers = map.edges().filter(|(node, _)| !known.contains(node)).count();
        // A place is free once its node is gone.
        let gone = self
            .places
            .iter()
            .skip(2)
            .filter(|place| place.as_ref().is_none_or(|node| map.spot(node).is_none()));
        gone.count() >= newcomers
    }

    /// Takes over what has changed.
    fn follow(&mut self, map: &Map, members: &BTreeSet<NodeId>, rng: &mut impl Rng) {
        self.seat(map);
        self.measure(map);
        let planner = planner();
        planner.mend(&self.network, &mut self.plan);
        for index in self.network.indices() {
            let node = self.places.get(index.at()).and_then(Option::as_ref);
            let wants = node.is_some_and(|node| members.contains(node));
            if wants && !self.plan.is_member(index) {
                planner.join(&self.network, &mut self.plan, index);
            } else if !wants && self.plan.is_member(index) {
                planner.leave(&self.network, &mut self.plan, index);
            }
        }
        planner.improve(&self.network, &mut self.plan, MOVES, rng);
    }

    /// Gives newcomers places of those who are gone.
    fn seat(&mut self, map: &Map) {
        for place in self.places.iter_mut().skip(2) {
            if place.as_ref().is_some_and(|node| map.spot(node).is_none()) {
                *place = None;
            }
        }
        let known: BTreeSet<NodeId> = self.places.iter().flatten().cloned().collect();
        let mut newcomers = map.edges().map(|(node, _)| node).filter(|node| !known.contains(*node));
        for place in self.places.iter_mut().skip(2).filter(|place| place.is_none()) {
            *place = newcomers.next().cloned();
        }
    }

    fn measure(&mut self, map: &Map) {
        let domains: BTreeSet<&str> = map.edges().map(|(_, spot)| spot.region.as_str()).collect();
        let domain = |region: &str| {
            domains.iter().position(|known| *known == region).and_then(|at| u32::try_from(at).ok())
        };
        for index in self.network.indices() {
            let place = self.places.get(index.at()).and_then(Option::as_ref);
            let spot = place.and_then(|node| map.spot(node));
            let node = match (index.at(), place, spot) {
                (0 | 1, Some(_), _) => {
                    Node { fan_out_max: map.origin_fan_out(), ..Node::default() }
                }
                (_, _, Some(spot)) => Node {
                    fan_out_max: spot.slots(),
                    may_relay: spot.slots() > 0,
                    // Origins have the domain 0.
                    failure_domain: domain(spot.region.as_str()).unwrap_or(0) + 1,
                    ..Node::default()
                },
                _ => Node { is_up: false, ..Node::default() },
            };
            *self.network.node_mut(index) = node;
        }
        let rows: Vec<_> =
            self.places.iter().map(|place| place.as_ref().and_then(|node| map.row(node))).collect();
        for from in self.network.indices() {
            for to in self.network.indices().filter(|to| *to != from) {
                if let (Some(Some(a)), Some(Some(b))) = (rows.get(from.at()), rows.get(to.at())) {
                    self.network.set_delay_ms(from, to, map.between_ms(*a, *b));
                }
            }
        }
    }

    /// What each node is to be told; nothing for members that get everything straight from the owner.
    fn branches(&self, map: &Map, members: &BTreeSet<NodeId>) -> BTreeMap<NodeId, Branch> {
        let mut branches = BTreeMap::new();
        let standby = self.rooted.standby.as_ref();
        let standby = standby.map(|node| node.as_str().to_owned()).unwrap_or_default();
        let guests: BTreeSet<NodeIndex> = self.plan.guests().collect();
        for index in self.network.indices().skip(2) {
            let Some(node) = self.places.get(index.at()).and_then(Option::as_ref) else { continue };
            if !self.plan.is_member(index) && !guests.contains(&index) {
                continue;
            }
            let parents = self.plan.parents(index);
            let named = |of: Option<NodeIndex>| self.named(map, of);
            let red = named(parents.red).filter(|red| red.node != self.rooted.owner.as_str());
            let branch = Branch {
                red,
                blue: named(parents.blue),
                red_backup: named(parents.red_backup),
                blue_backup: named(parents.blue_backup),
                relays: !members.contains(node) || self.has_children(index),
                standby: standby.clone(),
                ..Branch::default()
            };
            if branch != Branch::default() {
                branches.insert(node.clone(), branch);
            }
        }
        branches
    }

    fn hanging(&self, feed: &Feed) -> Vec<Hanging> {
        let at = |index: NodeIndex| self.places.get(index.at())?.clone();
        let hanging = feed.links().filter_map(|(parent, child)| {
            Some(Hanging {
                parent: at(parent)?,
                child: at(child)?,
                hop_ms: self.network.delay_ms(parent, child),
                delay_ms: feed.delay_ms(child),
            })
        });
        hanging.collect()
    }

    fn has_children(&self, index: NodeIndex) -> bool {
        let blue = self.plan.blue().map_or(0, |blue| blue.children(index).len());
        self.plan.red().children(index).len() + blue > 0
    }

    fn named(&self, map: &Map, index: Option<NodeIndex>) -> Option<Neighbour> {
        let node = self.places.get(index?.at())?.as_ref()?;
        Some(map.neighbour(node))
    }
}

fn planner() -> Planner {
    Planner::new(Knobs::QUICK)
}
