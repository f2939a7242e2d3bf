//! Trails: what the hops of sampled frames have added.

use std::time::Duration;

use super::pair::{EDGE, Lose, ORIGIN, Pair, config, frame};
use crate::mesh::control::Hello;
use crate::mesh::peer::{Config, Event};
use crate::mesh::repair;
use crate::mesh::trail::{Departure, Hop, PART_US_MAX, Trail, is_sampled};

/// Numbers of frames of 20 ms of track 1 that carry a trail.
const SAMPLED: u64 = 63;
const NEXT: u64 = 126;

/// A link whose round trip is known.
fn measured() -> Pair {
    let mut pair = Pair::active();
    pair.run_ms(500);
    pair
}

fn send(pair: &mut Pair, number: u64, trail: &Trail, waited_ms: u64) {
    let (now, waited) = (pair.now, Duration::from_millis(waited_ms));
    pair.sides[EDGE].peer.send_traced(&frame(1, number), trail, waited, now);
    pair.drain();
}

/// The trails that the origin was told, each with the frame that was told next.
fn trails(pair: &Pair) -> Vec<(u64, Trail)> {
    let events: Vec<&Event> = pair.sides[ORIGIN].events.iter().map(|(_, event)| event).collect();
    let told = events.windows(2).filter_map(|pair| match pair {
        [Event::Trail { number, trail, .. }, Event::Frame(frame)] => {
            assert_eq!(*number, frame.number);
            Some((number.0 / 8, *trail))
        }
        _ => None,
    });
    told.collect()
}

fn micros(range: std::ops::Range<u32>, us: u32) {
    assert!(range.contains(&us), "{us} is not in {range:?}");
}

#[test]
fn the_numbers_of_these_tests_are_chosen() {
    let chosen: Vec<u64> =
        (0..130).filter(|n| is_sampled(frame(1, *n).track, frame(1, *n).number)).collect();
    assert_eq!(chosen, [SAMPLED, NEXT]);
}

#[test]
fn a_trail_comes_before_its_frame_and_is_longer_by_this_link() {
    let mut pair = measured();
    let mut before = Trail::default();
    before.push(Hop { node_us: 500, link_us: 40_000 });
    send(&mut pair, SAMPLED, &before, 3);
    pair.run_ms(50);
    let [(SAMPLED, trail)] = trails(&pair)[..] else { panic!("{:?}", trails(&pair)) };
    let [first, second] = *trail.hops() else { panic!("{trail:?}") };
    assert_eq!((first.node_us, first.link_us, second.node_us), (500, 40_000, 3_000));
    // 10 ms of path, and up to one in which it waits for company.
    micros(10_000..11_200, second.link_us);
    assert_eq!(pair.sides[EDGE].peer.statistics().trails_out, 1);
    assert_eq!(pair.sides[ORIGIN].peer.statistics().trails_in, 1);
}

#[test]
fn only_sampled_frames_carry_one() {
    let mut pair = measured();
    for number in 0..256 {
        send(&mut pair, number, &Trail::default(), 0);
        pair.run_ms(20);
    }
    let told: Vec<u64> = trails(&pair).iter().map(|(number, _)| *number).collect();
    assert_eq!(told, [SAMPLED, NEXT, 189, 252]);
}

#[test]
fn what_a_repair_takes_belongs_to_the_link() {
    let mut pair = measured();
    for number in 0..SAMPLED {
        send(&mut pair, number, &Trail::default(), 0);
        pair.run_ms(20);
    }
    pair.paths[EDGE].lose = Lose::Independently(1.0);
    send(&mut pair, SAMPLED, &Trail::default(), 2);
    pair.run_ms(2);
    pair.paths[EDGE].lose = Lose::Nothing;
    for number in SAMPLED + 1..SAMPLED + 10 {
        send(&mut pair, number, &Trail::default(), 0);
        pair.run_ms(20);
    }
    let [(SAMPLED, trail)] = trails(&pair)[..] else { panic!("{:?}", trails(&pair)) };
    assert_eq!(trail.hops()[0].node_us, 2_000);
    micros(25_000..90_000, trail.hops()[0].link_us);
    assert_eq!(pair.sides[ORIGIN].peer.statistics().frames_repaired, 1);
}

#[test]
fn a_peer_of_an_older_version_gets_the_frames_and_no_trails_and_one_of_a_newer_both() {
    let with = |side: usize, features: &[&str]| {
        let features = features.iter().map(|feature| (*feature).to_owned()).collect();
        let config = config(side);
        Config { hello: Hello { features, ..config.hello.clone() }, ..config }
    };
    let newer = [repair::FEATURE, crate::mesh::trail::FEATURE, "colour/7"];
    for (features, told) in [(&newer[..1], 0), (&newer[..], 1)] {
        let mut pair = Pair::with(with(ORIGIN, features), config(EDGE));
        pair.run_ms(30);
        pair.bind(EDGE, 1);
        pair.run_ms(500);
        send(&mut pair, SAMPLED, &Trail::default(), 0);
        pair.run_ms(50);
        assert_eq!(pair.numbers(ORIGIN), [8 * SAMPLED]);
        assert_eq!(
            (trails(&pair).len(), pair.sides[EDGE].peer.statistics().trails_out),
            (told, told as u64)
        );
    }
}

#[test]
fn a_hostile_peer_is_counted_and_makes_no_time_longer_than_the_maximum() {
    let mut pair = measured();
    let now = pair.now;
    let forged = |left_us| Departure { trail: Trail::default(), node_us: u32::MAX, left_us };
    for (number, left_us) in [(1, 0), (SAMPLED, u32::MAX), (NEXT, 0)] {
        let peer = &mut pair.sides[EDGE].peer;
        let frame = frame(1, number);
        peer.outgoing.send_frame((&frame, Some(forged(left_us))), 0, &mut peer.wire, now);
    }
    pair.run_ms(50);
    let told = trails(&pair);
    assert_eq!(told.iter().map(|(number, _)| *number).collect::<Vec<_>>(), [SAMPLED, NEXT]);
    for (_, trail) in &told {
        assert_eq!(trail.hops()[0].node_us, PART_US_MAX);
        assert!(trail.hops()[0].link_us <= PART_US_MAX);
    }
    let counted = pair.sides[ORIGIN].peer.statistics();
    assert_eq!((counted.trails_refused, counted.trails_clamped), (1, 2));
    assert_eq!(pair.numbers(ORIGIN).len(), 3, "frames go on");
}
