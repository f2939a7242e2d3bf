//! Rooms with one feed and with two: what is planned, what the standby is told, and what it passes on.

use std::time::Duration;

use bytes::Bytes;
use stoa_audio::frame::{Epoch, Frame, FrameDuration, FrameNumber, Level};
use stoa_link::{LinkId, TrackBinding};
use stoa_protocol::ids::RoomId;
use stoa_protocol::mesh::control::{
    Answer, Ask, Body, Branch, ChangeRoom, Join, ReadRoom, RoomInfo, RoomSettings, TrackKind,
    WireRole,
};

use super::cluster::Cluster;
use super::world::{join_ask, track};
use crate::service::origins::Readiness;

const ORIGINS: [(&str, &str); 2] = [("o1", "fra"), ("o2", "ams")];
const EDGES: [&str; 3] = ["e1", "e2", "e3"];

/// How long a plan takes, at the latest.
const PLANNED: Duration = Duration::from_millis(300);

/// A room at `o1` with a voice at `e1` and somebody at each edge; its standby is `o2`.
async fn room() -> Cluster {
    let mut cluster = Cluster::new(&ORIGINS, &EDGES).await;
    cluster.tidings().await;
    cluster.create("e1", "o1", "r").await;
    for (edge, who) in [("e1", "hana"), ("e2", "ada"), ("e3", "bob")] {
        cluster.join(edge, "o1", "r", who).await;
    }
    let speaks = match join_ask("r", "cleo", WireRole::Speaker) {
        Ask::Join(join) => Ask::Join(Join { track: track("r", "cleo").0, ..join }),
        other => other,
    };
    assert!(matches!(cluster.ask("e1", "o1", speaks).await, Some(Answer::Room(_))));
    let binding = TrackBinding {
        track: track("r", "cleo"),
        epoch: Epoch(1),
        room: RoomId::new("r").unwrap(),
        participant: "cleo".into(),
        kind: TrackKind::Speaker,
        bitrate: 0,
    };
    for (origin, _) in ORIGINS {
        let (link, now) = (cluster.link_between(origin, "e1"), cluster.now);
        cluster.origins.get_mut(origin).unwrap().service.handle_bound(link, &binding, now);
    }
    cluster.advance(PLANNED).await;
    cluster
}

/// Cleo says something for half a second that comes to an origin over its link to another node: whether the last of it is
/// passed on, and to whom.
fn hears(cluster: &mut Cluster, origin: &'static str, over: &str) -> Option<Vec<LinkId>> {
    let link = cluster.link_between(origin, over);
    let mut to = None;
    for _ in 0..25 {
        cluster.now += Duration::from_millis(20);
        let ms = u64::try_from(cluster.since_start().as_millis()).unwrap();
        let frame = Frame {
            track: track("r", "cleo"),
            epoch: Epoch(1),
            number: FrameNumber(ms * FrameNumber::UNITS_PER_10_MS / 10),
            duration: FrameDuration::MS_20,
            level: Level::from_minus_dbov(20),
            voice: true,
            payload: Bytes::from_static(&[0x78; 80]),
        };
        let service = &mut cluster.origins.get_mut(origin).unwrap().service;
        let route = service.handle_frame(link, &frame, cluster.now);
        to = route.map(|route| service.children(&route).collect());
    }
    to
}

/// Who is in the room, as its owner has it.
fn people(cluster: &Cluster) -> Vec<String> {
    let hall = cluster.origins["o1"].service.halls.values().next().unwrap();
    hall.room.participants().map(|participant| participant.id.as_str().to_owned()).collect()
}

async fn set(cluster: &mut Cluster, origin: &'static str, feeds: u32) -> RoomInfo {
    let settings = RoomSettings { feeds: Some(feeds), ..RoomSettings::default() };
    let change = ChangeRoom {
        room: "r".into(),
        settings: Some(settings),
        authority: WireRole::Host.into(),
        actor: "hana".into(),
        ..ChangeRoom::default()
    };
    let answer = cluster.ask("e1", origin, Ask::ChangeRoom(change)).await;
    cluster.advance(PLANNED).await;
    match answer {
        Some(Answer::Room(info)) => info,
        other => panic!("{other:?}"),
    }
}

/// What is set of the room, and what everybody gets.
async fn feeds(cluster: &mut Cluster, origin: &'static str) -> (Option<u32>, Option<u32>) {
    let read = ReadRoom { room: "r".into(), ..ReadRoom::default() };
    match cluster.ask("e2", origin, Ask::ReadRoom(read)).await {
        Some(Answer::Room(info)) => (info.settings.unwrap().feeds, info.feeds_effective),
        other => panic!("{other:?}"),
    }
}

/// What an edge was told last of its place.
fn branch(cluster: &Cluster, edge: &str) -> Branch {
    let told = cluster.edges[edge].told.iter().rev();
    let mut branches = told.filter_map(|(_, body)| match body {
        Body::Branch(branch) => Some(branch.clone()),
        _ => None,
    });
    branches.next().expect("it was told nothing")
}

/// Whether the standby knows any voice.
fn roots(cluster: &Cluster) -> bool {
    let blue = cluster.origins["o2"].service.trees.blue.values();
    blue.flat_map(|blue| blue.tracks()).next().is_some()
}

#[tokio::test]
async fn a_room_has_two_feeds_unless_somebody_says_otherwise() {
    let mut cluster = room().await;
    assert_eq!(feeds(&mut cluster, "o1").await, (Some(2), Some(2)));
    for edge in EDGES {
        let branch = branch(&cluster, edge);
        assert_eq!((branch.blue.unwrap().node.as_str(), branch.standby.as_str()), ("o2", "o2"));
    }
    assert!(roots(&cluster));
}

#[tokio::test]
async fn with_one_feed_there_is_no_blue_tree_and_the_standby_still_holds_the_room() {
    let mut cluster = room().await;
    let info = set(&mut cluster, "o1", 1).await;
    assert_eq!(info.settings.unwrap().feeds, Some(1));
    assert_eq!(feeds(&mut cluster, "o1").await, (Some(1), Some(1)));
    for edge in EDGES {
        let branch = branch(&cluster, edge);
        assert_eq!((branch.blue, branch.blue_backup, branch.standby), (None, None, String::new()));
    }
    assert!(!roots(&cluster), "it knows nobody's voice");
    let hall = cluster.origins["o1"].service.halls.values().next().unwrap();
    assert_eq!(hall.standby.as_ref().unwrap().state, Readiness::Ready);

    cluster.kill("o1").await;
    cluster.orphan(&EDGES, "o1", &["r"]).await;

    assert_eq!(cluster.holders("r"), ["o2"]);
    for edge in EDGES {
        cluster.rejoin(edge, "o2", "r").await;
    }
    assert_eq!(feeds(&mut cluster, "o2").await, (Some(1), Some(1)), "the next owner knows");
}

#[tokio::test]
async fn the_second_feed_comes_back_while_the_room_goes_on() {
    let mut cluster = room().await;
    set(&mut cluster, "o1", 1).await;
    set(&mut cluster, "o1", 2).await;
    assert_eq!(feeds(&mut cluster, "o1").await, (Some(2), Some(2)));
    for edge in EDGES {
        assert_eq!(branch(&cluster, edge).standby, "o2");
    }
    assert!(roots(&cluster));
}

#[tokio::test]
async fn a_voice_whose_edge_is_lost_comes_over_the_standby_and_whose_it_is_stays() {
    let mut cluster = room().await;
    assert!(hears(&mut cluster, "o1", "e1").is_some());
    cluster.cut("o1", "e1").await;
    let owner = cluster.link_between("o2", "o1");
    for _ in 0..15 {
        cluster.advance(Duration::from_millis(100)).await;
        let to = hears(&mut cluster, "o2", "e1").expect("it goes on");
        assert!(to.contains(&owner), "{to:?}");
        assert!(hears(&mut cluster, "o1", "o2").is_some());
    }
    assert_eq!(people(&cluster), ["ada", "bob", "cleo"], "hana's edge has been away for too long");

    cluster.cut("o2", "e1").await;
    cluster.advance(Duration::from_millis(100)).await;
    assert_eq!(hears(&mut cluster, "o1", "o2"), None, "nobody hears her any more");
}

#[tokio::test]
async fn with_one_feed_or_without_a_standby_a_voice_ends_with_the_link_to_its_edge() {
    let mut cluster = room().await;
    set(&mut cluster, "o1", 1).await;
    cluster.cut("o1", "e1").await;
    assert_eq!(hears(&mut cluster, "o1", "o2"), None);

    let mut cluster = room().await;
    cluster.cut("o1", "e1").await;
    assert!(hears(&mut cluster, "o1", "o2").is_some());
    cluster.kill("o2").await;
    assert_eq!(cluster.origins["o1"].service.publications.len(), 0);
}
