//! Rooms that are to have one feed, though there is a standby: what is planned, and what the standby is told.

use std::time::Duration;

use stoa_link::TrackBinding;
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
    let link = cluster.link_between("o1", "e1");
    let binding = TrackBinding {
        track: track("r", "cleo"),
        epoch: stoa_audio::frame::Epoch(1),
        room: RoomId::new("r").unwrap(),
        participant: "cleo".into(),
        kind: TrackKind::Speaker,
        bitrate: 0,
    };
    let now = cluster.now;
    cluster.origins.get_mut("o1").unwrap().service.handle_bound(link, &binding, now);
    cluster.advance(PLANNED).await;
    cluster
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
