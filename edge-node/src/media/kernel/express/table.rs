//! Which packets may take the express path, and to which hardware address: the longest matching route, then
//! the neighbour behind it. What is not known for certain goes the plain way, where the kernel finds out.

use std::net::Ipv4Addr;

use super::headers::{ABOVE_ETHERNET_BYTES, Mac};

/// Most routes that are looked at for each packet; a host with more has no express path.
pub(super) const ROUTES_MAX: usize = 128;

/// Most neighbours that are known; gateways come first.
pub(super) const NEIGHBOURS_MAX: usize = 1_024;

/// Where packets of a network go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Via {
    /// To this host, another interface or nowhere.
    Elsewhere,
    /// Through our interface to a gateway.
    Gateway(Ipv4Addr),
    /// Through our interface to the addressee himself.
    Link,
}

/// A network and the way to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Route {
    pub network: Ipv4Addr,
    pub mask: Ipv4Addr,
    pub metric: u32,
    pub via: Via,
}

/// A host on our interface's link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Neighbour {
    pub address: Ipv4Addr,
    pub mac: Mac,
}

/// Our end of the link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Own {
    pub address: Ipv4Addr,
    pub mac: Mac,
    /// Bytes of the largest IP packet.
    pub mtu: usize,
}

/// Everything that is known; empty, it lets nothing through.
#[derive(Debug, Default)]
pub(super) struct Table {
    own: Option<Own>,
    /// Longer prefixes first, then lower metrics: the first match holds.
    routes: Vec<Route>,
    /// By address; with each, whether the kernel has been asked for it since this edition.
    neighbours: Vec<(Neighbour, bool)>,
}

impl Table {
    pub(super) fn new(own: Own, mut routes: Vec<Route>, mut neighbours: Vec<Neighbour>) -> Self {
        if routes.len() > ROUTES_MAX {
            return Self::default();
        }
        routes.sort_by_key(|route| (std::cmp::Reverse(route.mask), route.metric));
        let is_gateway = |neighbour: &Neighbour| {
            routes.iter().any(|route| route.via == Via::Gateway(neighbour.address))
        };
        neighbours.sort_by_key(|neighbour| (!is_gateway(neighbour), neighbour.address));
        neighbours.truncate(NEIGHBOURS_MAX);
        neighbours.sort_by_key(|neighbour| neighbour.address);
        neighbours.dedup_by_key(|neighbour| neighbour.address);
        let neighbours = neighbours.into_iter().map(|neighbour| (neighbour, false)).collect();
        Self { own: Some(own), routes, neighbours }
    }

    /// Becomes equal to `other` in the memory it has, if it was made by [`Self::with_room`].
    pub(super) fn adopt(&mut self, other: &Self) {
        self.own = other.own;
        self.routes.clone_from(&other.routes);
        self.neighbours.clone_from(&other.neighbours);
    }

    /// An empty one with room for the largest.
    pub(super) fn with_room() -> Self {
        let (routes, neighbours) =
            (Vec::with_capacity(ROUTES_MAX), Vec::with_capacity(NEIGHBOURS_MAX));
        Self { own: None, routes, neighbours }
    }

    pub(super) fn own(&self) -> Option<Own> {
        self.own
    }

    /// Whether there is a neighbour to send to.
    pub(super) fn is_open(&self) -> bool {
        !self.neighbours.is_empty()
    }

    /// Whether an address would be reached through our interface.
    pub(super) fn covers(&self, address: Ipv4Addr) -> bool {
        self.hop(address).is_some()
    }

    /// The hardware address for a payload of `length` bytes to `to`; `None` for the plain way.
    ///
    /// The first packet to each neighbour in every edition of the table takes the plain way: were there no
    /// traffic through it, the kernel would never check whether a neighbour is still there.
    pub(super) fn next(&mut self, to: Ipv4Addr, length: usize) -> Option<Mac> {
        if length + ABOVE_ETHERNET_BYTES > self.own?.mtu {
            return None;
        }
        let hop = self.hop(to)?;
        let at = self.neighbours.binary_search_by_key(&hop, |(known, _)| known.address).ok()?;
        let (neighbour, asked) = self.neighbours.get_mut(at)?;
        std::mem::replace(asked, true).then_some(neighbour.mac)
    }

    fn hop(&self, to: Ipv4Addr) -> Option<Ipv4Addr> {
        if to.is_loopback() || to.is_multicast() || to.is_broadcast() || to.is_unspecified() {
            return None;
        }
        let matches = |route: &&Route| to & route.mask == route.network;
        match self.routes.iter().find(matches)?.via {
            Via::Elsewhere => None,
            Via::Gateway(gateway) => Some(gateway),
            Via::Link => Some(to),
        }
    }
}

#[cfg(test)]
#[path = "table_tests.rs"]
mod tests;
