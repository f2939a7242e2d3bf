//! Coming back: to one's seat, or under one's former id.

use stoa_protocol::ids::{Role, RoomId};
use stoa_protocol::mesh::control::{Ask, Problem};

use super::bench::{Bench, LINK, Person, answer_to, asked, told};
use crate::rooms::{Command, Newcomer, Order, ParticipantEvent, Reply, Resume, Seated};
use crate::webrtc::SessionId;

/// Takes somebody in, and gives what he may come back with.
pub(super) fn join(bench: &mut Bench, role: Role) -> (Person, Resume) {
    let (person, commands) = bench.join_as(Bench::newcomer(role));
    let seated = commands.iter().find_map(|command| match command {
        Command::Answer { outcome, .. } => match &**outcome {
            Ok(Reply::Seated(seated)) => Some(seated.clone()),
            _ => None,
        },
        _ => None,
    });
    (person, seated.unwrap().resume)
}

pub(super) fn resume(
    bench: &mut Bench,
    identity: &str,
    resume: &Resume,
) -> (Result<Reply, Problem>, Vec<Command>) {
    let room = RoomId::new("agora").unwrap();
    let order = Order::Resume { room, identity: identity.into(), resume: resume.clone() };
    let ticket = bench.order(order);
    let commands = bench.commands();
    (answer_to(ticket, &commands), commands)
}

/// The same participant with another secret.
fn forged(resume: &Resume) -> Resume {
    let text = resume.to_text();
    let last = if text.ends_with('0') { '1' } else { '0' };
    Resume::parse(&format!("{}{last}", &text[..text.len() - 1])).unwrap()
}

#[test]
fn a_lost_connection_is_taken_up_with_everything_that_others_know() {
    let mut bench = Bench::linked();
    let (person, secret) = join(&mut bench, Role::Moderator);
    let (answer, commands) = resume(&mut bench, "somebody", &secret);
    let Ok(Reply::Resumed(Seated { session, participant, standing, .. })) = answer else {
        panic!("{answer:?}")
    };
    assert_eq!(
        (session, &participant, standing.role),
        (person.session, person.id(), Role::Moderator)
    );
    let events = told(&commands, &person);
    assert!(matches!(&events[..], [ParticipantEvent::Slots(_), ParticipantEvent::Hands(_)]));
    assert!(!commands.iter().any(|c| matches!(c, Command::Send { .. } | Command::Close { .. })));
    assert!(bench.say(&person, 8).is_some(), "audio goes on meanwhile");
    assert_eq!(bench.metrics.resumes_seat.get(), 1);
}

#[test]
fn nobody_else_takes_up_a_seat() {
    let mut bench = Bench::linked();
    let (person, secret) = join(&mut bench, Role::Speaker);
    for (identity, secret) in [("somebody", forged(&secret)), ("mallory", secret.clone())] {
        let problem = resume(&mut bench, identity, &secret).0.unwrap_err();
        assert_eq!((problem.status, problem.code.as_str()), (404, "seat-not-found"));
    }
    assert_eq!(bench.metrics.resumes_refused.get(), 2);
    bench.settle(Order::Leave(person.session)).unwrap();
    assert_eq!(resume(&mut bench, "somebody", &secret).0.unwrap_err().status, 404);
}

#[test]
fn who_joins_again_at_the_same_edge_replaces_himself_without_leaving() {
    let mut bench = Bench::linked();
    let (before, secret) = join(&mut bench, Role::Speaker);
    let newcomer = Newcomer { resume: Some(secret), ..Bench::newcomer(Role::Speaker) };
    let ticket = bench.order(Order::Prepare(newcomer));
    let commands = bench.commands();
    let replaced = |c: &Command| matches!(c, Command::End { reason: Some("replaced"), .. });
    assert!(commands.iter().any(replaced));
    assert!(
        commands
            .iter()
            .any(|c| matches!(c, Command::Close { session } if *session == before.session))
    );
    let asks: Vec<_> = commands.iter().filter_map(asked).collect();
    let [(id, Ask::Join(again))] = &asks[..] else { panic!("{asks:?}") };
    assert!(again.resumes);
    assert_eq!(again.participant, before.id().as_str());
    bench.respond(
        LINK,
        *id,
        stoa_protocol::mesh::control::Answer::Room(super::bench::info("agora")),
    );
    let Ok(Reply::Prepared(prepared)) = answer_to(ticket, &bench.commands()) else { panic!() };
    assert_eq!(&prepared.participant, before.id());
    assert_eq!(bench.metrics.stage.get(), 1);
}

#[test]
fn an_owner_that_refuses_one_who_has_replaced_himself_hears_that_he_has_gone() {
    let mut bench = Bench::linked();
    let (_, secret) = join(&mut bench, Role::Speaker);
    let newcomer = Newcomer { resume: Some(secret), ..Bench::newcomer(Role::Speaker) };
    bench.order(Order::Prepare(newcomer));
    let (id, _) = bench.commands().iter().find_map(asked).unwrap();
    let problem = Problem { status: 503, ..Problem::default() };
    bench.respond(LINK, id, stoa_protocol::mesh::control::Answer::Problem(problem));
    assert!(bench.commands().iter().filter_map(asked).any(|(_, ask)| matches!(ask, Ask::Leave(_))));
}

#[test]
fn a_former_life_at_another_edge_is_the_owners_to_judge() {
    let mut bench = Bench::linked();
    let elsewhere = Resume::parse("p_far.0123456789abcdef0123456789abcdef").unwrap();
    let newcomer = Newcomer { resume: Some(elsewhere), ..Bench::newcomer(Role::Listener) };
    bench.order(Order::Prepare(newcomer));
    let (id, Ask::Join(join)) = asked(&bench.commands()[0]).unwrap() else { panic!() };
    assert_eq!((join.resumes, join.participant.as_str()), (true, "p_far"));
    let problem = Problem { status: 403, ..Problem::default() };
    bench.respond(LINK, id, stoa_protocol::mesh::control::Answer::Problem(problem));
    let asks = bench.commands().iter().filter_map(asked).count();
    assert_eq!(asks, 0, "a refused stranger must not send the one out whose id he named");
}

#[test]
fn a_wrong_secret_makes_somebody_new() {
    let mut bench = Bench::linked();
    let (person, secret) = join(&mut bench, Role::Speaker);
    let resume = Some(forged(&secret));
    let (other, _) = bench.join_as(Newcomer { resume, ..Bench::newcomer(Role::Speaker) });
    assert_ne!(other.id(), person.id());
    assert!(bench.say(&person, 8).is_some());
    assert_eq!(bench.metrics.resumes_refused.get(), 1);
}

#[test]
fn a_seat_without_a_session_or_without_events_cannot_be_taken_up() {
    let mut bench = Bench::linked();
    let ticket = bench.order(Order::Prepare(Bench::newcomer(Role::Listener)));
    let commands = bench.agree();
    let Ok(Reply::Prepared(prepared)) = answer_to(ticket, &commands) else { panic!() };
    let attach = Order::Attach { seat: prepared.seat, session: SessionId(9), wants_events: false };
    let Ok(Reply::Seated(seated)) = bench.settle(attach) else { panic!() };
    assert_eq!(resume(&mut bench, "somebody", &seated.resume).0.unwrap_err().status, 404);
}
