//! The planner at work on a world: one network per root, with the standby in the best city of another country.

use std::time::Duration;

use anyhow::{Context, Result};
use rand::SeedableRng;
use rand::rngs::StdRng;
use stoa_origin::tree::{Feed, Knobs, Network, Node, NodeIndex, Plan, Planner, Roots, check};

use super::rivals::Parents;
use super::world::World;
use crate::measure::floor::thread_cpu;

/// What one feed of a room costs a parent per child: three speakers with overhead.
pub(super) const FEED_KBPS: u32 = 150;

/// Between the standby and the edge in the same city, one way in ms.
const SAME_CITY_MS: f32 = 0.2;

/// One plan with what it was made for.
pub(super) struct Planned {
    pub(super) root: usize,
    pub(super) network: Network,
    pub(super) plan: Plan,
    /// CPU time of planning.
    pub(super) cpu: Duration,
}

/// Every city is an edge and a member, the root is the owner, and the standby is one node more.
pub(super) fn plan(
    world: &World,
    root: usize,
    fan_out_max: u16,
    knobs: Knobs,
    seed: u64,
) -> Result<Planned> {
    let (network, roots) = network(world, root, fan_out_max)?;
    let members: Vec<NodeIndex> = NodeIndex::all(world.len()).collect();
    let mut rng = StdRng::seed_from_u64(seed);
    let began = thread_cpu();
    let plan = Planner::new(knobs).plan(&network, roots, &members, FEED_KBPS, &mut rng);
    let cpu = thread_cpu().saturating_sub(began);
    check(&network, &plan).context("the planner broke a promise")?;
    Ok(Planned { root, network, plan, cpu })
}

/// The network and where its feeds begin.
pub(super) fn network(world: &World, root: usize, fan_out_max: u16) -> Result<(Network, Roots)> {
    let standby = standby_city(world, root).context("there is no second country for a standby")?;
    let city = |node: NodeIndex| if node.at() < world.len() { node.at() } else { standby };
    let nodes = (0..=world.len()).map(|at| Node {
        fan_out_max,
        failure_domain: world.domain(if at < world.len() { at } else { standby }),
        ..Node::default()
    });
    let network = Network::new(nodes.collect(), |a, b| {
        let (a, b) = (city(a), city(b));
        if a == b { SAME_CITY_MS } else { world.delay_ms(a, b) }
    });
    let index = |at: usize| u16::try_from(at).map(NodeIndex).context("too many cities");
    Ok((network, Roots { owner: index(root)?, standby: Some(index(world.len())?) }))
}

/// In another country than the root, and nearest to everybody on average.
fn standby_city(world: &World, root: usize) -> Option<usize> {
    let distance = |from: usize| (0..world.len()).map(|to| world.delay_ms(from, to)).sum::<f32>();
    let abroad = (0..world.len()).filter(|at| world.domain(*at) != world.domain(root));
    abroad.map(|at| (distance(at), at)).min_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, at)| at)
}

impl Planned {
    /// The red feed as a tree of cities.
    pub(super) fn parents(&self, world: &World) -> Parents {
        let parent = |at| self.plan.red().parent(at).map(NodeIndex::at);
        NodeIndex::all(world.len()).map(parent).collect()
    }

    /// Members without a backup in one of their feeds.
    pub(super) fn without_backup(&self) -> usize {
        let lacks = |node: &NodeIndex| {
            let parents = self.plan.parents(*node);
            parents.red_backup.is_none() || parents.blue_backup.is_none()
        };
        self.plan.members().filter(lacks).count()
    }

    /// Members both of whose parents lie in one country.
    pub(super) fn shared_domains(&self) -> usize {
        let domain =
            |node: Option<NodeIndex>| node.map(|node| self.network.node(node).failure_domain);
        let shares = |node: &NodeIndex| {
            let parents = self.plan.parents(*node);
            domain(parents.red) == domain(parents.blue)
        };
        self.plan.members().filter(shares).count()
    }
}

/// Mean delay of a plan's members in a feed, one way in ms.
pub(super) fn mean_ms(plan: &Plan, feed: &Feed) -> f64 {
    let delays: Vec<f64> = plan.members().map(|node| f64::from(feed.delay_ms(node))).collect();
    delays.iter().sum::<f64>() / delays.len().max(1) as f64
}
