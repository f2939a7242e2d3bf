//! Whether a plan keeps what it promises. It shares no code with the planner but the tables of a [`Feed`].

use std::collections::BTreeSet;

use thiserror::Error;

use super::feed::Feed;
use super::network::{Network, NodeIndex};
use super::plan::{DEPTH_MAX, Plan};
use super::planner::Colour;

/// A promise that a plan breaks.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum Flaw {
    /// It is not about this network.
    #[error("the plan knows {planned} nodes, the network {there}")]
    Size {
        /// Nodes of the plan.
        planned: usize,
        /// Nodes of the network.
        there: usize,
    },
    /// The way up from a node does not end at the root.
    #[error("{0:?}: the way up from {1} does not lead to the root")]
    Astray(Colour, NodeIndex),
    /// Parent and child do not agree.
    #[error("{0:?}: {1} and its parent do not know each other")]
    Disagreement(Colour, NodeIndex),
    /// Too many links from the root.
    #[error("{0:?}: {1} is {2} links from the root, and {DEPTH_MAX} are the limit")]
    Deep(Colour, NodeIndex, usize),
    /// More children than a node can carry, of both feeds together.
    #[error("{0} has {1} children and may have {2}")]
    Overfull(NodeIndex, usize, usize),
    /// Both ways to a node lead over the same third.
    #[error("both feeds of {0} come over {1}")]
    SharedAncestor(NodeIndex, NodeIndex),
    /// A backup that would not help.
    #[error("{0:?}: {2} is no backup for {1}")]
    Backup(Colour, NodeIndex, NodeIndex),
    /// A member without a feed that somebody could send to it.
    #[error("{0:?}: {1} gets nothing, though {2} has a slot")]
    LeftOut(Colour, NodeIndex, NodeIndex),
    /// A node that neither wants the room nor passes it on.
    #[error("{0:?}: {1} is in the tree for nothing")]
    Idle(Colour, NodeIndex),
    /// A node that is not up.
    #[error("{0:?}: {1} is in the tree and down")]
    Down(Colour, NodeIndex),
    /// The delay that is noted is not that of the way.
    #[error("{0:?}: the delay noted for {1} is not that of its way")]
    Delay(Colour, NodeIndex),
}

/// Proves a plan: every placed node's way leads to its root, without a cycle, over at most [`DEPTH_MAX`] links; nobody
/// has more children than it can carry; both ways to a node share nobody; backups help; nobody is left
/// out or in for nothing.
///
/// # Errors
/// The first [`Flaw`].
pub fn check(network: &Network, plan: &Plan) -> Result<(), Flaw> {
    if plan.members.len() != network.len() {
        return Err(Flaw::Size { planned: plan.members.len(), there: network.len() });
    }
    let feeds = [(Colour::Red, Some(plan.red())), (Colour::Blue, plan.blue())];
    let feeds = feeds.into_iter().filter_map(|(colour, feed)| Some((colour, feed?)));
    for (colour, feed) in feeds.clone() {
        for node in network.indices() {
            check_way(network, feed, colour, node)?;
            check_purpose(network, plan, feed, colour, node)?;
        }
    }
    for node in network.indices() {
        check_children(network, plan, node)?;
        check_ancestors(plan, node)?;
    }
    for (colour, feed) in feeds {
        for node in network.indices() {
            check_backup(network, plan, feed, colour, node)?;
            check_left_out(network, plan, feed, colour, node)?;
        }
    }
    Ok(())
}

fn check_way(network: &Network, feed: &Feed, colour: Colour, node: NodeIndex) -> Result<(), Flaw> {
    if let Some(parent) = feed.parent(node) {
        let entries = feed.children(parent).iter().filter(|child| **child == node).count();
        if entries != 1 || node == feed.root() {
            return Err(Flaw::Disagreement(colour, node));
        }
    }
    if feed.children(node).iter().any(|child| feed.parent(*child) != Some(node)) {
        return Err(Flaw::Disagreement(colour, node));
    }
    if feed.parent(node).is_none() && node != feed.root() {
        let is_outside = feed.children(node).is_empty() && !feed.is_placed(node);
        return if is_outside { Ok(()) } else { Err(Flaw::Astray(colour, node)) };
    }
    let way: Vec<NodeIndex> = std::iter::once(node).chain(feed.ancestors(node)).collect();
    if way.last() != Some(&feed.root()) {
        return Err(Flaw::Astray(colour, node));
    }
    if way.len() > usize::from(DEPTH_MAX) + 1 {
        return Err(Flaw::Deep(colour, node, way.len() - 1));
    }
    let delay: f32 = way.windows(2).map(|link| network.delay_ms(link[1], link[0])).sum();
    if (delay - feed.delay_ms(node)).abs() > 0.01 + delay * 1e-4 {
        return Err(Flaw::Delay(colour, node));
    }
    Ok(())
}

fn check_purpose(
    network: &Network,
    plan: &Plan,
    feed: &Feed,
    colour: Colour,
    node: NodeIndex,
) -> Result<(), Flaw> {
    if feed.parent(node).is_none() {
        return Ok(());
    }
    if !network.node(node).is_up {
        return Err(Flaw::Down(colour, node));
    }
    let is_needed = plan.is_member(node) || !feed.children(node).is_empty();
    if is_needed { Ok(()) } else { Err(Flaw::Idle(colour, node)) }
}

fn children_of_both(plan: &Plan, node: NodeIndex) -> usize {
    let blue = plan.blue().map_or(0, |blue| blue.children(node).len());
    plan.red().children(node).len() + blue
}

fn check_children(network: &Network, plan: &Plan, node: NodeIndex) -> Result<(), Flaw> {
    let children = children_of_both(plan, node);
    let slots = usize::from(network.slots(node, plan.feed_kbps()));
    if children > slots { Err(Flaw::Overfull(node, children, slots)) } else { Ok(()) }
}

fn check_ancestors(plan: &Plan, node: NodeIndex) -> Result<(), Flaw> {
    let Some(blue) = plan.blue() else { return Ok(()) };
    let red: BTreeSet<NodeIndex> = plan.red().ancestors(node).collect();
    match blue.ancestors(node).find(|ancestor| red.contains(ancestor)) {
        Some(shared) => Err(Flaw::SharedAncestor(node, shared)),
        None => Ok(()),
    }
}

/// Lets the parent of `node` die, or the link to it if that is the root: then everybody who has lost it goes to his
/// backup at the same time, and the tree must still be one.
fn check_backup(
    network: &Network,
    plan: &Plan,
    feed: &Feed,
    colour: Colour,
    node: NodeIndex,
) -> Result<(), Flaw> {
    let Some(backup) = feed.backup(node) else { return Ok(()) };
    let flaw = Err(Flaw::Backup(colour, node, backup));
    let Some(parent) = feed.parent(node) else { return flaw };
    let orphans: Vec<NodeIndex> =
        if parent == feed.root() { vec![node] } else { feed.children(parent).to_vec() };
    let coming = orphans.iter().filter(|orphan| feed.backup(**orphan) == Some(backup)).count();
    let slots = usize::from(network.slots(backup, plan.feed_kbps()));
    let way: Vec<NodeIndex> = std::iter::once(backup).chain(feed.ancestors(backup)).collect();
    let is_reached = way.last() == Some(&feed.root())
        && (backup != parent || orphans.len() == 1)
        && !way.iter().any(|at| orphans.contains(at) || (*at == parent && parent != feed.root()));
    let deepest = network
        .indices()
        .filter_map(|below| feed.ancestors(below).position(|at| at == node).map(|at| at + 1))
        .max()
        .unwrap_or(0);
    let other = match colour {
        Colour::Red => plan.blue(),
        Colour::Blue => Some(plan.red()),
    };
    let crosses = other.is_some_and(|other| {
        other.root() == backup || other.ancestors(node).any(|ancestor| way.contains(&ancestor))
    });
    let is_shallow = way.len() + deepest <= usize::from(DEPTH_MAX);
    let has_slots = children_of_both(plan, backup) + coming <= slots;
    let helps = is_reached && is_shallow && has_slots && !crosses && backup != parent;
    if helps { Ok(()) } else { flaw }
}

fn check_left_out(
    network: &Network,
    plan: &Plan,
    feed: &Feed,
    colour: Colour,
    node: NodeIndex,
) -> Result<(), Flaw> {
    if !plan.is_member(node) || feed.parent(node).is_some() {
        return Ok(());
    }
    let other = match colour {
        Colour::Red => plan.blue(),
        Colour::Blue => Some(plan.red()),
    };
    let could = network.indices().find(|parent| {
        let relays_other = other
            .is_some_and(|other| other.root() == *parent || !other.children(*parent).is_empty());
        let slots = usize::from(network.slots(*parent, plan.feed_kbps()));
        feed.is_placed(*parent)
            && feed.depth(*parent) < DEPTH_MAX
            && !relays_other
            && feed.children(*parent).len() < slots
    });
    could.map_or(Ok(()), |could| Err(Flaw::LeftOut(colour, node, could)))
}
