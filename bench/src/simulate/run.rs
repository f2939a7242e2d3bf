//! One seed, from the first link to the verdict.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::Result;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use stoa_geo::places::PLACES;
use stoa_protocol::ids::Role;

use super::account::Missed;
use super::faults::{Plan, draw};
use super::node::Node;
use super::stages::StagePath;
use super::world::{Happening, World};

/// How long the network has to come up, and everybody to join.
const SETTLE: Duration = Duration::from_secs(10);

/// Everything must be well again this long after the last fault.
pub(super) const HEAL: Duration = Duration::from_secs(5);

/// How long an origin waits for its lease at most before it starts again.
const STARTS_WITHIN: Duration = Duration::from_millis(2_500);

/// How long before the end it is read who is banned.
const READING: Duration = Duration::from_secs(3);

/// How long it is watched then.
const AFTERWARDS: Duration = Duration::from_secs(4);

/// Origins and edges of a run, and what happens to them.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// What everything is drawn from.
    pub seed: u64,
    /// Origins, each in a failure domain of its own.
    pub origins: usize,
    /// Edges, each with a listener.
    pub edges: usize,
    /// Voices, at the first edges.
    pub voices: usize,
    /// What goes wrong; drawn from the seed when absent.
    pub plan: Option<Plan>,
    /// Whether nothing at all may be lost at edges that live on.
    pub lossless: bool,
}

impl Scenario {
    /// What a seed stands for.
    #[must_use]
    pub fn of(seed: u64) -> Self {
        let mut rng = StdRng::seed_from_u64(seed);
        let edges = rng.random_range(4..=14);
        Self {
            seed,
            origins: 3,
            edges,
            voices: rng.random_range(1..=3),
            plan: None,
            lossless: false,
        }
    }
}

/// What came of a run.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// What went wrong on purpose.
    pub plan: Plan,
    /// What each edge has missed while somebody listened there, over the whole run.
    pub missed: Vec<Missed>,
    /// What the run must not show, in words.
    pub violations: Vec<String>,
    /// What each node counts at the end, for people.
    pub notes: Vec<String>,
    /// What links have refused to do, by order and reason.
    pub refusals: BTreeMap<String, u64>,
    /// Changes that were acknowledged, and those of them that nobody could keep then.
    pub acknowledged: (usize, usize),
    /// How speakers hear each other once everything is well again.
    pub stage: Vec<StagePath>,
    /// How often a room has moved to a better origin.
    pub moved: u64,
    /// Median and longest time from mouth to the last edge.
    pub delay: (Duration, Duration),
}

/// Runs a scenario.
///
/// # Errors
/// When the store cannot be made.
pub fn simulate(scenario: &Scenario) -> Result<Outcome> {
    let mut world = World::new(scenario.seed)?;
    let mut rng = StdRng::seed_from_u64(scenario.seed ^ 0x9e37_u64);
    for _ in 0..scenario.origins {
        world.add_origin(&PLACES[rng.random_range(0..PLACES.len())])?;
    }
    for _ in 0..scenario.edges {
        world.add_edge(&PLACES[rng.random_range(0..PLACES.len())])?;
    }
    for voice in 0..scenario.voices {
        world.invite(scenario.origins + voice % scenario.edges, Role::Speaker);
    }
    for edge in 0..scenario.edges {
        world.invite(scenario.origins + edge, Role::Listener);
    }
    let start = world.start;
    let began = [Happening::Tidings, Happening::Refresh, Happening::Speak, Happening::Adapts];
    for what in began {
        world.at(start, what);
    }
    world.at(start + Duration::from_secs(2), Happening::Found);
    world.at(start + SETTLE, Happening::Bans);
    until(&mut world, start + SETTLE);
    let plan = scenario
        .plan
        .clone()
        .unwrap_or_else(|| draw(scenario.seed, scenario.origins, scenario.edges));
    let (stands, last) = (world.now, plan.iter().map(|(at, _)| *at).max().unwrap_or_default());
    world.plan = plan.iter().map(|(_, fault)| fault.clone()).collect();
    for (index, (at, _)) in plan.iter().enumerate() {
        world.at(stands + *at, Happening::Fault(index));
    }
    let unseated = world.people.all.iter().filter(|person| person.seated.is_none()).count();
    // An origin may have to wait for its lease before it starts again.
    until(&mut world, stands + last + STARTS_WITHIN);
    let last = world.troubles.last().unwrap_or(stands).max(stands + last);
    let end = last + HEAL + AFTERWARDS;
    world.at(end - READING, Happening::ReadsBans);
    until(&mut world, end);
    let times = Times { stands, healed: last + HEAL };
    Ok(judge(scenario, &mut world, plan, times, unseated))
}

fn until(world: &mut World, end: Instant) {
    while world.queue.first_key_value().is_some_and(|((at, _), _)| *at <= end) && world.step() {}
    world.now = world.now.max(end);
}

/// From when on everything stands, and from when on it must be well again.
#[derive(Clone, Copy, Debug)]
struct Times {
    stands: Instant,
    healed: Instant,
}

fn judge(
    scenario: &Scenario,
    world: &mut World,
    plan: Plan,
    times: Times,
    unseated: usize,
) -> Outcome {
    let mut violations = Vec::new();
    if unseated > 0 {
        violations.push(format!("{unseated} people could not join before anything went wrong"));
    }
    violations.extend(world.model.broken.iter().cloned());
    let missed = world.account.missed(times.stands, world.now, &mut world.ways, &world.troubles);
    violations.extend(missed.iter().flat_map(Missed::violations));
    if scenario.lossless {
        violations.extend(missed.iter().filter_map(Missed::loss));
    }
    if let Some((edge, track, number)) = world.account.twice.first() {
        let count = world.account.twice.len();
        violations.push(format!(
            "{count} frames were heard twice, e.g. {number:?} of {track:?} at edge {edge}"
        ));
    }
    if !plan.is_empty() && missed.iter().all(|missed| missed.expected == 0) {
        violations.push("nobody was there to hear anything".to_owned());
    }
    judge_deeds(world, &mut violations);
    let stage = world.stages.paths(&world.account, &world.paths, times.healed);
    judge_stages(scenario, world, times.stands, &stage, &mut violations);
    let delays = missed.iter().map(|missed| world.account.delays(missed.edge));
    let slowest = delays.max_by_key(|delays| delays.get(delays.len() / 2).copied());
    let slowest = slowest.unwrap_or_default();
    let median = slowest.get(slowest.len() / 2).copied().unwrap_or_default();
    Outcome {
        plan,
        missed,
        violations,
        notes: world.nodes.iter().map(Node::notes).collect(),
        refusals: world.refusals.clone(),
        acknowledged: (world.deeds.acknowledged.len(), world.deeds.unkept.len()),
        stage,
        moved: world.nodes.iter().map(Node::moved).sum(),
        delay: (median, slowest.last().copied().unwrap_or_default()),
    }
}

fn judge_deeds(world: &World, violations: &mut Vec<String>) {
    if world.deeds.banned.is_none() {
        violations.push("nobody could say at the end who is banned".to_owned());
    }
    for forgotten in world.deeds.forgotten() {
        violations
            .push(format!("it was acknowledged that {forgotten} is banned, and is forgotten"));
    }
    if world.deeds.acknowledged.is_empty() {
        violations.push("nothing was acknowledged".to_owned());
    }
}

/// The model holds for stages as it does for audiences, and once all is well the direct path brings what is said.
fn judge_stages(
    scenario: &Scenario,
    world: &mut World,
    stands: Instant,
    stage: &[StagePath],
    violations: &mut Vec<String>,
) {
    let missed = world.stages.missed(stands, world.now, &mut world.ways, &world.troubles);
    let mut wrong: Vec<String> = missed.iter().flat_map(Missed::violations).collect();
    if scenario.lossless {
        wrong.extend(missed.iter().filter_map(Missed::loss));
    }
    violations.extend(wrong.into_iter().map(|what| format!("on the stage, {what}")));
    let twice = world.stages.twice();
    if twice > 0 {
        violations.push(format!("stages heard {twice} frames twice"));
    }
    for path in stage.iter().filter(|path| !path.is_direct()) {
        violations.push(format!("a voice makes a detour to the stage: {path:?}"));
    }
}

#[cfg(test)]
#[path = "run_tests.rs"]
mod tests;
