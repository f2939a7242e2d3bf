//! What rooms are told of themselves: who of them, and how often.

use std::time::Duration;

use stoa_protocol::ids::Role;
use stoa_protocol::mesh::control::{self, Body, Hand, RoomInfo, RoomSettings, RoomState, WireRole};

use super::bench::{Bench, LINK, announced, info, sent, told};
use crate::rooms::{
    Circle, Command, Counts, Limits, Order, ParticipantEvent, Reaction, ReactionCounts,
};

fn counted(bench: &mut Bench, version: u64, listeners: u32) {
    let info = Some(RoomInfo { listeners, ..info("agora") });
    bench.view(RoomState { info, version, ..RoomState::default() });
}

fn hand(participant: &str) -> Hand {
    Hand { participant: participant.into(), ..Hand::default() }
}

fn given(reaction: &str, times: u32) -> ReactionCounts {
    let mut counts = ReactionCounts::default();
    counts.note(Reaction::new(reaction).unwrap(), times);
    counts
}

#[test]
fn joins_and_leaves_of_listeners_are_told_as_counts_once_a_second() {
    let mut bench = Bench::linked();
    let person = bench.join(Role::Speaker);
    bench.state(1, &[(&person, false)]);
    bench.commands();
    for version in 2..=21 {
        let stage = vec![control::StageMember {
            participant: person.id().to_string(),
            name: "Somebody".into(),
            role: 1,
            track: person.track().0,
            ..Default::default()
        }];
        let info = Some(RoomInfo { listeners: u32::try_from(version).unwrap(), ..info("agora") });
        bench.view(RoomState { info, version, stage, ..RoomState::default() });
        bench.pass(Duration::from_millis(100));
    }
    let events = announced(&bench.commands());
    let counts = |listeners| ParticipantEvent::Counts(Counts { listeners, hands: 0 });
    assert_eq!(
        events,
        [counts(2), counts(11), counts(21)],
        "and no roster, for the stage is the same"
    );
}

#[test]
fn large_rooms_hear_counts_every_five_seconds() {
    let mut bench = Bench::limited(Limits { participants_max: 200, rooms_max: 1 });
    bench.link_up(LINK);
    for _ in 0..100 {
        bench.join(Role::Listener);
    }
    bench.commands();
    for version in 1..=201 {
        counted(&mut bench, version, u32::try_from(version).unwrap());
        bench.pass(Duration::from_millis(100));
    }
    assert_eq!(announced(&bench.commands()).len(), 5);
}

#[test]
fn who_joins_while_counts_wait_gets_the_latest() {
    let mut bench = Bench::linked();
    bench.join(Role::Listener);
    counted(&mut bench, 1, 5);
    counted(&mut bench, 2, 9);
    let (_, commands) = bench.join_as(Bench::newcomer(Role::Listener));
    let rosters: Vec<_> = commands
        .iter()
        .filter_map(|command| match command {
            Command::Answer { outcome, .. } => match &**outcome {
                Ok(crate::rooms::Reply::Seated(seated)) => Some(seated.roster.listeners),
                _ => None,
            },
            _ => None,
        })
        .collect();
    assert_eq!(rosters, [9]);
}

#[test]
fn the_queue_of_hands_is_told_to_moderators_only_and_at_once_to_a_new_one() {
    let mut bench = Bench::linked();
    let person = bench.join(Role::Speaker);
    bench.commands();
    bench.view(RoomState {
        version: 1,
        hands: vec![hand("p_2"), hand("a b")],
        ..RoomState::default()
    });
    let commands = bench.commands();
    let circle = |c: &Command| match c {
        Command::Announce { circle, event: ParticipantEvent::Hands(hands), .. } => {
            assert_eq!(hands.len(), 1, "what cannot be a participant is left out");
            Some(*circle)
        }
        _ => None,
    };
    assert_eq!(commands.iter().find_map(circle), Some(Circle::Moderators));
    assert_eq!(bench.metrics.refused.malformed.get(), 1);
    bench.appoint(&person, WireRole::Moderator);
    let events = told(&bench.commands(), &person);
    assert!(events.iter().any(|e| matches!(e, ParticipantEvent::Hands(hands) if hands.len() == 1)));
}

#[test]
fn no_more_hands_are_believed_than_a_snapshot_shows() {
    let mut bench = Bench::linked();
    bench.join(Role::Moderator);
    bench.commands();
    let hands = (0..500).map(|number| hand(&format!("p_{number}"))).collect();
    bench.view(RoomState { version: 1, hands, ..RoomState::default() });
    let events = announced(&bench.commands());
    assert!(
        events.iter().any(|e| matches!(e, ParticipantEvent::Hands(hands) if hands.len() == 50))
    );
}

#[test]
fn a_new_name_or_topic_is_told() {
    let mut bench = Bench::linked();
    bench.join(Role::Listener);
    counted(&mut bench, 1, 0);
    bench.commands();
    let settings = RoomSettings { topic: Some("Justice".into()), ..RoomSettings::default() };
    let info = Some(RoomInfo { settings: Some(settings), ..info("agora") });
    bench.view(RoomState { info, version: 2, ..RoomState::default() });
    let events = announced(&bench.commands());
    let [ParticipantEvent::Title(title)] = &events[..] else { panic!("{events:?}") };
    assert_eq!((title.name.as_str(), title.topic.as_str()), ("Agora", "Justice"));
}

#[test]
fn reactions_go_up_in_sums_every_quarter_of_a_second() {
    let mut bench = Bench::linked();
    let person = bench.join(Role::Listener);
    bench.commands();
    for _ in 0..10 {
        let reaction = Reaction::new("👏").unwrap();
        bench.settle(Order::React { by: person.session, reaction }).unwrap();
    }
    bench.pass(Duration::from_millis(250));
    let sums: Vec<u32> = sent(&bench.commands())
        .into_iter()
        .filter_map(|(_, body)| match body {
            Body::Reactions(reactions) => Some(reactions.counts[0].count),
            _ => None,
        })
        .collect();
    // The first went at once, with the answer that `settle` took.
    assert_eq!(sums, [9]);
    assert_eq!(bench.metrics.reactions_up.get(), 10);
}

#[test]
fn what_the_owner_sums_up_is_told_twice_a_second_and_nothing_is_lost() {
    let mut bench = Bench::linked();
    bench.join(Role::Listener);
    bench.commands();
    for _ in 0..20 {
        let counts = [("👏", 2), ("💣", 7)]
            .map(|(reaction, count)| control::Reaction { reaction: reaction.into(), count });
        let reactions = control::Reactions { room: "agora".into(), counts: counts.to_vec() };
        bench.hub.handle_control(LINK, Body::Reactions(reactions), bench.now);
        bench.pass(Duration::from_millis(100));
    }
    bench.pass(Duration::from_secs(1));
    let events = announced(&bench.commands());
    assert!(events.len() <= 5, "{events:?}");
    let mut sum = ReactionCounts::default();
    for event in &events {
        let ParticipantEvent::Reactions(counts) = event else { panic!("{event:?}") };
        sum.add(counts);
    }
    assert_eq!(sum, given("👏", 40));
    assert_eq!(bench.metrics.refused.malformed.get(), 20);
}
