//! Roles, hands and mutes as owners tell them.

use std::time::Duration;

use stoa_link::LinkId;
use stoa_protocol::ids::Role;
use stoa_protocol::mesh::control::{self, Ask, Body, Deed, WireRole};
use stoa_protocol::mesh::peer::TRACKS_PER_LINK_MAX;

use super::bench::{Bench, LINK, Person, answer_to, asked, sent, told};
use crate::rooms::{Action, Command, Limits, Newcomer, Order, ParticipantEvent, Place};
use crate::webrtc::{Class, Downlink, SLOTS_MAX};

/// A listener who has offered a line for his microphone.
fn listener(bench: &mut Bench) -> Person {
    bench.join_as(Newcomer { publishes: true, ..Bench::newcomer(Role::Listener) }).0
}

fn is_bind(command: &Command) -> bool {
    matches!(command, Command::Bind { .. })
}

fn is_unbind(command: &Command) -> bool {
    matches!(command, Command::Unbind { .. })
}

#[test]
fn a_listener_with_a_microphone_has_a_track_that_is_neither_announced_nor_heard() {
    let mut bench = Bench::linked();
    let newcomer = Newcomer { publishes: true, ..Bench::newcomer(Role::Listener) };
    let (person, commands) = bench.join_as(newcomer);
    assert_eq!(person.prepared.class, Class::Audience);
    assert!(person.prepared.track.is_some() && !commands.iter().any(is_bind));
    assert!(bench.say(&person, 8).is_none());
    assert_eq!(bench.metrics.dropped.off_stage.get(), 1);
}

#[test]
fn the_owner_learns_of_the_track_the_token_and_the_room_it_names() {
    let mut bench = Bench::linked();
    let newcomer = Newcomer {
        publishes: true,
        tenant: "acme".into(),
        tenant_participants_max: Some(7),
        named: false,
        ..Bench::newcomer(Role::Listener)
    };
    bench.order(Order::Prepare(newcomer));
    let Some((_, Ask::Join(join))) = asked(&bench.commands()[0]) else { panic!() };
    assert!(join.track != 0 && !join.resumes && !join.named);
    assert_eq!((join.role, join.tenant.as_str()), (0, "acme"));
    assert_eq!(join.tenant_participants_max, Some(7));
}

#[test]
fn who_is_put_on_the_stage_is_announced_and_heard_without_another_join() {
    let mut bench = Bench::linked();
    let person = listener(&mut bench);
    bench.appoint(&person, WireRole::Speaker);
    let commands = bench.commands();
    let on = |c: &Command| matches!(c, Command::SetStage { session, on: true } if *session == person.session);
    assert!(commands.iter().any(on) && commands.iter().any(is_bind));
    let place = Place { class: Class::Stage, moderates: false };
    assert!(commands.iter().any(|c| matches!(c, Command::Regroup { place: p, .. } if *p == place)));
    let events = told(&commands, &person);
    let standing = |e: &ParticipantEvent| matches!(e, ParticipantEvent::Standing(s) if s.role == Role::Speaker);
    assert!(
        events.iter().any(standing)
            && events.iter().any(|e| matches!(e, ParticipantEvent::Slots(_)))
    );
    assert!(commands.iter().filter_map(asked).next().is_none(), "nothing is asked of the owner");
    assert_eq!(bench.say(&person, 8).unwrap().owner, Some(LINK));
    assert_eq!((bench.metrics.stage.get(), bench.metrics.audience.get()), (1, 0));
}

#[test]
fn who_comes_to_the_stage_muted_is_muted_before_his_voice_is_let_in() {
    let mut bench = Bench::linked();
    let person = listener(&mut bench);
    let standing = control::Standing { role: 1, muted: true, ..control::Standing::default() };
    bench.stand(&person, standing);
    let commands = bench.commands();
    let place = |wanted: fn(&Command) -> bool| commands.iter().position(wanted).unwrap();
    let mute = place(|c| matches!(c, Command::Mute { muted: true, .. }));
    assert!(mute < place(|c| matches!(c, Command::SetStage { .. })));
    assert!(bench.say(&person, 8).is_none());
}

#[test]
fn who_is_taken_off_the_stage_is_silent_from_that_moment_and_his_slot_is_free() {
    let mut bench = Bench::linked();
    let (speaker, other) = (bench.join(Role::Speaker), bench.join(Role::Speaker));
    bench.say(&speaker, 8);
    bench.pass(Duration::from_secs(1));
    bench.commands();
    bench.appoint(&speaker, WireRole::Listener);
    let commands = bench.commands();
    assert!(commands.iter().any(is_unbind));
    assert!(commands.iter().any(|c| matches!(c, Command::SetStage { on: false, .. })));
    let empty = ParticipantEvent::Slots([const { None }; SLOTS_MAX]);
    assert!(super::bench::announced(&commands).contains(&empty));
    assert!(bench.say(&speaker, 16).is_none());
    assert!(bench.say(&other, 8).unwrap().stage.is_some());
    bench.appoint(&speaker, WireRole::Moderator);
    assert!(bench.commands().iter().any(is_bind), "and he may come back");
}

#[test]
fn a_standing_before_the_consent_decides_what_the_session_is_opened_as() {
    let mut bench = Bench::linked();
    let newcomer = Newcomer { publishes: true, ..Bench::newcomer(Role::Listener) };
    let ticket = bench.order(Order::Prepare(newcomer));
    let (_, Ask::Join(join)) = asked(&bench.commands()[0]).unwrap() else { panic!() };
    let standing = control::Standing {
        room: join.room,
        participant: join.participant,
        role: WireRole::Moderator.into(),
        hand: true,
        ..control::Standing::default()
    };
    bench.hub.handle_control(LINK, Body::Standing(standing), bench.now);
    bench.respond(LINK, 1, control::Answer::Room(super::bench::info("agora")));
    let commands = bench.commands();
    let Ok(crate::rooms::Reply::Prepared(prepared)) = answer_to(ticket, &commands) else {
        panic!()
    };
    assert_eq!(prepared.class, Class::Stage);
    assert_eq!(commands.iter().filter(|c| is_bind(c)).count(), 1);
}

#[test]
fn who_is_moved_while_his_session_is_opened_is_moved_when_it_is_there() {
    let mut bench = Bench::linked();
    let newcomer = Newcomer { publishes: true, ..Bench::newcomer(Role::Listener) };
    let ticket = bench.order(Order::Prepare(newcomer));
    let commands = bench.agree();
    let Ok(crate::rooms::Reply::Prepared(prepared)) = answer_to(ticket, &commands) else {
        panic!()
    };
    let session = crate::webrtc::SessionId(9);
    let person = Person { prepared, session };
    bench.appoint(&person, WireRole::Speaker);
    bench.commands();
    let seat = person.prepared.seat;
    let ticket = bench.order(Order::Attach { seat, session, wants_events: true });
    let commands = bench.commands();
    assert!(commands.iter().any(|c| matches!(c, Command::SetStage { on: true, .. })));
    let Ok(crate::rooms::Reply::Seated(seated)) = answer_to(ticket, &commands) else { panic!() };
    assert_eq!((seated.class, seated.standing.role), (Class::Stage, Role::Speaker));
}

#[test]
fn a_publisher_who_cannot_be_told_anything_is_closed_when_he_is_taken_off_the_stage() {
    let mut bench = Bench::linked();
    let newcomer = Newcomer { downlink: Downlink::None, ..Bench::newcomer(Role::Speaker) };
    let (person, _) = bench.join_as(newcomer.clone());
    bench.appoint(&person, WireRole::Listener);
    let commands = bench.commands();
    assert!(
        commands
            .iter()
            .any(|c| matches!(c, Command::Close { session } if *session == person.session))
    );
    assert!(commands.iter().filter_map(asked).any(|(_, ask)| matches!(ask, Ask::Leave(_))));
    let ticket = bench.order(Order::Prepare(newcomer));
    let (id, Ask::Join(join)) = asked(&bench.commands()[0]).unwrap() else { panic!() };
    let (room, participant) = (join.room, join.participant);
    let standing =
        control::Standing { room, participant, epoch: 1, ..control::Standing::default() };
    bench.hub.handle_control(LINK, Body::Standing(standing), bench.now);
    bench.respond(LINK, id, control::Answer::Room(super::bench::info("agora")));
    assert_eq!(answer_to(ticket, &bench.commands()).unwrap_err().status, 403);
}

#[test]
fn who_must_go_is_told_why_and_the_owner_hears_nothing_of_it() {
    let mut bench = Bench::linked();
    let cases = [("removed", "removed"), ("banned", "banned"), ("x", "removed")];
    for (ended, reason) in cases {
        let person = bench.join(Role::Speaker);
        let ended = ended.to_owned();
        bench.stand(&person, control::Standing { ended, ..control::Standing::default() });
        let commands = bench.commands();
        assert!(
            commands
                .iter()
                .any(|c| matches!(c, Command::End { reason: Some(r), .. } if *r == reason))
        );
        assert!(commands.iter().any(is_unbind) && sent(&commands).is_empty());
        assert!(bench.say(&person, 8).is_none());
    }
}

#[test]
fn a_standing_of_an_older_epoch_or_of_a_stranger_is_dropped_and_counted() {
    let mut bench = Bench::linked();
    let person = bench.join(Role::Speaker);
    bench.state(1, &[(&person, false)]);
    bench.commands();
    let standing = |epoch| control::Standing {
        room: "agora".into(),
        epoch,
        participant: person.id().to_string(),
        ..control::Standing::default()
    };
    bench.hub.handle_control(LINK, Body::Standing(standing(0)), bench.now);
    assert_eq!(bench.metrics.refused.stale.get(), 1);
    bench.link_up(LinkId(2));
    bench.hub.handle_control(LinkId(2), Body::Standing(standing(9)), bench.now);
    assert_eq!(bench.metrics.refused.unexpected.get(), 1);
    assert!(bench.say(&person, 8).is_some());
    bench.hub.handle_control(LINK, Body::Standing(standing(2)), bench.now);
    bench.state(9, &[(&person, false)]);
    assert_eq!(bench.metrics.refused.stale.get(), 2, "a state of the epoch before is stale too");
    assert!(bench.say(&person, 16).is_none());
}

#[test]
fn a_link_that_carries_as_many_voices_as_it_may_keeps_others_in_the_audience() {
    let participants_max = TRACKS_PER_LINK_MAX + 10;
    let mut bench = Bench::limited(Limits { participants_max, rooms_max: 1 });
    bench.link_up(LINK);
    let waiting = listener(&mut bench);
    let first = bench.join(Role::Speaker);
    for _ in 1..TRACKS_PER_LINK_MAX {
        bench.join(Role::Speaker);
    }
    bench.commands();
    bench.appoint(&waiting, WireRole::Speaker);
    assert!(!bench.commands().iter().any(is_bind));
    assert_eq!(bench.metrics.limits.publishers.get(), 1);
    bench.appoint(&first, WireRole::Listener);
    assert!(!bench.commands().iter().any(is_bind), "what frees a place may need it itself");
    bench.pass(Duration::ZERO);
    assert!(bench.commands().iter().any(is_bind), "a freed place is taken by who waits for one");
    bench.appoint(&first, WireRole::Speaker);
    assert!(!bench.commands().iter().any(is_bind), "and gone");
    bench.appoint(&first, WireRole::Listener);
    bench.appoint(&waiting, WireRole::Listener);
    bench.pass(Duration::ZERO);
    assert!(!bench.commands().iter().any(is_bind), "nobody waits any more");
}

#[test]
fn after_a_lost_link_the_owner_hears_the_tokens_role_and_that_he_was_here() {
    let mut bench = Bench::linked();
    let person = listener(&mut bench);
    bench.appoint(&person, WireRole::Speaker);
    bench.commands();
    bench.hub.handle_link_down(LINK, bench.now);
    bench.link_up(LinkId(2));
    let commands = bench.commands();
    let Some((_, Ask::Join(join))) = commands.iter().find_map(asked) else { panic!() };
    assert_eq!(
        (join.resumes, join.role, join.participant.as_str()),
        (true, 0, person.id().as_str())
    );
    assert!(commands.iter().any(is_bind), "whoever speaks is announced again");
}

#[test]
fn hands_are_raised_through_the_owner_who_tells_how_one_stands() {
    let mut bench = Bench::linked();
    let person = listener(&mut bench);
    let action = Action::new(Deed::RaiseHand);
    let ticket = bench.order(Order::Act { by: person.session, action });
    let commands = bench.commands();
    let (id, Ask::Act(act)) = asked(&commands[0]).unwrap() else { panic!("{commands:?}") };
    assert_eq!(
        (act.by.as_str(), act.participant.as_str()),
        (person.id().as_str(), person.id().as_str())
    );
    assert_eq!((act.room.as_str(), act.deed()), ("agora", Deed::RaiseHand));
    bench.stand(&person, control::Standing { hand: true, ..control::Standing::default() });
    bench.respond(LINK, id, control::Answer::Done(control::Done {}));
    let commands = bench.commands();
    answer_to(ticket, &commands).unwrap();
    assert!(matches!(&told(&commands, &person)[..], [ParticipantEvent::Standing(s)] if s.hand));
    bench.stand(&person, control::Standing { hand: true, ..control::Standing::default() });
    assert_eq!(told(&bench.commands(), &person), [], "what he knows is not told again");
}

#[test]
fn who_moderates_learns_identities_of_who_is_here() {
    let mut bench = Bench::linked();
    for (role, identities) in [(Role::Listener, false), (Role::Moderator, true)] {
        let person = bench.join(role);
        bench.commands();
        bench.order(Order::ListPeople { by: person.session, after: "p_1".into(), limit: 7 });
        let Some((_, Ask::ListParticipants(list))) = bench.commands().iter().find_map(asked) else {
            panic!()
        };
        assert_eq!((list.identities, list.after.as_str(), list.limit), (identities, "p_1", 7));
    }
}
