//! Voices between the edges of a stage, without the detour over the owner.

use stoa_audio::frame::{Epoch, Frame, TrackId};
use stoa_link::{LinkId, TrackBinding};
use stoa_protocol::ids::{Role, RoomId};
use stoa_protocol::mesh::control::{
    Body, Lane, Neighbour, Owns, RoomEpoch, TrackKind, Voice, twin,
};

use super::bench::{Bench, LINK, ROOM, frame};
use crate::rooms::{Command, Order, TreeRoute};

/// Links to other edges.
const SIN: LinkId = LinkId(7);
const IAD: LinkId = LinkId(8);
/// Voices there.
const EVA: TrackId = TrackId(99);

#[test]
fn a_voice_is_announced_to_the_edges_that_the_owner_names_and_goes_there_at_once() {
    let mut bench = stage();
    let speaker = bench.join(Role::Speaker);
    assert!(bench.say(&speaker, 8).unwrap().lane.is_none(), "nobody was named");
    bench.commands();
    lane(&mut bench, 1, &["sin", "iad", "gru"], &[]);
    let commands = bench.commands();
    assert_eq!(bound(&commands), [(SIN, twin(speaker.track())), (IAD, twin(speaker.track()))]);
    let dialled = commands.iter().find_map(|command| match command {
        Command::Dial { targets } => Some(targets.iter().cloned().collect::<Vec<_>>()),
        _ => None,
    });
    assert_eq!(dialled.unwrap(), ["gru:7443"], "whom no link leads to is dialled");
    let route = bench.say(&speaker, 16).unwrap();
    assert_eq!(route.owner, Some(LINK), "the owner gets it all the same");
    assert_eq!(bench.hub.lanes(route.room), [SIN, IAD]);
    let sent = route.lane.unwrap();
    assert_eq!((sent.track, sent.number), (twin(speaker.track()), route.frame.number));
}

#[test]
fn who_comes_to_the_stage_later_is_announced_and_who_leaves_is_taken_back() {
    let mut bench = stage();
    bench.join(Role::Speaker);
    lane(&mut bench, 1, &["sin"], &[]);
    bench.commands();
    let (other, commands) = bench.join_as(Bench::newcomer(Role::Speaker));
    assert_eq!(bound(&commands), [(SIN, twin(other.track()))]);
    bench.settle(Order::Leave(other.session)).unwrap();
    let speaker = bench.join(Role::Speaker);
    bench.commands();
    lane(&mut bench, 2, &["iad"], &[]);
    let commands = bench.commands();
    assert_eq!(unbound(&commands).len(), 2, "the two who are left");
    assert!(unbound(&commands).contains(&(SIN, twin(speaker.track()))));
    assert!(bound(&commands).contains(&(IAD, twin(speaker.track()))));
}

#[test]
fn the_stage_hears_whichever_copy_comes_first_and_the_audience_only_the_trees() {
    let mut bench = stage();
    bench.join(Role::Speaker);
    bench.join(Role::Listener);
    bench.bind(LINK, EVA.0);
    announce(&mut bench, SIN);
    lane(&mut bench, 1, &["sin"], &[("sin", EVA)]);
    let first = over_lane(&mut bench, SIN, 8);
    assert_eq!(first.stage.as_ref().unwrap().frame.track, EVA, "under its own name");
    assert!(first.audience.is_none() && first.room.is_none(), "the owner has not selected it");
    let second = along_tree(&mut bench, 8);
    assert!(second.stage.is_none() && second.audience.is_some() && second.room.is_some());
    let first = along_tree(&mut bench, 16);
    assert!(first.stage.is_some() && first.audience.is_some());
    assert!(over_lane(&mut bench, SIN, 16).stage.is_none());
    let counts = &bench.metrics.lane;
    assert_eq!((counts.first.get(), counts.behind.get(), counts.late.get()), (1, 1, 1));
}

#[test]
fn a_voice_is_believed_from_the_edge_that_the_owner_has_named_for_it_and_from_no_other() {
    let mut bench = stage();
    let own = bench.join(Role::Speaker);
    for link in [SIN, IAD] {
        announce(&mut bench, link);
    }
    assert!(over_lane(&mut bench, SIN, 8).stage.is_none(), "nobody was named yet");
    lane(&mut bench, 1, &["sin", "iad"], &[("sin", EVA), ("iad", own.track())]);
    assert!(over_lane(&mut bench, IAD, 16).stage.is_none());
    announce_as(&mut bench, IAD, own.track());
    let local = frame(twin(own.track()), 8);
    let route = bench.hub.route_from_link(IAD, &local, bench.now);
    assert!(route.stage.is_none(), "who is here is heard from here");
    assert_eq!(bench.metrics.lane.unnamed.get(), 3);
    assert!(over_lane(&mut bench, SIN, 8).stage.is_some(), "announced before it was named");
}

#[test]
fn who_is_muted_or_off_the_stage_is_not_believed_once_the_owner_has_said_so() {
    let mut bench = stage();
    bench.join(Role::Speaker);
    announce(&mut bench, SIN);
    lane(&mut bench, 1, &["sin"], &[("sin", EVA)]);
    assert!(over_lane(&mut bench, SIN, 8).stage.is_some());
    lane(&mut bench, 2, &["sin"], &[]);
    assert!(over_lane(&mut bench, SIN, 16).stage.is_none());
    lane(&mut bench, 1, &["sin"], &[("sin", EVA)]);
    assert!(over_lane(&mut bench, SIN, 24).stage.is_none(), "an older word changes nothing");
    assert_eq!(bench.metrics.refused.stale.get(), 1);
}

#[test]
fn a_muted_microphone_sends_nothing_to_other_edges() {
    let mut bench = stage();
    let speaker = bench.join(Role::Speaker);
    lane(&mut bench, 1, &["sin"], &[]);
    bench.order(Order::SetMuted { by: speaker.session, participant: None, muted: true });
    assert!(bench.say(&speaker, 8).is_none());
    assert_eq!(bench.metrics.lane.sent.get(), 0);
}

#[test]
fn a_lane_whose_link_is_lost_leaves_the_trees_frames_and_comes_back_with_the_link() {
    let mut bench = stage();
    let speaker = bench.join(Role::Speaker);
    bench.bind(LINK, EVA.0);
    announce(&mut bench, SIN);
    lane(&mut bench, 1, &["sin"], &[("sin", EVA)]);
    assert!(over_lane(&mut bench, SIN, 8).stage.is_some());
    bench.hub.handle_link_down(SIN, bench.now);
    for number in [8, 16, 24] {
        assert_eq!(along_tree(&mut bench, number).stage.is_some(), number > 8);
    }
    assert!(bench.say(&speaker, 8).unwrap().lane.is_none());
    bench.commands();
    bench.link_edge(LinkId(9), "sin");
    assert_eq!(bound(&bench.commands()), [(LinkId(9), twin(speaker.track()))]);
    announce(&mut bench, LinkId(9));
    assert!(over_lane(&mut bench, LinkId(9), 32).stage.is_some());
}

#[test]
fn a_lost_owners_word_holds_until_the_next_one_says_otherwise() {
    let mut bench = stage();
    bench.link_to(LinkId(2), "origin-2");
    let speaker = bench.join(Role::Speaker);
    announce(&mut bench, SIN);
    lane(&mut bench, 9, &["sin"], &[("sin", EVA)]);
    bench.hub.handle_link_down(LINK, bench.now);
    assert!(over_lane(&mut bench, SIN, 8).stage.is_some());
    assert!(bench.say(&speaker, 8).unwrap().lane.is_some());
    let rooms = vec![RoomEpoch { room: ROOM.to_owned(), epoch: 2 }];
    bench.hear(LinkId(2), Body::Owns(Owns { owner: "origin-2".to_owned(), rooms }));
    assert!(over_lane(&mut bench, SIN, 16).stage.is_some());
    let word = Lane { epoch: 2, version: 1, ..word(1, &["sin"], &[]) };
    bench.hear(LinkId(2), Body::Lane(word));
    assert!(over_lane(&mut bench, SIN, 24).stage.is_none());
}

#[test]
fn only_the_rooms_owner_says_who_is_on_the_lane() {
    let mut bench = stage();
    bench.link_to(LinkId(2), "origin-2");
    bench.join(Role::Speaker);
    announce(&mut bench, SIN);
    for link in [SIN, LinkId(2)] {
        bench.hear(link, Body::Lane(word(1, &["sin"], &[("sin", EVA)])));
    }
    assert!(over_lane(&mut bench, SIN, 8).stage.is_none());
    assert_eq!(bench.hub.lanes(crate::webrtc::RoomKey(0)), []);
}

#[test]
fn what_comes_over_the_lane_is_no_sign_that_a_new_parent_sends() {
    let mut bench = stage();
    bench.join(Role::Speaker);
    announce(&mut bench, SIN);
    lane(&mut bench, 1, &["sin"], &[("sin", EVA)]);
    let route = bench.hub.route_from_link(SIN, &frame(EVA, 8), bench.now);
    assert!(route.audience.is_none());
    assert_eq!(bench.metrics.dropped.unbound.get(), 1);
}

/// A hub that is linked to an origin and to two edges.
fn stage() -> Bench {
    let mut bench = Bench::linked();
    bench.link_edge(SIN, "sin");
    bench.link_edge(IAD, "iad");
    bench
}

fn word(version: u64, edges: &[&str], voices: &[(&str, TrackId)]) -> Lane {
    let edge =
        |node: &&str| Neighbour { node: (*node).to_owned(), address: format!("{node}:7443") };
    let voice = |(edge, track): &(&str, TrackId)| Voice {
        track: track.0,
        participant: format!("p_{}", track.0),
        edge: (*edge).to_owned(),
        ..Voice::default()
    };
    Lane {
        room: ROOM.to_owned(),
        epoch: 1,
        version,
        edges: edges.iter().map(edge).collect(),
        voices: voices.iter().map(voice).collect(),
    }
}

/// The owner says who is on the lane.
fn lane(bench: &mut Bench, version: u64, edges: &[&str], voices: &[(&str, TrackId)]) {
    bench.hear(LINK, Body::Lane(word(version, edges, voices)));
}

/// Another edge announces Eva's voice.
fn announce(bench: &mut Bench, link: LinkId) {
    announce_as(bench, link, EVA);
}

fn announce_as(bench: &mut Bench, link: LinkId, track: TrackId) {
    let binding = TrackBinding {
        track: twin(track),
        epoch: Epoch(0),
        room: RoomId::new(ROOM).unwrap(),
        participant: "p_eva".to_owned(),
        kind: TrackKind::Lane,
        bitrate: 0,
    };
    bench.hub.handle_bound(link, binding);
}

fn over_lane(bench: &mut Bench, link: LinkId, number: u64) -> TreeRoute {
    let sent: Frame = frame(twin(EVA), number);
    bench.hub.route_from_link(link, &sent, bench.now)
}

fn along_tree(bench: &mut Bench, number: u64) -> TreeRoute {
    bench.hub.route_from_link(LINK, &frame(EVA, number), bench.now)
}

fn bound(commands: &[Command]) -> Vec<(LinkId, TrackId)> {
    let lane = |command: &Command| match command {
        Command::Bind { link, binding } if binding.kind == TrackKind::Lane => {
            Some((*link, binding.track))
        }
        _ => None,
    };
    commands.iter().filter_map(lane).collect()
}

fn unbound(commands: &[Command]) -> Vec<(LinkId, TrackId)> {
    let lane = |command: &Command| match command {
        Command::Unbind { link, track } if *link == SIN || *link == IAD => Some((*link, *track)),
        _ => None,
    };
    commands.iter().filter_map(lane).collect()
}
