//! Links that come back, and links that are replaced.

use stoa_protocol::mesh::control::{Body, Load};

use super::stranger::Stranger;
use super::support::{Directory, TestNode, edge, origin, within};
use crate::config::Limits;
use crate::event::Event;

#[tokio::test]
async fn a_link_comes_back_after_the_other_side_restarts() {
    let directory = Directory::new();
    let mut first = TestNode::start(&directory, origin("origin-1"));
    let address = first.endpoint.local_addr();
    let mut edge = TestNode::start(&directory, edge("edge-1"));
    edge.connect_to(&first);
    let (old, _, _) = edge.next_up().await;
    let (_, _, kept_by_the_owner) = first.next_up().await;

    first.endpoint.close("restart").await;
    assert_eq!(edge.next_down().await.0, old);
    let mut second = TestNode::start_at(&directory, origin("origin-1"), address, Limits::default());

    let (new, peer, _) = edge.next_up().await;
    assert_eq!((new == old, peer.node.as_str()), (false, "origin-1"));
    second.next_up().await;
    drop(kept_by_the_owner);
}

#[tokio::test]
async fn a_link_comes_back_after_the_other_side_vanished_without_a_word() {
    let directory = Directory::new();
    let mut first = TestNode::start(&directory, origin("origin-1"));
    let address = first.endpoint.local_addr();
    let mut edge = TestNode::start(&directory, edge("edge-1"));
    edge.connect_to(&first);
    edge.next_up().await;
    first.next_up().await;

    drop(first);
    edge.next_down().await;
    // The port is free once the last task of the dropped endpoint has ended.
    let mut second = loop {
        if std::net::UdpSocket::bind(address).is_ok() {
            break TestNode::start_at(&directory, origin("origin-1"), address, Limits::default());
        }
        tokio::task::yield_now().await;
    };

    edge.next_up().await;
    second.next_up().await;
}

#[tokio::test]
async fn the_newest_link_of_a_node_wins_and_the_older_goes_down_first() {
    let directory = Directory::new();
    let mut origin = TestNode::start(&directory, origin("origin-1"));
    let to = origin.endpoint.local_addr();
    let older = Stranger::greet(&directory, &edge("edge-1"), to).await;
    let (old, _, _) = origin.next_up().await;

    let _newer = Stranger::greet(&directory, &edge("edge-1"), to).await;

    let Event::Down { id, reason } = origin.next().await else { panic!("the older is not down") };
    assert_eq!((id, reason.as_str()), (old, "replaced by a newer link of the same node"));
    let (new, peer, _) = origin.next_up().await;
    assert_eq!((new == old, peer), (false, edge("edge-1")));
    within(older.connection.closed()).await;
    let counts = origin.endpoint.statistics();
    assert_eq!((counts.links, counts.links_replaced), (1, 1));
}

#[tokio::test]
async fn two_targets_that_are_one_node_share_the_link_that_stands() {
    let directory = Directory::new();
    let mut origin = TestNode::start(&directory, origin("origin-1"));
    let mut edge = TestNode::start(&directory, edge("edge-1"));
    edge.connect_to(&origin);
    let (old, _, _) = edge.next_up().await;
    let (_, _, link) = origin.next_up().await;

    let port = origin.endpoint.local_addr().port();
    edge.endpoint.connect(format!("localhost:{port}"));
    edge.endpoint.connect(format!("localhost:{port}"));
    origin.statistics_until(|counts| counts.failed_other + counts.failed_timeout == 1).await;
    let counts = edge.endpoint.statistics();
    assert_eq!((counts.links_up, counts.links_replaced), (1, 0));

    link.close("over");
    assert_eq!(edge.next_down().await.0, old);
    edge.next_up().await;
    let counts = edge.endpoint.statistics();
    assert_eq!((counts.links, counts.links_up, counts.links_replaced), (1, 2, 0));
}

#[tokio::test]
async fn a_target_that_is_given_up_is_not_tried_again_and_its_link_stands() {
    let directory = Directory::new();
    let mut first = TestNode::start(&directory, origin("origin-1"));
    let mut other = TestNode::start(&directory, origin("origin-2"));
    let mut edge = TestNode::start(&directory, edge("edge-1"));
    edge.connect_to(&first);
    edge.next_up().await;
    let (_, _, link) = first.next_up().await;
    edge.endpoint.give_up(&first.endpoint.local_addr().to_string());
    edge.connect_to(&other);
    let (_, peer, _) = edge.next_up().await;
    assert_eq!(peer.node.as_str(), "origin-2", "the link that stands has not come up again");
    other.next_up().await;

    let tasks = edge.endpoint.tasks();
    link.close("over");
    edge.next_down().await;
    within(async {
        while edge.endpoint.tasks() == tasks {
            tokio::task::yield_now().await;
        }
    })
    .await;
    assert_eq!(first.endpoint.statistics().links_up, 1);
}

#[tokio::test]
async fn two_nodes_that_dial_each_other_at_once_get_one_link_that_nothing_replaces() {
    for round in 0..10 {
        let directory = Directory::new();
        let mut low = TestNode::start(&directory, edge("edge-1"));
        let mut high = TestNode::start(&directory, edge("edge-2"));
        if round % 2 == 0 {
            low.connect_to(&high);
            high.connect_to(&low);
        } else {
            high.connect_to(&low);
            low.connect_to(&high);
        }
        let (low_id, _, low_link) = low.next_up().await;
        let (high_id, _, high_link) = high.next_up().await;
        // What the other dial did has come after so many round trips.
        for _ in 0..20 {
            low_link.send(Body::Load(Load::default())).unwrap();
            let Event::Control { id, .. } = high.next().await else { panic!("round {round}") };
            assert_eq!(id, high_id);
            high_link.send(Body::Load(Load::default())).unwrap();
            let Event::Control { id, .. } = low.next().await else { panic!("round {round}") };
            assert_eq!(id, low_id);
        }
        for node in [&low, &high] {
            let counts = node.endpoint.statistics();
            assert_eq!((counts.links, counts.links_up, counts.links_replaced), (1, 1, 0));
        }
    }
}

#[tokio::test]
async fn a_dial_that_crosses_a_link_which_has_just_come_up_gives_way() {
    let directory = Directory::new();
    let mut low = TestNode::start(&directory, edge("edge-1"));
    let mut high = TestNode::start(&directory, edge("edge-2"));
    low.connect_to(&high);
    let (_, _, link) = low.next_up().await;
    high.next_up().await;

    let crossing = Stranger::greet(&directory, &edge("edge-2"), low.endpoint.local_addr()).await;

    let closed = within(crossing.connection.closed()).await.to_string();
    assert!(closed.contains("there is a link already"), "{closed}");
    link.send(Body::Load(Load::default())).unwrap();
    assert!(matches!(high.next().await, Event::Control { .. }));
    assert_eq!(low.endpoint.statistics().links_replaced, 0);
}
