//! Rooms go where their speakers are, and nobody loses anything by it.

use std::time::Duration;

use stoa_protocol::mesh::control::{Act, Answer, Ask, Deed, ListParticipants};

use super::cluster::Cluster;
use crate::service::Moved;
use crate::service::origins::MOVES_AT_ONCE;

const ORIGINS: [(&str, &str); 3] = [("o1", "fra"), ("o2", "iad"), ("o3", "sin")];
const REGIONS: [(&str, &str); 5] =
    [("o1", "fra"), ("o2", "iad"), ("o3", "sin"), ("e1", "ams"), ("e2", "cgk")];

/// Rooms that were made in Amsterdam, each with its host in Jakarta.
async fn cluster(rooms: &[&str]) -> Cluster {
    let mut cluster = Cluster::in_regions(&ORIGINS, &["e1", "e2"], &REGIONS).await;
    cluster.tidings().await;
    for room in rooms {
        cluster.create("e1", "o1", room).await;
        cluster.join("e2", "o1", room, "hana").await;
    }
    cluster
}

fn moved(cluster: &Cluster, origin: &str) -> u64 {
    let counts = cluster.origins[origin].service.network_counts();
    counts.moved.get(&Moved::Nearer).copied().unwrap_or(0)
}

#[tokio::test]
async fn a_room_moves_to_the_origin_that_is_nearest_to_its_speakers_and_stays_there() {
    let mut cluster = cluster(&["r"]).await;
    cluster.join("e1", "o1", "r", "ada").await;
    let hand =
        Act { room: "r".into(), by: "ada".into(), deed: Deed::RaiseHand.into(), ..Act::default() };
    assert!(matches!(cluster.ask("e1", "o1", Ask::Act(hand)).await, Some(Answer::Done(_))));
    cluster.advance(Duration::from_secs(25)).await;
    assert_eq!(cluster.holders("r"), ["o1"], "it must have paid for half a minute");

    cluster.advance(Duration::from_secs(15)).await;

    assert_eq!((cluster.holders("r"), moved(&cluster, "o1")), (vec!["o3"], 1));
    assert_eq!(cluster.stored("r").await.owner.unwrap().as_str(), "o3");
    for edge in ["e1", "e2"] {
        assert_eq!(cluster.owner_told(edge, "r").as_deref(), Some("o3"), "{edge}");
        cluster.rejoin(edge, "o3", "r").await;
    }
    let ask = ListParticipants { room: "r".into(), hands: true, ..ListParticipants::default() };
    let Some(Answer::Participants(page)) =
        cluster.ask("e2", "o3", Ask::ListParticipants(ask)).await
    else {
        panic!("no answer")
    };
    assert_eq!(page.participants.len(), 1, "the hand is still up");
    cluster.advance(Duration::from_secs(60)).await;
    assert_eq!((cluster.holders("r"), moved(&cluster, "o3")), (vec!["o3"], 0));
    assert!(cluster.refused.is_empty(), "{:?}", cluster.refused);
}

#[tokio::test]
async fn a_room_stays_whose_speakers_are_near_or_of_whom_nobody_knows_where_they_are() {
    for regions in
        [vec![("o1", "fra"), ("o3", "sin"), ("e2", "ams")], vec![("o3", "sin"), ("e2", "sin")]]
    {
        let mut cluster = Cluster::in_regions(&ORIGINS, &["e1", "e2"], &regions).await;
        cluster.tidings().await;
        cluster.create("e1", "o1", "r").await;
        cluster.join("e2", "o1", "r", "hana").await;
        cluster.advance(Duration::from_secs(60)).await;
        assert_eq!(cluster.holders("r"), ["o1"], "{regions:?}");
    }
}

#[tokio::test]
async fn nothing_moves_while_the_store_is_away() {
    let mut cluster = cluster(&["r"]).await;
    cluster.advance(Duration::from_secs(20)).await;
    cluster.store_is_up = false;
    cluster.advance(Duration::from_secs(60)).await;
    assert_eq!(cluster.holders("r"), ["o1"]);
    cluster.store_is_up = true;
    cluster.advance(Duration::from_secs(45)).await;
    assert_eq!(cluster.holders("r"), ["o3"]);
}

#[tokio::test]
async fn a_few_rooms_move_at_a_time() {
    let rooms = ["a", "b", "c", "d", "e", "f"];
    let mut cluster = cluster(&rooms).await;
    for _ in 0..60 {
        cluster.advance(Duration::from_secs(1)).await;
        let service = &cluster.origins["o1"].service;
        assert!(service.relocations.len() <= MOVES_AT_ONCE);
    }
    assert_eq!(moved(&cluster, "o1"), 6);
    assert!(cluster.origins["o1"].service.network_counts().moves_put_off > 0);
    for room in rooms {
        assert_eq!(cluster.holders(room), ["o3"], "{room}");
    }
}

#[tokio::test]
async fn a_room_whose_target_dies_on_the_way_stays_and_has_another_standby() {
    let mut cluster = cluster(&["r"]).await;
    while cluster.origins["o1"].service.relocations.len() == 0 {
        cluster.advance(Duration::from_millis(500)).await;
    }
    cluster.kill("o3").await;
    cluster.advance(Duration::from_secs(20)).await;
    assert_eq!((cluster.holders("r"), moved(&cluster, "o1")), (vec!["o1"], 0));
    assert_eq!(cluster.stored("r").await.standby.unwrap().as_str(), "o2");
}
