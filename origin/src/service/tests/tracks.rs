//! Who is heard where: selection, subscriptions, claims, epochs.

use std::time::Duration;

use stoa_audio::frame::{Epoch, TrackId};
use stoa_protocol::mesh::control::{Body, Subscribe, TrackKind, WireRole};
use stoa_protocol::mesh::identity::MISBEHAVIOUR_PER_MINUTE_MAX;
use stoa_protocol::mesh::peer::TRACKS_PER_LINK_MAX;

use super::world::{World, subscribe, track};
use crate::service::counts::{ClaimRefusal, FrameDrop};
use stoa_link::subscriptions::RELEASE_AFTER;

const STEP: Duration = Duration::from_millis(20);

#[test]
fn the_first_frame_of_a_talk_spurt_reaches_the_subscriber() {
    let mut world = World::new();
    let (ams, sin) = (world.up(1, "ams"), world.up(2, "sin"));
    world.create(ams, "r");
    world.join_speaking(ams, "r", "ada");
    world.subscribe(sin, "r");
    world.advance(STEP);
    world.selections(sin);

    let frame = world.frame("r", "ada");
    let reached = world.send_frame(ams, &frame);

    assert_eq!(reached, [sin]);
    let selections = world.selections(sin);
    assert_eq!(selections.len(), 1);
    let selected = &selections[0].selected[0];
    assert_eq!((selected.track, selected.from_number), (frame.track.0, frame.number.0));
    assert_eq!(world.bound[&sin][&frame.track], World::binding("r", "ada"));
}

#[test]
fn an_edge_that_has_lost_its_parent_gets_the_last_half_second() {
    let mut world = World::new();
    let (ams, sin) = (world.up(1, "ams"), world.up(2, "sin"));
    world.create(ams, "r");
    world.join_speaking(ams, "r", "ada");
    for _ in 0..50 {
        world.speak(ams, "r", "ada");
        world.advance(STEP);
    }
    let next = world.frame("r", "ada").number.0;

    world.control(sin, Body::Subscribe(Subscribe { back_fill: true, ..subscribe("r") }));

    let numbers: Vec<u64> = world.back_filled[&sin].iter().map(|frame| frame.number.0).collect();
    // Numbers count 2.5 ms.
    assert_eq!(numbers, (next - 200..next).step_by(8).collect::<Vec<_>>());
    assert!(world.bound[&sin].contains_key(&track("r", "ada")), "before its frames");
    assert_eq!(world.service.counts().frames_back_filled, 25);
}

#[test]
fn only_three_of_four_speakers_are_forwarded() {
    let mut world = World::new();
    let (ams, sin) = (world.up(1, "ams"), world.up(2, "sin"));
    world.create(ams, "r");
    world.subscribe(sin, "r");
    let speakers = ["ada", "bob", "cy", "di"];
    for who in speakers {
        world.join_speaking(ams, "r", who);
    }
    let mut forwarded = [0; 4];
    for _ in 0..100 {
        for (index, who) in speakers.iter().enumerate() {
            forwarded[index] += world.speak(ams, "r", who).len();
        }
        world.advance(STEP);
    }

    assert_eq!(forwarded, [100, 100, 100, 0]);
    assert_eq!(world.service.counts().frames_dropped.get(&FrameDrop::Unselected), Some(&100));
    assert_eq!(world.bound[&sin].len(), 3);
}

#[test]
fn an_edge_without_a_subscriber_gets_nothing() {
    let mut world = World::new();
    let (ams, sin) = (world.up(1, "ams"), world.up(2, "sin"));
    world.create(ams, "r");
    world.join_speaking(ams, "r", "ada");
    world.join(sin, "r", "bob", WireRole::Listener);

    assert!(world.speak(ams, "r", "ada").is_empty());
    world.subscribe(sin, "r");
    assert_eq!(world.speak(ams, "r", "ada"), [sin]);
    world.unsubscribe(sin, "r");
    assert!(world.speak(ams, "r", "ada").is_empty());
    assert!(world.bound[&sin].is_empty());
}

#[test]
fn the_audience_at_the_speakers_own_edge_is_served_like_any_other() {
    let mut world = World::new();
    let (ams, sin) = (world.up(1, "ams"), world.up(2, "sin"));
    world.create(ams, "r");
    world.join_speaking(ams, "r", "ada");
    world.subscribe(ams, "r");
    world.subscribe(sin, "r");

    assert_eq!(world.speak(ams, "r", "ada"), [ams, sin]);
}

#[test]
fn a_foreign_claim_is_dropped_and_counted_and_persistence_ends_the_link() {
    let mut world = World::new();
    let (ams, eve, sin) = (world.up(1, "ams"), world.up(2, "eve"), world.up(3, "sin"));
    world.create(ams, "r");
    world.join_speaking(ams, "r", "ada");
    world.subscribe(sin, "r");

    world.bind(eve, "r", "ada");

    assert!(world.speak(eve, "r", "ada").is_empty());
    let counts = world.service.counts();
    assert_eq!(counts.claims_refused.get(&ClaimRefusal::ForeignParticipant), Some(&1));
    assert_eq!(counts.frames_dropped.get(&FrameDrop::ForeignTrack), Some(&1));
    for _ in 0..MISBEHAVIOUR_PER_MINUTE_MAX {
        world.bind(eve, "r", "ada");
    }
    assert!(world.closed.contains_key(&eve));
    assert_eq!(world.speak(ams, "r", "ada"), [sin]);
}

#[test]
fn a_link_with_too_many_speakers_stays_up_and_is_heard_as_before() {
    let mut world = World::new();
    let (ams, sin) = (world.up(1, "ams"), world.up(2, "sin"));
    world.create(ams, "r");
    world.join_speaking(ams, "r", "ada");
    world.subscribe(sin, "r");
    let others = (1..TRACKS_PER_LINK_MAX as u64).map(TrackId);
    world.service.links.get_mut(&ams).unwrap().tracks.extend(others);

    world.join(ams, "r", "bob", WireRole::Speaker);
    let attempts = u64::from(MISBEHAVIOUR_PER_MINUTE_MAX) * 2;
    for _ in 0..attempts {
        world.bind(ams, "r", "bob");
    }

    let counts = world.service.counts();
    assert_eq!(counts.claims_refused.get(&ClaimRefusal::TooMany), Some(&attempts));
    assert!(world.closed.is_empty());
    assert_eq!(world.speak(ams, "r", "ada"), [sin]);
}

#[test]
fn a_claim_must_fit_the_join_in_every_way() {
    let mut world = World::new();
    let ams = world.up(1, "ams");
    world.create(ams, "r");
    world.join(ams, "r", "ada", WireRole::Speaker);
    world.join(ams, "r", "lee", WireRole::Listener);
    let good = World::binding("r", "ada");
    let mut cases = Vec::new();
    let mut case = |reason, change: &dyn Fn(&mut stoa_link::TrackBinding)| {
        let mut binding = good.clone();
        change(&mut binding);
        cases.push((reason, binding));
    };
    case(ClaimRefusal::UnknownRoom, &|b| b.room = "none".parse().unwrap());
    case(ClaimRefusal::UnknownParticipant, &|b| b.participant = "nobody".into());
    case(ClaimRefusal::UnknownParticipant, &|b| b.participant = "a b".into());
    case(ClaimRefusal::ForeignTrack, &|b| b.track = track("r", "bob"));
    case(ClaimRefusal::ForeignKind, &|b| b.kind = TrackKind::Programme);
    case(ClaimRefusal::OffStage, &|b| {
        b.participant = "lee".into();
        b.track = track("r", "lee");
    });
    for (reason, binding) in cases {
        let count = |world: &World| {
            world.service.counts().claims_refused.get(&reason).copied().unwrap_or(0)
        };
        let before = count(&world);
        world.service.handle_bound(ams, &binding, world.now);
        assert_eq!(count(&world), before + 1, "{reason:?}");
        let frame = world.frame("r", "ada");
        assert!(world.send_frame(ams, &frame).is_empty());
    }
}

#[test]
fn frames_of_another_epoch_are_refused() {
    let mut world = World::new();
    let (ams, sin) = (world.up(1, "ams"), world.up(2, "sin"));
    world.create(ams, "r");
    world.join_speaking(ams, "r", "ada");
    world.subscribe(sin, "r");

    for (step, reason) in [(-1_i32, FrameDrop::OlderEpoch), (1, FrameDrop::NewerEpoch)] {
        let mut frame = world.frame("r", "ada");
        frame.epoch = Epoch(frame.epoch.0.saturating_add_signed(step));
        assert!(world.send_frame(ams, &frame).is_empty());
        assert_eq!(world.service.counts().frames_dropped.get(&reason), Some(&1));
    }
    assert_eq!(world.speak(ams, "r", "ada"), [sin]);
}

#[test]
fn a_track_under_a_new_epoch_is_announced_again_and_never_goes_back() {
    let mut world = World::new();
    let (ams, sin) = (world.up(1, "ams"), world.up(2, "sin"));
    world.create(ams, "r");
    world.join_speaking(ams, "r", "ada");
    world.subscribe(sin, "r");
    world.speak(ams, "r", "ada");
    let old = World::binding("r", "ada");
    let newer = stoa_link::TrackBinding { epoch: Epoch(old.epoch.0 + 1), ..old.clone() };

    world.service.handle_bound(ams, &newer, world.now);
    world.pump();
    world.service.handle_bound(ams, &old, world.now);
    world.pump();

    assert_eq!(world.bound[&sin][&old.track], newer);
    let refused = &world.service.counts().claims_refused;
    assert_eq!(refused.get(&ClaimRefusal::OlderEpoch), Some(&1));
    let mut frame = world.frame("r", "ada");
    assert!(world.send_frame(ams, &frame).is_empty(), "made under the old epoch");
    frame.epoch = newer.epoch;
    assert_eq!(world.send_frame(ams, &frame), [sin]);
}

#[test]
fn a_muted_speaker_goes_nowhere_until_he_unmutes() {
    let mut world = World::new();
    let (ams, sin) = (world.up(1, "ams"), world.up(2, "sin"));
    world.create(ams, "r");
    world.join_speaking(ams, "r", "ada");
    world.subscribe(sin, "r");
    world.speak(ams, "r", "ada");

    world.mute(ams, "r", "ada", true);
    assert!(world.speak(ams, "r", "ada").is_empty());
    world.bind(ams, "r", "ada");
    assert!(world.speak(ams, "r", "ada").is_empty(), "announcing again does not unmute");
    assert_eq!(world.service.counts().frames_dropped.get(&FrameDrop::Muted), Some(&2));

    world.mute(ams, "r", "ada", false);
    assert_eq!(world.speak(ams, "r", "ada"), [sin]);
}

#[test]
fn a_track_that_was_heard_a_moment_ago_reaches_a_subscriber_who_came_in_between() {
    let mut world = World::new();
    let (ams, sin, iad) = (world.up(1, "ams"), world.up(2, "sin"), world.up(3, "iad"));
    world.create(ams, "r");
    world.join_speaking(ams, "r", "ada");
    world.subscribe(sin, "r");
    world.speak(ams, "r", "ada");

    world.service.handle_unbound(ams, track("r", "ada"), world.now);
    world.pump();
    world.subscribe(iad, "r");
    world.bind(ams, "r", "ada");
    world.advance(STEP);

    assert_eq!(world.speak(ams, "r", "ada"), [sin, iad]);
}

#[test]
fn a_track_that_is_not_heard_any_more_is_released_after_a_while() {
    let mut world = World::new();
    let (ams, sin) = (world.up(1, "ams"), world.up(2, "sin"));
    world.create(ams, "r");
    world.join_speaking(ams, "r", "ada");
    world.subscribe(sin, "r");
    world.speak(ams, "r", "ada");
    world.mute(ams, "r", "ada", true);

    world.advance(RELEASE_AFTER - Duration::from_millis(1));
    assert_eq!(world.bound[&sin].len(), 1);
    world.advance(Duration::from_millis(1));

    assert!(world.bound[&sin].is_empty());
}
