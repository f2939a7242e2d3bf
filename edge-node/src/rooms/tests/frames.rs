//! Where frames go.

use std::time::Duration;

use stoa_audio::frame::TrackId;
use stoa_link::LinkId;
use stoa_protocol::ids::Role;
use stoa_protocol::mesh::control::{Body, SelectedTrack, Selection};

use super::bench::{Bench, LINK, announced, frame};
use crate::rooms::{Order, ParticipantEvent};
use crate::webrtc::{Class, SLOTS_MAX, SessionId, Uplinked};

#[test]
fn a_local_voice_goes_to_the_owner_and_at_once_to_the_stage_but_not_to_the_audience() {
    let mut bench = Bench::linked();
    let speaker = bench.join(Role::Speaker);
    bench.join(Role::Listener);
    let route = bench.say(&speaker, 8).unwrap();
    assert_eq!(route.owner, Some(LINK));
    let delivery = route.stage.unwrap();
    assert_eq!((delivery.class, delivery.slot, delivery.dominant), (Class::Stage, 0, true));
    assert_eq!(delivery.except, Some(speaker.session));
    let told = announced(&bench.commands());
    let ParticipantEvent::Slots(slots) = &told[0] else { panic!("{told:?}") };
    assert_eq!(slots[0].as_ref(), Some(speaker.id()));
}

#[test]
fn the_audience_hears_a_local_voice_when_it_comes_down_the_tree() {
    let mut bench = Bench::linked();
    let speaker = bench.join(Role::Speaker);
    bench.join(Role::Listener);
    bench.bind(LINK, speaker.track().0);
    bench.say(&speaker, 8);
    let route = bench.hub.route_from_link(LINK, &frame(speaker.track(), 8), bench.now);
    assert!(route.stage.is_none(), "the stage has heard it already");
    assert_eq!(route.audience.unwrap().class, Class::Audience);
}

#[test]
fn a_remote_voice_reaches_stage_and_audience() {
    let mut bench = Bench::linked();
    bench.join(Role::Speaker);
    bench.join(Role::Listener);
    bench.bind(LINK, 99);
    let route = bench.hub.route_from_link(LINK, &frame(TrackId(99), 8), bench.now);
    let (stage, audience) = (route.stage.unwrap(), route.audience.unwrap());
    assert_eq!((stage.except, audience.except), (None, None));
    assert!(stage.dominant && audience.dominant);
    let told = announced(&bench.commands());
    assert_eq!(told.len(), 2);
    for event in told {
        let ParticipantEvent::Slots(slots) = event else { panic!() };
        assert_eq!(slots[0].as_ref().unwrap().as_str(), "p_99");
    }
}

#[test]
fn nothing_is_delivered_where_nobody_listens() {
    let mut bench = Bench::linked();
    bench.join(Role::Listener);
    bench.bind(LINK, 99);
    let route = bench.hub.route_from_link(LINK, &frame(TrackId(99), 8), bench.now);
    assert!(route.stage.is_none() && route.audience.is_some());
}

#[test]
fn a_frame_that_comes_over_two_links_is_heard_once() {
    let mut bench = Bench::linked();
    bench.link_up(LinkId(2));
    bench.join(Role::Listener);
    bench.bind(LINK, 99);
    bench.bind(LinkId(2), 99);
    let heard = |bench: &mut Bench, link| {
        bench.hub.route_from_link(link, &frame(TrackId(99), 8), bench.now).audience.is_some()
    };
    assert!(heard(&mut bench, LinkId(2)));
    assert!(!heard(&mut bench, LINK));
    assert_eq!(bench.metrics.dropped.duplicate.get(), 1);
}

#[test]
fn frames_that_nobody_announced_or_of_another_session_are_dropped_and_counted() {
    let mut bench = Bench::linked();
    let (one, other) = (bench.join(Role::Speaker), bench.join(Role::Speaker));
    let route = bench.hub.route_from_link(LINK, &frame(TrackId(5), 8), bench.now);
    assert!(route.stage.is_none() && route.audience.is_none());
    assert_eq!(bench.metrics.dropped.unbound.get(), 1);
    let key = one.prepared.key;
    for (session, track) in [(one.session, other.track()), (SessionId(404), one.track())] {
        let uplinked = Uplinked { session, room: key, frame: frame(track, 8) };
        assert!(bench.hub.route_uplinked(uplinked, bench.now).is_none());
    }
    assert_eq!(bench.metrics.dropped.foreign.get(), 2);
}

#[test]
fn frames_may_precede_the_selection_and_its_losers_give_way() {
    let mut bench = Bench::linked();
    bench.join(Role::Listener);
    for track in 1..=4 {
        bench.bind(LINK, track);
    }
    let slot = |bench: &mut Bench, track: u64, number: u64| {
        let route = bench.hub.route_from_link(LINK, &frame(TrackId(track), number), bench.now);
        route.audience.map(|delivery| delivery.slot)
    };
    assert_eq!([1, 2, 3].map(|track| slot(&mut bench, track, 8)), [Some(0), Some(1), Some(2)]);
    assert_eq!(slot(&mut bench, 4, 8), None);
    let selected = [4, 1, 3].map(|track| SelectedTrack { track, from_number: 16 }).to_vec();
    let selection = Selection { room: "agora".into(), epoch: 0, decision: 1, selected };
    bench.hub.handle_control(LINK, Body::Selection(selection), bench.now);
    assert_eq!([1, 3, 4].map(|track| slot(&mut bench, track, 16)), [Some(0), Some(2), Some(1)]);
}

#[test]
fn at_most_three_of_a_crowded_stage_are_heard() {
    let mut bench = Bench::linked();
    let people: Vec<_> = (0..6).map(|_| bench.join(Role::Speaker)).collect();
    let mut heard = std::collections::BTreeSet::new();
    for number in 1..200u64 {
        for person in &people {
            let route = bench.say(person, number * 8).unwrap();
            heard.extend(route.stage.map(|delivery| delivery.frame.track));
        }
        bench.pass(Duration::from_millis(20));
    }
    assert_eq!(heard.len(), SLOTS_MAX);
    assert!(bench.metrics.dropped.unselected.get() > 0);
}

#[test]
fn the_slot_of_somebody_who_left_is_told_to_be_empty() {
    let mut bench = Bench::linked();
    let speaker = bench.join(Role::Speaker);
    bench.join(Role::Moderator);
    bench.say(&speaker, 8);
    bench.commands();
    bench.pass(Duration::from_secs(1));
    bench.settle(Order::Leave(speaker.session)).unwrap();
    bench.pass(Duration::from_secs(1));
    // The first change after a quiet second was told at once, with the leave's answer.
    bench.join(Role::Speaker);
    let person = bench.join(Role::Speaker);
    bench.say(&person, 8);
    let told = announced(&bench.commands());
    let ParticipantEvent::Slots(slots) = told.last().unwrap() else { panic!("{told:?}") };
    assert_eq!(slots[0].as_ref(), Some(person.id()));
}
