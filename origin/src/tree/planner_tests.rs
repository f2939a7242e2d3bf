//! Plans keep their promises, whatever the network is and whatever happens to it.

use proptest::prelude::*;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use stoa_geo::coordinates::Coordinates;
use stoa_geo::{places, rtt};

use super::{
    Colour, DEPTH_MAX, Feed, Flaw, Knobs, Network, Node, NodeIndex, Plan, Planner, Roots, check,
};

const FEED_KBPS: u32 = 100;
const OWNER: NodeIndex = NodeIndex(0);
const STANDBY: NodeIndex = NodeIndex(1);
const ROOTS: Roots = Roots { owner: OWNER, standby: Some(STANDBY) };

/// Something that happens to a room or its network.
#[derive(Clone, Debug)]
enum Happening {
    Join(u16),
    Leave(u16),
    Down(u16),
    Up(u16),
    Slots(u16, u16),
    Load(u16, u16),
    Delay(u16, u16, f32),
    Improve,
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn every_plan_of_any_network_passes_the_check_whatever_happens(
        nodes in prop::collection::vec(any_node(), 2..40),
        members in prop::collection::vec(any::<bool>(), 40),
        with_standby in any::<bool>(),
        is_thrifty in any::<bool>(),
        happenings in prop::collection::vec(any_happening(), 0..30),
        seed in any::<u64>(),
    ) {
        let mut rng = StdRng::seed_from_u64(seed);
        let planner = Planner::new(if is_thrifty { Knobs::THRIFTY } else { Knobs::QUICK });
        let mut network = scattered(nodes, &mut rng);
        let roots = Roots { owner: OWNER, standby: with_standby.then_some(STANDBY) };
        let members: Vec<NodeIndex> =
            network.indices().filter(|node| members[node.at()]).collect();
        let mut plan = planner.plan(&network, roots, &members, FEED_KBPS, &mut rng);
        prop_assert_eq!(check(&network, &plan), Ok(()));
        for happening in happenings {
            happen(&planner, &mut network, &mut plan, &happening, &mut rng);
            prop_assert_eq!(check(&network, &plan), Ok(()), "after {:?}", happening);
        }
    }

    #[test]
    fn who_is_not_cut_off_has_a_feed_left_when_any_node_dies(seed in any::<u64>()) {
        let (network, plan) = everywhere(60, 5, seed);
        prop_assert_eq!(plan.feeds_effective(), 2);
        for dead in network.indices() {
            for member in plan.members().filter(|member| *member != dead) {
                let lives = |feed: &Feed| {
                    feed.root() != dead && feed.ancestors(member).all(|at| at != dead)
                };
                prop_assert!(lives(plan.red()) || plan.blue().is_some_and(lives));
            }
        }
    }
}

#[test]
fn with_room_enough_everybody_has_two_feeds_and_two_backups() {
    let (network, plan) = everywhere(200, 8, 1);

    assert_eq!(check(&network, &plan), Ok(()));
    assert_eq!((plan.members().count(), plan.feeds_effective()), (198, 2));
    for member in plan.members() {
        let parents = plan.parents(member);
        assert!(parents.red_backup.is_some() && parents.blue_backup.is_some(), "{member}");
        assert!(plan.red().depth(member) <= DEPTH_MAX);
    }
}

#[test]
fn the_same_seed_gives_the_same_plan() {
    assert_eq!(everywhere(80, 6, 7).1, everywhere(80, 6, 7).1);
}

#[test]
fn a_small_room_hangs_from_its_roots_directly() {
    let network = Network::new(vec![Node::default(); 7], |_, _| 10.0);

    let plan = planned(&network, ROOTS, &all(&network));

    for member in plan.members() {
        let parents = plan.parents(member);
        assert_eq!((parents.red, parents.blue), (Some(OWNER), Some(STANDBY)));
    }
}

#[test]
fn without_a_standby_there_is_one_feed() {
    let network = line(5, Node::default());
    let roots = Roots { owner: OWNER, standby: None };

    let plan = planned(&network, roots, &all(&network));

    assert_eq!((plan.feeds_effective(), plan.blue().is_none()), (1, true));
}

#[test]
fn where_too_few_may_relay_only_one_feed_reaches_everybody() {
    let mut network = line(6, Node { may_relay: false, ..Node::default() });
    for root in [OWNER, STANDBY, NodeIndex(2)] {
        *network.node_mut(root) = Node { fan_out_max: 2, ..Node::default() };
    }
    *network.node_mut(NodeIndex(2)) = Node::default();

    let plan = planned(&network, ROOTS, &all(&network));

    assert_eq!(check(&network, &plan), Ok(()));
    assert_eq!(plan.feeds_effective(), 1);
    assert!(plan.members().all(|member| plan.parents(member).red.is_some()));
}

#[test]
fn bandwidth_limits_children_as_slots_do() {
    let node = Node { egress_kbps: 2 * FEED_KBPS, ..Node::default() };
    let network = line(12, node);

    let plan = planned(&network, ROOTS, &all(&network));

    assert_eq!(check(&network, &plan), Ok(()));
    assert!(network.indices().all(|node| plan.red().children(node).len() <= 2));
}

#[test]
fn a_node_that_is_no_member_relays_where_it_pays_and_goes_when_nobody_needs_it() {
    // The direct ways from the owner take 100 ms; over node 2, which is no member, 20.
    let far = |node: NodeIndex| node.at() > 2;
    let network = Network::new(vec![Node::default(); 8], |a, b| match (a, b) {
        (OWNER, b) if far(b) => 100.0,
        (STANDBY, _) => 10.0,
        _ => 10.0,
    });
    let members: Vec<NodeIndex> = network.indices().filter(|node| far(*node)).collect();
    let roots = Roots { owner: OWNER, standby: None };

    let mut plan = planned(&network, roots, &members);

    assert_eq!(plan.guests().collect::<Vec<_>>().len(), 1);
    assert!(members.iter().all(|member| plan.red().delay_ms(*member) <= 30.0));
    for member in members {
        Planner::new(Knobs::QUICK).leave(&network, &mut plan, member);
    }
    assert_eq!(plan.guests().count(), 0);
}

#[test]
fn orphans_go_to_their_backups_and_reserves_are_free_again_after_improving() {
    let (mut network, mut plan) = everywhere(100, 6, 3);
    let planner = Planner::new(Knobs::QUICK);
    let busiest = plan.members().max_by_key(|node| plan.red().children(*node).len()).unwrap();
    let orphans = plan.red().children(busiest).to_vec();
    let backups: Vec<_> = orphans.iter().map(|orphan| plan.red().backup(*orphan)).collect();
    assert!(orphans.len() > 1);

    network.node_mut(busiest).is_up = false;
    planner.mend(&network, &mut plan);

    let parents: Vec<_> = orphans.iter().map(|orphan| plan.red().parent(*orphan)).collect();
    assert_eq!(parents, backups);
    assert_eq!((plan.feeds_effective(), plan.is_member(busiest)), (2, false));
    planner.improve(&network, &mut plan, 10_000, &mut StdRng::seed_from_u64(1));
    let planned = |node| usize::from(network.planned_slots(node, FEED_KBPS));
    assert!(network.indices().all(|node| plan.red().children(node).len() <= planned(node)));
    assert_eq!(check(&network, &plan), Ok(()));
}

#[test]
fn blue_parents_lie_in_other_failure_domains_where_there_are_any() {
    let (network, plan) = everywhere(120, 8, 5);
    let domain = |node: Option<NodeIndex>| node.map(|node| network.node(node).failure_domain);

    let shared = plan.members().filter(|member| {
        let parents = plan.parents(*member);
        domain(parents.red) == domain(parents.blue)
    });

    assert_eq!(shared.count(), 0);
}

#[test]
fn a_plan_that_grew_by_joins_becomes_cheaper_by_improving() {
    let planner = Planner::new(Knobs::QUICK);
    let (network, _) = everywhere(100, 6, 11);
    let (early, late): (Vec<_>, Vec<_>) = all(&network).into_iter().partition(|n| n.0 % 5 == 0);
    let mut plan = planned(&network, ROOTS, &early);
    for node in late {
        planner.join(&network, &mut plan, node);
    }
    let before = planner.price_ms(&network, &plan);

    planner.improve(&network, &mut plan, 20_000, &mut StdRng::seed_from_u64(2));

    let after = planner.price_ms(&network, &plan);
    assert!(after < before, "{before} {after}");
    assert_eq!((check(&network, &plan), plan.feeds_effective()), (Ok(()), 2));
}

#[test]
fn the_check_sees_every_kind_of_flaw() {
    let (network, plan) = everywhere(60, 4, 1);
    let broken = |change: &dyn Fn(&mut Plan)| {
        let mut plan = plan.clone();
        change(&mut plan);
        check(&network, &plan).unwrap_err()
    };
    let relay = plan.members().find(|node| !plan.red().children(*node).is_empty()).unwrap();
    let child = plan.red().children(relay)[0];
    let leaf = plan.members().find(|node| plan.red().children(*node).is_empty()).unwrap();

    let cycle = broken(&|plan| {
        let from = plan.red.detach(relay).unwrap();
        assert_ne!(from, child);
        plan.red.parents[relay.at()] = Some(child);
        plan.red.children[child.at()].push(relay);
    });
    assert!(matches!(cycle, Flaw::Astray(Colour::Red, _)), "{cycle}");
    let forgotten = broken(&|plan| plan.red.children[relay.at()].clear());
    assert!(matches!(forgotten, Flaw::Disagreement(Colour::Red, _)), "{forgotten}");
    let lost = broken(&|plan| {
        plan.red.cut(leaf);
        plan.red.backups[leaf.at()] = None;
    });
    assert!(matches!(lost, Flaw::LeftOut(Colour::Red, ..)), "{lost}");
    let wrong = broken(&|plan| plan.red.delays_ms[leaf.at()] += 1.0);
    assert_eq!(wrong, Flaw::Delay(Colour::Red, leaf));
    let idle = broken(&|plan| plan.members[leaf.at()] = false);
    assert!(matches!(idle, Flaw::Idle(..)), "{idle}");
    let useless = broken(&|plan| plan.red.backups[child.at()] = Some(relay));
    assert_eq!(useless, Flaw::Backup(Colour::Red, child, relay));
    let smaller = line(59, Node::default());
    assert_eq!(check(&smaller, &plan), Err(Flaw::Size { planned: 60, there: 59 }));
}

#[test]
fn the_check_sees_full_deep_and_shared_nodes() {
    let network = line(14, Node { fan_out_max: 3, ..Node::default() });
    let tied = |feed: &mut Feed, links: &[(u16, u16)]| {
        for (parent, child) in links {
            feed.attach(&network, NodeIndex(*child), NodeIndex(*parent));
        }
    };
    let made = |red: &[(u16, u16)], blue: &[(u16, u16)]| {
        let mut plan = Plan::new(ROOTS, network.len(), FEED_KBPS);
        for (_, child) in red.iter().chain(blue) {
            plan.members[usize::from(*child)] = true;
        }
        tied(&mut plan.red, red);
        tied(plan.blue.as_mut().unwrap(), blue);
        check(&network, &plan)
    };

    let full: Vec<(u16, u16)> = (2..6).map(|child| (0, child)).collect();
    assert_eq!(made(&full, &[]), Err(Flaw::Overfull(OWNER, 4, 3)));
    let chain: Vec<(u16, u16)> =
        (2..12).map(|child| (if child == 2 { 0 } else { child - 1 }, child)).collect();
    assert_eq!(made(&chain, &[]), Err(Flaw::Deep(Colour::Red, NodeIndex(10), 9)));
    let shared = made(&[(0, 2), (2, 3)], &[(1, 2), (2, 3)]);
    assert_eq!(shared, Err(Flaw::SharedAncestor(NodeIndex(3), NodeIndex(2))));
}

fn happen(
    planner: &Planner,
    network: &mut Network,
    plan: &mut Plan,
    happening: &Happening,
    rng: &mut StdRng,
) {
    let count = u16::try_from(network.len()).unwrap();
    let at = |node: &u16| NodeIndex(node % count);
    // Roots that go are a matter of a new plan.
    let is_root = |plan: &Plan, node| plan.is_root(node);
    match happening {
        Happening::Join(node) => planner.join(network, plan, at(node)),
        Happening::Leave(node) => planner.leave(network, plan, at(node)),
        Happening::Down(node) if is_root(plan, at(node)) => {}
        Happening::Down(node) => {
            network.node_mut(at(node)).is_up = false;
            planner.mend(network, plan);
        }
        Happening::Up(node) => {
            network.node_mut(at(node)).is_up = true;
            planner.mend(network, plan);
        }
        Happening::Slots(node, slots) => {
            network.node_mut(at(node)).fan_out_max = *slots;
            planner.mend(network, plan);
        }
        Happening::Load(node, load) => {
            network.node_mut(at(node)).load_permille = *load;
            planner.mend(network, plan);
        }
        Happening::Delay(from, to, delay) => {
            network.set_delay_ms(at(from), at(to), *delay);
            planner.mend(network, plan);
        }
        Happening::Improve => planner.improve(network, plan, 500, rng),
    }
}

fn any_node() -> impl Strategy<Value = Node> {
    (0..7_u16, 0..10_u32, 0..4_u32, 0..10_u8, 0..1_100_u16).prop_map(
        |(fan_out_max, feeds, failure_domain, relays, load)| Node {
            fan_out_max,
            egress_kbps: feeds * FEED_KBPS,
            failure_domain,
            is_up: relays != 1,
            may_relay: relays != 0,
            load_permille: load,
        },
    )
}

fn any_happening() -> impl Strategy<Value = Happening> {
    let node = any::<u16>;
    prop_oneof![
        node().prop_map(Happening::Join),
        node().prop_map(Happening::Leave),
        node().prop_map(Happening::Down),
        node().prop_map(Happening::Up),
        (node(), 0..7_u16).prop_map(|(node, slots)| Happening::Slots(node, slots)),
        (node(), 0..1_100_u16).prop_map(|(node, load)| Happening::Load(node, load)),
        (node(), node(), 0.0..300.0_f32).prop_map(|(a, b, delay)| Happening::Delay(a, b, delay)),
        Just(Happening::Improve),
    ]
}

/// Nodes anywhere, with delays that need not obey the triangle inequality.
fn scattered(nodes: Vec<Node>, rng: &mut StdRng) -> Network {
    let count = nodes.len();
    let delays: Vec<f32> = (0..count * count).map(|_| rng.random_range(0.1..200.0)).collect();
    Network::new(nodes, |a, b| delays[a.at() * count + b.at()])
}

/// Nodes near the places that the model knows; all but the two roots are members.
fn everywhere(count: usize, fan_out_max: u16, seed: u64) -> (Network, Plan) {
    let mut rng = StdRng::seed_from_u64(seed);
    let points: Vec<Coordinates> = (0..count)
        .map(|at| {
            let place = places::PLACES[at % places::PLACES.len()].coordinates;
            let mut near = |degrees: f64| degrees + rng.random_range(-2.0..2.0);
            Coordinates::new(near(place.latitude()), near(place.longitude())).unwrap()
        })
        .collect();
    let node = |at: usize| Node {
        fan_out_max,
        failure_domain: u32::try_from(at % places::PLACES.len()).unwrap(),
        ..Node::default()
    };
    let network = Network::new((0..count).map(node).collect(), |a, b| {
        #[expect(clippy::cast_possible_truncation, reason = "half a millisecond to 200")]
        let one_way = (rtt::between_ms(points[a.at()], points[b.at()]) / 2.0) as f32;
        one_way
    });
    let plan = planned(&network, ROOTS, &all(&network));
    (network, plan)
}

/// Nodes in a row, 10 ms apart.
fn line(count: usize, node: Node) -> Network {
    Network::new(vec![node; count], |a, b| 10.0 * f32::from(a.0.abs_diff(b.0)))
}

fn all(network: &Network) -> Vec<NodeIndex> {
    network.indices().collect()
}

fn planned(network: &Network, roots: Roots, members: &[NodeIndex]) -> Plan {
    let mut rng = StdRng::seed_from_u64(1);
    Planner::new(Knobs::QUICK).plan(network, roots, members, FEED_KBPS, &mut rng)
}
