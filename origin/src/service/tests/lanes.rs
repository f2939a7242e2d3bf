//! Who is told of whom, so that voices of a stage travel between its edges.

use std::time::Duration;

use stoa_link::LinkId;
use stoa_protocol::mesh::control::{Ask, Body, LANE_EDGES_MAX, Lane, Leave, Relay, WireRole};

use super::cluster::Cluster;
use super::world::{World, join_ask, track};

#[test]
fn the_edges_of_a_stage_are_told_of_each_other_and_of_who_may_be_heard() {
    let mut world = World::new();
    let (ams, sin, iad) =
        (up(&mut world, 1, "ams"), up(&mut world, 2, "sin"), up(&mut world, 3, "iad"));
    world.create(ams, "r");
    world.join_speaking(ams, "r", "ada");
    world.join(iad, "r", "cy", WireRole::Listener);
    assert_eq!(lanes(&mut world, ams), [], "the stage is at one edge");
    world.join_speaking(sin, "r", "bob");
    for (link, other, address) in [(ams, "sin", "sin:7443"), (sin, "ams", "ams:7443")] {
        let told = lanes(&mut world, link);
        let lane = told.last().unwrap();
        assert_eq!(lane.edges.len(), 1);
        assert_eq!((lane.edges[0].node.as_str(), lane.edges[0].address.as_str()), (other, address));
        let voices: Vec<_> = lane.voices.iter().map(|v| (v.track, v.edge.as_str())).collect();
        assert_eq!(voices, [(track("r", "ada").0, "ams"), (track("r", "bob").0, "sin")]);
        assert_eq!(lane.epoch, world.epoch("r").0);
    }
    assert_eq!(lanes(&mut world, iad), [], "an edge of the audience");
}

#[test]
fn who_is_muted_is_taken_out_at_once_and_put_back_when_he_may_be_heard_again() {
    let (mut world, ams, sin) = two();
    world.mute(ams, "r", "ada", true);
    let muted = lanes(&mut world, sin).pop().unwrap();
    assert_eq!(muted.voices.iter().map(|v| v.track).collect::<Vec<_>>(), [track("r", "bob").0]);
    assert_eq!(muted.edges.len(), 1, "he still hears the others");
    world.mute(ams, "r", "ada", false);
    let heard = lanes(&mut world, sin).pop().unwrap();
    assert_eq!(heard.voices.len(), 2);
    assert!(heard.version > muted.version);
    world.advance(Duration::from_secs(5));
    assert_eq!(lanes(&mut world, sin), [], "nothing is said twice");
}

#[test]
fn a_lane_ends_when_the_stage_is_at_one_edge_again() {
    let (mut world, ams, sin) = two();
    let leave = Leave { room: "r".into(), participant: "bob".into() };
    world.ask(sin, Ask::Leave(leave));
    for link in [ams, sin] {
        let lane = lanes(&mut world, link).pop().unwrap();
        assert_eq!((lane.edges.len(), lane.voices.len()), (0, 0));
    }
}

#[test]
fn an_edge_that_is_lost_stays_named_and_is_told_anew_when_it_is_back() {
    let (mut world, ams, sin) = two();
    world.down(sin);
    world.advance(Duration::from_millis(500));
    assert!(lanes(&mut world, ams).iter().all(|lane| lane.voices.len() == 2));
    let sin = up(&mut world, 9, "sin");
    world.join_speaking(sin, "r", "bob");
    assert_eq!(lanes(&mut world, sin).pop().unwrap().voices.len(), 2);
}

#[test]
fn a_lane_has_a_greatest_number_of_edges_and_more_are_counted() {
    let mut world = World::new();
    let first = up(&mut world, 1, "edge-1");
    world.create(first, "r");
    for number in 1..=LANE_EDGES_MAX as u64 + 2 {
        let link =
            if number == 1 { first } else { up(&mut world, number, &format!("edge-{number}")) };
        world.join_speaking(link, "r", &format!("p-{number}"));
    }
    let lane = lanes(&mut world, first).pop().unwrap();
    assert_eq!((lane.edges.len(), lane.voices.len()), (LANE_EDGES_MAX - 1, LANE_EDGES_MAX));
    assert_eq!(lanes(&mut world, LinkId(LANE_EDGES_MAX as u64 + 1)), []);
    assert!(world.service.counts().lane_edges_over > 0);
}

#[tokio::test]
async fn after_a_take_over_edges_hear_of_each_other_once_they_have_come_in() {
    let mut cluster = Cluster::new(&[("o1", "fra"), ("o2", "ams")], &["e1", "e2"]).await;
    cluster.tidings().await;
    for (edge, origin) in [("e1", "o1"), ("e1", "o2"), ("e2", "o1"), ("e2", "o2")] {
        let relay = Relay { address: format!("{edge}:7443"), ..Relay::default() };
        cluster.deliver(origin, cluster.link_between(edge, origin), Body::Relay(relay));
    }
    cluster.create("e1", "o1", "r").await;
    let people = [("e1", "ada"), ("e2", "bob")];
    for (edge, who) in people {
        cluster.ask(edge, "o1", join_ask("r", who, WireRole::Speaker)).await.unwrap();
    }
    cluster.kill("o1").await;
    cluster.orphan(&["e1", "e2"], "o1", &["r"]).await;
    assert_eq!(cluster.holders("r"), ["o2"]);
    let told = |cluster: &Cluster, edge: &str| -> Option<Lane> {
        cluster.edges[edge].told.iter().rev().find_map(|(from, body)| match body {
            Body::Lane(lane) if *from == "o2" => Some(lane.clone()),
            _ => None,
        })
    };
    for (edge, who) in people {
        assert_eq!(told(&cluster, edge), None, "{edge} would not believe it yet");
        cluster.ask(edge, "o2", join_ask("r", who, WireRole::Speaker)).await.unwrap();
    }
    for (edge, _) in people {
        let lane = told(&cluster, edge).unwrap();
        assert_eq!((lane.edges.len(), lane.voices.len()), (1, 2), "{edge}");
    }
}

/// A stage at two edges, which were told of each other.
fn two() -> (World, LinkId, LinkId) {
    let mut world = World::new();
    let (ams, sin) = (up(&mut world, 1, "ams"), up(&mut world, 2, "sin"));
    world.create(ams, "r");
    world.join_speaking(ams, "r", "ada");
    world.join_speaking(sin, "r", "bob");
    lanes(&mut world, ams);
    lanes(&mut world, sin);
    (world, ams, sin)
}

/// An edge that others can reach.
fn up(world: &mut World, link: u64, node: &str) -> LinkId {
    let link = world.up(link, node);
    let relay = Relay { address: format!("{node}:7443"), fan_out_max: 8, ..Relay::default() };
    world.control(link, Body::Relay(relay));
    link
}

/// What an edge was told of lanes since the last call.
fn lanes(world: &mut World, link: LinkId) -> Vec<Lane> {
    world.take(link, |body| match body {
        Body::Lane(lane) => Some(lane.clone()),
        _ => None,
    })
}
