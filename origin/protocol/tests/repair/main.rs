//! What listeners miss at the end of three hops that lose datagrams. `bench repair` runs the same with
//! more frames and shows a table.

#![expect(clippy::unwrap_used, reason = "what fails here fails a test")]

mod death;
mod hop;
mod journey;

use std::time::Duration;

use death::{NOTICED_MAX, deaths};
use hop::{Loss, Path, Remedy};
use journey::{Journey, Outcome, Speech, ratio, target};

const FRAMES: u64 = 60_000;
const RTTS_MS: [u64; 4] = [10, 40, 100, 200];

#[test]
fn three_hops_of_1_percent_loss_lose_at_most_one_frame_in_100_000() {
    for rtt_ms in RTTS_MS {
        keeps_to_its_target(&journey(Loss::Independent(0.01), rtt_ms));
    }
}

#[test]
fn three_hops_of_5_percent_loss_lose_at_most_one_frame_in_5_000() {
    for rtt_ms in RTTS_MS {
        keeps_to_its_target(&journey(Loss::Independent(0.05), rtt_ms));
    }
}

#[test]
fn three_hops_of_10_percent_loss_lose_at_most_one_frame_in_1_000() {
    for rtt_ms in RTTS_MS {
        keeps_to_its_target(&journey(Loss::Independent(0.1), rtt_ms));
    }
}

#[test]
fn three_hops_of_20_percent_loss_lose_at_most_one_frame_in_200() {
    for rtt_ms in RTTS_MS {
        keeps_to_its_target(&journey(Loss::Independent(0.2), rtt_ms));
    }
}

#[test]
fn speech_with_pauses_and_a_jittery_path_keep_to_the_targets_as_well() {
    for share in [0.01, 0.05, 0.1, 0.2] {
        let steady = journey(Loss::Independent(share), 40);
        keeps_to_its_target(&Journey { speech: Speech::WithPauses, ..steady });
        // Jitter takes a part of the time that repair has, so the path is shorter.
        let path = Path { jitter: Duration::from_millis(5), ..journey(steady.path.loss, 20).path };
        keeps_to_its_target(&Journey { path, ..steady });
    }
}

#[test]
fn without_a_remedy_every_lost_datagram_is_a_lost_frame() {
    let outcome = journey(Loss::Independent(0.05), 40).run(Remedy::Nothing);
    let lost = ratio(outcome.lost, outcome.frames);
    // What comes through three hops is 0.95^3 of all.
    assert!((lost - 0.1426).abs() < 0.01, "{lost}");
}

#[test]
fn bursts_of_three_lose_a_fifth_of_what_they_would() {
    for rtt_ms in RTTS_MS {
        let journey = journey(Loss::Bursts(0.05, 3.0), rtt_ms);
        let (bare, repaired) = (journey.run(Remedy::Nothing), journey.run(Remedy::Adaptive));
        assert!(repaired.lost * 5 <= bare.lost, "{rtt_ms} ms: {repaired:?}, {bare:?}");
    }
}

#[test]
fn a_path_that_loses_nothing_pays_nothing() {
    let journey = journey(Loss::Independent(0.0), 40);
    let (bare, ready) = (journey.run(Remedy::Nothing), journey.run(Remedy::Adaptive));
    assert_eq!((ready.lost, ready.alarms), (0, 0));
    assert!(ready.riders + ready.repairs <= 0.0, "{ready:?}");
    assert!(ratio(ready.bytes, bare.bytes) < 1.001, "{ready:?}, {bare:?}");
}

#[test]
fn a_death_is_noticed_within_150_ms_at_every_loss_up_to_20_percent_with_and_without_jitter() {
    for share in [0.0, 0.01, 0.05, 0.1, 0.15, 0.2] {
        for jitter_ms in [0, 5] {
            let jitter = Duration::from_millis(jitter_ms);
            let path = Path { jitter, ..journey(Loss::Independent(share), 40).path };
            let deaths = deaths(path, 100, 1);
            assert!(deaths.p50 <= deaths.p95 && deaths.p95 <= NOTICED_MAX, "{share}: {deaths:?}");
            assert!(deaths.in_time >= 0.95 && deaths.most <= NOTICED_MAX * 3 / 2, "{deaths:?}");
            assert_eq!(deaths.alarms, 0, "{share}: {deaths:?}");
        }
    }
}

fn journey(loss: Loss, rtt_ms: u64) -> Journey {
    let rtt = Duration::from_millis(rtt_ms);
    let path = Path { rtt, jitter: Duration::ZERO, loss };
    Journey { hops: 3, path, speech: Speech::Steady, frames: FRAMES, seed: 1 }
}

/// No more is lost than the target and three standard deviations of its count.
fn keeps_to_its_target(journey: &Journey) {
    let outcome: Outcome = journey.run(Remedy::Adaptive);
    let expected = target(journey.path.loss).unwrap() * ratio(outcome.frames, 1);
    let most = expected + 3.0 * expected.sqrt();
    assert!(ratio(outcome.lost, 1) <= most, "{journey:?}: {outcome:?}");
    assert_eq!(outcome.alarms, 0, "{journey:?}");
    assert!(outcome.added_max <= journey.added_max());
    assert!(outcome.added_p50 <= outcome.added_p99 && outcome.added_p99 <= outcome.added_max);
}
