//! The links of an endpoint by node: one each, the newest wins.
//!
//! Two nodes may dial each other at once. Then the one with the lower id decides, before it has said hello: the connection
//! that it has looked at first goes on, the other ends, so that no link that stands is replaced.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use stoa_protocol::ids::NodeId;
use tokio::sync::watch;

use crate::event::LinkId;
use crate::handle::Link;
use crate::node::Node;

/// Told by being dropped: the link is gone and its owner knows.
pub(crate) type Gone = watch::Receiver<()>;

/// Who has opened a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Dialler {
    Us,
    Peer,
}

impl Dialler {
    fn other(self) -> Self {
        match self {
            Self::Us => Self::Peer,
            Self::Peer => Self::Us,
        }
    }
}

#[derive(Debug, Default)]
pub(crate) struct Registry {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    links: BTreeMap<NodeId, Entry>,
    coming: Coming,
}

/// Connections that are not links yet.
#[derive(Debug, Default)]
struct Coming(BTreeMap<(NodeId, Dialler), usize>);

#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) link: Link,
    pub(crate) gone: Gone,
    pub(crate) dialler: Dialler,
    pub(crate) since: Instant,
}

/// What became of a new link.
pub(crate) enum Entered {
    /// It stands; an older one from the same node has to go.
    Stands { older: Option<Entry> },
    /// There are too many.
    Full,
}

/// A connection's claim to become a link, until it is one or has ended.
#[derive(Debug)]
pub(crate) struct Claim {
    node: Arc<Node>,
    of: (NodeId, Dialler),
}

impl Claim {
    /// The claim of a connection with `peer`; `None` when it has to give way to another.
    pub(crate) fn stake(node: &Arc<Node>, peer: &NodeId, dialler: Dialler) -> Option<Self> {
        let (now, within) = (Instant::now(), node.limits.handshake_timeout);
        let mut state = node.registry.lock();
        let state = &mut *state;
        let stands = state.links.get(peer).map(|entry| {
            let age = now.saturating_duration_since(entry.since);
            (entry.dialler, age)
        });
        let gives_way = match dialler {
            // One target may be another name of a node that is linked already.
            Dialler::Us if stands.is_some() => true,
            _ => state.coming.gives_way(&node.name.node, peer, dialler, stands, within),
        };
        if gives_way {
            return None;
        }
        state.coming.add(peer, dialler);
        Some(Self { node: Arc::clone(node), of: (peer.clone(), dialler) })
    }

    pub(crate) fn dialler(&self) -> Dialler {
        self.of.1
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        self.node.registry.lock().coming.remove(&self.of);
    }
}

impl Coming {
    fn add(&mut self, peer: &NodeId, dialler: Dialler) {
        *self.0.entry((peer.clone(), dialler)).or_default() += 1;
    }

    fn remove(&mut self, of: &(NodeId, Dialler)) {
        if let Some(count) = self.0.get_mut(of) {
            *count -= 1;
            if *count == 0 {
                self.0.remove(of);
            }
        }
    }

    fn has(&self, peer: &NodeId, dialler: Dialler) -> bool {
        self.0.contains_key(&(peer.clone(), dialler))
    }

    /// Whether a connection gives way to one that was opened by the other side at the same time, which is coming or
    /// `stands` for less than a handshake takes, or to another of our own. A peer that dials again although its link
    /// stands for longer has started anew, and knows nothing of that link.
    fn gives_way(
        &self,
        own: &NodeId,
        peer: &NodeId,
        dialler: Dialler,
        stands: Option<(Dialler, Duration)>,
        within: Duration,
    ) -> bool {
        let twice = dialler == Dialler::Us && self.has(peer, Dialler::Us);
        let crosses = self.has(peer, dialler.other())
            || stands.is_some_and(|(by, age)| by != dialler && age < within);
        twice || (own < peer && crosses)
    }
}

impl Registry {
    pub(crate) fn enter(&self, entry: Entry, links_max: usize) -> Entered {
        let links = &mut self.lock().links;
        let node = entry.link.peer().node.clone();
        if links.len() >= links_max && !links.contains_key(&node) {
            return Entered::Full;
        }
        Entered::Stands { older: links.insert(node, entry) }
    }

    /// Forgets a link, unless a newer one has taken its place.
    pub(crate) fn leave(&self, node: &NodeId, id: LinkId) {
        let links = &mut self.lock().links;
        if links.get(node).is_some_and(|entry| entry.link.id() == id) {
            links.remove(node);
        }
    }

    pub(crate) fn of(&self, node: &NodeId) -> Option<Entry> {
        self.lock().links.get(node).cloned()
    }

    pub(crate) fn len(&self) -> usize {
        self.lock().links.len()
    }

    pub(crate) fn all(&self) -> Vec<Link> {
        self.lock().links.values().map(|entry| entry.link.clone()).collect()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // The maps are whole between any two statements, so a panic elsewhere does not spoil them.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Waits until a link is gone.
pub(crate) async fn wait_until_gone(mut gone: Gone) {
    while gone.changed().await.is_ok() {}
}

#[cfg(test)]
mod tests {
    use super::*;

    const WITHIN: Duration = Duration::from_secs(5);

    fn nodes() -> [NodeId; 2] {
        ["edge-1", "edge-2"].map(|name| NodeId::new(name).unwrap())
    }

    #[test]
    fn of_two_connections_that_cross_the_lower_node_keeps_the_first_and_the_other_follows() {
        let [low, high] = nodes();
        for first in [Dialler::Us, Dialler::Peer] {
            let mut coming = Coming::default();
            assert!(!coming.gives_way(&low, &high, first, None, WITHIN));
            coming.add(&high, first);
            assert!(coming.gives_way(&low, &high, first.other(), None, WITHIN));
            coming.remove(&(high.clone(), first));
            assert!(!coming.gives_way(&low, &high, first.other(), None, WITHIN));
            let mut coming = Coming::default();
            coming.add(&low, first);
            assert!(!coming.gives_way(&high, &low, Dialler::Peer, None, WITHIN));
        }
    }

    #[test]
    fn a_link_that_has_just_come_up_is_not_replaced_by_a_dial_that_crossed_it() {
        let [low, high] = nodes();
        let coming = Coming::default();
        let gives_way =
            |by, age| coming.gives_way(&low, &high, Dialler::Peer, Some((by, age)), WITHIN);
        assert!(gives_way(Dialler::Us, Duration::ZERO));
        assert!(!gives_way(Dialler::Us, WITHIN), "the peer has started anew");
        assert!(!gives_way(Dialler::Peer, Duration::ZERO), "the same");
    }

    #[test]
    fn one_node_is_not_dialled_twice_at_once() {
        let [low, high] = nodes();
        let mut coming = Coming::default();
        coming.add(&low, Dialler::Us);
        assert!(coming.gives_way(&high, &low, Dialler::Us, None, WITHIN));
    }
}
