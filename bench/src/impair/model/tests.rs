//! The model against what its parameters promise.

use std::time::{Duration, Instant};

use rand::SeedableRng;
use rand::rngs::StdRng;

use super::{Cause, Model, Verdict};
use crate::impair::profile::{Cut, Loss, Profile, ProfileError};

const MS: Duration = Duration::from_millis(1);

#[test]
fn a_clean_path_delivers_at_once() {
    let now = Instant::now();
    let verdicts = run(Profile::default(), now, 7, 3, MS);
    assert_eq!(
        verdicts,
        [now, now + MS, now + 2 * MS].map(Verdict::DeliverAt),
        "nothing is lost or held"
    );
}

#[test]
fn independent_loss_has_the_asked_rate_and_no_memory() {
    let profile = Profile { loss: Loss::new(0.05, None).unwrap(), ..Profile::default() };
    let lost = losses(&run(profile, Instant::now(), 1, 200_000, MS));
    // Standard deviation of the share is 0.0005: four of them.
    assert!((share(&lost) - 0.05).abs() < 0.002, "share {}", share(&lost));
    let after_loss: Vec<bool> = lost.windows(2).filter(|w| w[0]).map(|w| w[1]).collect();
    assert!((share(&after_loss) - 0.05).abs() < 0.009, "after a loss {}", share(&after_loss));
}

#[test]
fn bursty_loss_has_the_asked_rate_and_mean_burst() {
    let profile = Profile { loss: Loss::new(0.05, Some(3.0)).unwrap(), ..Profile::default() };
    let lost = losses(&run(profile, Instant::now(), 2, 400_000, MS));
    assert!((share(&lost) - 0.05).abs() < 0.003, "share {}", share(&lost));
    let bursts = lost.windows(2).filter(|w| !w[0] && w[1]).count();
    let lost_in_all = lost.iter().filter(|lost| **lost).count();
    let mean = lost_in_all as f64 / bursts as f64;
    assert!((mean - 3.0).abs() < 0.15, "mean burst {mean}");
}

#[test]
fn jitter_stays_within_its_bounds_and_keeps_the_order() {
    let profile = Profile { delay: 40 * MS, jitter: 3 * MS, ..Profile::default() };
    let now = Instant::now();
    let arrivals = arrivals(&run(profile, now, 3, 10_000, 10 * MS));
    assert!(arrivals.is_sorted(), "order is kept");
    let delays = (0u32..).zip(&arrivals).map(|(i, at)| *at - (now + i * 10 * MS));
    let (least, most) = delays.fold((Duration::MAX, Duration::ZERO), |(least, most), delay| {
        (least.min(delay), most.max(delay))
    });
    assert!(least >= 37 * MS && least < 38 * MS, "least {least:?}");
    assert!(most <= 43 * MS && most > 42 * MS, "most {most:?}");
}

#[test]
fn reordering_happens_only_where_it_is_asked_for() {
    let profile = Profile { delay: 40 * MS, jitter: 20 * MS, ..Profile::default() };
    let kept = arrivals(&run(profile, Instant::now(), 4, 1_000, MS));
    let mixed = arrivals(&run(Profile { reorder: true, ..profile }, Instant::now(), 4, 1_000, MS));
    assert!(kept.is_sorted());
    assert!(!mixed.is_sorted());
}

#[test]
fn a_rate_spaces_packets_and_a_full_queue_drops_them() {
    // 100 bytes and 28 of headers are 1,024 bits: 10.24 ms at 100 kbit/s.
    let profile = Profile { rate_kbit: Some(100), queue: 50 * MS, ..Profile::default() };
    let now = Instant::now();
    let verdicts = run(profile, now, 5, 10, Duration::ZERO);
    let sent = arrivals(&verdicts);
    assert_eq!(sent.len(), 5, "those that wait at most 50 ms: 0, 10.24, 20.48, 30.72, 40.96");
    assert_eq!(sent[4] - now, Duration::from_micros(51_200));
    assert!(verdicts[5..].iter().all(|v| *v == Verdict::Drop(Cause::Queue)));
}

#[test]
fn a_rate_is_met_in_the_long_run() {
    let profile = Profile { rate_kbit: Some(256), queue: 20 * MS, ..Profile::default() };
    let now = Instant::now();
    // Offered: 128 bytes every ms, 1,024 kbit/s; a quarter fits.
    let passed = arrivals(&run(profile, now, 6, 10_000, MS)).len();
    assert!((2_500..2_510).contains(&passed), "passed {passed}");
}

#[test]
fn a_cut_stops_everything_for_its_time_and_nothing_after() {
    let cut = Cut { after: 100 * MS, lasts: 50 * MS };
    let profile = Profile { cut: Some(cut), ..Profile::default() };
    let verdicts = run(profile, Instant::now(), 7, 200, MS);
    for (index, verdict) in verdicts.iter().enumerate() {
        let cut = *verdict == Verdict::Drop(Cause::Cut);
        assert_eq!(cut, (100..150).contains(&index), "at {index} ms");
    }
}

#[test]
fn the_same_seed_gives_the_same_network() {
    let profile = Profile {
        delay: 20 * MS,
        jitter: 5 * MS,
        loss: Loss::new(0.1, Some(2.0)).unwrap(),
        ..Profile::default()
    };
    let now = Instant::now();
    assert_eq!(run(profile, now, 8, 1_000, MS), run(profile, now, 8, 1_000, MS));
    assert_ne!(run(profile, now, 8, 1_000, MS), run(profile, now, 9, 1_000, MS));
}

#[test]
fn impossible_profiles_are_refused_with_the_reason() {
    assert_eq!(Loss::new(5.0, None), Err(ProfileError::Share(5.0)));
    assert!(matches!(Loss::new(f64::NAN, None), Err(ProfileError::Share(_))));
    assert_eq!(Loss::new(0.1, Some(0.5)), Err(ProfileError::Burst(0.5)));
    let short = Loss::new(0.8, Some(2.0)).unwrap_err();
    assert!(short.to_string().contains("at least 4.0 packets"), "{short}");
    let profile = Profile { rate_kbit: Some(0), ..Profile::default() };
    assert_eq!(Model::new(profile, Instant::now()).unwrap_err(), ProfileError::Rate);
}

/// `count` packets of 100 bytes, `gap` apart.
fn run(profile: Profile, now: Instant, seed: u64, count: u32, gap: Duration) -> Vec<Verdict> {
    let mut model = Model::new(profile, now).unwrap();
    let mut rng = StdRng::seed_from_u64(seed);
    (0..count).map(|i| model.handle_packet(now + i * gap, &mut rng, 100)).collect()
}

fn losses(verdicts: &[Verdict]) -> Vec<bool> {
    verdicts.iter().map(|v| *v == Verdict::Drop(Cause::Loss)).collect()
}

fn arrivals(verdicts: &[Verdict]) -> Vec<Instant> {
    let arrival = |v: &Verdict| match v {
        Verdict::DeliverAt(at) => Some(*at),
        Verdict::Drop(_) => None,
    };
    verdicts.iter().filter_map(arrival).collect()
}

fn share(flags: &[bool]) -> f64 {
    flags.iter().filter(|flag| **flag).count() as f64 / flags.len() as f64
}
