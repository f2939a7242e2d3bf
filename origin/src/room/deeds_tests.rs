//! Hands, invitations, roles and exclusions: what each deed changes, who is told, and what is kept.

use std::time::{Duration, Instant};

use stoa_audio::frame::TrackId;
use stoa_link::LinkId;
use stoa_protocol::ids::{NodeId, Role};
use stoa_protocol::mesh::control::{Deed, RoomSettings, Standing};

use super::tests::{id, join, room};
use super::{
    Act, Actor, Command, Happening, Joined, Joining, MutedBy, PLACE_KEPT, Refusal, Room, Via,
};

const AMS: LinkId = LinkId(1);
const SIN: LinkId = LinkId(2);

/// A room with a host, a moderator, a speaker and two listeners.
pub(super) fn agora(now: Instant) -> Room {
    let mut room = room(now);
    let people = [
        ("hana", Role::Host, AMS),
        ("mo", Role::Moderator, AMS),
        ("ada", Role::Speaker, AMS),
        ("leo", Role::Listener, SIN),
        ("lia", Role::Listener, SIN),
    ];
    for (name, role, link) in people {
        join(&mut room, name, role, link).unwrap();
    }
    drain(&mut room);
    while room.next_event().is_some() {}
    room
}

fn drain(room: &mut Room) -> Vec<Command> {
    std::iter::from_fn(|| room.next_command()).collect()
}

/// What edges were told of people.
fn standings(room: &mut Room) -> Vec<(LinkId, Standing)> {
    let told = drain(room).into_iter().filter_map(|command| match command {
        Command::Tell { link, standing } => Some((link, *standing)),
        _ => None,
    });
    told.collect()
}

fn happenings(room: &mut Room) -> Vec<Happening> {
    std::iter::from_fn(|| room.next_event()).map(|event| event.happening).collect()
}

fn actor(room: &Room, name: &str) -> Actor {
    let link = room.participant(&id(name)).and_then(super::Participant::link).unwrap();
    Actor::Participant(id(name), link)
}

pub(super) fn act(deed: Deed, whom: &str) -> Act {
    Act {
        deed,
        participant: (!whom.is_empty()).then(|| id(whom)),
        role: Role::Listener,
        reason: String::new(),
        identity: String::new(),
        seconds: 0,
    }
}

pub(super) fn does(room: &mut Room, by: &str, act: &Act, now: Instant) -> Result<(), Refusal> {
    let actor = actor(room, by);
    room.handle_act(&actor, act, now)
}

fn set_role(whom: &str, role: Role) -> Act {
    Act { role, ..act(Deed::SetRole, whom) }
}

fn queue(room: &Room) -> Vec<String> {
    room.state().hands.into_iter().map(|hand| hand.participant).collect()
}

fn stage(room: &Room) -> Vec<String> {
    room.state().stage.into_iter().map(|member| member.participant).collect()
}

fn joining(name: &str, track: u64, resumes: bool) -> Joining {
    Joining {
        participant: id(name),
        identity: format!("{name}@example.org"),
        name: name.into(),
        role: Role::Listener,
        track: Some(TrackId(track)),
        muted: false,
        resumes,
        named: false,
    }
}

fn track_of(name: &str) -> u64 {
    u64::from(name.as_bytes()[0])
}

#[test]
fn hands_form_a_queue_and_an_accepted_one_speaks_unmuted_at_once() {
    let now = Instant::now();
    let mut room = agora(now);
    for who in ["lia", "leo"] {
        does(&mut room, who, &act(Deed::RaiseHand, ""), now).unwrap();
    }
    does(&mut room, "leo", &act(Deed::RaiseHand, ""), now).unwrap();
    assert_eq!(queue(&room), ["lia", "leo"], "and a second time changes nothing");
    drain(&mut room);

    does(&mut room, "mo", &act(Deed::AcceptHand, "leo"), now).unwrap();

    let told = standings(&mut room);
    let [(SIN, standing)] = &told[..] else { panic!("{told:?}") };
    assert_eq!((standing.role, standing.muted, standing.hand), (1, false, false));
    assert_eq!((queue(&room), stage(&room).last().unwrap().as_str()), (vec!["lia".into()], "leo"));
    let expected = [Happening::HandRaised, Happening::HandRaised, Happening::RoleChanged];
    assert_eq!(happenings(&mut room), expected);
    let again = does(&mut room, "mo", &act(Deed::AcceptHand, "leo"), now);
    assert_eq!(again, Err(Refusal::HandNotRaised { participant: id("leo") }));
}

#[test]
fn an_invitation_takes_the_invited_ones_consent_and_a_role_alone_leaves_him_muted() {
    let now = Instant::now();
    let mut room = agora(now);
    let follow = act(Deed::AcceptInvitation, "");
    assert_eq!(does(&mut room, "leo", &follow, now), Err(Refusal::NotInvited));
    does(&mut room, "hana", &act(Deed::Invite, "leo"), now).unwrap();
    assert!(standings(&mut room)[0].1.invited);
    does(&mut room, "leo", &follow, now).unwrap();
    assert_eq!(room.participant(&id("leo")).unwrap().muted, None);

    does(&mut room, "hana", &set_role("lia", Role::Speaker), now).unwrap();

    let lia = room.participant(&id("lia")).unwrap();
    assert_eq!((lia.role, lia.muted), (Role::Speaker, Some(MutedBy::Oneself)));
    let taken_back = [act(Deed::Invite, "leo"), act(Deed::Invite, "lia")];
    for invitation in taken_back {
        assert!(does(&mut room, "mo", &invitation, now).is_err(), "who speaks is not invited");
    }
}

#[test]
fn who_is_sent_to_the_audience_is_heard_no_more_and_stays_there_when_he_joins_anew() {
    let now = Instant::now();
    let mut room = agora(now);

    does(&mut room, "mo", &set_role("ada", Role::Listener), now).unwrap();

    let owed = drain(&mut room);
    assert_eq!(owed[0], Command::EndTrack { track: TrackId(track_of("ada")) });
    assert!(matches!(&owed[1], Command::Tell { link: AMS, standing } if standing.role == 0));
    assert_eq!(stage(&room), ["hana", "mo"]);
    room.handle_leave(&id("ada"), AMS, now).unwrap();
    join(&mut room, "ada", Role::Speaker, AMS).unwrap();
    assert_eq!(
        room.participant(&id("ada")).unwrap().role,
        Role::Listener,
        "whatever his token says"
    );
    does(&mut room, "mo", &set_role("ada", Role::Speaker), now).unwrap();
    room.handle_leave(&id("ada"), AMS, now).unwrap();
    join(&mut room, "ada", Role::Listener, AMS).unwrap();
    assert_eq!(
        room.participant(&id("ada")).unwrap().role,
        Role::Listener,
        "what was given is taken back"
    );
}

#[test]
fn the_host_hands_over_and_is_a_moderator_even_after_he_comes_back() {
    let now = Instant::now();
    let mut room = agora(now);
    does(&mut room, "hana", &act(Deed::HandOver, "leo"), now).unwrap();
    let role = |room: &Room, who: &str| room.participant(&id(who)).unwrap().role;
    assert_eq!((role(&room, "leo"), role(&room, "hana")), (Role::Host, Role::Moderator));
    room.handle_leave(&id("hana"), AMS, now).unwrap();
    join(&mut room, "hana", Role::Host, AMS).unwrap();
    assert_eq!(role(&room, "hana"), Role::Moderator);
    assert!(does(&mut room, "hana", &act(Deed::HandOver, "hana"), now).is_err());
}

#[test]
fn a_host_who_leaves_is_the_host_again_when_he_comes_back() {
    let now = Instant::now();
    let mut room = agora(now);
    room.handle_leave(&id("hana"), AMS, now).unwrap();
    assert!(
        does(&mut room, "mo", &act(Deed::HandOver, "mo"), now).is_err(),
        "nobody takes his place"
    );
    join(&mut room, "hana", Role::Host, SIN).unwrap();
    assert_eq!(room.participant(&id("hana")).unwrap().role, Role::Host);
}

#[test]
fn muting_everybody_spares_equals_and_those_who_are_silent_already() {
    let now = Instant::now();
    let mut room = agora(now);
    does(&mut room, "mo", &act(Deed::MuteAll, ""), now).unwrap();
    let muted = |who: &str| room.participant(&id(who)).unwrap().muted;
    assert_eq!((muted("ada"), muted("mo"), muted("hana")), (Some(MutedBy::Moderator), None, None));
    let owed = drain(&mut room);
    assert_eq!(owed[0], Command::SetTrackMuted { track: TrackId(track_of("ada")), muted: true });
    does(&mut room, "mo", &act(Deed::MuteAll, ""), now).unwrap();
    assert_eq!(drain(&mut room), []);
}

#[test]
fn a_banned_identity_is_out_everywhere_at_once_and_stays_out_until_its_time_is_over() {
    let now = Instant::now();
    let mut room = agora(now);
    let second = Joining { participant: id("leo-phone"), ..joining("leo", 77, false) };
    room.handle_join(second, Via { link: AMS, node: &node("ams") }, now).unwrap();
    drain(&mut room);
    let ban = Act { seconds: 60, reason: "Noise".into(), ..act(Deed::Ban, "leo") };

    does(&mut room, "mo", &ban, now).unwrap();

    let told: Vec<_> =
        standings(&mut room).into_iter().map(|(link, s)| (link, s.participant, s.ended)).collect();
    let expected = [(SIN, "leo"), (AMS, "leo-phone")];
    let expected = expected.map(|(link, who)| (link, who.to_owned(), "banned".to_owned()));
    assert_eq!(told, expected);
    let refused = join(&mut room, "leo", Role::Listener, SIN).unwrap_err();
    assert_eq!((refused.problem().status, refused.problem().code.as_str()), (403, "banned"));
    let back = room.handle_join(joining("leo", 5, false), via(SIN), now + Duration::from_secs(61));
    assert_eq!(back, Ok(Joined::New));
}

#[test]
fn nobody_bans_those_above_him_by_their_identity_or_himself() {
    let now = Instant::now();
    let mut room = agora(now);
    for identity in ["hana@example.org", "mo@example.org"] {
        let ban = Act { identity: identity.into(), ..act(Deed::Ban, "") };
        let refused = does(&mut room, "mo", &ban, now).unwrap_err();
        assert_eq!(refused.problem().code, "forbidden", "{identity}");
    }
    let absent = Act { identity: "troll".into(), ..act(Deed::Ban, "") };
    does(&mut room, "mo", &absent, now).unwrap();
    assert_eq!(room.bans_page("", 10).bans[0].identity, "troll");
    let back_end = Actor::BackEnd { authority: Role::Host, identity: "shop".into() };
    room.handle_act(&back_end, &act(Deed::Remove, "hana"), now).unwrap();
    assert!(room.participant(&id("hana")).is_none(), "who made the room may send its host away");
}

#[test]
fn who_was_removed_may_come_back_but_finds_nothing_kept() {
    let now = Instant::now();
    let mut room = agora(now);
    does(&mut room, "leo", &act(Deed::RaiseHand, ""), now).unwrap();
    does(&mut room, "mo", &act(Deed::Remove, "leo"), now).unwrap();
    assert_eq!(queue(&room), [""; 0]);
    room.handle_join(joining("leo", 5, true), via(SIN), now).unwrap();
    assert_eq!(queue(&room), [""; 0]);
}

#[test]
fn somebody_who_was_lost_has_his_place_in_the_queue_and_his_mute_again_for_a_minute() {
    let now = Instant::now();
    let mut room = agora(now);
    for who in ["leo", "lia"] {
        does(&mut room, who, &act(Deed::RaiseHand, ""), now).unwrap();
    }
    room.handle_leave(&id("leo"), SIN, now).unwrap();
    assert_eq!(queue(&room), ["lia"]);
    let impostor = Joining { identity: "eve".into(), ..joining("leo", 6, true) };
    room.handle_join(impostor, via(AMS), now).unwrap();
    assert_eq!(queue(&room), ["lia"], "an id alone is nobody's place");
    room.handle_leave(&id("leo"), AMS, now).unwrap();

    room.handle_join(joining("leo", 5, true), via(AMS), now + PLACE_KEPT / 2).unwrap();
    assert_eq!(queue(&room), ["leo", "lia"]);

    room.handle_leave(&id("leo"), AMS, now).unwrap();
    room.handle_join(joining("leo", 5, true), via(AMS), now + PLACE_KEPT * 2).unwrap();
    assert_eq!(queue(&room), ["lia"]);
}

#[test]
fn somebody_who_comes_back_through_another_edge_replaces_himself_and_no_one_else() {
    let now = Instant::now();
    let mut room = agora(now);
    does(&mut room, "leo", &act(Deed::RaiseHand, ""), now).unwrap();
    drain(&mut room);
    let stranger = Joining { identity: "eve".into(), ..joining("leo", 9, true) };
    assert!(matches!(
        room.handle_join(stranger, via(AMS), now),
        Err(Refusal::ParticipantTaken { .. })
    ));

    let joined = room.handle_join(joining("leo", 9, true), via(AMS), now);

    assert_eq!(joined, Ok(Joined::Instead(Some(TrackId(track_of("leo"))))));
    let told: Vec<_> =
        standings(&mut room).into_iter().map(|(l, s)| (l, s.ended, s.hand)).collect();
    assert_eq!(told, [(SIN, "replaced".into(), true), (AMS, String::new(), true)]);
    assert_eq!(queue(&room), ["leo"]);
}

#[test]
fn a_private_room_takes_a_token_that_names_it_and_settings_bound_the_room() {
    let now = Instant::now();
    let mut room = agora(now);
    let change = RoomSettings {
        visibility: Some(2),
        stage_max: Some(3),
        hands: Some(false),
        ..RoomSettings::default()
    };
    let by = actor(&room, "mo");
    assert_eq!(room.handle_change(&by, &change, now).unwrap_err().problem().code, "forbidden");
    let topic = RoomSettings { topic: Some("Justice".into()), ..RoomSettings::default() };
    room.handle_change(&by, &topic, now).unwrap();
    let by = actor(&room, "hana");
    room.handle_change(&by, &change, now).unwrap();

    let refused = room.handle_join(joining("new", 1, false), via(SIN), now).unwrap_err();
    assert_eq!(refused.problem().code, "room-private");
    let raise = act(Deed::RaiseHand, "");
    assert_eq!(does(&mut room, "leo", &raise, now), Err(Refusal::HandsClosed));
    let promote = does(&mut room, "hana", &set_role("leo", Role::Speaker), now);
    assert!(matches!(promote, Err(Refusal::StageFull { max: 3, .. })), "{promote:?}");
    assert_eq!(room.info().settings.unwrap().topic.unwrap(), "Justice");
}

#[test]
fn deeds_without_what_they_take_change_nothing_and_say_so() {
    let now = Instant::now();
    let mut room = agora(now);
    let before = room.state();
    let malformed = [
        ("hana", act(Deed::Report, "leo")),
        ("hana", act(Deed::Ban, "")),
        ("hana", act(Deed::Unban, "")),
    ];
    for (by, wrong) in malformed {
        let refused = does(&mut room, by, &wrong, now).unwrap_err();
        assert_eq!(refused.problem().status, 400, "{wrong:?}");
    }
    let gone = does(&mut room, "hana", &act(Deed::Remove, "nobody"), now).unwrap_err();
    assert_eq!(gone.problem().status, 404);
    let forged = Actor::Participant(id("hana"), SIN);
    let forged = room.handle_act(&forged, &act(Deed::MuteAll, ""), now).unwrap_err();
    assert_eq!(forged.problem().code, "participant-elsewhere");
    assert_eq!((room.state(), drain(&mut room)), (before, vec![]));
}

fn node(name: &str) -> NodeId {
    NodeId::new(name).unwrap()
}

fn via(link: LinkId) -> Via<'static> {
    static AMS_NODE: std::sync::LazyLock<NodeId> = std::sync::LazyLock::new(|| node("ams"));
    static SIN_NODE: std::sync::LazyLock<NodeId> = std::sync::LazyLock::new(|| node("sin"));
    Via { link, node: if link == AMS { &AMS_NODE } else { &SIN_NODE } }
}
