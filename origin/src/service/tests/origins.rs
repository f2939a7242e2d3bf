//! Owners die, freeze, leave and come back, with a store and without.

use std::time::Duration;

use stoa_protocol::mesh::control::{
    Act, Answer, Ask, Deed, Join, ListParticipants, Problem, WireRole,
};

use super::cluster::Cluster;
use super::world::join_ask;
use crate::service::origins::Readiness;
use crate::store::StoreError;

const THREE: [(&str, &str); 3] = [("o1", "fra"), ("o2", "fra"), ("o3", "ams")];
const EDGES: [&str; 3] = ["e1", "e2", "e3"];

fn raise(who: &str) -> Ask {
    let deed = Deed::RaiseHand.into();
    Ask::Act(Act { room: "r".into(), by: who.into(), deed, ..Act::default() })
}

fn problem(answer: Option<Answer>) -> Problem {
    match answer {
        Some(Answer::Problem(problem)) => problem,
        other => panic!("expected a problem, got {other:?}"),
    }
}

/// A room at `o1` with somebody at each edge, and a standby that is ready.
async fn room() -> Cluster {
    let mut cluster = Cluster::new(&THREE, &EDGES).await;
    cluster.tidings().await;
    cluster.create("e1", "o1", "r").await;
    for (edge, who) in [("e1", "hana"), ("e2", "ada"), ("e3", "bob")] {
        cluster.join(edge, "o1", "r", who).await;
    }
    cluster
}

async fn hands(cluster: &mut Cluster, edge: &'static str, origin: &'static str) -> Vec<String> {
    let ask = ListParticipants { room: "r".into(), hands: true, ..ListParticipants::default() };
    match cluster.ask(edge, origin, Ask::ListParticipants(ask)).await {
        Some(Answer::Participants(page)) => {
            page.participants.into_iter().map(|one| one.participant).collect()
        }
        other => panic!("{other:?}"),
    }
}

/// Since when the only hand is up.
async fn raised_ms(cluster: &mut Cluster, origin: &'static str) -> u64 {
    let ask = ListParticipants { room: "r".into(), hands: true, ..ListParticipants::default() };
    match cluster.ask("e2", origin, Ask::ListParticipants(ask)).await {
        Some(Answer::Participants(page)) => page.participants[0].raised_ms,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn the_people_of_a_tenant_are_counted_at_all_origins() {
    let mut cluster = room().await;
    cluster.create("e1", "o2", "s").await;
    cluster.tidings().await;
    let join = |who, max| match join_ask("s", who, WireRole::Listener) {
        Ask::Join(join) => Ask::Join(Join { tenant_participants_max: Some(max), ..join }),
        other => other,
    };
    let refused = problem(cluster.ask("e1", "o2", join("cleo", 3)).await);
    assert_eq!(refused.code, "quota-participants");
    assert!(matches!(cluster.ask("e1", "o2", join("cleo", 4)).await, Some(Answer::Room(_))));
    cluster.kill("o1").await;
    assert!(matches!(cluster.ask("e1", "o2", join("dora", 2)).await, Some(Answer::Room(_))));
}

#[tokio::test]
async fn a_room_gets_a_standby_in_another_failure_domain_and_the_store_names_it() {
    let cluster = room().await;
    let hall = cluster.origins["o1"].service.halls.values().next().unwrap();
    let standby = hall.standby.as_ref().unwrap();
    assert_eq!((standby.node.as_str(), standby.state), ("o3", Readiness::Ready));
    let stored = cluster.stored("r").await;
    assert_eq!(stored.owner.unwrap().as_str(), "o1");
    assert_eq!(stored.standby.unwrap().as_str(), "o3");
}

#[tokio::test]
async fn whoever_asks_another_origin_is_told_the_owner() {
    let mut cluster = room().await;
    let problem = problem(cluster.ask("e2", "o2", raise("ada")).await);
    assert_eq!((problem.status, problem.code.as_str()), (421, "room-elsewhere"));
    assert_eq!(problem.owner, "o1");
}

#[tokio::test]
async fn the_standby_takes_a_room_over_when_most_edges_have_lost_its_owner_too() {
    let mut cluster = room().await;
    assert!(matches!(cluster.ask("e2", "o1", raise("ada")).await, Some(Answer::Done(_))));
    cluster.kill("o1").await;
    cluster.orphan(&["e1"], "o1", &["r"]).await;
    assert_eq!(cluster.holders("r"), [] as [&str; 0], "one of three is not most");

    cluster.orphan(&["e2"], "o1", &["r"]).await;

    assert_eq!(cluster.holders("r"), ["o3"]);
    let stored = cluster.stored("r").await;
    assert_eq!(stored.owner.unwrap().as_str(), "o3");
    for edge in EDGES {
        assert_eq!(cluster.owner_told(edge, "r").as_deref(), Some("o3"), "{edge}");
        cluster.rejoin(edge, "o3", "r").await;
    }
    assert_eq!(hands(&mut cluster, "e1", "o3").await, ["ada"]);
    assert!(matches!(cluster.ask("e3", "o3", raise("bob")).await, Some(Answer::Done(_))));
    // The next standby is ready too.
    let stored = cluster.stored("r").await;
    assert_eq!(stored.standby.unwrap().as_str(), "o2");
    // It knows the edges, which have come back after it was told the room.
    let replica = cluster.origins["o2"].service.network.replicas.values().next().unwrap();
    assert_eq!(replica.edges.iter().map(|node| node.as_str()).collect::<Vec<_>>(), EDGES);
    cluster.kill("o3").await;
    cluster.orphan(&EDGES, "o3", &["r"]).await;
    assert_eq!(cluster.holders("r"), ["o2"]);
    assert_eq!(hands(&mut cluster, "e1", "o2").await, ["ada", "bob"]);
}

#[tokio::test]
async fn a_standby_that_alone_has_lost_the_owner_leaves_the_room_to_it() {
    let mut cluster = room().await;
    cluster.cut("o1", "o3").await;
    cluster.orphan(&["e1"], "o1", &["r"]).await;
    cluster.advance(Duration::from_secs(6)).await;
    assert_eq!(cluster.holders("r"), ["o1"]);
    let stored = cluster.stored("r").await;
    assert_eq!(stored.standby.unwrap().as_str(), "o2", "another one stands by");
    // What it holds is stale: it is not named, and takes nothing even when the owner dies.
    cluster.kill("o1").await;
    cluster.orphan(&EDGES, "o1", &["r"]).await;
    assert_eq!(cluster.holders("r"), ["o2"]);
}

#[tokio::test]
async fn without_the_store_a_majority_of_edges_is_enough_and_the_store_hears_of_it_later() {
    let mut cluster = room().await;
    cluster.store_is_up = false;
    assert!(matches!(cluster.ask("e2", "o1", raise("ada")).await, Some(Answer::Done(_))));
    cluster.kill("o1").await;
    cluster.orphan(&["e1", "e2"], "o1", &["r"]).await;
    assert_eq!(cluster.holders("r"), [] as [&str; 0], "the store is asked first");
    cluster.advance(Duration::from_millis(500)).await;
    assert_eq!(cluster.holders("r"), ["o3"]);
    for edge in EDGES {
        cluster.rejoin(edge, "o3", "r").await;
    }
    assert_eq!(hands(&mut cluster, "e1", "o3").await, ["ada"]);
    assert!(matches!(cluster.ask("e3", "o3", raise("bob")).await, Some(Answer::Done(_))));

    cluster.store_is_up = true;
    cluster.advance(Duration::from_secs(1)).await;

    assert_eq!(cluster.refused, []);
    assert_eq!(cluster.stored("r").await.owner.unwrap().as_str(), "o3");
}

#[tokio::test]
async fn without_the_store_an_owner_acts_only_with_most_of_its_edges() {
    let mut cluster = room().await;
    cluster.store_is_up = false;
    cluster.advance(Duration::from_secs(3)).await;
    assert!(matches!(cluster.ask("e2", "o1", raise("ada")).await, Some(Answer::Done(_))));
    cluster.cut("o1", "e1").await;
    assert!(matches!(cluster.ask("e3", "o1", raise("bob")).await, Some(Answer::Done(_))));
    cluster.cut("o1", "e3").await;
    let problem = problem(cluster.ask("e2", "o1", raise("ada")).await);
    assert_eq!((problem.status, problem.code.as_str()), (503, "owner-uncertain"));
    cluster.store_is_up = true;
    cluster.advance(Duration::from_secs(1)).await;
    assert!(matches!(cluster.ask("e2", "o1", raise("ada")).await, Some(Answer::Done(_))));
}

#[tokio::test]
async fn a_frozen_owner_wakes_up_and_is_refused_everywhere() {
    let mut cluster = room().await;
    cluster.freeze("o1").await;
    cluster.orphan(&EDGES, "o1", &["r"]).await;
    assert_eq!(cluster.holders("r"), ["o1", "o3"]);
    for edge in EDGES {
        cluster.rejoin(edge, "o3", "r").await;
    }
    cluster.advance(Duration::from_secs(5)).await;
    // Somebody's request lay in its buffers all the time.
    assert_eq!(cluster.ask("e2", "o1", raise("ada")).await, None);

    cluster.thaw("o1").await;

    assert_eq!(hands(&mut cluster, "e2", "o3").await, [] as [&str; 0], "nothing was done");
    // Its lease was over, but it took its edges for linked still.
    assert!(cluster.refused.iter().all(fenced) && !cluster.refused.is_empty());
    for other in ["o2", "o3"] {
        cluster.link("o1", other);
    }
    cluster.pump().await;
    assert_eq!(cluster.holders("r"), ["o3"], "it has given the room up");
}

fn fenced((who, error): &(&str, StoreError)) -> bool {
    *who == "o1" && matches!(error, StoreError::Fenced { .. })
}

#[tokio::test]
async fn what_a_frozen_owner_still_writes_is_fenced() {
    let mut cluster = room().await;
    // It freezes between its decision and its writing.
    let ban = Act {
        room: "r".into(),
        by: "hana".into(),
        deed: Deed::Ban.into(),
        identity: "troll".into(),
        ..Act::default()
    };
    cluster.decide("o1", "e1", Ask::Act(ban));
    cluster.freeze("o1").await;
    cluster.orphan(&EDGES, "o1", &["r"]).await;
    assert_eq!(cluster.holders("r"), ["o1", "o3"]);

    cluster.thaw("o1").await;

    assert!(cluster.refused.iter().any(fenced), "{:?}", cluster.refused);
    assert_eq!(cluster.holders("r"), ["o3"]);
}

#[tokio::test]
async fn rooms_without_people_are_taken_when_the_lease_of_their_owner_is_over() {
    let mut cluster = Cluster::new(&THREE, &EDGES).await;
    cluster.tidings().await;
    cluster.create("e1", "o1", "r").await;
    cluster.kill("o1").await;
    assert_eq!(cluster.holders("r"), [] as [&str; 0]);
    cluster.tidings().await;
    assert_eq!(cluster.holders("r"), ["o3"]);
}

#[tokio::test]
async fn when_owner_and_standby_die_somebody_else_takes_the_room_from_the_store() {
    let mut cluster = room().await;
    // So that the owner has no time to find another standby.
    cluster.freeze("o1").await;
    cluster.kill("o3").await;
    cluster.kill("o1").await;
    cluster.orphan(&EDGES, "o1", &["r"]).await;
    assert_eq!(cluster.holders("r"), [] as [&str; 0], "their leases are not over yet");
    cluster.tidings().await;
    assert_eq!(cluster.holders("r"), ["o2"], "there is nobody to wait for");
    for edge in EDGES {
        assert_eq!(cluster.owner_told(edge, "r").as_deref(), Some("o2"), "{edge}");
    }
}

#[tokio::test]
async fn who_has_no_lease_and_is_still_linked_is_waited_for() {
    let mut cluster = room().await;
    // Both are alive, and out of the store's reach.
    cluster.tidings_of(&["o2"]).await;
    assert_eq!(cluster.holders("r"), ["o1"]);
    cluster.tidings().await;
    cluster.advance(Duration::from_secs(4)).await;
    assert_eq!(cluster.holders("r"), ["o1"]);
}

#[tokio::test]
async fn an_origin_that_leaves_hands_its_rooms_over_and_what_is_asked_meanwhile_finds_them() {
    let mut cluster = room().await;
    let now = cluster.now;
    let o1 = &mut cluster.origins.get_mut("o1").unwrap().service;
    o1.handle_drain(Duration::from_secs(30), now);
    let key = o1.key_of("r").unwrap();
    assert!(o1.halls[&key].moving.is_some());
    // Asked while the room is on its way.
    let answer = cluster.ask("e2", "o1", raise("ada")).await;
    let problem = problem(answer);
    assert_eq!((problem.status, problem.owner.as_str()), (421, "o3"));
    assert_eq!(cluster.holders("r"), ["o3"]);
    for edge in EDGES {
        assert_eq!(cluster.owner_told(edge, "r").as_deref(), Some("o3"), "{edge}");
    }
    assert_eq!(cluster.stored("r").await.owner.unwrap().as_str(), "o3");
}

#[tokio::test]
async fn an_owner_that_is_restarted_leaves_its_rooms_to_who_knows_more() {
    let mut cluster = room().await;
    cluster.store_is_up = false;
    assert!(matches!(cluster.ask("e2", "o1", raise("ada")).await, Some(Answer::Done(_))));
    // Nobody had the time to take it over.
    cluster.kill("o1").await;
    cluster.store_is_up = true;
    cluster.add("o1", "fra").await;
    assert_eq!(cluster.holders("r"), ["o3"]);
    let told = problem(cluster.ask("e2", "o1", raise("ada")).await);
    assert_eq!((told.status, told.owner.as_str()), (421, "o3"));
    for edge in EDGES {
        cluster.rejoin(edge, "o3", "r").await;
    }
    assert_eq!(hands(&mut cluster, "e1", "o3").await, ["ada"]);
}

#[tokio::test]
async fn a_standby_is_not_unnamed_by_what_the_store_has_not_heard_yet() {
    let mut cluster = room().await;
    let record = crate::store::RoomRecord {
        ownership: crate::store::Ownership { standby: None, ..cluster.stored("r").await },
        ..crate::store::RoomRecord::new(
            stoa_protocol::ids::RoomId::new("r").unwrap(),
            crate::store::Settings::default(),
            crate::store::Ownership::default(),
            0,
        )
    };
    let now = cluster.now;
    let o3 = &mut cluster.origins.get_mut("o3").unwrap().service;
    o3.handle_record(&record.room.clone(), Some(&record), now);
    cluster.kill("o1").await;
    cluster.orphan(&EDGES, "o1", &["r"]).await;
    assert_eq!(cluster.holders("r"), ["o3"]);
}

#[tokio::test]
async fn an_owner_that_is_restarted_takes_what_its_standby_does_not() {
    let mut cluster = room().await;
    cluster.kill("o3").await;
    cluster.kill("o2").await;
    cluster.kill("o1").await;
    cluster.add("o1", "fra").await;
    cluster.add("o2", "fra").await;
    cluster.advance(Duration::from_secs(8)).await;
    assert_eq!(cluster.holders("r").len(), 1, "{:?}", cluster.holders("r"));
}

#[tokio::test]
async fn an_owner_that_is_restarted_does_not_wait_long_for_a_standby_that_is_dead() {
    let mut cluster = Cluster::new(&[("o1", "fra"), ("o3", "ams")], &EDGES).await;
    cluster.tidings().await;
    cluster.create("e1", "o1", "r").await;
    // Both at once: the record still names the standby.
    cluster.store_is_up = false;
    cluster.kill("o3").await;
    cluster.kill("o1").await;
    cluster.store_is_up = true;
    assert_eq!(cluster.stored("r").await.standby.unwrap().as_str(), "o3");
    cluster.add("o1", "fra").await;
    cluster.advance(Duration::from_secs(1)).await;
    assert_eq!(cluster.holders("r"), [] as [&str; 0], "its link may be on the way");
    cluster.advance(Duration::from_millis(1_500)).await;
    assert_eq!(cluster.holders("r"), ["o1"]);
}

#[tokio::test]
async fn since_when_a_hand_is_up_outlives_its_owner() {
    let mut cluster = room().await;
    cluster.advance(Duration::from_secs(1)).await;
    cluster.ask("e2", "o1", raise("ada")).await;
    let before = raised_ms(&mut cluster, "o1").await;
    assert!(before > 0);
    cluster.advance(Duration::from_secs(1)).await;
    cluster.kill("o1").await;
    cluster.orphan(&EDGES, "o1", &["r"]).await;
    assert_eq!(raised_ms(&mut cluster, "o3").await, before);
    cluster.rejoin("e2", "o3", "r").await;
    assert_eq!(raised_ms(&mut cluster, "o3").await, before);
}

#[tokio::test]
async fn an_origin_that_comes_moves_nothing() {
    let mut cluster = room().await;
    let before = cluster.stored("r").await;
    cluster.add("o4", "lon").await;
    cluster.advance(Duration::from_secs(2)).await;
    assert_eq!(cluster.holders("r"), ["o1"]);
    assert_eq!(cluster.stored("r").await, before, "the standby is in another domain already");
}

#[tokio::test]
async fn a_room_that_has_ended_is_forgotten_by_all() {
    let mut cluster = room().await;
    let close = stoa_protocol::mesh::control::CloseRoom { room: "r".into(), tenant: String::new() };
    cluster.ask("e1", "o1", Ask::CloseRoom(close)).await;
    for origin in ["o2", "o3"] {
        let problem = problem(cluster.ask("e1", origin, raise("ada")).await);
        assert_eq!(problem.status, 404, "{origin}");
        assert_eq!(cluster.origins[origin].service.network_sizes().1, 0, "{origin}");
    }
}
