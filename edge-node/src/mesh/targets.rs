//! Which addresses are dialled because origins name them: an edge links to every origin that is
//! alive, and is configured with a few of them at most.

use std::collections::{BTreeMap, BTreeSet};

use stoa_protocol::ids::NodeId;
use stoa_protocol::mesh::control::{ORIGINS_MAX, OriginInfo};

/// A host name of DNS (RFC 1035 section 2.3.4), a colon and a port.
const ADDRESS_BYTES_MAX: usize = 255 + 6;

/// What origins name, and what is dialled of it.
#[derive(Debug, Default)]
pub struct Targets {
    /// What each origin has said last, while it is linked; the last one's words stay when it goes.
    told: BTreeMap<NodeId, BTreeMap<NodeId, String>>,
    dialled: BTreeMap<NodeId, String>,
}

/// What came of an origin's list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Noted {
    /// Whether other addresses are to be dialled than before.
    pub changed: bool,
    /// Origins that are not dialled because there are too many.
    pub over_limit: usize,
    /// Entries that could not be read.
    pub malformed: usize,
}

impl Targets {
    /// An origin says who is alive. A node that `is_linked` needs no second link, and dialling it
    /// under another name would only disturb the first.
    pub fn handle_told(
        &mut self,
        teller: &NodeId,
        origins: Vec<OriginInfo>,
        is_linked: impl Fn(&NodeId) -> bool,
    ) -> Noted {
        let mut noted =
            Noted { over_limit: origins.len().saturating_sub(ORIGINS_MAX), ..Noted::default() };
        let mut list = BTreeMap::new();
        for origin in origins.into_iter().take(ORIGINS_MAX) {
            match NodeId::new(origin.node) {
                Ok(node) if is_address(&origin.address) => {
                    list.insert(node, origin.address);
                }
                _ => noted.malformed += 1,
            }
        }
        self.told.retain(|before, _| before == teller || is_linked(before));
        if self.told.len() < ORIGINS_MAX || self.told.contains_key(teller) {
            self.told.insert(teller.clone(), list);
        } else {
            noted.over_limit += 1;
        }
        let before = self.dialled.clone();
        self.forget_unnamed();
        noted.over_limit += self.dial(is_linked);
        noted.changed = before != self.dialled;
        noted
    }

    /// The link to an origin is down. What it said is forgotten while others say enough. Says whether
    /// other addresses are to be dialled than before.
    pub fn handle_gone(&mut self, teller: &NodeId) -> bool {
        if self.told.len() < 2 || self.told.remove(teller).is_none() {
            return false;
        }
        let before = self.dialled.clone();
        self.forget_unnamed();
        before != self.dialled
    }

    /// What is to be dialled.
    #[must_use]
    pub fn wanted(&self) -> BTreeSet<String> {
        self.dialled.values().cloned().collect()
    }

    /// An origin that has moved is dialled where it is now, and one that nobody names no longer.
    fn forget_unnamed(&mut self) {
        let told = &self.told;
        self.dialled.retain(|node, address| {
            let named = || told.values().filter_map(|list| list.get(node));
            let Some(first) = named().next() else { return false };
            if !named().any(|other| other == address) {
                address.clone_from(first);
            }
            true
        });
    }

    /// Says how many origins there are too many.
    fn dial(&mut self, is_linked: impl Fn(&NodeId) -> bool) -> usize {
        let mut over_limit = 0;
        for (node, address) in self.told.values().flatten() {
            if self.dialled.contains_key(node) || is_linked(node) {
                continue;
            }
            if self.dialled.len() >= ORIGINS_MAX {
                over_limit += 1;
                continue;
            }
            self.dialled.insert(node.clone(), address.clone());
        }
        over_limit
    }
}

/// Whether this reads as `HOST:PORT`.
#[must_use]
pub fn is_address(text: &str) -> bool {
    let port = text.rsplit_once(':').map(|(host, port)| (!host.is_empty(), port.parse::<u16>()));
    text.len() <= ADDRESS_BYTES_MAX && matches!(port, Some((true, Ok(1..))))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(name: &str) -> NodeId {
        NodeId::new(name).unwrap()
    }

    fn named(names: &[&str]) -> Vec<OriginInfo> {
        names
            .iter()
            .map(|name| OriginInfo {
                node: (*name).to_owned(),
                address: format!("{name}.example:7443"),
                domain: String::new(),
            })
            .collect()
    }

    fn addresses(names: &[&str]) -> BTreeSet<String> {
        names.iter().map(|name| format!("{name}.example:7443")).collect()
    }

    #[test]
    fn an_origin_that_is_linked_is_not_dialled_under_another_name() {
        let mut targets = Targets::default();
        let linked = |of: &NodeId| *of == node("a");
        let noted = targets.handle_told(&node("a"), named(&["a", "b"]), linked);
        assert_eq!(noted, Noted { changed: true, ..Noted::default() });
        assert_eq!(targets.wanted(), addresses(&["b"]));
        // It is linked by what was dialled, so that goes on being wanted.
        let noted = targets.handle_told(&node("a"), named(&["a", "b"]), |_| true);
        assert!(!noted.changed);
        assert_eq!(targets.wanted(), addresses(&["b"]));
    }

    #[test]
    fn an_origin_that_nobody_names_any_more_is_given_up() {
        let mut targets = Targets::default();
        let linked = |of: &NodeId| *of == node("a") || *of == node("b");
        targets.handle_told(&node("a"), named(&["a", "b", "c"]), linked);
        targets.handle_told(&node("b"), named(&["a", "b", "c"]), linked);
        assert!(!targets.handle_told(&node("a"), named(&["a", "b"]), linked).changed);
        assert_eq!(targets.wanted(), addresses(&["c"]));
        assert!(targets.handle_told(&node("b"), named(&["a", "b"]), linked).changed);
        assert_eq!(targets.wanted(), addresses(&[]));
    }

    #[test]
    fn an_origin_that_has_died_does_not_go_on_naming_itself() {
        let mut targets = Targets::default();
        targets.handle_told(&node("a"), named(&["a", "b"]), |of| *of == node("a"));
        targets.handle_told(&node("b"), named(&["a", "b"]), |_| true);
        assert!(!targets.handle_gone(&node("b")), "the other still names it");
        let noted = targets.handle_told(&node("a"), named(&["a"]), |of| *of == node("a"));
        assert!(noted.changed);
        assert_eq!(targets.wanted(), addresses(&[]));
    }

    #[test]
    fn an_origin_that_has_moved_is_dialled_where_it_is_now() {
        let mut targets = Targets::default();
        targets.handle_told(&node("a"), named(&["b"]), |of| *of == node("a"));
        let mut moved = named(&["b"]);
        moved[0].address = "[2001:db8::1]:7443".to_owned();
        let noted = targets.handle_told(&node("a"), moved, |_| true);
        assert!(noted.changed);
        assert_eq!(targets.wanted(), BTreeSet::from(["[2001:db8::1]:7443".to_owned()]));
    }

    #[test]
    fn an_edge_that_loses_every_origin_goes_on_dialling_what_it_knows() {
        let mut targets = Targets::default();
        targets.handle_told(&node("a"), named(&["a", "b"]), |of| *of == node("a"));
        assert!(!targets.handle_gone(&node("a")));
        assert_eq!(targets.wanted(), addresses(&["b"]));
        let noted = targets.handle_told(&node("b"), named(&["b"]), |of| *of == node("b"));
        assert!(!noted.changed, "its link is the one that was dialled");
    }

    #[test]
    fn origins_and_addresses_are_bounded() {
        let mut targets = Targets::default();
        let many: Vec<String> = (0..40).map(|index| format!("o-{index}")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        let noted = targets.handle_told(&node("a"), named(&many), |_| false);
        assert_eq!((noted.over_limit, targets.wanted().len()), (8, ORIGINS_MAX));
        let long = format!("{}:1", "x".repeat(300));
        for address in ["", "host", ":7443", "host:0", "host:port", long.as_str()] {
            let origin =
                OriginInfo { node: "x".into(), address: address.into(), ..OriginInfo::default() };
            let noted = targets.handle_told(&node("a"), vec![origin], |_| false);
            assert_eq!(noted.malformed, 1, "{address}");
        }
        assert_eq!(targets.wanted(), addresses(&[]));
    }
}
