//! The addresses at which clients reach this edge.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// Most candidates in an answer.
const CANDIDATES_MAX: usize = 8;

/// Host candidates of this edge, in order of preference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Candidates(Vec<SocketAddr>);

impl Candidates {
    /// Candidates at `port`. `advertised` addresses replace all others: behind 1:1 NAT no local
    /// address is of use. Otherwise they are the bound address, or, where that is unspecified,
    /// `local` ones and loopback.
    #[must_use]
    pub(super) fn new(bound: SocketAddr, advertised: &[IpAddr], local: &[IpAddr]) -> Self {
        let port = bound.port();
        let mut addresses: Vec<IpAddr> = if !advertised.is_empty() {
            advertised.to_vec()
        } else if bound.ip().is_unspecified() {
            let loopback = [IpAddr::from(Ipv4Addr::LOCALHOST), Ipv6Addr::LOCALHOST.into()];
            let both = bound.is_ipv6();
            local.iter().copied().chain(loopback).filter(|ip| both || ip.is_ipv4()).collect()
        } else {
            vec![bound.ip().to_canonical()]
        };
        addresses.truncate(CANDIDATES_MAX);
        Self(addresses.into_iter().map(|ip| SocketAddr::new(ip, port)).collect())
    }

    /// All of them.
    pub(super) fn iter(&self) -> impl Iterator<Item = SocketAddr> + '_ {
        self.0.iter().copied()
    }

    /// The candidate to which a datagram from `source` was most likely sent: a socket that is bound
    /// to all addresses does not say. Any candidate of the right family serves, because replies go
    /// out of the same socket whatever it says here.
    #[must_use]
    pub(super) fn facing(&self, source: SocketAddr) -> Option<SocketAddr> {
        let family = |c: &&SocketAddr| c.is_ipv4() == source.is_ipv4();
        let near = |c: &&SocketAddr| c.ip().is_loopback() == source.ip().is_loopback();
        let mut candidates = self.0.iter();
        candidates.clone().filter(family).find(near).or_else(|| candidates.find(family)).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn socket(text: &str) -> SocketAddr {
        text.parse().unwrap()
    }

    #[test]
    fn an_advertised_address_replaces_all_others() {
        let candidates = Candidates::new(socket("[::]:7"), &[ip("203.0.113.5")], &[ip("10.0.0.4")]);
        assert_eq!(candidates.iter().collect::<Vec<_>>(), [socket("203.0.113.5:7")]);
        assert_eq!(candidates.facing(socket("10.0.0.9:1")), Some(socket("203.0.113.5:7")));
        assert_eq!(candidates.facing(socket("[2001:db8::9]:1")), None);
    }

    #[test]
    fn a_wildcard_offers_local_addresses_and_loopback_of_its_families() {
        let local = [ip("10.0.0.4"), ip("2001:db8::4")];
        let both = Candidates::new(socket("[::]:7"), &[], &local);
        assert_eq!(both.iter().count(), 4);
        assert_eq!(both.facing(socket("127.0.0.1:9")), Some(socket("127.0.0.1:7")));
        assert_eq!(both.facing(socket("10.0.0.9:9")), Some(socket("10.0.0.4:7")));
        assert_eq!(both.facing(socket("[2001:db8::9]:9")), Some(socket("[2001:db8::4]:7")));
        let v4 = Candidates::new(socket("0.0.0.0:7"), &[], &local);
        assert_eq!(v4.iter().collect::<Vec<_>>(), [socket("10.0.0.4:7"), socket("127.0.0.1:7")]);
    }

    #[test]
    fn a_bound_address_is_the_only_candidate() {
        let one = Candidates::new(socket("127.0.0.1:7"), &[], &[ip("10.0.0.4")]);
        assert_eq!(one.iter().collect::<Vec<_>>(), [socket("127.0.0.1:7")]);
    }
}
