//! Who sends the room to whom, as the bytes on the ways between nodes show it. Only who sends nothing though he was
//! asked is known by word: a parent that has the voice from its child does not send it back.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::demo::{Network, Page};

/// Bytes a second from which on a way carries a voice; beats, acknowledgements and questions alone stay far below.
const VOICE_BYTES_PER_SECOND: f64 = 5_000.0;

/// Names of nodes with what goes from one to the other.
#[derive(Clone, Debug, Default)]
pub(super) struct Feeds {
    /// Bytes a second.
    rates: BTreeMap<(String, String), f64>,
    /// Edges that have asked two nodes for the room.
    doubled: BTreeSet<String>,
}

impl Feeds {
    /// Counts for that long.
    pub(super) async fn watch(network: &Network, span: Duration) -> Self {
        let before = bytes(network);
        tokio::time::sleep(span).await;
        let after = bytes(network);
        let rate = |(pair, bytes): ((String, String), u64)| {
            let gone = bytes - before.get(&pair).copied().unwrap_or(0);
            #[expect(clippy::cast_precision_loss, reason = "far below 2^52 bytes")]
            let rate = gone as f64 / span.as_secs_f64();
            (pair, rate)
        };
        Self { rates: after.into_iter().map(rate).collect(), doubled: doubled(network).await }
    }

    /// How many nodes a node has the room from, or would have it from as soon as they have it from somebody else first.
    pub(super) fn count(&self, node: &str) -> usize {
        self.to(node).len().max(if self.doubled.contains(node) { 2 } else { 0 })
    }

    /// From whom a node gets voices, most bytes first.
    pub(super) fn to(&self, node: &str) -> Vec<&str> {
        let mut from: Vec<_> = self.voices().filter(|(pair, _)| pair.1 == node).collect();
        from.sort_by(|one, other| other.1.total_cmp(&one.1));
        from.into_iter().map(|(pair, _)| pair.0.as_str()).collect()
    }

    /// Whom a node sends voices.
    pub(super) fn from(&self, node: &str) -> Vec<&str> {
        let voices = self.voices().filter(|(pair, _)| pair.0 == node);
        voices.map(|(pair, _)| pair.1.as_str()).collect()
    }

    /// Bytes a second from one node to another.
    pub(super) fn rate(&self, from: &str, to: &str) -> f64 {
        self.rates.get(&(from.to_owned(), to.to_owned())).copied().unwrap_or(0.0)
    }

    fn voices(&self) -> impl Iterator<Item = (&(String, String), f64)> {
        self.rates
            .iter()
            .map(|(pair, rate)| (pair, *rate))
            .filter(|(_, rate)| *rate > VOICE_BYTES_PER_SECOND)
    }
}

/// Edges that say of their only room that two nodes were asked for it. Who does not answer has none.
async fn doubled(network: &Network) -> BTreeSet<String> {
    let mut doubled = BTreeSet::new();
    for edge in &network.edges {
        let page = Page::read(edge.site.node.http()).await.unwrap_or_default();
        if page.sum("stoa_edge_tree_rooms_doubled", "").is_some_and(|rooms| rooms > 0.5) {
            doubled.insert(edge.site.node.name().to_owned());
        }
    }
    doubled
}

fn bytes(network: &Network) -> BTreeMap<(String, String), u64> {
    let mut bytes = BTreeMap::new();
    for from in network.sites() {
        for to in network.sites().filter(|to| to.node.name() != from.node.name()) {
            let pair = (from.node.name().to_owned(), to.node.name().to_owned());
            bytes.insert(pair, from.bytes_to(to));
        }
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_ways_that_carry_a_voice_are_feeds() {
        let rates =
            [("o", "a", 9_000.0), ("a", "b", 8_000.0), ("b", "a", 1_700.0), ("c", "b", 9_500.0)];
        let rates = rates.map(|(from, to, rate)| ((from.into(), to.into()), rate)).into();
        let feeds = Feeds { rates, doubled: ["a".to_owned()].into() };
        assert_eq!(feeds.to("b"), ["c", "a"]);
        assert_eq!(feeds.to("a"), ["o"]);
        assert_eq!(feeds.from("a"), ["b"]);
        assert!(feeds.from("b").is_empty());
        // Of a's two parents b has the room from a.
        assert_eq!(["a", "b", "c"].map(|node| feeds.count(node)), [2, 2, 0]);
    }
}
