//! What the status page is told.

use std::time::Duration;

use stoa_link::{LinkId, LinkStatistics};
use stoa_protocol::ids::{NodeRole, RoomId};
use stoa_protocol::mesh::control::{Body, Load, Relay, WireRole};

use super::cluster::Cluster;
use super::world::{World, peer};
use crate::status::Query;
use crate::status::survey::{ROOMS_PER_PAGE, Site, Survey, Tree};

fn site(node: &str) -> Site {
    Site { name: peer(node, NodeRole::Origin), place: None }
}

fn of_room(room: &str) -> Query {
    Query { room: RoomId::new(room).ok(), after: None }
}

/// As if every link took 80 ms there and back.
fn figures(_: LinkId) -> LinkStatistics {
    LinkStatistics { rtt_ms: 80.0, loss_in_permille: 15, ..LinkStatistics::default() }
}

fn survey(world: &World, query: &Query) -> Survey {
    world.service.survey(query, &site("origin-1"), &figures)
}

/// Who hangs from whom.
fn links(tree: &Tree) -> Vec<(&str, &str)> {
    let mut links: Vec<(&str, &str)> =
        tree.branches.iter().map(|b| (b.parent.as_str(), b.node.as_str())).collect();
    links.sort_unstable();
    links
}

#[test]
fn edges_are_told_with_where_they_are_what_they_carry_and_how_their_links_do() {
    let mut world = World::new();
    let (ams, _) = (world.up(1, "ams"), world.up(2, "sin"));
    world.control(ams, Body::Load(Load { participants: 9, used_permille: 125 }));
    let relay = Relay {
        address: "ams:7443".into(),
        fan_out_max: 8,
        latitude: Some(52.5),
        longitude: Some(4.75),
        ..Relay::default()
    };
    world.control(ams, Body::Relay(relay));
    world.create(ams, "r");
    world.join(ams, "r", "ada", WireRole::Listener);
    let told = survey(&world, &Query::default());
    let [ams, sin] = &told.edges[..] else { panic!("{told:?}") };
    assert_eq!((ams.node.as_str(), ams.participants), ("ams", 9));
    assert_eq!((ams.place, ams.fan_out_max, ams.rooms), (Some((52.5, 4.75)), 8, 1));
    let shares = [ams.used_percent, ams.link.rtt_ms, ams.link.loss_in_percent];
    assert!(shares.iter().zip([12.5, 80.0, 1.5]).all(|(told, is)| (told - is).abs() < 1e-9));
    assert_eq!((sin.node.as_str(), sin.fan_out_max, sin.rooms), ("sin", 0, 0));
    assert!(told.trees.is_none() && !told.origin.draining);
    world.service.handle_drain(Duration::from_secs(1), world.now);
    assert!(survey(&world, &Query::default()).origin.draining);
}

#[test]
fn a_room_without_a_plan_is_a_star() {
    let mut world = World::new();
    let (ams, sin) = (world.up(1, "ams"), world.up(2, "sin"));
    world.create(ams, "r");
    world.join(ams, "r", "ada", WireRole::Listener);
    world.join(sin, "r", "bob", WireRole::Listener);
    let trees = survey(&world, &of_room("r")).trees.unwrap();
    let owner = world.service.node().as_str().to_owned();
    assert_eq!(links(&trees.red), [(owner.as_str(), "ams"), (owner.as_str(), "sin")]);
    assert!(trees.red.branches.iter().all(|branch| (branch.hop_ms - 41.5).abs() < 0.01));
    assert!(trees.blue.is_none());
    assert_eq!((trees.room.feeds, trees.room.feeds_effective, trees.room.edges), (2, 1, 2));
    assert!(survey(&world, &of_room("other")).trees.is_none());
}

#[test]
fn rooms_come_in_pages() {
    let mut world = World::new();
    let ams = world.up(1, "ams");
    for room in 0..ROOMS_PER_PAGE + 7 {
        world.create(ams, &format!("r-{room:03}"));
    }
    let first = survey(&world, &Query::default());
    assert_eq!((first.rooms.len(), first.rooms_total), (ROOMS_PER_PAGE, ROOMS_PER_PAGE + 7));
    let after = first.next.as_deref().and_then(|next| RoomId::new(next).ok());
    let second = survey(&world, &Query { room: None, after });
    assert_eq!((second.rooms.len(), second.next), (7, None));
    assert!(second.rooms[0].room > first.rooms[ROOMS_PER_PAGE - 1].room);
}

#[tokio::test]
async fn a_room_with_a_standby_has_two_trees() {
    let mut cluster = Cluster::new(&[("o1", "fra"), ("o2", "ams")], &["e1", "e2"]).await;
    cluster.tidings().await;
    cluster.create("e1", "o1", "r").await;
    for (edge, who) in [("e1", "hana"), ("e2", "ada")] {
        cluster.join(edge, "o1", "r", who).await;
    }
    cluster.advance(Duration::from_millis(300)).await;
    let service = &cluster.origins["o1"].service;
    let told = service.survey(&of_room("r"), &site("o1"), &figures);
    assert_eq!(told.origins[0].node, "o2");
    let trees = told.trees.unwrap();
    assert_eq!(links(&trees.red), [("o1", "e1"), ("o1", "e2")]);
    assert_eq!(links(trees.blue.as_ref().unwrap()), [("o2", "e1"), ("o2", "e2")]);
    assert_eq!(trees.room.standby.as_deref(), Some("o2"));
}
