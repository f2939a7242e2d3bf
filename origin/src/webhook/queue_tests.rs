//! Order, retries and bounds under virtual time.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use stoa_protocol::ids::TenantId;
use stoa_runtime::configuration::Secret;

use super::super::event::{Facts, Kind};
use super::super::settings::Settings;
use super::*;

const FAILED: Outcome = Outcome::Failed { retry_after: None };

fn endpoint(events: Vec<Kind>, tenant: Option<&str>) -> Endpoint {
    let settings = Settings {
        url: Secret::new("http://hooks.example/"),
        secret: Secret::new("s".repeat(24)),
        events,
        tenant: tenant.map(|id| TenantId::new(id).unwrap()),
        authority: None,
        networks: Vec::new(),
    };
    settings.check().unwrap()
}

fn everything() -> Endpoint {
    endpoint(Vec::new(), None)
}

fn event(room: &str) -> Event {
    Event {
        tenant: TenantId::default(),
        room: RoomId::new(room).unwrap(),
        at_unix_ms: 0,
        kind: Kind::RoomCreated,
        facts: Facts::default(),
    }
}

struct World {
    queue: Queue,
    now: Instant,
}

impl World {
    fn new(endpoints: Vec<Endpoint>, limits: Limits) -> Self {
        Self { queue: Queue::new(endpoints, limits), now: Instant::now() }
    }

    fn one() -> Self {
        Self::new(vec![everything()], Limits::default())
    }

    fn note(&mut self, id: &str, room: &str) {
        self.queue.handle_event(id, &event(room), self.now);
    }

    fn pass(&mut self, time: Duration) {
        self.now += time;
    }

    fn next(&mut self) -> Option<Attempt> {
        self.queue.next_attempt(self.now)
    }

    fn ids(&mut self) -> Vec<String> {
        std::iter::from_fn(|| self.next()).map(|attempt| attempt.id.to_string()).collect()
    }

    fn end(&mut self, attempt: &Attempt, outcome: Outcome) {
        self.queue.handle_outcome(attempt, outcome, 1.0, self.now);
    }
}

#[test]
fn the_next_message_of_a_room_waits_for_the_one_before_and_other_rooms_do_not() {
    let mut world = World::one();
    for (id, room) in [("a1", "a"), ("a2", "a"), ("b1", "b")] {
        world.note(id, room);
    }
    let first = world.next().unwrap();
    assert_eq!(&*first.id, "a1");
    assert_eq!(world.ids(), ["b1"]);
    world.end(&first, Outcome::Delivered);
    assert_eq!(world.ids(), ["a2"]);
}

#[test]
fn what_fails_is_tried_again_later_and_later_with_the_same_id_and_body() {
    let mut world = World::one();
    world.note("a1", "a");
    world.note("a2", "a");
    let first = world.next().unwrap();
    let mut attempt = first.clone();
    for delay_s in [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300] {
        world.end(&attempt, FAILED);
        let again = world.now + Duration::from_secs(delay_s);
        assert_eq!(world.queue.poll_timeout(), Some(again));
        world.pass(Duration::from_secs(delay_s) - Duration::from_nanos(1));
        assert!(world.next().is_none());
        world.pass(Duration::from_nanos(1));
        attempt = world.next().unwrap();
        assert_eq!((&attempt.id, &attempt.body), (&first.id, &first.body));
    }
    assert_eq!(attempt.number, 12);
    world.end(&attempt, Outcome::Delivered);
    assert_eq!(world.ids(), ["a2"]);
}

#[test]
fn jitter_spreads_tries_over_the_second_half_of_the_delay() {
    for (jitter, delay_ms) in [(0.0, 500), (0.5, 750), (1.0, 1_000), (7.0, 1_000), (-1.0, 500)] {
        let mut world = World::one();
        world.note("a1", "a");
        let attempt = world.next().unwrap();
        world.queue.handle_outcome(&attempt, FAILED, jitter, world.now);
        let again = world.now + Duration::from_millis(delay_ms);
        assert_eq!(world.queue.poll_timeout(), Some(again), "{jitter}");
    }
}

#[test]
fn a_receiver_that_says_when_to_come_back_is_left_alone_until_then() {
    for (asked_s, delay_s) in [(30, 30), (0, 1), (1_000_000, 3_600)] {
        let mut world = World::one();
        world.note("a1", "a");
        let attempt = world.next().unwrap();
        world.end(&attempt, Outcome::Failed { retry_after: Some(Duration::from_secs(asked_s)) });
        let again = world.now + Duration::from_secs(delay_s);
        assert_eq!(world.queue.poll_timeout(), Some(again));
    }
}

#[test]
fn a_message_is_given_up_after_its_life_and_those_behind_it_go_on() {
    let mut world = World::one();
    world.note("a1", "a");
    let attempt = world.next().unwrap();
    world.pass(Limits::default().life - Duration::from_secs(1));
    world.note("a2", "a");
    world.end(&attempt, FAILED);
    world.pass(Duration::from_secs(1));
    assert_eq!(world.ids(), ["a2"]);
    assert_eq!(world.queue.counts(), Counts { dead: 1, ..Counts::default() });
    assert_eq!(world.queue.waiting(), 1);
}

#[test]
fn an_endpoint_that_is_down_gets_one_message_at_a_time_until_one_arrives() {
    let mut world = World::one();
    for room in 0..20 {
        world.note(&format!("m{room}"), &format!("r{room}"));
    }
    let under_way: Vec<Attempt> = std::iter::from_fn(|| world.next()).collect();
    assert_eq!(under_way.len(), 8);
    for attempt in &under_way {
        world.end(attempt, FAILED);
    }
    let single = world.next().unwrap();
    assert!(world.next().is_none());
    assert_eq!(world.queue.poll_timeout(), None, "nothing to do until it ends");
    world.end(&single, Outcome::Delivered);
    assert_eq!(world.ids().len(), 8);
}

#[test]
fn a_full_endpoint_loses_the_oldest_of_the_room_that_floods_and_counts_it() {
    let limits = Limits { per_endpoint: 4, ..Limits::default() };
    let mut world = World::new(vec![everything()], limits);
    world.note("b1", "b");
    for id in ["a1", "a2", "a3"] {
        world.note(id, "a");
    }
    let under_way: Vec<Attempt> = std::iter::from_fn(|| world.next()).collect();
    assert_eq!(under_way.len(), 2);
    world.note("b2", "b");
    assert_eq!((world.queue.waiting(), world.queue.counts().full), (4, 1));
    for attempt in &under_way {
        world.end(attempt, Outcome::Delivered);
    }
    assert_eq!(world.ids(), ["a3", "b2"], "a1 was under way, a2 is lost");
}

#[test]
fn when_all_that_waits_is_under_way_the_new_one_is_lost() {
    let limits = Limits { per_endpoint: 1, ..Limits::default() };
    let mut world = World::new(vec![everything()], limits);
    world.note("a1", "a");
    let attempt = world.next().unwrap();
    world.note("a2", "a");
    assert_eq!((world.queue.waiting(), world.queue.counts().full), (1, 1));
    world.end(&attempt, Outcome::Delivered);
    assert_eq!((world.ids().len(), world.queue.waiting()), (0, 0));
}

#[test]
fn the_bound_of_all_takes_from_the_endpoint_with_most() {
    let limits = Limits { total: 4, ..Limits::default() };
    let endpoints = vec![everything(), endpoint(vec![Kind::RoomClosed], None)];
    let mut world = World::new(endpoints, limits);
    for id in ["a1", "a2", "a3", "a4"] {
        world.note(id, "a");
    }
    let closed = Event { kind: Kind::RoomClosed, ..event("b") };
    world.queue.handle_event("b1", &closed, world.now);
    let ended: BTreeSet<(usize, String)> = std::iter::from_fn(|| world.next())
        .map(|attempt| (attempt.endpoint, attempt.id.to_string()))
        .collect();
    assert_eq!(world.queue.waiting(), 4);
    assert_eq!(world.queue.counts().full, 2);
    assert!(ended.contains(&(1, "b1".to_owned())), "{ended:?}");
}

#[test]
fn an_endpoint_hears_of_its_tenant_and_its_kinds_alone() {
    let endpoints = vec![
        endpoint(Vec::new(), Some("acme")),
        endpoint(vec![Kind::RoomClosed], None),
        endpoint(vec![Kind::RoomCreated], Some("default")),
    ];
    let mut world = World::new(endpoints, Limits::default());
    world.note("m", "a");
    let told: Vec<usize> = std::iter::from_fn(|| world.next()).map(|a| a.endpoint).collect();
    assert_eq!(told, [2]);
}

#[test]
fn an_outcome_that_comes_twice_changes_nothing() {
    let mut world = World::one();
    world.note("a1", "a");
    world.note("a2", "a");
    let attempt = world.next().unwrap();
    world.end(&attempt, Outcome::Delivered);
    world.end(&attempt, Outcome::Delivered);
    world.end(&attempt, FAILED);
    assert_eq!(world.queue.waiting(), 1);
    assert_eq!(world.ids(), ["a2"]);
}

/// What a step of the property test does.
#[derive(Clone, Debug)]
enum Step {
    Note(u8),
    Wait(u16),
    Deliver(u8),
    Fail(u8),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        3 => (0_u8..4).prop_map(Step::Note),
        1 => (0_u16..3_000).prop_map(Step::Wait),
        2 => any::<u8>().prop_map(Step::Deliver),
        2 => any::<u8>().prop_map(Step::Fail),
    ];
    prop::collection::vec(step, 0..200)
}

proptest! {
    /// Two endpoints that fail and recover as they like: each hears of every message that was not dropped,
    /// in the order of its room, and the bounds hold at every step.
    #[test]
    fn whatever_fails_order_holds_and_nothing_is_lost_uncounted(steps in steps()) {
        let limits = Limits { per_endpoint: 12, total: 20, under_way: 3, ..Limits::default() };
        let mut world = World::new(vec![everything(), everything()], limits);
        let mut under_way: Vec<Attempt> = Vec::new();
        let mut heard: BTreeMap<(usize, RoomId), Vec<u32>> = BTreeMap::new();
        let (mut noted, mut delivered) = (0_u32, 0_u64);
        let number = |attempt: &Attempt| attempt.id.parse::<u32>().unwrap();
        for step in steps {
            match step {
                Step::Note(room) => {
                    world.note(&noted.to_string(), &format!("r{room}"));
                    noted += 1;
                }
                Step::Wait(ms) => world.pass(Duration::from_millis(ms.into())),
                Step::Deliver(at) | Step::Fail(at) if under_way.is_empty() => {
                    prop_assert!(at as usize >= under_way.len());
                }
                Step::Deliver(at) => {
                    let attempt = under_way.swap_remove(at as usize % under_way.len());
                    let lane = heard.entry((attempt.endpoint, attempt.room.clone())).or_default();
                    lane.push(number(&attempt));
                    world.end(&attempt, Outcome::Delivered);
                    delivered += 1;
                }
                Step::Fail(at) => {
                    let attempt = under_way.swap_remove(at as usize % under_way.len());
                    world.end(&attempt, FAILED);
                }
            }
            under_way.extend(std::iter::from_fn(|| world.next()));
            prop_assert!(world.queue.waiting() <= limits.total);
            let lanes: BTreeSet<(usize, &RoomId)> =
                under_way.iter().map(|attempt| (attempt.endpoint, &attempt.room)).collect();
            prop_assert_eq!(lanes.len(), under_way.len(), "one under way per room and endpoint");
        }
        // Everything recovers.
        for _ in 0..200 {
            for attempt in std::mem::take(&mut under_way) {
                let lane = heard.entry((attempt.endpoint, attempt.room.clone())).or_default();
                lane.push(number(&attempt));
                world.end(&attempt, Outcome::Delivered);
                delivered += 1;
            }
            world.pass(Duration::from_secs(10));
            under_way.extend(std::iter::from_fn(|| world.next()));
        }
        prop_assert_eq!(world.queue.waiting(), 0);
        prop_assert_eq!(delivered + world.queue.counts().full, 2 * u64::from(noted));
        for (lane, numbers) in heard {
            prop_assert!(numbers.is_sorted_by(|a, b| a < b), "{lane:?}: {numbers:?}");
        }
    }
}
