//! Links that are lost, refused, distrusted; and the origin's own drain.

use std::time::Duration;

use stoa_link::LinkId;
use stoa_protocol::ids::NodeRole;
use stoa_protocol::mesh::control::{Answer, Ask, Body, CreateRoom, Drain, RoomState, WireRole};
use stoa_protocol::mesh::identity::MISBEHAVIOUR_PER_MINUTE_MAX;

use super::world::{World, join_ask, peer, subscribe};
use crate::room::AWAY_GRACE;
use crate::service::counts::ControlRefusal;
use crate::service::limits::Limits;

#[test]
fn participants_outlive_a_short_loss_of_their_link() {
    let mut world = World::new();
    let (ams, sin) = (world.up(1, "ams"), world.up(2, "sin"));
    world.create(ams, "r");
    world.join_speaking(ams, "r", "ada");
    world.subscribe(sin, "r");
    world.speak(ams, "r", "ada");

    world.down(ams);
    world.advance(Duration::from_secs(2));
    let back = world.up(3, "ams");
    world.join_speaking(back, "r", "ada");
    world.advance(AWAY_GRACE * 2);

    assert_eq!(world.service.participants_len(), (1, 0));
    assert_eq!(world.speak(back, "r", "ada"), [sin]);
    assert_eq!(world.service.counts().participants_lost, 0);
}

#[test]
fn participants_leave_when_their_link_stays_away() {
    let mut world = World::new();
    let (ams, sin) = (world.up(1, "ams"), world.up(2, "sin"));
    world.create(ams, "r");
    world.join_speaking(ams, "r", "ada");
    world.subscribe(sin, "r");
    world.advance(Duration::from_secs(1));
    world.states(sin);

    world.down(ams);
    world.advance(AWAY_GRACE - Duration::from_millis(1));
    assert_eq!(world.service.participants_len(), (1, 0));
    world.advance(Duration::from_millis(1));

    assert_eq!(world.service.participants_len(), (0, 0));
    assert_eq!(world.service.counts().participants_lost, 1);
    assert!(world.states(sin).last().unwrap().stage.is_empty());
}

#[test]
fn a_new_link_that_overtakes_the_end_of_the_old_one_carries_on() {
    let mut world = World::new();
    let (old, sin) = (world.up(1, "ams"), world.up(2, "sin"));
    world.create(old, "r");
    world.join_speaking(old, "r", "ada");
    world.subscribe(sin, "r");
    world.subscribe(old, "r");
    world.speak(old, "r", "ada");

    let new = world.up(3, "ams");
    world.subscribe(new, "r");
    world.join_speaking(new, "r", "ada");
    world.down(old);
    world.advance(Duration::from_millis(20));

    assert_eq!(world.speak(new, "r", "ada"), [sin, new]);
}

#[test]
fn a_draining_origin_takes_nobody_new_but_keeps_whom_it_has() {
    let mut world = World::new();
    let ams = world.up(1, "ams");
    world.create(ams, "r");
    world.join_speaking(ams, "r", "ada");
    let sin = world.up(2, "sin");
    world.subscribe(sin, "r");

    world.service.handle_drain(Duration::from_secs(30), world.now);
    world.pump();

    let drain = |body: &Body| match body {
        Body::Drain(drain) => Some(*drain),
        _ => None,
    };
    assert_eq!(world.take(ams, drain), [Drain { deadline_ms: 30_000 }]);
    let create = Ask::CreateRoom(CreateRoom { name: "S".into(), ..CreateRoom::default() });
    for ask in [create, join_ask("r", "bob", WireRole::Listener)] {
        let problem = world.problem(ams, ask);
        assert_eq!((problem.status, problem.code.as_str()), (503, "draining"));
        assert!(problem.retry_after_s > 0);
    }
    assert!(matches!(world.ask(ams, join_ask("r", "ada", WireRole::Speaker)), Answer::Room(_)));
    assert_eq!(world.speak(ams, "r", "ada"), [sin]);
    world.advance(Duration::from_secs(10));
    let late = world.up(3, "iad");
    assert_eq!(world.take(late, drain), [Drain { deadline_ms: 20_000 }]);

    world.service.handle_undrain();
    world.pump();
    assert!(matches!(world.ask(ams, join_ask("r", "bob", WireRole::Listener)), Answer::Room(_)));
}

#[test]
fn an_edge_that_speaks_like_an_owner_is_counted_and_in_the_end_closed() {
    let mut world = World::new();
    let ams = world.up(1, "ams");
    let forged = Body::RoomState(RoomState::default());

    for _ in 0..MISBEHAVIOUR_PER_MINUTE_MAX {
        world.control(ams, forged.clone());
    }
    assert!(world.closed.is_empty());
    world.control(ams, forged);

    assert!(world.closed.contains_key(&ams));
    assert_eq!(world.service.links().count(), 0);
    assert_eq!(world.service.counts().links_distrusted, 1);
    world.control(ams, Body::Subscribe(subscribe("r")));
    let refused = &world.service.counts().controls_refused;
    assert_eq!(refused.get(&ControlRefusal::UnknownLink), Some(&1));
}

#[test]
fn links_beyond_the_limit_and_from_origins_are_refused() {
    let mut world = World::with_limits(Limits { links: 1, ..Limits::default() });
    world.up(1, "ams");
    world.up(2, "sin");
    world.service.handle_up(LinkId(3), peer("origin-2", NodeRole::Origin), world.now);
    world.pump();

    assert_eq!(world.closed.keys().copied().collect::<Vec<_>>(), [LinkId(2), LinkId(3)]);
    assert_eq!(world.service.counts().links_refused, 2);
}

#[test]
fn a_subscriber_who_knows_a_newer_owner_is_refused() {
    let mut world = World::new();
    let ams = world.up(1, "ams");
    world.create(ams, "r");
    let mut newer = subscribe("r");
    newer.epoch = world.epoch("r").0 + 1;

    world.control(ams, Body::Subscribe(newer));

    let refused = &world.service.counts().controls_refused;
    assert_eq!(refused.get(&ControlRefusal::NewerEpoch), Some(&1));
    assert!(world.selections(ams).is_empty());
}
