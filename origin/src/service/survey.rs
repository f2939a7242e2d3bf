//! What the status page tells: a bounded look at everything, without changing anything.

use std::ops::Bound;

use stoa_link::{LinkId, LinkStatistics, PeerName};
use stoa_protocol::ids::NodeId;
use stoa_protocol::mesh::control::Load;

use super::core::Service;
use super::hall::Hall;
use super::tree::{Hanging, hop_ms};
use crate::status::Query;
use crate::status::survey::{
    Branch, NODES_SHOWN_MAX, Node, Origin, ROOMS_PER_PAGE, Room, Site, Survey, Tree, Trees, degrees,
};

/// How a link does, as its owner sees it.
pub(super) type Figures<'a> = &'a dyn Fn(LinkId) -> LinkStatistics;

impl Service {
    /// What is known now, as seen from `site`; `figures` are those of a link.
    #[must_use]
    pub fn survey(&self, query: &Query, site: &Site, figures: Figures<'_>) -> Survey {
        let after = query.after.clone().map_or(Bound::Unbounded, Bound::Excluded);
        let mut later = self.rooms.range((after, Bound::Unbounded));
        let page = later.by_ref().take(ROOMS_PER_PAGE);
        let rooms: Vec<Room> =
            page.filter_map(|(_, key)| self.halls.get(key)).map(surveyed).collect();
        let more = later.next().is_some();
        let next = rooms.last().filter(|_| more).map(|room| room.room.clone());
        let hall = query.room.as_ref().and_then(|room| self.halls.get(self.rooms.get(room)?));
        let (name, draining) = (&site.name, self.is_draining());
        Survey {
            origin: Origin {
                node: name.node.to_string(),
                region: name.region.to_string(),
                version: env!("CARGO_PKG_VERSION"),
                draining,
            },
            origins: self.origins_surveyed(figures),
            edges: self.edges_surveyed(figures),
            rooms,
            rooms_total: self.rooms.len(),
            next,
            trees: hall.map(|hall| self.trees_surveyed(hall, site, figures)),
        }
    }

    fn edges_surveyed(&self, figures: Figures<'_>) -> Vec<Node> {
        let edges = self.links.iter().take(NODES_SHOWN_MAX).map(|(link, edge)| {
            let spot = self.trees.map.spot(&edge.peer.node);
            Node {
                rooms: edge.rooms.len(),
                fan_out_max: spot.map_or(0, |spot| spot.fan_out_max),
                ..self.node_surveyed(&edge.peer, edge.load, figures(*link))
            }
        });
        sorted(edges.collect())
    }

    fn origins_surveyed(&self, figures: Figures<'_>) -> Vec<Node> {
        let origins = self.network.origins.iter().take(NODES_SHOWN_MAX).map(|(link, origin)| {
            let node = self.node_surveyed(&origin.peer, origin.load, figures(*link));
            Node { draining: origin.draining, ..node }
        });
        sorted(origins.collect())
    }

    fn node_surveyed(&self, peer: &PeerName, load: Load, figures: LinkStatistics) -> Node {
        Node {
            node: peer.node.to_string(),
            region: peer.region.to_string(),
            place: self.trees.map.place(&peer.node).map(degrees),
            participants: load.participants,
            used_percent: f64::from(load.used_permille) / 10.0,
            rooms: 0,
            fan_out_max: 0,
            draining: false,
            link: figures.into(),
        }
    }

    fn trees_surveyed(&self, hall: &Hall, site: &Site, figures: Figures<'_>) -> Trees {
        let map = &self.trees.map;
        let members = hall.room.links().filter_map(|link| {
            #[expect(clippy::cast_possible_truncation, reason = "milliseconds, for people")]
            let rtt_ms = figures(link).rtt_ms as f32;
            Some((&self.links.get(&link)?.peer.node, hop_ms(rtt_ms)))
        });
        let (red, blue) = hall.branches.hanging(&self.node, members);
        let own = site.coordinates().map(degrees);
        let place = |node: &NodeId| {
            if *node == self.node { own } else { map.place(node).map(degrees) }
        };
        let tree = |root: &NodeId, hanging: Vec<Hanging>| {
            let branches = hanging.into_iter().take(NODES_SHOWN_MAX).map(|hanging| Branch {
                region: map.spot(&hanging.child).map(|s| s.region.to_string()).unwrap_or_default(),
                place: place(&hanging.child),
                node: hanging.child.to_string(),
                parent: hanging.parent.to_string(),
                hop_ms: hanging.hop_ms,
                delay_ms: hanging.delay_ms,
            });
            Tree { root: root.to_string(), place: place(root), branches: branches.collect() }
        };
        let standby = hall.blue_root().map(|standby| &standby.node);
        Trees {
            room: surveyed(hall),
            red: tree(&self.node, red),
            blue: standby.filter(|_| !blue.is_empty()).map(|standby| tree(standby, blue)),
        }
    }
}

fn surveyed(hall: &Hall) -> Room {
    let info = hall.info();
    Room {
        room: info.room,
        name: info.name,
        tenant: info.tenant,
        stage: info.speakers,
        listeners: info.listeners,
        edges: hall.room.links().count(),
        standby: hall.standby.as_ref().map(|standby| standby.node.to_string()),
        feeds: hall.room.settings().feeds,
        feeds_effective: hall.branches.feeds_effective(),
    }
}

fn sorted(mut nodes: Vec<Node>) -> Vec<Node> {
    nodes.sort_by(|a, b| a.node.cmp(&b.node));
    nodes
}
