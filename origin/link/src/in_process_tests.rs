//! Two nodes of one process.

use stoa_audio::frame::{Epoch, TrackId};
use stoa_protocol::mesh::control::{Body, Goodbye, Load};

use super::in_process;
use crate::event::{Event, LinkId};
use crate::handle::{Link, SendError};
use crate::inbox::{INBOX_EVENTS_MAX, INBOX_FACTS_RESERVED, Inbox, inbox};
use crate::tests::support::{binding, edge, frame, origin};

#[test]
fn both_sides_come_up_and_what_one_sends_the_other_gets() {
    let (mut a, mut b) = pair();
    a.link.send(Body::Load(Load { participants: 1, used_permille: 2 })).unwrap();
    a.link.bind(binding(5));
    a.link.send_frame(&frame(5, 8));
    a.link.unbind(TrackId(5));

    let Event::Control { id, body } = b.next() else { panic!("no control message") };
    assert_eq!((id, *body), (b.id, Body::Load(Load { participants: 1, used_permille: 2 })));
    let Event::Bound { id, binding: bound } = b.next() else { panic!("no binding") };
    assert_eq!((id, *bound), (b.id, binding(5)));
    let Event::Frame { id, frame: received } = b.next() else { panic!("no frame") };
    assert_eq!((id, received), (b.id, frame(5, 8)));
    let Event::Unbound { id, track } = b.next() else { panic!("no unbinding") };
    assert_eq!((id, track), (b.id, TrackId(5)));
    assert!(a.inbox.try_recv().is_err());
    let (out, into) = (a.link.statistics(), b.link.statistics());
    assert_eq!((out.frames_out, into.frames_in, out.rtt_ms), (1, 1, 0.0));
}

#[test]
fn frames_of_unbound_tracks_and_other_epochs_are_counted_and_dropped() {
    let (a, mut b) = pair();
    a.link.send_frame(&frame(5, 0));
    a.link.bind(binding(5));
    let mut old = frame(5, 8);
    old.epoch = Epoch(0);
    a.link.send_frame(&old);
    assert!(matches!(b.next(), Event::Bound { .. }));
    assert!(b.inbox.try_recv().is_err());
    assert_eq!(a.link.statistics().frames_unbound, 2);
}

#[test]
fn both_sides_are_told_once_when_one_closes_and_nothing_follows() {
    let (mut a, mut b) = pair();
    b.link.close("enough");
    a.link.close("too late");
    for side in [&mut a, &mut b] {
        let Event::Down { id, reason } = side.next() else { panic!("not down") };
        assert_eq!((id, reason.as_str()), (side.id, "enough"));
        assert_eq!(side.link.send(Body::Load(Load::default())), Err(SendError::Closed));
        side.link.bind(binding(5));
        side.link.send_frame(&frame(5, 8));
        assert!(side.inbox.try_recv().is_err());
    }
}

#[test]
fn a_full_inbox_loses_frames_first_and_then_the_link_but_never_the_last_word() {
    let (a, mut b) = pair();
    a.link.bind(binding(5));
    for number in 0..INBOX_EVENTS_MAX as u64 {
        a.link.send_frame(&frame(5, number * 8));
    }
    let delivered = INBOX_EVENTS_MAX - INBOX_FACTS_RESERVED - 2;
    assert_eq!(b.link.statistics().frames_in, delivered as u64);

    let load = || Body::Load(Load::default());
    let taken = (0..INBOX_EVENTS_MAX).take_while(|_| a.link.send(load()).is_ok()).count();
    assert_eq!(taken, INBOX_FACTS_RESERVED);
    assert_eq!(a.link.send(load()), Err(SendError::Closed));

    let last = std::iter::from_fn(|| b.inbox.try_recv().ok()).last().unwrap();
    assert!(matches!(last, Event::Down { .. }), "{last:?}");
}

#[test]
fn an_owner_that_is_gone_ends_the_link() {
    let (mut a, b) = pair();
    drop(b.inbox);
    assert_eq!(a.link.send(Body::Load(Load::default())), Err(SendError::Closed));
    assert!(matches!(a.next(), Event::Down { .. }));
}

#[test]
fn a_goodbye_is_an_ordinary_message_for_owners_inside_a_process() {
    let (a, mut b) = pair();
    let goodbye = Body::Goodbye(Goodbye { reason: "bye".to_owned() });
    a.link.send(goodbye.clone()).unwrap();
    let Event::Control { body, .. } = b.next() else { panic!("no goodbye") };
    assert_eq!(*body, goodbye);
}

struct Owner {
    id: LinkId,
    link: Link,
    inbox: Inbox,
}

impl Owner {
    fn next(&mut self) -> Event {
        self.inbox.try_recv().unwrap()
    }
}

fn pair() -> (Owner, Owner) {
    let ((to_a, a), (to_b, b)) = (inbox(), inbox());
    in_process(edge("edge-1"), to_a, origin("origin-1"), to_b);
    let (a, b) = (up(a, "origin-1"), up(b, "edge-1"));
    assert_ne!(a.id, b.id);
    (a, b)
}

fn up(mut inbox: Inbox, other: &str) -> Owner {
    let Ok(Event::Up { id, peer, link }) = inbox.try_recv() else { panic!("not up") };
    assert_eq!((peer.node.as_str(), link.id(), link.peer()), (other, id, &peer));
    Owner { id, link, inbox }
}
