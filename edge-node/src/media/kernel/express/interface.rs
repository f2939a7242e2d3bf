//! What the kernel tells of an interface and of the routes through it. Reading takes some tens of microseconds,
//! so no worker does it.

use std::fs;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use socket2::{Domain, Protocol, Socket, Type};

use super::error::ExpressError;
use super::proc_net;
use super::table::{Own, ROUTES_MAX, Route, Table, Via};

/// Longest name of an interface, in bytes (`IFNAMSIZ`, less its end).
const NAME_BYTES_MAX: usize = 15;

/// `ARPHRD_ETHER` of `linux/if_arp.h`.
const ETHERNET: u32 = 1;

/// Any port does for asking which address the kernel would send from: nothing is sent.
const DISCARD: u16 = 9;

/// One interface, and the address that packets come from.
#[derive(Clone, Debug)]
pub(super) struct Interface {
    name: String,
    index: u32,
    source: Option<Ipv4Addr>,
}

impl Interface {
    /// `listen` is where the media socket is bound.
    ///
    /// # Errors
    /// When there is none of that name, or it is of no use.
    pub(super) fn open(name: &str, listen: IpAddr) -> Result<Self, ExpressError> {
        let name = name.to_owned();
        let fits = (1..=NAME_BYTES_MAX).contains(&name.len()) && !name.contains('/');
        let mut interface = Self { name: name.clone(), index: 0, source: None };
        match interface.number("ifindex").filter(|_| fits) {
            Some(index) => interface.index = index,
            None => return Err(ExpressError::NoInterface { name }),
        }
        if interface.number("type") != Some(ETHERNET) {
            return Err(ExpressError::NotEthernet { name });
        }
        interface.source = match listen {
            ip if ip.is_unspecified() => None,
            IpAddr::V4(ip) => Some(ip),
            IpAddr::V6(_) => return Err(ExpressError::Listen { name, listen }),
        };
        let table = interface.read();
        match (table.own(), interface.source) {
            (None, _) => Err(ExpressError::NoAddress { name }),
            (Some(_), Some(ip)) if !interface.has(ip) => Err(ExpressError::Listen { name, listen }),
            (Some(_), _) => Ok(interface),
        }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn index(&self) -> u32 {
        self.index
    }

    /// Queues for sending, at least one.
    pub(super) fn queues(&self) -> u32 {
        let entries = fs::read_dir(self.path("queues"));
        let names = entries.into_iter().flatten().flatten().map(|entry| entry.file_name());
        let count = names.filter(|name| name.as_encoded_bytes().starts_with(b"tx-")).count();
        u32::try_from(count).unwrap_or(1).max(1)
    }

    /// What is known now; nothing when the interface is gone or has no address.
    pub(super) fn read(&self) -> Table {
        // Another interface may have taken the name; our sockets are not bound to that one.
        if self.number("ifindex") != Some(self.index) {
            return Table::default();
        }
        let routes = self.routes();
        let own = || {
            Some(Own {
                address: self.source.or_else(|| self.preferred(&routes))?,
                mac: proc_net::mac(&fs::read_to_string(self.path("address")).ok()?)?,
                mtu: usize::try_from(self.number("mtu")?).ok()?,
            })
        };
        let Some(own) = own() else { return Table::default() };
        let neighbours = fs::read_to_string("/proc/net/arp").unwrap_or_default();
        Table::new(own, routes, proc_net::neighbours(&neighbours, &self.name))
    }

    fn routes(&self) -> Vec<Route> {
        let text = fs::read_to_string("/proc/net/route").unwrap_or_default();
        let mut routes = proc_net::routes(&text, &self.name);
        // A router of the internet has a million; there is no use in reading them twice.
        if routes.len() <= ROUTES_MAX {
            let trie = fs::read_to_string("/proc/net/fib_trie").unwrap_or_default();
            routes.extend(proc_net::kept(&trie));
        }
        routes
    }

    /// The address that the kernel would send from, through this interface.
    fn preferred(&self, routes: &[Route]) -> Option<Ipv4Addr> {
        routes.iter().find_map(|route| {
            let to = match route.via {
                Via::Elsewhere => return None,
                Via::Gateway(gateway) => gateway,
                Via::Link => route.network | Ipv4Addr::from_bits(1),
            };
            let socket = Socket::new(Domain::IPV4, Type::DGRAM, Some(Protocol::UDP)).ok()?;
            socket.bind_device(Some(self.name.as_bytes())).ok()?;
            socket.connect(&SocketAddr::from((to, DISCARD)).into()).ok()?;
            socket.local_addr().ok()?.as_socket_ipv4().map(|address| *address.ip())
        })
    }

    /// Whether an address of this host is one of this interface, as far as routes tell.
    fn has(&self, address: Ipv4Addr) -> bool {
        let text = fs::read_to_string("/proc/net/route").unwrap_or_default();
        let own = Own { address, mac: [0; 6], mtu: 0 };
        Table::new(own, proc_net::routes(&text, &self.name), Vec::new()).covers(address)
    }

    fn number(&self, file: &str) -> Option<u32> {
        fs::read_to_string(self.path(file)).ok()?.trim().parse().ok()
    }

    fn path(&self, file: &str) -> PathBuf {
        ["/sys/class/net", &self.name, file].iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};

    use super::Interface;
    use crate::media::kernel::express::ExpressError;

    #[test]
    fn an_interface_that_is_none_or_no_ethernet_is_refused_with_what_to_do() {
        let any = IpAddr::V4(Ipv4Addr::UNSPECIFIED);
        for name in ["", "no-such-eth", "../net/lo", "a-name-that-is-too-long"] {
            let refusal = Interface::open(name, any).unwrap_err();
            assert!(matches!(refusal, ExpressError::NoInterface { .. }), "{name}: {refusal}");
        }
        let refusal = Interface::open("lo", any).unwrap_err();
        assert!(matches!(refusal, ExpressError::NotEthernet { .. }), "{refusal}");
    }
}
