//! Peers that break the rules are cut off; the endpoint and its other links go on.

use bytes::Bytes;
use stoa_protocol::mesh::codec::MESSAGE_BYTES_MAX;
use stoa_protocol::mesh::control::{Body, Load, Refuse, RoomInfo, RoomState};

use super::stranger::Stranger;
use super::support::{Directory, TestNode, edge, origin};
use crate::event::Event;
use crate::handle::SendError;

#[tokio::test]
async fn a_peer_that_sends_garbage_datagrams_is_cut_off_and_the_endpoint_goes_on() {
    let directory = Directory::new();
    let mut origin = TestNode::start(&directory, origin("origin-1"));
    let to = origin.endpoint.local_addr();
    let hostile = Stranger::greet(&directory, &edge("edge-1"), to).await;
    let (id, _, link) = origin.next_up().await;

    // A media datagram that ends in the middle of its sequence number, a hundred times.
    for _ in 0..100 {
        hostile.connection.send_datagram(Bytes::from_static(&[0x11, 0xff])).unwrap();
    }

    let (down, reason) = origin.next_down().await;
    assert_eq!(down, id);
    assert!(reason.contains("malformed"), "{reason}");
    assert!(link.statistics().peer_mistakes > 10, "{:?}", link.statistics());
    works_with_others(&directory, &mut origin).await;
}

#[tokio::test]
async fn a_peer_that_sends_an_oversized_control_message_is_cut_off_and_the_endpoint_goes_on() {
    let directory = Directory::new();
    let mut origin = TestNode::start(&directory, origin("origin-1"));
    let to = origin.endpoint.local_addr();
    let mut hostile = Stranger::greet(&directory, &edge("edge-1"), to).await;
    let (id, _, _) = origin.next_up().await;

    // The length prefix of one byte more than is permitted.
    let length = MESSAGE_BYTES_MAX + 1;
    let mut prefix = [0, 7, 14].map(|shift| u8::try_from((length >> shift) & 0x7f).unwrap());
    prefix[0] |= 0x80;
    prefix[1] |= 0x80;
    hostile.send.write_all(&prefix).await.unwrap();

    let (down, reason) = origin.next_down().await;
    assert_eq!(down, id);
    assert!(reason.contains("exceeds the limit"), "{reason}");
    works_with_others(&directory, &mut origin).await;
}

#[tokio::test]
async fn malformed_control_messages_are_skipped_until_there_are_too_many() {
    let directory = Directory::new();
    let mut origin = TestNode::start(&directory, origin("origin-1"));
    let to = origin.endpoint.local_addr();
    let mut hostile = Stranger::greet(&directory, &edge("edge-1"), to).await;
    origin.next_up().await;

    // A message of two bytes whose field number is zero, then a good one: the good one arrives.
    hostile.send.write_all(&[2, 0x00, 0x00]).await.unwrap();
    let load = Body::Load(Load { participants: 3, used_permille: 1 });
    hostile.say(load.clone()).await;
    let Event::Control { body, .. } = origin.next().await else { panic!("the good one is lost") };
    assert_eq!(*body, load);

    for _ in 0..100 {
        hostile.send.write_all(&[2, 0x00, 0x00]).await.unwrap();
    }
    assert!(origin.next_down().await.1.contains("malformed"));
}

#[tokio::test]
async fn a_peer_that_does_not_read_is_cut_off_before_its_messages_fill_the_memory() {
    let directory = Directory::new();
    let mut origin = TestNode::start(&directory, origin("origin-1"));
    let to = origin.endpoint.local_addr();
    let _deaf = Stranger::greet(&directory, &edge("edge-1"), to).await;
    let (_, _, link) = origin.next_up().await;

    let info = RoomInfo { name: "x".repeat(50_000), ..RoomInfo::default() };
    let state = Body::RoomState(RoomState { info: Some(info), ..RoomState::default() });
    let mut sent = 0_usize;
    let refused = loop {
        match link.send(state.clone()) {
            Ok(()) => sent += 1,
            Err(error) => break error,
        }
        assert!(sent < 10_000, "no end of it");
        tokio::task::yield_now().await;
    };

    assert!(matches!(refused, SendError::Closed | SendError::Full), "{refused:?}");
    assert!(origin.next_down().await.1.contains("too slow"));
    assert_eq!(origin.endpoint.statistics().links_queue_full, 1);
    works_with_others(&directory, &mut origin).await;
}

#[tokio::test]
async fn a_peer_that_refuses_us_with_a_long_speech_does_not_fill_the_log() {
    let directory = Directory::new();
    let mut origin = TestNode::start(&directory, origin("origin-1"));
    let to = origin.endpoint.local_addr();
    let mut hostile = Stranger::greet(&directory, &edge("edge-1"), to).await;
    origin.next_up().await;
    hostile.say(Body::Refuse(Refuse { reason: "no\n".repeat(10_000) })).await;
    let (_, reason) = origin.next_down().await;
    assert!(reason.len() < 300 && !reason.contains('\n'), "{reason}");
}

async fn works_with_others(directory: &Directory, origin: &mut TestNode) {
    let mut good = TestNode::start(directory, edge("edge-9"));
    good.connect_to(origin);
    good.next_up().await;
    let (_, peer, _) = origin.next_up().await;
    assert_eq!(peer.node.as_str(), "edge-9");
}
