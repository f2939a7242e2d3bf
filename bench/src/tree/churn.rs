//! Members that come and go: how good a plan stays that is only mended and improved, beside a fresh one.

use std::time::Duration;

use anyhow::{Context, Result};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde::Serialize;
use stoa_origin::tree::{Knobs, Network, NodeIndex, Plan, Planner, Roots, check};

use super::planning::{FEED_KBPS, mean_ms, network};
use super::score::quantile;
use super::world::World;
use crate::measure::floor::thread_cpu;

/// Share of the members that leave in a minute; as many join.
const TURNOVER: f64 = 0.2;
/// How long it goes on.
const MINUTES: usize = 10;
/// Moves that the background search tries after each event: about a millisecond of CPU time every 0.6 seconds.
const MOVES: usize = 2_000;

/// What came out.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub(super) struct Churn {
    /// Mean delay of the members over that in a fresh plan for them, mean over all minutes and roots.
    pub(super) mean_over_fresh: f64,
    /// The worst minute.
    pub(super) worst_over_fresh: f64,
    /// CPU time of a join, in µs.
    pub(super) join_us: f64,
    pub(super) join_p99_us: f64,
    /// Of a leave; half of them are nodes that die, whose children find other parents.
    pub(super) leave_us: f64,
    pub(super) leave_p99_us: f64,
    /// CPU time of the background search per event, in µs.
    pub(super) improve_us: f64,
    /// Members that change a parent per event, other than who comes or goes.
    pub(super) moved_per_event: f64,
    /// Members without both feeds, at the worst.
    pub(super) without_two_feeds: usize,
}

/// What is added up over the events.
#[derive(Default)]
struct Account {
    joins_us: Vec<f64>,
    leaves_us: Vec<f64>,
    improve: Duration,
    moved: usize,
    ratios: Vec<f64>,
    lacking: usize,
}

struct Room {
    planner: Planner,
    network: Network,
    roots: Roots,
    plan: Plan,
    rng: StdRng,
}

/// Lets members come and go around each root.
pub(super) fn churn(world: &World, roots: &[usize], fan_out_max: u16, seed: u64) -> Result<Churn> {
    let mut account = Account::default();
    for root in roots {
        let (network, roots) = network(world, *root, fan_out_max)?;
        let mut rng = StdRng::seed_from_u64(seed);
        let planner = Planner::new(Knobs::QUICK);
        // A sixth of the cities is outside at any time.
        let members: Vec<NodeIndex> =
            NodeIndex::all(world.len()).filter(|_| rng.random_ratio(5, 6)).collect();
        let plan = planner.plan(&network, roots, &members, FEED_KBPS, &mut rng);
        let mut room = Room { planner, network, roots, plan, rng };
        for _ in 0..MINUTES {
            room.minute(&mut account)?;
        }
    }
    Ok(account.summed())
}

impl Room {
    fn minute(&mut self, account: &mut Account) -> Result<()> {
        #[expect(clippy::cast_possible_truncation, reason = "a fifth of the cities")]
        let turnover = (self.plan.members().count() as f64 * TURNOVER) as usize;
        for event in 0..turnover {
            let members: Vec<NodeIndex> = self.plan.members().collect();
            let leaving = self.pick(&members)?;
            let before = self.plan.clone();
            let began = thread_cpu();
            if event % 2 == 0 {
                self.planner.leave(&self.network, &mut self.plan, leaving);
            } else {
                self.network.node_mut(leaving).is_up = false;
                self.planner.mend(&self.network, &mut self.plan);
            }
            account.leaves_us.push(us(thread_cpu().saturating_sub(began)));
            let outside: Vec<NodeIndex> = self
                .network
                .indices()
                .filter(|node| !self.plan.is_member(*node) && !self.plan.is_root(*node))
                .filter(|node| *node != leaving)
                .collect();
            let joining = self.pick(&outside)?;
            self.network.node_mut(joining).is_up = true;
            let began = thread_cpu();
            self.planner.join(&self.network, &mut self.plan, joining);
            account.joins_us.push(us(thread_cpu().saturating_sub(began)));
            let began = thread_cpu();
            self.planner.improve(&self.network, &mut self.plan, MOVES, &mut self.rng);
            account.improve += thread_cpu().saturating_sub(began);
            check(&self.network, &self.plan).context("the planner broke a promise")?;
            account.moved += moved(&before, &self.plan);
        }
        let members: Vec<NodeIndex> = self.plan.members().collect();
        let (planner, roots) = (self.planner, self.roots);
        let fresh = planner.plan(&self.network, roots, &members, FEED_KBPS, &mut self.rng);
        account.ratios.push(mean_ms(&self.plan, self.plan.red()) / mean_ms(&fresh, fresh.red()));
        let lacks = |node: &NodeIndex| {
            let parents = self.plan.parents(*node);
            parents.red.is_none() || parents.blue.is_none()
        };
        account.lacking = account.lacking.max(self.plan.members().filter(lacks).count());
        Ok(())
    }

    fn pick(&mut self, nodes: &[NodeIndex]) -> Result<NodeIndex> {
        let at = self.rng.random_range(0..nodes.len().max(1));
        nodes.get(at).copied().context("nobody is left to come or go")
    }
}

impl Account {
    fn summed(mut self) -> Churn {
        let mean = |figures: &[f64]| figures.iter().sum::<f64>() / figures.len().max(1) as f64;
        for figures in [&mut self.joins_us, &mut self.leaves_us, &mut self.ratios] {
            figures.sort_by(f64::total_cmp);
        }
        let events = self.joins_us.len().max(1) as f64;
        Churn {
            mean_over_fresh: mean(&self.ratios),
            worst_over_fresh: quantile(&self.ratios, 1.0),
            join_us: mean(&self.joins_us),
            join_p99_us: quantile(&self.joins_us, 0.99),
            leave_us: mean(&self.leaves_us),
            leave_p99_us: quantile(&self.leaves_us, 0.99),
            improve_us: us(self.improve) / events,
            moved_per_event: self.moved as f64 / events,
            without_two_feeds: self.lacking,
        }
    }
}

/// Members of both plans with another parent.
fn moved(before: &Plan, after: &Plan) -> usize {
    let stayed = before.members().filter(|node| after.is_member(*node));
    let differs = |node: &NodeIndex| {
        let (then, now) = (before.parents(*node), after.parents(*node));
        then.red != now.red || then.blue != now.blue
    };
    stayed.filter(differs).count()
}

fn us(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}
