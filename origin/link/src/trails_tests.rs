//! Sampled frames on their way through a node.

use prometheus::TextEncoder;

use super::*;
use crate::tests::support::{edge, frame};

/// A number of track 0 that is sampled.
const SAMPLED: u64 = 0;

/// Another one.
fn sampled(index: u64) -> u64 {
    8 * (64 * index + (64 - index % 64) % 64)
}

fn trails() -> (Trails, Registry) {
    let (trails, registry) = (Trails::new(NodeRole::Edge).unwrap(), Registry::new());
    trails.register(&registry).unwrap();
    (trails, registry)
}

fn page(registry: &Registry) -> String {
    TextEncoder::new().encode_to_string(&registry.gather()).unwrap()
}

fn trail(hops: usize) -> Trail {
    let mut trail = Trail::default();
    for _ in 0..hops {
        trail.push(Hop { node_us: 1_000, link_us: 20_000 });
    }
    trail
}

fn sample(number: u64) -> Sample {
    Sample::of(&frame(0, number)).unwrap()
}

#[test]
fn a_frame_that_goes_on_takes_along_what_was_before_and_how_long_it_was_here() {
    let ((trails, _), now) = (trails(), Instant::now());
    trails.keep(sample(SAMPLED), trail(2), now);
    let later = now + Duration::from_millis(3);
    trails.keep(sample(SAMPLED), trail(1), later);
    let found = trails.find(&frame(0, SAMPLED), later);
    assert_eq!(found, Some((trail(2), Duration::from_millis(3))), "the first counts");
    assert_eq!(trails.find(&frame(0, 8), later), None);
    assert_eq!(trails.find(&frame(0, SAMPLED), now + Duration::from_secs(2)), None);
}

#[test]
fn a_frame_that_comes_back_to_where_it_began_is_as_old_as_its_hops_say() {
    let ((trails, registry), now) = (trails(), Instant::now());
    trails.begin(&frame(0, SAMPLED), now);
    assert_eq!(trails.find(&frame(0, SAMPLED), now), Some((Trail::default(), Duration::ZERO)));
    let later = now + Duration::from_millis(50);
    trails.keep(sample(SAMPLED), trail(2), later);
    trails.note_heard(&frame(0, SAMPLED), later + Duration::from_millis(1));
    let text = page(&registry);
    assert!(text.contains("stoa_edge_frame_age_seconds_sum 0.043\n"), "{text}");
    assert!(text.contains("stoa_edge_frame_hops_sum 2\n"), "{text}");
}

#[test]
fn what_is_kept_is_bounded_and_what_gives_way_too_early_is_counted() {
    let ((trails, registry), now) = (trails(), Instant::now());
    for index in 0..KEPT_MAX as u64 + 7 {
        trails.keep(sample(sampled(index)), trail(1), now);
    }
    let later = now + NEEDED;
    trails.keep(sample(sampled(1_000)), trail(1), later);
    assert_eq!(trails.kept().len(), KEPT_MAX);
    let text = page(&registry);
    assert!(text.contains("stoa_edge_hop_samples_total{outcome=\"crowded\"} 7\n"), "{text}");
}

#[test]
fn hops_are_counted_by_peer_and_part() {
    let (trails, registry) = trails();
    let series = trails.enter(&edge("edge-2"));
    series.observe(&Hop { node_us: 900, link_us: 45_000 });
    let text = page(&registry);
    for line in [
        "stoa_edge_hop_seconds_bucket{part=\"node\",peer=\"edge-2\",le=\"0.001\"} 1",
        "stoa_edge_hop_seconds_bucket{part=\"link\",peer=\"edge-2\",le=\"0.03\"} 0",
        "stoa_edge_hop_seconds_bucket{part=\"link\",peer=\"edge-2\",le=\"0.05\"} 1",
    ] {
        assert!(text.contains(line), "{line} is missing:\n{text}");
    }
    trails.leave(&edge("edge-2").node);
    assert!(page(&registry).contains("edge-2"), "it may come back");
}
