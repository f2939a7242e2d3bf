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
fn an_unmute_that_is_granted_late_does_not_open_a_microphone_muted_since() {
    let mut bench = Bench::linked();
    let (person, moderator) = (bench.join(Role::Speaker), bench.join(Role::Moderator));
    for by in [&person, &moderator] {
        bench.state(1, &[(&person, true)]);
        bench.commands();
        bench.order(set_muted(by, Some(&person), false));
        let unmute = bench.commands().iter().find_map(asked).unwrap().0;
        bench.order(set_muted(&person, None, true));
        let mute = bench.commands().iter().find_map(asked).unwrap().0;
        bench.respond(LINK, unmute, Answer::Done(Done {}));
        bench.state(2, &[(&person, false)]);
        assert_eq!(muted(&bench.commands(), &person), [false; 0]);
        bench.respond(LINK, mute, Answer::Done(Done {}));
        bench.state(3, &[(&person, true)]);
        assert!(bench.say(&person, 8).is_none());
        bench.commands();
        bench.order(set_muted(&person, None, false));
        bench.agree();
        assert!(bench.say(&person, 8).is_some(), "his own wish is granted");
    }
}

#[test]
fn a_moderators_mute_does_not_pass_for_ones_own() {
    let mut bench = Bench::linked();
    let person = bench.join(Role::Speaker);
    bench.order(set_muted(&person, None, true));
    let (id, _) = bench.commands().iter().find_map(asked).unwrap();
    // A moderator elsewhere mutes and unmutes before the owner hears of the mute.
    bench.state(1, &[(&person, true)]);
    bench.state(2, &[(&person, false)]);
    let opened = muted(&bench.commands(), &person);
    bench.respond(LINK, id, Answer::Done(Done {}));
    assert_eq!(opened, [false; 0]);
    assert!(bench.say(&person, 8).is_none());
}

#[test]
fn an_unmute_that_was_lost_with_the_link_leaves_the_microphone_closed() {
    let mut bench = Bench::linked();
    let person = bench.join(Role::Speaker);
    bench.order(set_muted(&person, None, true));
    let ticket = bench.order(set_muted(&person, None, false));
    bench.commands();
    bench.hub.handle_link_down(LINK, bench.now);
    assert_eq!(answer_to(ticket, &bench.commands()).unwrap_err().status, 503);
    bench.link_up(LINK);
    // The owner heard of the unmute at most.
    bench.state(1, &[(&person, false)]);
    let commands = bench.commands();
    assert_eq!(muted(&commands, &person), [false; 0]);
    let told = |(_, ask): &(u64, Ask)| matches!(ask, Ask::SetMuted(mute) if mute.muted);
    assert!(commands.iter().filter_map(asked).any(|ask| told(&ask)), "the owner is told");
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
