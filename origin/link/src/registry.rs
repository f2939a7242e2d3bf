//! The links of an endpoint by node: one each, the newest wins.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use stoa_protocol::ids::NodeId;
use tokio::sync::watch;

use crate::event::LinkId;
use crate::handle::Link;

/// Told by being dropped: the link is gone and its owner knows.
pub(crate) type Gone = watch::Receiver<()>;

#[derive(Debug, Default)]
pub(crate) struct Registry {
    links: Mutex<BTreeMap<NodeId, Entry>>,
}

#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) link: Link,
    pub(crate) gone: Gone,
}

/// What became of a new link.
pub(crate) enum Entered {
    /// It stands; an older one from the same node has to go.
    Stands { older: Option<Entry> },
    /// There are too many.
    Full,
}

impl Registry {
    pub(crate) fn enter(&self, entry: Entry, links_max: usize) -> Entered {
        let mut links = self.lock();
        let node = entry.link.peer().node.clone();
        if links.len() >= links_max && !links.contains_key(&node) {
            return Entered::Full;
        }
        Entered::Stands { older: links.insert(node, entry) }
    }

    /// Forgets a link, unless a newer one has taken its place.
    pub(crate) fn leave(&self, node: &NodeId, id: LinkId) {
        let mut links = self.lock();
        if links.get(node).is_some_and(|entry| entry.link.id() == id) {
            links.remove(node);
        }
    }

    pub(crate) fn of(&self, node: &NodeId) -> Option<Entry> {
        self.lock().get(node).cloned()
    }

    pub(crate) fn len(&self) -> usize {
        self.lock().len()
    }

    pub(crate) fn all(&self) -> Vec<Link> {
        self.lock().values().map(|entry| entry.link.clone()).collect()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<NodeId, Entry>> {
        // The map is whole between any two statements, so a panic elsewhere does not spoil it.
        self.links.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Waits until a link is gone.
pub(crate) async fn wait_until_gone(mut gone: Gone) {
    while gone.changed().await.is_ok() {}
}
