//! Who is muted, and from when.

use stoa_protocol::ids::Role;
use stoa_protocol::mesh::control::{Answer, Ask, Done, Problem};

use super::bench::{Bench, LINK, Person, answer_to, asked};
use crate::rooms::{Command, Order};

fn muted(commands: &[Command], person: &Person) -> Vec<bool> {
    commands
        .iter()
        .filter_map(|command| match command {
            Command::Mute { session, muted } if *session == person.session => Some(*muted),
            _ => None,
        })
        .collect()
}

fn set_muted(by: &Person, whom: Option<&Person>, muted: bool) -> Order {
    let participant = whom.map(|person| person.id().clone());
    Order::SetMuted { by: by.session, participant, muted }
}

#[test]
fn muting_oneself_holds_before_the_owner_has_heard_of_it() {
    let mut bench = Bench::linked();
    let person = bench.join(Role::Speaker);
    let ticket = bench.order(set_muted(&person, None, true));
    let commands = bench.commands();
    answer_to(ticket, &commands).unwrap();
    assert_eq!(muted(&commands, &person), [true]);
    assert!(bench.say(&person, 8).is_none());
    bench.state(3, &[(&person, false)]);
    assert_eq!(
        muted(&bench.commands(), &person),
        [false; 0],
        "an older state must not open a microphone"
    );
}

#[test]
fn unmuting_oneself_waits_for_the_owner() {
    let mut bench = Bench::linked();
    let person = bench.join(Role::Speaker);
    bench.order(set_muted(&person, None, true));
    bench.agree();
    let ticket = bench.order(set_muted(&person, None, false));
    let commands = bench.commands();
    assert_eq!(muted(&commands, &person), [false; 0]);
    let (id, _) = asked(&commands[0]).unwrap();
    bench.respond(LINK, id, Answer::Done(Done {}));
    let commands = bench.commands();
    answer_to(ticket, &commands).unwrap();
    assert_eq!(muted(&commands, &person), [false]);
    assert!(bench.say(&person, 8).is_some());
}

#[test]
fn a_refused_unmute_leaves_the_microphone_closed() {
    let mut bench = Bench::linked();
    let person = bench.join(Role::Speaker);
    bench.state(1, &[(&person, true)]);
    assert_eq!(muted(&bench.commands(), &person), [true]);
    let ticket = bench.order(set_muted(&person, None, false));
    let (id, _) = asked(&bench.commands()[0]).unwrap();
    let problem = Problem { status: 403, code: "forbidden".into(), ..Problem::default() };
    bench.respond(LINK, id, Answer::Problem(problem));
    let commands = bench.commands();
    assert_eq!(answer_to(ticket, &commands).unwrap_err().status, 403);
    assert_eq!(muted(&commands, &person), [false; 0]);
}

#[test]
fn a_moderator_mutes_somebody_of_the_same_edge_as_soon_as_the_owner_agrees() {
    let mut bench = Bench::linked();
    let (speaker, moderator) = (bench.join(Role::Speaker), bench.join(Role::Moderator));
    bench.order(set_muted(&moderator, Some(&speaker), true));
    let commands = bench.agree();
    assert_eq!(muted(&commands, &speaker), [true]);
    assert_eq!(muted(&commands, &moderator), [false; 0]);
}

#[test]
fn others_are_muted_by_moderators_only() {
    let mut bench = Bench::linked();
    let (one, other) = (bench.join(Role::Speaker), bench.join(Role::Speaker));
    let problem = bench.settle(set_muted(&one, Some(&other), true)).unwrap_err();
    assert_eq!(problem.status, 403);
}

#[test]
fn a_mute_while_the_owner_is_away_is_told_when_it_is_back() {
    let mut bench = Bench::linked();
    let person = bench.join(Role::Speaker);
    bench.hub.handle_link_down(LINK, bench.now);
    bench.settle(set_muted(&person, None, true)).unwrap();
    bench.link_up(LINK);
    let asks: Vec<_> = bench.commands().iter().filter_map(asked).map(|(_, ask)| ask).collect();
    assert!(
        matches!(&asks[..], [Ask::Join(join), Ask::SetMuted(mute)] if join.muted && mute.muted)
    );
}
