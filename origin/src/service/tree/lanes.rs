//! The stage lane: the edges with people on the stage are told of each other, so that speakers hear each other without the
//! detour over their room's owner.

use std::collections::{BTreeMap, BTreeSet};

use stoa_link::LinkId;
use stoa_protocol::ids::NodeId;
use stoa_protocol::mesh::control::{Body, LANE_EDGES_MAX, Lane, VOICES_MAX, Voice};

use crate::room::Participant;
use crate::service::core::Service;
use crate::service::hall::RoomKey;

/// What the edges of one room's stage were told.
#[derive(Debug, Default)]
pub(in crate::service) struct Lanes {
    version: u64,
    /// Whom, and over which link: a link that is new knows nothing.
    told: BTreeMap<NodeId, LinkId>,
    /// Everybody's addresses and voices, as they were then.
    addresses: Vec<String>,
    voices: Vec<Voice>,
    /// Edges that were left out.
    over: u64,
}

impl Lanes {
    /// An edge's link is down: it is told anew when it is back.
    pub(in crate::service) fn forget(&mut self, node: &NodeId) {
        self.told.remove(node);
    }
}

impl Service {
    /// Tells the edges of a room's stage of each other and of who may be heard, if that has changed. Whose edge is away
    /// stays named: he may be heard over the lane all the same.
    pub(in crate::service) fn tell_lanes(&mut self, key: RoomKey) {
        let Some(hall) = self.halls.get(&key) else { return };
        let (nodes, over) = nodes_of(hall.room.on_stage());
        if nodes.is_empty() && hall.lanes.told.is_empty() {
            return;
        }
        let among: BTreeSet<&NodeId> = nodes.iter().collect();
        let audible = hall.room.on_stage().filter(|one| among.contains(&one.node));
        let voices: Vec<Voice> = audible.filter_map(voice_of).take(VOICES_MAX).collect();
        let map = &self.trees.map;
        let neighbours: Vec<_> = nodes.iter().map(|node| map.neighbour(node)).collect();
        let addresses: Vec<String> = neighbours.iter().map(|n| n.address.clone()).collect();
        // Who has not come in yet, after a take-over, would not take it for the owner's word.
        let link_of = |node: &NodeId| {
            map.spot(node).map(|spot| spot.link).filter(|link| hall.room.has_link(*link))
        };
        let told: BTreeMap<NodeId, LinkId> =
            nodes.iter().filter_map(|node| Some((node.clone(), link_of(node)?))).collect();
        let before = &hall.lanes;
        let same = before.voices == voices
            && before.addresses == addresses
            && before.told.keys().eq(told.keys());
        let left = before.told.iter().filter(|(node, _)| !told.contains_key(*node));
        let left: Vec<LinkId> = left.map(|(_, link)| *link).collect();
        let anew = told.iter().filter(|(node, link)| !same || before.told.get(*node) != Some(link));
        let anew: Vec<(NodeId, LinkId)> = anew.map(|(node, link)| (node.clone(), *link)).collect();
        self.counts.lane_edges_over += over.saturating_sub(before.over);
        if anew.is_empty() && left.is_empty() {
            if let Some(hall) = self.halls.get_mut(&key) {
                hall.lanes.over = over;
            }
            return;
        }
        let version = hall.lanes.version + 1;
        let (room, epoch) = (hall.room.id().as_str().to_owned(), hall.room.epoch().0);
        let lane = Lane { room, epoch, version, ..Lane::default() };
        for link in left {
            self.say_lane(link, lane.clone());
        }
        for (node, link) in anew {
            let mut edges = neighbours.clone();
            edges.retain(|neighbour| neighbour.node != node.as_str());
            self.say_lane(link, Lane { edges, voices: voices.clone(), ..lane.clone() });
        }
        if let Some(hall) = self.halls.get_mut(&key) {
            hall.lanes = Lanes { version, told, addresses, voices, over };
        }
    }

    fn say_lane(&mut self, link: LinkId, lane: Lane) {
        self.counts.lanes_told += 1;
        self.send(link, Body::Lane(lane));
    }
}

/// The edges of a stage, in the order in which people came, and how many are too many; none when it is at one edge only.
fn nodes_of<'a>(stage: impl Iterator<Item = &'a Participant>) -> (Vec<NodeId>, u64) {
    let (mut nodes, mut over) = (Vec::<NodeId>::new(), BTreeSet::new());
    for one in stage.filter(|one| one.track.is_some()) {
        if nodes.contains(&one.node) {
            continue;
        }
        if nodes.len() < LANE_EDGES_MAX {
            nodes.push(one.node.clone());
        } else {
            over.insert(&one.node);
        }
    }
    if nodes.len() < 2 {
        nodes.clear();
    }
    (nodes, u64::try_from(over.len()).unwrap_or(u64::MAX))
}

fn voice_of(one: &Participant) -> Option<Voice> {
    let track = one.track.filter(|_| one.muted.is_none())?;
    Some(Voice {
        track: track.0,
        participant: one.id.as_str().to_owned(),
        edge: one.node.as_str().to_owned(),
        ..Voice::default()
    })
}
