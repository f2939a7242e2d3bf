//! Single faults, of which nobody may hear anything, and three hundred networks at random.

use super::super::faults::Fault;
use super::super::stages::DETOUR_MAX;
use super::*;

/// A single death, after everything stands.
fn dies(node: usize) -> Plan {
    vec![(Duration::from_secs(2), Fault::Kill(node))]
}

fn quiet(seed: u64) -> Scenario {
    Scenario { seed, origins: 2, edges: 12, voices: 2, plan: Some(Vec::new()), lossless: true }
}

#[test]
fn everybody_hears_every_frame_once() {
    let outcome = simulate(&quiet(1)).unwrap();
    assert_eq!(outcome.violations, Vec::<String>::new());
    assert!(outcome.missed.iter().all(|missed| missed.expected > 400));
}

#[test]
fn speakers_hear_each_other_as_fast_as_the_path_between_their_edges_allows() {
    for seed in 0..12 {
        let scenario = Scenario { voices: 3, ..quiet(seed) };
        let outcome = simulate(&scenario).unwrap();
        assert_eq!(outcome.violations, Vec::<String>::new(), "seed {seed}");
        assert_eq!(outcome.stage.len(), 3 * 2, "everybody hears everybody");
        for path in &outcome.stage {
            assert!(path.stage.1 <= path.direct + DETOUR_MAX, "{path:?}");
        }
    }
}

#[test]
fn rooms_move_to_where_their_speakers_are_and_nothing_is_lost() {
    let mut moved = 0;
    for seed in 0..30 {
        // Nothing goes wrong; it only takes long enough.
        let plan = Some(vec![(Duration::from_secs(45), Fault::StoreBack)]);
        let scenario = Scenario { origins: 3, voices: 3, plan, ..quiet(seed) };
        let outcome = simulate(&scenario).unwrap();
        assert_eq!(outcome.violations, Vec::<String>::new(), "seed {seed}");
        moved += outcome.moved;
    }
    assert!((5..=30).contains(&moved), "{moved} of 30 rooms have moved");
}

#[test]
fn nothing_is_lost_when_a_relay_dies() {
    for seed in 0..6 {
        for edge in 4..14 {
            let scenario = Scenario { plan: Some(dies(edge)), ..quiet(seed) };
            let outcome = simulate(&scenario).unwrap();
            assert_eq!(outcome.violations, Vec::<String>::new(), "seed {seed} edge {edge}");
        }
    }
}

/// With one origin there is no second feed, so that whoever hangs from a node waits for what he missed when it dies.
fn single(seed: u64) -> Scenario {
    Scenario { seed, origins: 1, edges: 20, voices: 2, plan: Some(Vec::new()), lossless: true }
}

fn leaves(node: usize, leaves: bool) -> Plan {
    let drain = leaves.then_some((Duration::from_secs(2), Fault::Drain(node)));
    drain.into_iter().chain([(Duration::from_millis(4_500), Fault::Kill(node))]).collect()
}

#[test]
fn with_one_feed_a_dead_relays_frames_come_late_and_those_of_one_that_leaves_do_not() {
    let mut fragile = 0;
    for seed in 0..4 {
        let run = |plan| simulate(&Scenario { plan: Some(plan), ..single(seed) }).unwrap();
        let calm = run(Vec::new()).delay.1;
        for edge in 1..21 {
            let dies = run(leaves(edge, false));
            assert_eq!(dies.violations, Vec::<String>::new(), "seed {seed} edge {edge}");
            if dies.delay.1 < calm + Duration::from_millis(100) {
                continue;
            }
            fragile += 1;
            let outcome = run(leaves(edge, true));
            let whole = outcome.violations.is_empty() && outcome.delay.1 < dies.delay.1;
            assert!(whole, "seed {seed} edge {edge}: {:?}", outcome.violations);
        }
    }
    assert!(fragile >= 2, "only {fragile} edges relay anything, so that this shows nothing");
}

#[test]
fn nothing_is_lost_when_edges_leave_and_stay_after_all() {
    let times = |edge: usize, second: u64| {
        let at = Duration::from_secs(second);
        [(at, Fault::Drain(edge)), (at + Duration::from_millis(700), Fault::Undrain(edge))]
    };
    for seed in 0..4 {
        let edges = (0..6).flat_map(|step| times(2 + step, 1 + step as u64));
        let scenario = Scenario { plan: Some(edges.collect()), ..quiet(seed) };
        let outcome = simulate(&scenario).unwrap();
        assert_eq!(outcome.violations, Vec::<String>::new(), "seed {seed}");
    }
}

#[test]
fn three_hundred_networks_are_well_again_five_seconds_after_the_last_fault() {
    for seed in 0..300 {
        let outcome = simulate(&Scenario::of(seed)).unwrap();
        assert_eq!(
            outcome.violations,
            Vec::<String>::new(),
            "bench simulate --seeds 1 --seed {seed}"
        );
    }
}

#[test]
fn nothing_is_lost_when_a_room_is_to_have_one_feed_and_two_again() {
    for seed in 0..6 {
        let after = |s, feeds| (Duration::from_secs(s), Fault::Feeds(feeds));
        let scenario = Scenario { plan: Some(vec![after(2, 1), after(8, 2)]), ..quiet(seed) };
        let outcome = simulate(&scenario).unwrap();
        assert_eq!(outcome.violations, Vec::<String>::new(), "seed {seed}");
    }
}

#[test]
fn nothing_is_lost_when_an_origin_dies() {
    for seed in 0..6 {
        for origin in 0..2 {
            let scenario = Scenario { plan: Some(dies(origin)), ..quiet(seed) };
            let outcome = simulate(&scenario).unwrap();
            assert_eq!(outcome.violations, Vec::<String>::new(), "seed {seed} {origin}");
        }
    }
}

/// The link between an edge and an origin is cut for so long.
fn lose_each_other(edge: usize, origin: usize, secs: u64) -> Plan {
    let (cut, mended) = (Duration::from_secs(2), Duration::from_secs(2 + secs));
    vec![
        (cut, Fault::Cut(edge, origin)),
        (cut, Fault::Cut(origin, edge)),
        (mended, Fault::Mend(edge, origin)),
        (mended, Fault::Mend(origin, edge)),
    ]
}

#[test]
fn nothing_is_lost_when_an_edge_and_an_origin_lose_each_other() {
    for seed in 0..3 {
        for (edge, origin) in (2..14).flat_map(|edge| [(edge, 0), (edge, 1)]) {
            let plan = Some(lose_each_other(edge, origin, 5));
            let outcome = simulate(&Scenario { plan, ..quiet(seed) }).unwrap();
            let what = format!("seed {seed} edge {edge} origin {origin}");
            assert_eq!(outcome.violations, Vec::<String>::new(), "{what}");
        }
    }
}

#[test]
fn who_is_heard_over_the_standby_stays_longer_than_others_whose_edge_is_away() {
    for (edge, origin) in (2..14).flat_map(|edge| [(edge, 0), (edge, 1)]) {
        let plan = Some(lose_each_other(edge, origin, 15));
        let outcome = simulate(&Scenario { plan, ..quiet(0) }).unwrap();
        let missed: Vec<_> = outcome.missed.iter().filter_map(Missed::loss).collect();
        assert_eq!(missed, Vec::<String>::new(), "edge {edge} origin {origin}");
    }
}

#[test]
fn an_owner_that_was_suspended_acts_no_more_when_its_clock_goes_on() {
    for seed in 0..6 {
        for origin in 0..2 {
            let (stops, goes_on) = (Duration::from_secs(2), Duration::from_secs(6));
            let plan = vec![(stops, Fault::Suspend(origin)), (goes_on, Fault::Thaw(origin))];
            let scenario = Scenario { plan: Some(plan), ..quiet(seed) };
            let outcome = simulate(&scenario).unwrap();
            assert_eq!(outcome.violations, Vec::<String>::new(), "seed {seed} {origin}");
            assert!(outcome.acknowledged.0 > 0);
        }
    }
}

#[test]
fn clocks_that_drift_and_an_owner_that_comes_back_in_the_past_lose_nothing() {
    let secs = Duration::from_secs;
    for seed in 0..6 {
        let plan = vec![
            (secs(1), Fault::Drift(0, 100)),
            (secs(1), Fault::Drift(3, -100)),
            (secs(1), Fault::WallJump(0, -1_800_000)),
            (secs(2), Fault::Kill(0)),
            (secs(8), Fault::Restart(0)),
            (secs(14), Fault::Kill(1)),
        ];
        let scenario = Scenario { plan: Some(plan), lossless: false, ..quiet(seed) };
        let outcome = simulate(&scenario).unwrap();
        assert_eq!(outcome.violations, Vec::<String>::new(), "seed {seed}");
    }
}
