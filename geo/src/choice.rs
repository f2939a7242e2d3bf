//! Edges ranked for a client, with a reason for each that was refused.
//!
//! The score is the modelled round-trip time plus a penalty that grows with load, so that a busy edge
//! nearby and an idle one a little further share the clients between them.

use crate::coordinates::Coordinates;
use crate::edges::{Edge, Health};
use crate::rtt;

/// An edge with more load than this takes no new clients, in permille.
pub const LOAD_MAX_PERMILLE: u16 = 900;

/// Up to this load an edge is as good as an idle one, in permille.
pub const LOAD_FREE_PERMILLE: u16 = 500;

/// What load costs at [`LOAD_MAX_PERMILLE`], in ms; less below, in proportion.
pub const LOAD_PENALTY_MAX_MS: f64 = 30.0;

/// An edge that may take the client.
#[derive(Clone, Debug, PartialEq)]
pub struct Candidate<'a> {
    /// Which one.
    pub edge: &'a Edge,
    /// Great-circle distance to the client in km.
    pub distance_km: f64,
    /// Modelled round-trip time in ms.
    pub rtt_ms: f64,
    /// Round-trip time plus the penalty for load, in ms; lowest is best.
    pub score_ms: f64,
}

/// Why an edge is not offered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It does not answer.
    #[error("down")]
    Down,
    /// It takes no new clients.
    #[error("draining")]
    Draining,
    /// Its load is above [`LOAD_MAX_PERMILLE`].
    #[error("full: {load_permille} permille of its capacity in use, at most {LOAD_MAX_PERMILLE}")]
    Full {
        /// Its load.
        load_permille: u16,
    },
}

/// All edges, sorted into those that may take the client, best first, and those that may not.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Ranking<'a> {
    /// Best first.
    pub candidates: Vec<Candidate<'a>>,
    /// In the order given.
    pub refused: Vec<(&'a Edge, Refusal)>,
}

/// Ranks `edges` for a client at `client`. Ties are broken by the node's name, so that every node
/// that ranks the same edges gets the same answer.
#[must_use]
pub fn rank(client: Coordinates, edges: &[Edge]) -> Ranking<'_> {
    let mut ranking = Ranking::default();
    for edge in edges {
        match refusal(edge) {
            Some(reason) => ranking.refused.push((edge, reason)),
            None => ranking.candidates.push(candidate(client, edge)),
        }
    }
    ranking.candidates.sort_by(|a, b| {
        a.score_ms.total_cmp(&b.score_ms).then_with(|| a.edge.node.cmp(&b.edge.node))
    });
    ranking
}

fn refusal(edge: &Edge) -> Option<Refusal> {
    match edge.health {
        Health::Down => Some(Refusal::Down),
        Health::Draining => Some(Refusal::Draining),
        Health::Healthy if edge.load_permille > LOAD_MAX_PERMILLE => {
            Some(Refusal::Full { load_permille: edge.load_permille })
        }
        Health::Healthy => None,
    }
}

fn candidate(client: Coordinates, edge: &Edge) -> Candidate<'_> {
    let distance_km = client.distance_km(edge.coordinates);
    let rtt_ms = rtt::modelled_ms(distance_km);
    let beyond_free = edge.load_permille.saturating_sub(LOAD_FREE_PERMILLE);
    let share = f64::from(beyond_free) / f64::from(LOAD_MAX_PERMILLE - LOAD_FREE_PERMILLE);
    Candidate { edge, distance_km, rtt_ms, score_ms: rtt_ms + share * LOAD_PENALTY_MAX_MS }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::places;

    fn edge(node: &str, region: &str) -> Edge {
        Edge {
            node: node.to_owned(),
            region: region.to_owned(),
            coordinates: places::find(region).unwrap().coordinates,
            load_permille: 0,
            health: Health::Healthy,
        }
    }

    fn berlin() -> Coordinates {
        Coordinates::new(52.52, 13.40).unwrap()
    }

    fn nodes<'a>(ranking: &Ranking<'a>) -> Vec<&'a str> {
        ranking.candidates.iter().map(|candidate| candidate.edge.node.as_str()).collect()
    }

    #[test]
    fn the_nearest_edge_comes_first() {
        let edges = [edge("s", "sin"), edge("i", "iad"), edge("f", "fra"), edge("a", "ams")];
        assert_eq!(nodes(&rank(berlin(), &edges)), ["f", "a", "i", "s"]);
    }

    #[test]
    fn a_busy_edge_nearby_comes_after_an_idle_one_a_little_further() {
        let mut edges = [edge("f", "fra"), edge("a", "ams"), edge("i", "iad")];
        edges[0].load_permille = 850;
        assert_eq!(nodes(&rank(berlin(), &edges)), ["a", "f", "i"]);
    }

    #[test]
    fn each_refused_edge_has_its_reason() {
        let mut edges = [edge("f", "fra"), edge("a", "ams"), edge("w", "waw"), edge("l", "lhr")];
        edges[0].health = Health::Down;
        edges[1].health = Health::Draining;
        edges[2].load_permille = LOAD_MAX_PERMILLE + 1;
        edges[3].load_permille = LOAD_MAX_PERMILLE;
        let ranking = rank(berlin(), &edges);
        assert_eq!(nodes(&ranking), ["l"]);
        let reasons: Vec<Refusal> = ranking.refused.iter().map(|(_, reason)| *reason).collect();
        let full = Refusal::Full { load_permille: LOAD_MAX_PERMILLE + 1 };
        assert_eq!(reasons, [Refusal::Down, Refusal::Draining, full]);
    }

    #[test]
    fn equal_edges_are_ranked_by_name_whatever_their_order() {
        let edges = [edge("b", "ams"), edge("a", "ams"), edge("c", "ams")];
        assert_eq!(nodes(&rank(berlin(), &edges)), ["a", "b", "c"]);
    }

    proptest! {
        #[test]
        fn every_edge_is_ranked_or_refused_and_scores_ascend(
            loads in proptest::collection::vec(0_u16..=1_000, 0..40),
            latitude in -90.0..=90.0, longitude in -180.0..=180.0,
        ) {
            let place = |at: usize| places::PLACES[at % places::PLACES.len()].code;
            let edges: Vec<Edge> = loads.iter().enumerate().map(|(at, load)| {
                Edge { load_permille: *load, ..edge(&at.to_string(), place(at)) }
            }).collect();
            let ranking = rank(Coordinates::new(latitude, longitude).unwrap(), &edges);
            prop_assert_eq!(ranking.candidates.len() + ranking.refused.len(), edges.len());
            prop_assert!(ranking.candidates.is_sorted_by(|a, b| a.score_ms <= b.score_ms));
            prop_assert!(ranking.candidates.iter().all(|c| c.score_ms >= c.rtt_ms));
        }
    }
}
