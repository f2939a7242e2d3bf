//! Rules of one room: who may do what, limits, grace, and the pace of snapshots.

use std::time::{Duration, Instant};

use stoa_audio::frame::{Epoch, TrackId};
use stoa_link::event::LinkId;
use stoa_protocol::ids::{NodeId, ParticipantId, Role, RoomId};
use stoa_protocol::mesh::control;

use super::{
    AWAY_GRACE, Actor, Capacity, Founding, Joined, Joining, MuteAsk, MutedBy, Refusal, Room,
    STATE_INTERVAL, Settings, Start, Via,
};

const AMS: LinkId = LinkId(1);
const SIN: LinkId = LinkId(2);

#[test]
fn a_join_is_announced_at_once_and_the_next_one_after_the_interval() {
    let start = Instant::now();
    let mut room = room(start);

    join(&mut room, "ada", Role::Speaker, AMS).unwrap();
    let first = room.next_state(start).unwrap();
    join(&mut room, "bob", Role::Listener, AMS).unwrap();
    let too_soon = room.next_state(start + STATE_INTERVAL - Duration::from_millis(1));
    join(&mut room, "cy", Role::Listener, AMS).unwrap();
    let second = room.next_state(start + STATE_INTERVAL).unwrap();

    assert_eq!(first.info.as_ref().map(|i| (i.speakers, i.listeners)), Some((1, 0)));
    assert!(too_soon.is_none());
    assert_eq!(second.info.as_ref().map(|i| (i.speakers, i.listeners)), Some((1, 2)));
    assert!(second.version > first.version);
    assert!(room.next_state(start + STATE_INTERVAL * 9).is_none());
}

#[test]
fn joining_again_after_a_reconnect_changes_nothing_but_the_link() {
    let start = Instant::now();
    let mut room = room(start);
    join(&mut room, "hana", Role::Host, AMS).unwrap();
    join(&mut room, "ada", Role::Speaker, AMS).unwrap();
    room.handle_mute(&mute("ada", true, "hana", AMS), Instant::now()).unwrap();
    room.next_state(start);
    room.handle_link_down(AMS, start);

    let again = join_through(&mut room, "ada", Role::Speaker, LinkId(9), "ams").unwrap();

    assert_eq!(again, Joined::Again);
    assert!(room.next_state(start + AWAY_GRACE).is_none());
    let ada = room.participant(&id("ada")).unwrap();
    assert_eq!((ada.link(), ada.muted), (Some(LinkId(9)), Some(MutedBy::Moderator)));
    assert_eq!(room.next_overdue(start + AWAY_GRACE).map(|d| d.participant), Some(id("hana")));
    assert_eq!(room.next_overdue(start + AWAY_GRACE), None);
}

#[test]
fn a_reconnect_that_overtakes_the_end_of_the_old_link_keeps_everybody() {
    let start = Instant::now();
    let mut room = room(start);
    join(&mut room, "ada", Role::Speaker, AMS).unwrap();

    join_through(&mut room, "ada", Role::Speaker, LinkId(9), "ams").unwrap();
    room.handle_link_down(AMS, start);

    assert_eq!(room.poll_timeout(start), Some(start));
    assert_eq!(room.links().collect::<Vec<_>>(), [LinkId(9)]);
    assert_eq!(room.next_overdue(start + AWAY_GRACE * 2), None);
}

#[test]
fn another_edge_cannot_take_over_somebody_who_is_here() {
    let mut room = room(Instant::now());
    join(&mut room, "ada", Role::Speaker, AMS).unwrap();

    let taken = join(&mut room, "ada", Role::Speaker, SIN);

    assert!(matches!(taken, Err(Refusal::ParticipantTaken { .. })));
    assert_eq!(room.participant(&id("ada")).unwrap().link(), Some(AMS));
}

#[test]
fn whoever_does_not_come_back_within_the_grace_has_left() {
    let start = Instant::now();
    let mut room = room(start);
    join(&mut room, "ada", Role::Speaker, AMS).unwrap();
    room.next_state(start);

    room.handle_link_down(AMS, start);

    assert_eq!(room.poll_timeout(start), Some(start + AWAY_GRACE));
    assert_eq!(room.next_overdue(start + AWAY_GRACE - Duration::from_millis(1)), None);
    let gone = room.next_overdue(start + AWAY_GRACE).unwrap();
    assert_eq!((gone.participant, gone.link), (id("ada"), None));
    assert_eq!(room.empty_since(), Some(start + AWAY_GRACE));
}

#[test]
fn a_moderator_mutes_speakers_but_not_the_host() {
    let mut room = room(Instant::now());
    join(&mut room, "hana", Role::Host, AMS).unwrap();
    join(&mut room, "mo", Role::Moderator, AMS).unwrap();
    join(&mut room, "ada", Role::Speaker, SIN).unwrap();

    assert_eq!(room.handle_mute(&mute("ada", true, "mo", AMS), Instant::now()), Ok(true));
    assert_eq!(room.handle_mute(&mute("ada", true, "mo", AMS), Instant::now()), Ok(false));
    assert!(matches!(
        room.handle_mute(&mute("hana", true, "mo", AMS), Instant::now()),
        Err(Refusal::MuteForbidden { .. })
    ));
    assert!(matches!(
        room.handle_mute(&mute("mo", true, "ada", SIN), Instant::now()),
        Err(Refusal::MuteForbidden { .. })
    ));
}

#[test]
fn nobody_opens_the_microphone_of_one_who_muted_himself() {
    let mut room = room(Instant::now());
    join(&mut room, "hana", Role::Host, AMS).unwrap();
    join(&mut room, "ada", Role::Speaker, AMS).unwrap();
    room.handle_mute(&mute("ada", true, "ada", AMS), Instant::now()).unwrap();

    let refused = room.handle_mute(&mute("ada", false, "hana", AMS), Instant::now());

    assert_eq!(refused, Err(Refusal::UnmuteForbidden { participant: id("ada") }));
    assert_eq!(room.handle_mute(&mute("ada", false, "ada", AMS), Instant::now()), Ok(true));
}

#[test]
fn a_mute_of_ones_own_outlasts_a_moderators_that_came_first() {
    let mut room = room(Instant::now());
    join(&mut room, "hana", Role::Host, AMS).unwrap();
    join(&mut room, "ada", Role::Speaker, AMS).unwrap();
    room.handle_mute(&mute("ada", true, "hana", AMS), Instant::now()).unwrap();

    let own = room.handle_mute(&mute("ada", true, "ada", AMS), Instant::now());
    let opened = room.handle_mute(&mute("ada", false, "hana", AMS), Instant::now());

    assert_eq!(own, Ok(false), "nothing that others see has changed");
    assert_eq!(opened, Err(Refusal::UnmuteForbidden { participant: id("ada") }));
    assert!(room.participant(&id("ada")).unwrap().muted.is_some());
}

#[test]
fn an_edge_speaks_only_for_those_who_joined_through_it() {
    let start = Instant::now();
    let mut room = room(start);
    join(&mut room, "hana", Role::Host, AMS).unwrap();
    join(&mut room, "ada", Role::Speaker, SIN).unwrap();

    let mute = room.handle_mute(&mute("ada", true, "hana", SIN), Instant::now());
    let leave = room.handle_leave(&id("ada"), AMS, start);

    assert_eq!(mute, Err(Refusal::ParticipantElsewhere { participant: id("hana") }));
    assert_eq!(leave, Err(Refusal::ParticipantElsewhere { participant: id("ada") }));
}

#[test]
fn a_full_stage_still_takes_listeners_until_the_room_is_full() {
    let start = Instant::now();
    let capacity = Capacity { participants: 3, stage: 1 };
    let mut room =
        Room::new(founding(start), Settings::named("Full"), capacity, "", start).unwrap();
    join(&mut room, "ada", Role::Speaker, AMS).unwrap();

    let stage_full = join(&mut room, "bob", Role::Speaker, AMS).unwrap_err();
    join(&mut room, "bob", Role::Listener, AMS).unwrap();
    join(&mut room, "cy", Role::Listener, AMS).unwrap();
    let room_full = join(&mut room, "di", Role::Listener, AMS).unwrap_err();

    assert_eq!(stage_full.problem().code, "stage-full");
    assert_eq!((room_full.problem().status, room_full.problem().retry_after_s), (503, 30));
}

#[test]
fn the_end_of_a_room_is_announced_without_waiting() {
    let start = Instant::now();
    let mut room = room(start);
    join(&mut room, "ada", Role::Speaker, AMS).unwrap();
    room.next_state(start);

    room.handle_close("", start);

    assert!(room.next_state(start).unwrap().closed);
}

#[test]
fn the_stage_is_listed_in_order_of_arrival() {
    let start = Instant::now();
    let mut room = room(start);
    for who in ["zoe", "ada", "mia"] {
        join(&mut room, who, Role::Speaker, AMS).unwrap();
    }
    room.handle_leave(&id("ada"), AMS, start).unwrap();

    let names: Vec<String> = room.state().stage.into_iter().map(|m| m.participant).collect();

    assert_eq!(names, ["zoe", "mia"]);
}

#[test]
fn a_join_with_a_bad_name_or_role_is_refused_with_a_sentence() {
    let wire = |name: &str, role: i32| control::Join {
        room: "r".into(),
        participant: "p".into(),
        identity: "ada@example.org".into(),
        name: name.into(),
        role,
        ..control::Join::default()
    };

    assert_eq!(Joining::try_from(&wire("", 0)).unwrap().name, "ada@example.org");
    assert!(matches!(Joining::try_from(&wire("a\nb", 0)), Err(Refusal::TextControl { .. })));
    let long = Joining::try_from(&wire(&"x".repeat(65), 0)).unwrap_err();
    assert_eq!(
        long.problem().detail,
        "A participant's name has 65 characters; it must have 1 to 64."
    );
    assert_eq!(Joining::try_from(&wire("Ada", 9)), Err(Refusal::RoleUnknown(9)));
}

pub(super) fn room(now: Instant) -> Room {
    Room::new(founding(now), Settings::named("A room"), Capacity::default(), "", now).unwrap()
}

pub(super) fn founding(now: Instant) -> Founding {
    Founding {
        id: RoomId::new("r").unwrap(),
        tenant: String::new(),
        created_ms: 1_000,
        epoch: Epoch(1),
        start: Start { now, unix_ms: 1_000 },
    }
}

pub(super) fn id(name: &str) -> ParticipantId {
    ParticipantId::new(name).unwrap()
}

fn mute(participant: &str, muted: bool, by: &str, link: LinkId) -> MuteAsk {
    MuteAsk { participant: id(participant), muted, by: Actor::Participant(id(by), link) }
}

pub(super) fn join(
    room: &mut Room,
    name: &str,
    role: Role,
    link: LinkId,
) -> Result<Joined, Refusal> {
    let node = if link == AMS { "ams" } else { "sin" };
    join_through(room, name, role, link, node)
}

fn join_through(
    room: &mut Room,
    name: &str,
    role: Role,
    link: LinkId,
    node: &str,
) -> Result<Joined, Refusal> {
    let joining = Joining {
        participant: id(name),
        identity: format!("{name}@example.org"),
        name: name.into(),
        role,
        track: Some(TrackId(u64::from(name.as_bytes()[0]))),
        muted: false,
        resumes: false,
        named: true,
    };
    room.handle_join(joining, Via { link, node: &NodeId::new(node).unwrap() }, Instant::now())
}
