//! Who is not let in.

use stoa_protocol::mesh::control::Body;

use super::stranger::{Stranger, connect_with_protocol, hello};
use super::support::{Directory, TestNode, anywhere, edge, origin};
use crate::config::{EndpointConfig, Limits};
use crate::endpoint::Endpoint;
use crate::event::Event;
use crate::failure::{Failure, Kind};
use crate::inbox::inbox;

#[tokio::test]
async fn a_node_of_a_foreign_authority_is_refused() {
    let (ours, theirs) = (Directory::new(), Directory::new());
    let mut origin = TestNode::start(&ours, origin("origin-1"));
    let foreign = TestNode::start(&theirs, edge("edge-1"));

    foreign.connect_to(&origin);
    foreign.statistics_until(|counts| counts.failed_certificate >= 1).await;
    origin.statistics_until(|counts| counts.failed_certificate >= 1).await;

    assert_eq!(
        (origin.endpoint.statistics().links_up, origin.inbox.try_recv().is_err()),
        (0, true)
    );
}

#[tokio::test]
async fn a_node_without_a_common_protocol_version_is_refused_and_told_why() {
    let directory = Directory::new();
    let origin = TestNode::start(&directory, origin("origin-1"));

    let to = origin.endpoint.local_addr();
    let error = connect_with_protocol(&directory, &edge("edge-1"), to, b"stoa-mesh/9").await;

    assert_eq!(Failure::from(error).kind, Kind::Version);
    origin.statistics_until(|counts| counts.failed_version == 1).await;
}

#[tokio::test]
async fn a_hello_that_contradicts_the_certificate_is_refused() {
    let directory = Directory::new();
    let mut origin = TestNode::start(&directory, origin("origin-1"));
    let to = origin.endpoint.local_addr();

    for (node, region) in [("edge-2", "ams"), ("edge-1", "sin")] {
        let mut liar = Stranger::connect(&directory, &edge("edge-1"), to).await;
        liar.say(hello(node, region)).await;
        let refuse = liar.hear(|body| matches!(body, Body::Refuse(_))).await;
        let Body::Refuse(refuse) = refuse else { panic!("not refused: {refuse:?}") };
        assert!(
            refuse.reason.contains("the certificate says stoa://edge/ams/edge-1"),
            "{refuse:?}"
        );
    }

    origin.statistics_until(|counts| counts.failed_identity == 2).await;
    assert!(origin.inbox.try_recv().is_err());
}

#[tokio::test]
async fn an_edge_cannot_speak_as_an_origin() {
    let directory = Directory::new();
    let mut origin = TestNode::start(&directory, origin("origin-1"));
    let to = origin.endpoint.local_addr();
    let mut edge = Stranger::greet(&directory, &edge("edge-1"), to).await;
    let (_, _, link) = origin.next_up().await;

    for _ in 0..100 {
        edge.say(Body::RoomState(stoa_protocol::mesh::control::RoomState::default())).await;
    }

    let (_, reason) = origin.next_down().await;
    assert!(reason.contains("wrong claims"), "{reason}");
    assert!(link.statistics().peer_mistakes > 10, "{:?}", link.statistics());
}

#[tokio::test]
async fn a_node_does_not_link_with_itself_or_its_namesake() {
    let directory = Directory::new();
    let mut node = TestNode::start(&directory, edge("edge-1"));
    node.connect_to(&node);
    node.statistics_until(|counts| counts.failed_identity >= 1).await;
    assert!(node.inbox.try_recv().is_err());
}

#[tokio::test]
async fn a_host_name_that_does_not_resolve_is_counted_and_tried_again() {
    let directory = Directory::new();
    let node = TestNode::start(&directory, edge("edge-1"));
    node.endpoint.connect("no port in here".to_owned());
    node.statistics_until(|counts| counts.failed_resolution >= 2).await;
}

#[tokio::test]
async fn links_beyond_the_limit_are_refused_and_those_that_stand_stay() {
    let directory = Directory::new();
    let limits = Limits { links_max: 1, ..Limits::default() };
    let mut origin = TestNode::start_at(&directory, origin("origin-1"), anywhere(), limits);
    let mut first = TestNode::start(&directory, edge("edge-1"));
    let second = TestNode::start(&directory, edge("edge-2"));
    first.connect_to(&origin);
    first.next_up().await;
    origin.next_up().await;

    second.connect_to(&origin);
    second.statistics_until(|counts| counts.failed_refused >= 1).await;
    origin.statistics_until(|counts| counts.refused_links >= 1).await;

    assert_eq!(origin.endpoint.statistics().links, 1);
    assert!(first.inbox.try_recv().is_err());
}

#[tokio::test]
async fn a_taken_port_is_an_error_that_names_the_port() {
    let directory = Directory::new();
    let first = TestNode::start(&directory, edge("edge-1"));
    let listen = first.endpoint.local_addr();
    let (identity, limits) = (directory.identity(), Limits::default());
    let config = EndpointConfig { listen, identity, name: edge("edge-2"), limits };
    let error = Endpoint::bind(config, inbox().0).unwrap_err();
    assert!(error.to_string().contains(&listen.to_string()), "{error:#}");
}

#[tokio::test]
async fn a_stranger_that_says_nothing_does_not_come_up_and_holds_no_place_for_long() {
    let directory = Directory::new();
    let limits =
        Limits { handshake_timeout: std::time::Duration::from_millis(200), ..Limits::default() };
    let mut origin = TestNode::start_at(&directory, origin("origin-1"), anywhere(), limits);
    let to = origin.endpoint.local_addr();
    let silent = Stranger::connect(&directory, &edge("edge-1"), to).await;
    origin.statistics_until(|counts| counts.failed_timeout == 1).await;
    drop(silent);
    let _good = Stranger::greet(&directory, &edge("edge-2"), to).await;
    let Event::Up { peer, .. } = origin.next().await else { panic!("the good one is not up") };
    assert_eq!(peer.node.as_str(), "edge-2");
}

#[tokio::test]
async fn a_crowded_endpoint_asks_for_proof_of_the_address_and_then_lets_in() {
    let directory = Directory::new();
    // With one place, an endpoint is half full before anybody has come.
    let limits = Limits { handshakes_max: 1, ..Limits::default() };
    let mut origin = TestNode::start_at(&directory, origin("origin-1"), anywhere(), limits);
    let mut edge = TestNode::start(&directory, edge("edge-1"));
    edge.connect_to(&origin);
    edge.next_up().await;
    origin.next_up().await;
    assert_eq!(origin.endpoint.statistics().retries, 1);
}

#[tokio::test]
async fn an_address_that_asks_too_often_is_refused() {
    let directory = Directory::new();
    let limits = Limits { connects_burst: 1, connects_per_second: 0, ..Limits::default() };
    let mut origin = TestNode::start_at(&directory, origin("origin-1"), anywhere(), limits);
    let names = ["edge-1", "edge-2", "edge-3"];
    let mut edges = names.map(|name| TestNode::start(&directory, edge(name)));
    // One place for the address unproved, one for it proved, none for the third.
    for edge in &mut edges[..2] {
        edge.connect_to(&origin);
        edge.next_up().await;
        origin.next_up().await;
    }
    edges[2].connect_to(&origin);
    edges[2].statistics_until(|counts| counts.failed_refused >= 1).await;
    origin.statistics_until(|counts| counts.refused_rate >= 1).await;
    assert_eq!(origin.endpoint.statistics().links, 2);
}
