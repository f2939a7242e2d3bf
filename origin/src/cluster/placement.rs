//! Which origin is a room's standby, and which takes it over when owner and standby are gone. By rendezvous hashing
//! (Thaler and Ravishankar 1998): all origins agree without talking, rooms spread evenly, and an origin that comes or
//! goes moves only what it gains or loses.

use stoa_protocol::ids::{NodeId, RoomId};

/// The standby of a room whose owner is in `domain`: in another failure domain if there is one, then by weight.
pub fn standby_of<'a>(
    room: &RoomId,
    domain: &str,
    others: impl Iterator<Item = (&'a NodeId, &'a str)>,
) -> Option<&'a NodeId> {
    let best = others.max_by_key(|(node, theirs)| (*theirs != domain, weight(room, node), *node));
    best.map(|(node, _)| node)
}

/// Who takes over a room of which nobody is left, among those who are alive.
pub fn successor_of<'a>(
    room: &RoomId,
    live: impl Iterator<Item = &'a NodeId>,
) -> Option<&'a NodeId> {
    live.max_by_key(|node| (weight(room, node), *node))
}

/// FNV-1a over both names, then mixed, because its upper bits follow the last letters.
pub(super) fn weight(room: &RoomId, node: &NodeId) -> u64 {
    let bytes = room.as_str().bytes().chain([0]).chain(node.as_str().bytes());
    let hash = bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    let mixed = (hash ^ (hash >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    mixed ^ (mixed >> 33)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn nodes(count: usize) -> Vec<NodeId> {
        (1..=count).map(|n| NodeId::new(format!("origin-{n}")).unwrap()).collect()
    }

    fn rooms() -> impl Iterator<Item = RoomId> {
        (0..3_000).map(|n| RoomId::new(format!("room-{n}")).unwrap())
    }

    #[test]
    fn another_failure_domain_comes_first() {
        let nodes = nodes(3);
        let domains = ["fra", "fra", "ams"];
        for room in rooms() {
            let others = nodes.iter().zip(domains);
            assert_eq!(standby_of(&room, "fra", others), Some(&nodes[2]));
        }
        assert_eq!(standby_of(&rooms().next().unwrap(), "fra", std::iter::empty()), None);
    }

    #[test]
    fn rooms_spread_evenly_and_only_those_of_the_origin_that_went_move() {
        let nodes = nodes(4);
        let mut counts = BTreeMap::<&NodeId, usize>::new();
        let (mut moved, mut lost) = (0, 0);
        for room in rooms() {
            let before = successor_of(&room, nodes.iter()).unwrap();
            let after = successor_of(&room, nodes.iter().skip(1)).unwrap();
            *counts.entry(before).or_default() += 1;
            lost += usize::from(*before == nodes[0]);
            moved += usize::from(before != after);
        }
        assert_eq!(moved, lost);
        assert!(counts.values().all(|count| (600..=900).contains(count)), "{counts:?}");
    }
}
