//! Makes plans and keeps them good while members come and go and the network changes.

use rand::Rng;

use super::feed::Feed;
use super::network::{Network, NodeIndex};
use super::plan::{Plan, Roots};
use super::price::{Knobs, Prices};
use super::search::Effort;
use super::slots::Slots;
use super::workshop::Workshop;

/// Moves per node that are tried for a new red feed, and half as many for a blue one.
const PLAN_MOVES: usize = 330;

/// Moves at most, so that a large network does not keep others waiting.
const PLAN_MOVES_MAX: usize = 160_000;

/// How bold the search for a new plan is at first, in ms.
const PLAN_HEAT_MS: f32 = 150.0;

/// What a move must save in a plan that is in use, in ms: it makes somebody change his parent.
const GAIN_MS: f32 = 9.0;

/// The blue feed is left this many slots over the number of members, as a share of it: they do not all lie well.
const BLUE_MARGIN: f64 = 0.25;

/// One of the two feeds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Colour {
    /// From the owner.
    Red,
    /// From the standby.
    Blue,
}

impl Colour {
    /// Red first: it takes the better relays.
    pub const BOTH: [Self; 2] = [Self::Red, Self::Blue];
}

/// A planner. It keeps nothing between calls; all there is to know of a room stands in its [`Plan`].
#[derive(Clone, Copy, Debug)]
pub struct Planner {
    knobs: Knobs,
}

impl Planner {
    /// With what the plans are to be good at.
    #[must_use]
    pub fn new(knobs: Knobs) -> Self {
        Self { knobs }
    }

    /// A new plan for those members. Members that are roots, not up or not in the network get no feed, and need none.
    #[must_use]
    pub fn plan(
        &self,
        network: &Network,
        roots: Roots,
        members: &[NodeIndex],
        feed_kbps: u32,
        rng: &mut impl Rng,
    ) -> Plan {
        let mut plan = Plan::new(roots, network.len(), feed_kbps);
        for member in members.iter().filter(|member| member.at() < network.len()) {
            plan.members[member.at()] = network.node(*member).is_up && !plan.is_root(*member);
        }
        let mut moves = (PLAN_MOVES * network.len()).min(PLAN_MOVES_MAX);
        for colour in Colour::BOTH {
            let members = plan.members.clone();
            let Some(mut shop) = self.workshop(network, &mut plan, colour) else { continue };
            shop.grow(&members, self.knobs.delay_share);
            shop.slots.is_pressed = true;
            shop.grow(&members, self.knobs.delay_share);
            shop.slots.is_pressed = false;
            let grown = (shop.feed.clone(), shop.slots.clone(), shop.price());
            let effort = Effort { moves, heat_ms: PLAN_HEAT_MS, gain_ms: 0.0 };
            shop.recruit(self.knobs.relay_ms);
            shop.search(effort, rng);
            shop.part_domains();
            shop.dismiss(&members);
            if shop.price() > grown.2 {
                (*shop.feed, shop.slots) = (grown.0, grown.1);
            }
            moves /= 2;
        }
        self.finish(network, &mut plan);
        plan
    }

    /// A node wants the room: it gets the best places that are free.
    pub fn join(&self, network: &Network, plan: &mut Plan, node: NodeIndex) {
        let known = node.at() < network.len() && network.node(node).is_up;
        if known && !plan.is_root(node) {
            plan.members[node.at()] = true;
            self.finish(network, plan);
        }
    }

    /// A node does not want the room any more. While others hang below it, it relays on.
    pub fn leave(&self, network: &Network, plan: &mut Plan, node: NodeIndex) {
        if plan.is_member(node) {
            plan.members[node.at()] = false;
            self.finish(network, plan);
        }
    }

    /// The network has changed: delays are taken over, nodes that are gone leave the trees and the members, nodes that may
    /// carry less give children away.
    pub fn mend(&self, network: &Network, plan: &mut Plan) {
        for node in network.indices().filter(|node| !network.node(*node).is_up) {
            plan.members[node.at()] = false;
        }
        for colour in Colour::BOTH {
            let Some(mut shop) = self.workshop(network, plan, colour) else { continue };
            shop.feed.settle(network, shop.feed.root);
            for node in network.indices() {
                if !network.node(node).is_up && shop.feed.is_placed(node) && node != shop.feed.root
                {
                    shop.bury(node);
                }
            }
            shop.unload();
        }
        self.finish(network, plan);
    }

    /// Makes a plan in use better, in the background: tries that many moves and takes those that save
    /// enough, frees reserves that are in use, and hires or dismisses relays that are no members.
    pub fn improve(&self, network: &Network, plan: &mut Plan, moves: usize, rng: &mut impl Rng) {
        self.mend(network, plan);
        for colour in Colour::BOTH {
            let members = plan.members.clone();
            let Some(mut shop) = self.workshop(network, plan, colour) else { continue };
            shop.relieve();
            shop.recruit(self.knobs.relay_ms);
            shop.search(Effort { moves: moves / 2, heat_ms: 0.0, gain_ms: GAIN_MS }, rng);
            shop.part_domains();
            shop.dismiss(&members);
        }
        self.finish(network, plan);
    }

    /// What a plan costs by the knobs, both feeds together, in ms; lower is better.
    #[must_use]
    pub fn price_ms(&self, network: &Network, plan: &Plan) -> f32 {
        let mut plan = plan.clone();
        let feeds = Colour::BOTH.map(|colour| {
            self.workshop(network, &mut plan, colour).map_or(0.0, |shop| shop.price())
        });
        feeds.iter().sum()
    }

    /// Lets idle relays go and places who is outside; then everybody gets a backup.
    fn finish(&self, network: &Network, plan: &mut Plan) {
        let members = plan.members.clone();
        // What one feed gives up may serve the other, so both are tidied first, and red is looked at again.
        for colour in Colour::BOTH {
            if let Some(mut shop) = self.workshop(network, plan, colour) {
                shop.dismiss(&members);
            }
        }
        for colour in [Colour::Red, Colour::Blue, Colour::Red] {
            let Some(mut shop) = self.workshop(network, plan, colour) else { continue };
            let is_outside = |shop: &Workshop<'_>, node: &NodeIndex| {
                members[node.at()] && !shop.feed.is_placed(*node)
            };
            let mut outside: Vec<NodeIndex> =
                network.indices().filter(|node| is_outside(&shop, node)).collect();
            // Who finds a place may bring slots for who has found none.
            while outside.iter().filter(|node| shop.place(**node)).count() > 0 {
                outside.retain(|node| is_outside(&shop, node));
            }
        }
        for colour in Colour::BOTH {
            if let Some(mut shop) = self.workshop(network, plan, colour) {
                shop.renew_backups();
            }
        }
    }

    fn workshop<'a>(
        &self,
        network: &'a Network,
        plan: &'a mut Plan,
        colour: Colour,
    ) -> Option<Workshop<'a>> {
        let left_to_blue = left_to_blue(network, plan);
        let Plan { red, blue, members, feed_kbps, .. } = plan;
        let (feed, other, left): (&mut Feed, Option<&Feed>, usize) = match colour {
            Colour::Red => (red, blue.as_ref(), left_to_blue),
            Colour::Blue => (blue.as_mut()?, Some(&*red), 0),
        };
        let slots = Slots::new(network, feed, other, *feed_kbps, left);
        // The blue feed keeps out of the red one's way, not the other way round: red is the quick one.
        let shunned = other.filter(|_| colour == Colour::Blue);
        let prices = Prices::new(network, feed.root, members, shunned, self.knobs);
        Some(Workshop { network, feed, slots, prices })
    }
}

/// Slots of nodes that relay nothing yet which the red feed must leave to the blue one.
fn left_to_blue(network: &Network, plan: &Plan) -> usize {
    let Some(blue) = &plan.blue else { return 0 };
    let own = |node: NodeIndex| usize::from(network.planned_slots(node, plan.feed_kbps));
    let relays =
        network.indices().filter(|node| *node == blue.root || !blue.children(*node).is_empty());
    let there: usize = relays.map(own).sum();
    let members = plan.members().count();
    let margin = (members as f64 * BLUE_MARGIN).ceil();
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "at most NODES_MAX"
    )]
    let wanted = members + margin as usize;
    wanted.saturating_sub(there)
}
