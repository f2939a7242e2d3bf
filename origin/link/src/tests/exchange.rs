//! Two nodes that get on well.

use std::time::{Duration, Instant};

use stoa_audio::frame::TrackId;
use stoa_protocol::mesh::control::{Body, Drain, Hello, Load, Request};

use super::support::{Directory, TestNode, binding, edge, frame, origin};
use crate::event::Event;
use crate::handle::SendError;

#[tokio::test]
async fn two_nodes_exchange_control_messages_tracks_and_frames() {
    let directory = Directory::new();
    let mut origin = TestNode::start(&directory, origin("origin-1"));
    let mut edge = TestNode::start(&directory, edge("edge-1"));
    edge.connect_to(&origin);
    let (edge_link, reached, to_origin) = edge.next_up().await;
    let (origin_link, caller, to_edge) = origin.next_up().await;
    assert_eq!(reached, super::support::origin("origin-1"));
    assert_eq!(caller, super::support::edge("edge-1"));

    to_origin.send(Body::Request(Request { id: 7, ask: None })).unwrap();
    let Event::Control { id, body } = origin.next().await else { panic!("no control message") };
    assert_eq!(id, origin_link);
    assert_eq!(*body, Body::Request(Request { id: 7, ask: None }));

    to_edge.bind(binding(5));
    let Event::Bound { id, binding: bound } = edge.next().await else { panic!("no binding") };
    assert_eq!((id, *bound), (edge_link, binding(5)));

    // Frames of one round trip arrive in the order in which they were sent, on a path without loss.
    for number in 0..50 {
        to_edge.send_frame(&frame(5, number * 8));
    }
    for number in 0..50 {
        let Event::Frame { id, frame: received } = edge.next().await else { panic!("no frame") };
        assert_eq!((id, received), (edge_link, frame(5, number * 8)));
    }

    to_edge.unbind(TrackId(5));
    let Event::Unbound { track, .. } = edge.next().await else { panic!("no unbinding") };
    assert_eq!(track, TrackId(5));
    edge.endpoint.close("the test is over").await;
    origin.endpoint.close("the test is over").await;
}

#[tokio::test]
async fn statistics_tell_how_the_link_does() {
    let directory = Directory::new();
    let mut origin = TestNode::start(&directory, origin("origin-1"));
    let mut edge = TestNode::start(&directory, edge("edge-1"));
    edge.connect_to(&origin);
    let (_, _, to_origin) = edge.next_up().await;
    to_origin.bind(binding(5));
    for number in 0..10 {
        to_origin.send_frame(&frame(5, number * 8));
        to_origin.send_frame(&frame(6, number * 8));
    }
    let mut frames = 0;
    while frames < 10 {
        frames += usize::from(matches!(origin.next().await, Event::Frame { .. }));
    }
    to_origin.close("the test is over");
    edge.next_down().await;

    let statistics = to_origin.statistics();
    assert_eq!(statistics.frames_out, 10, "{statistics:?}");
    assert_eq!(statistics.frames_unbound, 10, "{statistics:?}");
    assert!(statistics.rtt_ms > 0.0 && statistics.rtt_ms < 1_000.0, "{statistics:?}");
    assert!(statistics.rtt_min_ms <= statistics.rtt_ms, "{statistics:?}");
    assert!(statistics.bytes_out > 800 && statistics.window_bytes >= 65_536, "{statistics:?}");
    let endpoint = edge.endpoint.statistics();
    assert_eq!((endpoint.links_up, endpoint.links_down), (1, 1));
}

#[tokio::test]
async fn what_was_sent_before_a_goodbye_arrives_and_then_both_sides_are_told() {
    let directory = Directory::new();
    let mut origin = TestNode::start(&directory, origin("origin-1"));
    let mut edge = TestNode::start(&directory, edge("edge-1"));
    edge.connect_to(&origin);
    let (_, _, to_origin) = edge.next_up().await;
    let (_, _, to_edge) = origin.next_up().await;

    to_edge.send(Body::Drain(Drain { deadline_ms: 500 })).unwrap();
    let Event::Control { body, .. } = edge.next().await else { panic!("no drain") };
    assert_eq!(*body, Body::Drain(Drain { deadline_ms: 500 }));

    for participants in 0..100 {
        to_edge.send(Body::Load(Load { participants, used_permille: 0 })).unwrap();
    }
    to_edge.close("upgrade");
    assert_eq!(to_edge.send(Body::Load(Load::default())), Err(SendError::Closed));
    for expected in 0..100 {
        let Event::Control { body, .. } = edge.next().await else { panic!("a message is missing") };
        assert_eq!(*body, Body::Load(Load { participants: expected, used_permille: 0 }));
    }
    let (_, told) = edge.next_down().await;
    assert_eq!(told, "the peer said goodbye: upgrade");
    assert_eq!(origin.next_down().await.1, "upgrade");
    drop(to_origin);
}

#[tokio::test]
async fn an_endpoint_that_closes_says_goodbye_on_every_link() {
    let directory = Directory::new();
    let mut origin = TestNode::start(&directory, origin("origin-1"));
    let mut edges =
        [TestNode::start(&directory, edge("edge-1")), TestNode::start(&directory, edge("edge-2"))];
    for edge in &mut edges {
        edge.connect_to(&origin);
        edge.next_up().await;
    }
    origin.next_up().await;
    origin.next_up().await;

    origin.endpoint.close("maintenance").await;

    for edge in &mut edges {
        assert_eq!(edge.next_down().await.1, "the peer said goodbye: maintenance");
    }
    let downs = std::iter::from_fn(|| origin.inbox.try_recv().ok());
    assert_eq!(downs.filter(|event| matches!(event, Event::Down { .. })).count(), 2);
}

#[tokio::test]
async fn an_owner_cannot_say_what_is_the_links_own_business() {
    let directory = Directory::new();
    let origin = TestNode::start(&directory, origin("origin-1"));
    let mut edge = TestNode::start(&directory, edge("edge-1"));
    edge.connect_to(&origin);
    let (_, _, to_origin) = edge.next_up().await;
    assert_eq!(to_origin.send(Body::Hello(Hello::default())), Err(SendError::Reserved));
}

#[tokio::test]
async fn a_sampled_frame_tells_the_last_node_what_every_hop_has_added() {
    let directory = Directory::new();
    let mut origin = TestNode::start(&directory, origin("origin-1"));
    let mut first = TestNode::start(&directory, edge("edge-1"));
    let mut last = TestNode::start(&directory, edge("edge-2"));
    first.connect_to(&origin);
    let (_, _, up) = first.next_up().await;
    origin.next_up().await;
    last.connect_to(&origin);
    last.next_up().await;
    let (_, _, down) = origin.next_up().await;
    up.bind(binding(0));
    down.bind(binding(0));
    // The first ones may leave before a round trip was measured, and then carry no trail.
    let sampled = (0_u64..).map(|index| 8 * (64 * index + (64 - index % 64) % 64));
    for number in sampled {
        let frame = frame(0, number);
        first.endpoint.trails().begin(&frame, Instant::now());
        up.send_frame(&frame);
        while !matches!(origin.next().await, Event::Frame { .. }) {}
        down.send_frame(&frame);
        while !matches!(last.next().await, Event::Frame { .. }) {}
        let found = last.endpoint.trails().find(&frame, Instant::now());
        if let Some((trail, waited)) = found.filter(|(trail, _)| trail.hops().len() == 2) {
            assert!(trail.total() + waited < Duration::from_secs(5), "{trail:?}");
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let registry = prometheus::Registry::new();
    last.endpoint.trails().register(&registry).unwrap();
    let page = prometheus::TextEncoder::new().encode_to_string(&registry.gather()).unwrap();
    assert!(
        page.contains("stoa_edge_hop_seconds_count{part=\"link\",peer=\"origin-1\"}"),
        "{page}"
    );
    for node in [first, origin, last] {
        node.endpoint.close("the test is over").await;
    }
}
