//! Links that come back, and links that are replaced.

use super::stranger::Stranger;
use super::support::{Directory, TestNode, edge, origin};
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
    super::support::within(older.connection.closed()).await;
    let counts = origin.endpoint.statistics();
    assert_eq!((counts.links, counts.links_replaced), (1, 1));
}
