//! How soon a dead peer is noticed at each loss, and that a lossy path alone raises no alarm.

use std::time::{Duration, Instant};

use super::pair::{EDGE, Lose, ORIGIN, Pair, frame};

const NOTICED_MAX: Duration = Duration::from_millis(150);
const TALK_FRAMES: u64 = 1_500;

#[test]
fn an_active_peer_that_dies_is_noticed_within_150_ms_up_to_20_percent_loss() {
    for percent in [0, 1, 2, 5, 10, 20] {
        let mut silences: Vec<Duration> = (0..20).map(|seed| noticed(percent, seed)).collect();
        silences.sort_unstable();
        // Chance decides how long the last silence before was, which makes the limit longer for a while.
        let median = silences[10];
        assert!(median <= NOTICED_MAX, "{percent} %: {silences:?}");
        let most = NOTICED_MAX + Duration::from_millis(50);
        assert!(silences[19] <= most, "{percent} %: {silences:?}");
    }
}

#[test]
fn an_hour_of_20_percent_loss_and_5_ms_of_jitter_raises_no_alarm_at_the_fast_pace() {
    let mut pair = Pair::active();
    pair.set_paths(20, 5, Lose::Independently(0.2));
    for _ in 0..60 * 60 {
        adapting(&mut pair, 1_000);
        for side in [ORIGIN, EDGE] {
            assert_eq!(pair.down(side), None);
            pair.paths[side].sent.clear();
        }
    }
    let statistics = pair.sides[ORIGIN].peer.statistics();
    assert!(statistics.silence_max <= Duration::from_millis(250), "{statistics:?}");
    assert!(statistics.datagrams_lost > 60_000, "{statistics:?}");
}

#[test]
fn who_is_not_heard_any_more_is_told_by_who_still_is() {
    let mut pair = Pair::active();
    pair.run_ms(20_000);
    let cut = pair.now;
    // The origin still hears the edge, which no longer hears the origin.
    pair.paths[ORIGIN].cut = true;
    pair.run_ms(1_000);
    let (deaf, deaf_reason) = pair.down(EDGE).unwrap();
    assert_eq!(deaf_reason, "the peer was silent for 120 ms");
    assert!(deaf - cut <= Duration::from_millis(130));
    let (told, told_reason) = pair.down(ORIGIN).unwrap();
    assert_eq!(told_reason, "the peer no longer hears this node");
    assert_eq!(told - deaf, Duration::from_millis(10));
}

#[test]
fn who_is_not_heard_learns_it_at_20_percent_loss_as_well() {
    for seed in 0..10 {
        let mut pair = Pair::active();
        pair.seed(seed);
        pair.set_paths(10, 2, Lose::Independently(0.2));
        adapting(&mut pair, 20_000);
        pair.paths[EDGE].cut = true;
        let cut = pair.now;
        pair.run_ms(1_000);
        for side in [ORIGIN, EDGE] {
            let noticed = pair.down(side).unwrap().0 - cut;
            assert!(noticed <= Duration::from_millis(450), "{side}: {noticed:?}");
        }
    }
}

#[test]
fn a_path_that_gets_better_slows_down_without_alarm() {
    let mut pair = Pair::active();
    pair.set_paths(20, 5, Lose::Independently(0.2));
    adapting(&mut pair, 30_000);
    pair.set_paths(20, 5, Lose::Independently(0.005));
    adapting(&mut pair, 300_000);
    for side in [ORIGIN, EDGE] {
        assert_eq!(pair.down(side), None);
        assert!(pair.sides[side].peer.statistics().loss_out_ppm < 12_000);
    }
    pair.paths[EDGE].sent.clear();
    pair.set_paths(20, 0, Lose::Nothing);
    pair.run_ms(1_000);
    assert!((49..=62).contains(&pair.paths[EDGE].sent.len()), "{}", pair.paths[EDGE].sent.len());
}

/// How long after the edge's death the origin notices.
fn noticed(percent: u32, seed: u64) -> Duration {
    let mut pair = Pair::active();
    pair.seed(seed);
    pair.set_paths(20, 2, Lose::Independently(f64::from(percent) / 100.0));
    for number in 0..TALK_FRAMES {
        pair.send(EDGE, &frame(1, number));
        adapting(&mut pair, 20);
    }
    let died: Instant = pair.now;
    pair.paths[EDGE].cut = true;
    pair.run_ms(2_000);
    // What was under way when it died still arrived.
    (pair.down(ORIGIN).unwrap().0 - died).saturating_sub(Duration::from_millis(20))
}

/// As `run_ms`, with redundancy and pace that follow the loss.
fn adapting(pair: &mut Pair, ms: u64) {
    let mut left = ms;
    while left > 0 {
        let step = left.min(100);
        pair.run_ms(step);
        for side in &mut pair.sides {
            side.peer.adapt_redundancy(pair.now);
        }
        left -= step;
    }
}
