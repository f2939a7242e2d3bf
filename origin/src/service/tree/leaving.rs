//! Edges that leave: nobody hangs from them any more, and the clients of all edges are told where else they may go.

use std::time::Instant;

use stoa_link::LinkId;
use stoa_protocol::ids::NodeId;
use stoa_protocol::mesh::control::{ALTERNATIVES_MAX, Alternative, Alternatives, Body};

use crate::service::core::Service;

/// Edges that are as full as this or more are nobody's alternative.
const USED_PERMILLE_MAX: u32 = 900;

impl Service {
    /// An edge leaves, or stays after all. Rooms are planned anew without it as a relay; who hangs from it asks others
    /// first and lets it go then.
    pub(in crate::service) fn handle_edge_drain(
        &mut self,
        link: LinkId,
        drains: bool,
        now: Instant,
    ) {
        let Some(edge) = self.links.get(&link) else { return };
        let node = edge.peer.node.clone();
        if self.trees.map.set_drains(&node, drains) {
            self.network_changed(now);
        }
    }

    /// Edges that leave.
    #[must_use]
    pub fn edges_draining(&self) -> usize {
        self.trees.map.edges().filter(|(_, spot)| spot.drains).count()
    }

    /// Tells an edge where its clients may go, if that has changed.
    pub(super) fn name_alternatives_of(&mut self, node: &NodeId, link: LinkId) {
        let edges = self.alternatives_of(node);
        let Some(edge) = self.links.get_mut(&link) else { return };
        let same = |(told, new): (&Alternative, &Alternative)| told.url == new.url;
        let told = &edge.alternatives_told;
        if told.len() == edges.len() && told.iter().zip(&edges).all(same) {
            return;
        }
        edge.alternatives_told.clone_from(&edges);
        self.send(link, Body::Alternatives(Alternatives { edges }));
    }

    /// The nearest edges that clients reach and that have room for them.
    fn alternatives_of(&self, node: &NodeId) -> Vec<Alternative> {
        let map = &self.trees.map;
        let fits = |link: &LinkId| {
            self.links.get(link).is_some_and(|edge| edge.load.used_permille < USED_PERMILLE_MAX)
        };
        let mut edges: Vec<Alternative> = map
            .edges()
            .filter(|(other, spot)| *other != node && !spot.drains && !spot.public_url.is_empty())
            .filter(|(_, spot)| fits(&spot.link))
            .map(|(other, spot)| Alternative {
                node: other.as_str().to_owned(),
                url: spot.public_url.clone(),
                rtt_us: micros(map.rtt_ms(node, other)),
            })
            .collect();
        edges.sort_by_key(|edge| edge.rtt_us);
        edges.truncate(ALTERNATIVES_MAX);
        edges
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "not negative, and a round trip takes less than an hour"
)]
fn micros(ms: f32) -> u32 {
    (ms * 1_000.0) as u32
}
