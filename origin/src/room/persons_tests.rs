//! Persons from outside the room: what they may is what they are there.

use std::time::Instant;

use stoa_protocol::ids::Role;
use stoa_protocol::mesh::control::{Deed, RoomSettings};

use super::deeds_tests::{act, agora, does};
use super::tests::id;
use super::{Act, Actor, MuteAsk, Refusal, Room};

/// As he acts over the API; `token` is what his token makes him.
fn person(room: &Room, name: &str, token: Role, now: Instant) -> Result<Actor, Refusal> {
    room.person(&format!("{name}@example.org"), token, now)
}

fn role(actor: &Actor) -> Role {
    match actor {
        Actor::Person { role, .. } => *role,
        other => panic!("not a person: {other:?}"),
    }
}

#[test]
fn after_a_hand_over_the_new_host_is_host_and_the_old_one_is_not_whatever_their_tokens_say() {
    let now = Instant::now();
    let mut room = agora(now);
    does(&mut room, "hana", &act(Deed::HandOver, "leo"), now).unwrap();
    let leo = person(&room, "leo", Role::Listener, now).unwrap();
    let hana = person(&room, "hana", Role::Host, now).unwrap();
    assert_eq!((role(&leo), role(&hana)), (Role::Host, Role::Moderator));
    let name = RoomSettings { name: Some("Stoa".into()), ..RoomSettings::default() };
    assert!(matches!(
        room.handle_change(&hana, &name, now),
        Err(Refusal::DeedForbidden { own: Role::Moderator, .. })
    ));
    assert_eq!(room.handle_change(&leo, &name, now), Ok(()));
    assert!(room.check_rank(&hana, Role::Host, "close a room").is_err());
    assert_eq!(room.check_rank(&leo, Role::Host, "close a room"), Ok(()));
}

#[test]
fn a_host_who_hands_over_from_outside_is_none_any_more() {
    let now = Instant::now();
    let mut room = agora(now);
    let absent = person(&room, "zeno", Role::Host, now).unwrap();
    room.handle_act(&absent, &act(Deed::HandOver, "leo"), now).unwrap();
    assert_eq!(room.participant(&id("leo")).unwrap().role, Role::Host);
    assert_eq!(role(&person(&room, "zeno", Role::Host, now).unwrap()), Role::Moderator);
    assert_eq!(room.participant(&id("hana")).unwrap().role, Role::Host, "she gave nothing away");
}

#[test]
fn a_person_is_no_back_end_and_meets_himself_by_his_identity() {
    let now = Instant::now();
    let mut room = agora(now);
    let zeno = person(&room, "zeno", Role::Host, now).unwrap();
    let remove = act(Deed::Remove, "hana");
    assert!(room.handle_act(&zeno, &remove, now).is_err(), "a host does not remove a host");
    let back_end = Actor::BackEnd { authority: Role::Host, identity: "shop".into() };
    let leo = person(&room, "leo", Role::Listener, now).unwrap();
    assert_eq!(room.handle_act(&leo, &act(Deed::RaiseHand, "leo"), now), Ok(()));
    assert!(room.handle_act(&leo, &act(Deed::RaiseHand, "lia"), now).is_err());
    let report = Act { reason: "x".into(), ..act(Deed::Report, "leo") };
    assert!(room.handle_act(&leo, &report, now).is_err(), "he cannot report himself");
    assert_eq!(room.handle_act(&back_end, &remove, now), Ok(()));
}

#[test]
fn a_person_mutes_himself_from_afar_and_opens_no_microphone() {
    let now = Instant::now();
    let mut room = agora(now);
    let ada = person(&room, "ada", Role::Speaker, now).unwrap();
    let mute = |muted, whom: &str| MuteAsk { participant: id(whom), muted, by: ada.clone() };
    assert_eq!(room.handle_mute(&mute(true, "ada"), now), Ok(true));
    assert!(matches!(
        room.handle_mute(&mute(false, "ada"), now),
        Err(Refusal::UnmuteForbidden { .. })
    ));
    assert!(matches!(room.handle_mute(&mute(true, "mo"), now), Err(Refusal::MuteForbidden { .. })));
}

#[test]
fn who_is_kept_out_does_nothing_from_outside_either() {
    let now = Instant::now();
    let mut room = agora(now);
    does(&mut room, "hana", &act(Deed::Ban, "mo"), now).unwrap();
    assert!(matches!(person(&room, "mo", Role::Moderator, now), Err(Refusal::Banned { .. })));
}
