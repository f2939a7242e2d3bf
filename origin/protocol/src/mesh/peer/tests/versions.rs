//! A node that knows one field less, and one that knows one more, in a whole conversation with ours, whichever of the
//! two it is.

use std::time::Duration;

use super::accents::Accent;
use super::pair::{EDGE, Lose, ORIGIN, Pair, config, frame, params, without_repair};
use crate::mesh::control::{
    BindTrack, Body, Branch, Control, Feed, Load, Neighbour, SelectedTrack, Selection, Subscribe,
    Unsubscribe,
};
use crate::mesh::peer::{Config, Event};

const FRAMES: u64 = 500;

#[test]
fn a_newer_node_is_understood_in_everything_that_we_know() {
    for newer in [ORIGIN, EDGE] {
        let mut pair = Pair::with(config(ORIGIN), config(EDGE));
        pair.paths[newer].accent = Some(Accent::Newer);
        converse(&mut pair);
        let (own, strange) = (1 - newer, newer);
        assert_eq!(heard(&pair, own), told_by(strange), "{newer}");
        assert_eq!(heard(&pair, strange), told_by(own), "{newer}");
        let statistics = pair.sides[own].peer.statistics();
        // Half of what it says, and datagrams of another layout or kind.
        assert!(statistics.control_unknown >= 10, "{statistics:?}");
        assert!(statistics.datagrams_unknown > FRAMES, "{statistics:?}");
        let asked = pair.sides.iter().map(|side| side.peer.statistics().repairs_in);
        assert!(asked.min() > Some(0), "both repair");
    }
}

#[test]
fn an_older_node_is_understood_without_what_it_does_not_say() {
    for older in [ORIGIN, EDGE] {
        let old = |side: usize| {
            let own = Config { redundancy: 3, ..config(side) };
            if side == older { without_repair(own) } else { own }
        };
        let mut pair = Pair::with(old(ORIGIN), old(EDGE));
        for path in &mut pair.paths {
            path.accent = Some(Accent::Older);
        }
        converse(&mut pair);
        for side in [ORIGIN, EDGE] {
            let understood: Vec<Body> = told_by(1 - side).into_iter().map(lacking).collect();
            assert_eq!(heard(&pair, side), understood, "{older}");
            let statistics = pair.sides[side].peer.statistics();
            assert_eq!((statistics.repairs_asked, statistics.control_unknown), (0, 0), "{older}");
        }
    }
}

#[test]
fn a_track_of_a_kind_that_we_do_not_know_harms_no_other() {
    let mut pair = Pair::active();
    let strange = BindTrack {
        alias: 900,
        track: 77,
        epoch: 1,
        room: "agora".to_owned(),
        kind: 7,
        ..BindTrack::default()
    };
    pair.sides[ORIGIN].peer.handle_control(control(Body::BindTrack(strange)), pair.now);
    pair.speak(0..50);
    let statistics = pair.sides[ORIGIN].peer.statistics();
    assert_eq!((statistics.control_unknown, statistics.refused, statistics.malformed), (1, 0, 0));
    assert_eq!(pair.numbers(ORIGIN).len(), 50);
    assert!(pair.sides[ORIGIN].peer.is_up());
}

/// Hello, tracks, frames of both sides over a path that loses a tenth, what nodes say of rooms, and a goodbye.
fn converse(pair: &mut Pair) {
    pair.set_paths(10, 0, Lose::Independently(0.1));
    pair.run_ms(400);
    for side in [ORIGIN, EDGE] {
        assert!(pair.sides[side].peer.is_up(), "{side}: {:?}", pair.down(side));
        pair.bind(side, side as u64 + 1);
        for body in told_by(side) {
            pair.sides[side].peer.send_control(body).unwrap();
        }
    }
    pair.drain();
    pair.run_ms(400);
    for number in 0..FRAMES {
        for side in [ORIGIN, EDGE] {
            pair.send(side, &frame(side as u64 + 1, number));
        }
        pair.run_ms(20);
    }
    pair.run_ms(400);
    for side in [ORIGIN, EDGE] {
        let arrived = pair.numbers(side).len() as u64;
        assert!(arrived + FRAMES / 100 >= FRAMES, "{side}: {arrived}");
        let statistics = pair.sides[side].peer.statistics();
        assert_eq!((statistics.malformed, statistics.refused), (0, 0), "{side}: {statistics:?}");
        assert!(statistics.rtt_smoothed.is_some_and(|rtt| rtt < Duration::from_millis(30)));
    }
    pair.sides[EDGE].peer.unbind(params(EDGE as u64 + 1).track, pair.now).unwrap();
    pair.run_ms(400);
    assert_eq!(pair.sides[ORIGIN].peer.statistics().tracks_in, 0);
    pair.sides[EDGE].peer.goodbye("upgrade", pair.now);
    pair.drain();
    pair.run_ms(400);
    assert_eq!(pair.down(ORIGIN).unwrap().1, "the peer said goodbye: upgrade");
}

/// What the owner of a link is told by the other side, and what an edge and an origin say to each other.
fn told_by(side: usize) -> Vec<Body> {
    let room = "agora".to_owned();
    let neighbour =
        |node: &str| Some(Neighbour { node: node.to_owned(), address: format!("{node}:1") });
    if side == EDGE {
        let subscribe = Subscribe {
            room: room.clone(),
            feed: i32::from(Feed::Blue),
            epoch: 3,
            back_fill: true,
            ..Subscribe::default()
        };
        let unsubscribe = Unsubscribe { room, ..Unsubscribe::default() };
        let load = Load { participants: 5, used_permille: 10 };
        return vec![Body::Subscribe(subscribe), Body::Unsubscribe(unsubscribe), Body::Load(load)];
    }
    let selected = vec![SelectedTrack { track: 2, from_number: 8 }];
    let branch = Branch {
        room: room.clone(),
        epoch: 3,
        plan: 4,
        red: neighbour("edge-2"),
        blue: neighbour("origin-3"),
        red_backup: neighbour("edge-4"),
        relays: true,
        standby: "origin-3".to_owned(),
        blue_backup: neighbour("edge-5"),
    };
    let selection = Selection { room, epoch: 3, decision: 1, selected };
    vec![Body::Selection(selection), Body::Branch(branch)]
}

/// The same without the newest fields.
fn lacking(body: Body) -> Body {
    match body {
        Body::Subscribe(subscribe) => Body::Subscribe(Subscribe { back_fill: false, ..subscribe }),
        Body::Load(load) => Body::Load(Load { used_permille: 0, ..load }),
        Body::Branch(branch) => Body::Branch(Branch { blue_backup: None, ..branch }),
        other => other,
    }
}

fn heard(pair: &Pair, side: usize) -> Vec<Body> {
    let events = pair.sides[side].events.iter().filter_map(|(_, event)| match event {
        Event::Control(body) => Some(Body::clone(body)),
        _ => None,
    });
    events.collect()
}

fn control(body: Body) -> Control {
    Control { body: Some(body) }
}
