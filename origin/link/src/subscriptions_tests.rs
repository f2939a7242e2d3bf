//! The tree binds exactly what is wanted, as differences.

use std::time::{Duration, Instant};

use stoa_audio::frame::TrackId;

use super::{Change, Interest, RELEASE_AFTER, Subscriptions};
use crate::event::LinkId;

const A: LinkId = LinkId(1);
const C: LinkId = LinkId(3);
const VOICE: TrackId = TrackId(7);

#[test]
fn a_selected_track_is_bound_to_every_subscriber() {
    let mut tree = with_children(&[C, A]);

    tree.handle_selection(Interest::SPEAKERS, &[VOICE], Instant::now());

    assert_eq!(changes(&mut tree), [bind(A), bind(C)]);
    assert_eq!(tree.children(VOICE), [A, C]);
}

#[test]
fn a_late_subscriber_gets_what_is_selected() {
    let mut tree = with_children(&[A]);
    tree.handle_selection(Interest::SPEAKERS, &[VOICE], Instant::now());
    changes(&mut tree);

    tree.handle_subscribe(C, Interest::SPEAKERS);

    assert_eq!(changes(&mut tree), [bind(C)]);
}

#[test]
fn a_track_selected_again_within_the_release_time_is_not_bound_twice() {
    let start = Instant::now();
    let mut tree = with_children(&[A]);
    tree.handle_selection(Interest::SPEAKERS, &[VOICE], start);
    changes(&mut tree);

    tree.handle_selection(Interest::SPEAKERS, &[], start);
    tree.handle_timeout(start + RELEASE_AFTER - Duration::from_millis(1));
    tree.handle_selection(Interest::SPEAKERS, &[VOICE], start + RELEASE_AFTER);
    tree.handle_timeout(start + RELEASE_AFTER * 2);

    assert_eq!(changes(&mut tree), []);
    assert_eq!(tree.children(VOICE), [A]);
}

#[test]
fn a_track_is_released_when_it_was_not_selected_for_long_enough() {
    let start = Instant::now();
    let mut tree = with_children(&[A]);
    tree.handle_selection(Interest::SPEAKERS, &[VOICE], start);
    tree.handle_selection(Interest::SPEAKERS, &[], start);
    changes(&mut tree);

    assert_eq!(tree.poll_timeout(), Some(start + RELEASE_AFTER));
    tree.handle_timeout(start + RELEASE_AFTER);

    assert_eq!(changes(&mut tree), [unbind(A)]);
    assert!(tree.children(VOICE).is_empty());
    assert_eq!(tree.poll_timeout(), None);
}

#[test]
fn an_ended_track_is_released_at_once() {
    let mut tree = with_children(&[A]);
    tree.handle_selection(Interest::SPEAKERS, &[VOICE], Instant::now());
    changes(&mut tree);

    tree.handle_track_end(VOICE);

    assert_eq!(changes(&mut tree), [unbind(A)]);
}

#[test]
fn a_lost_link_leaves_nothing_to_undo() {
    let mut tree = with_children(&[A, C]);
    tree.handle_selection(Interest::SPEAKERS, &[VOICE], Instant::now());

    tree.handle_link_down(A);

    assert_eq!(changes(&mut tree), [bind(C)]);
    assert!(!tree.has_link(A));
    assert_eq!(tree.children(VOICE), [C]);
}

#[test]
fn a_new_epoch_is_announced_to_every_child() {
    let mut tree = with_children(&[A, C]);
    tree.handle_selection(Interest::SPEAKERS, &[VOICE], Instant::now());
    changes(&mut tree);

    tree.handle_epoch(VOICE);

    assert_eq!(changes(&mut tree), [bind(A), bind(C)]);
}

#[test]
fn a_child_that_asks_for_the_programme_gets_no_speakers() {
    let mut tree = Subscriptions::default();
    let programme = Interest {
        kind: stoa_protocol::mesh::control::TrackKind::Programme,
        bitrate: 24_000,
        ..Interest::SPEAKERS
    };
    tree.handle_subscribe(A, programme);

    tree.handle_selection(Interest::SPEAKERS, &[VOICE], Instant::now());

    assert_eq!(changes(&mut tree), []);
    assert!(tree.has_link(A));
}

fn with_children(children: &[LinkId]) -> Subscriptions {
    let mut tree = Subscriptions::default();
    for &child in children {
        tree.handle_subscribe(child, Interest::SPEAKERS);
    }
    tree
}

fn bind(child: LinkId) -> Change {
    Change::Bind { child, track: VOICE }
}

fn unbind(child: LinkId) -> Change {
    Change::Unbind { child, track: VOICE }
}

fn changes(tree: &mut Subscriptions) -> Vec<Change> {
    std::iter::from_fn(|| tree.next_change()).collect()
}
