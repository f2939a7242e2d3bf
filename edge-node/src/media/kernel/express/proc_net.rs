//! The kernel's own tables as it prints them: `/proc/net/route`, `/proc/net/fib_trie` and `/proc/net/arp`
//! (proc_net(5)). Lines that look otherwise than expected are passed over.

use std::net::Ipv4Addr;

use super::headers::Mac;
use super::table::{Neighbour, Route, Via};

/// Flags of a route (`linux/route.h`).
const UP: u32 = 0x1;
const GATEWAY: u32 = 0x2;
const REJECT: u32 = 0x200;

/// Flag of a neighbour whose hardware address is valid (`linux/if_arp.h`), and the type of Ethernet.
const COMPLETE: u32 = 0x2;
const ETHERNET: u32 = 0x1;

/// All routes of the main table, as seen from `interface`.
pub(super) fn routes(text: &str, interface: &str) -> Vec<Route> {
    text.lines().skip(1).filter_map(|line| route(line, interface)).collect()
}

fn route(line: &str, interface: &str) -> Option<Route> {
    let fields: Vec<&str> = line.split_ascii_whitespace().collect();
    // Addresses are printed as numbers of the machine's byte order.
    let address = |at: usize| {
        let number = u32::from_str_radix(fields.get(at)?, 16).ok()?;
        Some(Ipv4Addr::from(number.to_ne_bytes()))
    };
    let flags = u32::from_str_radix(fields.get(3)?, 16).ok()?;
    let via = if flags & UP == 0 || flags & REJECT != 0 || *fields.first()? != interface {
        Via::Elsewhere
    } else if flags & GATEWAY != 0 {
        Via::Gateway(address(2)?)
    } else {
        Via::Link
    };
    let metric = fields.get(6)?.parse().ok()?;
    Some(Route { network: address(1)?, mask: address(7)?, metric, via })
}

/// Networks that no packet leaves for: this host's own addresses, broadcasts, what is forbidden.
pub(super) fn kept(trie: &str) -> Vec<Route> {
    let mut kept: Vec<Route> = Vec::new();
    let mut network = None;
    for line in trie.lines() {
        let line = line.trim_start();
        if let Some(address) = line.strip_prefix("|-- ") {
            network = address.trim_end().parse::<Ipv4Addr>().ok();
        } else if let Some((prefix, kind)) = entry(line)
            && kind != "UNICAST"
            && let Some(network) = network
        {
            let mask = u32::MAX.checked_shl(32 - prefix).unwrap_or(0);
            let route =
                Route { network, mask: Ipv4Addr::from(mask), metric: 0, via: Via::Elsewhere };
            if !kept.contains(&route) {
                kept.push(route);
            }
        }
    }
    kept
}

/// A line such as `/32 host LOCAL`.
fn entry(line: &str) -> Option<(u32, &str)> {
    let mut words = line.strip_prefix('/')?.split_ascii_whitespace();
    let prefix = words.next()?.parse().ok().filter(|prefix| *prefix <= 32)?;
    Some((prefix, words.nth(1)?))
}

/// Neighbours on `interface` whose hardware address is known.
pub(super) fn neighbours(text: &str, interface: &str) -> Vec<Neighbour> {
    text.lines().skip(1).filter_map(|line| neighbour(line, interface)).collect()
}

fn neighbour(line: &str, interface: &str) -> Option<Neighbour> {
    let fields: Vec<&str> = line.split_ascii_whitespace().collect();
    let number = |at: usize| u32::from_str_radix(fields.get(at)?.strip_prefix("0x")?, 16).ok();
    let usable =
        *fields.get(5)? == interface && number(1)? == ETHERNET && number(2)? & COMPLETE != 0;
    let mac = mac(fields.get(3)?).filter(|mac| usable && *mac != [0; 6])?;
    Some(Neighbour { address: fields.first()?.parse().ok()?, mac })
}

/// A hardware address such as `02:00:00:00:00:01`.
pub(super) fn mac(text: &str) -> Option<Mac> {
    let mut mac = Mac::default();
    let mut parts = text.trim_end().split(':');
    for byte in &mut mac {
        *byte = u8::from_str_radix(parts.next()?, 16).ok()?;
    }
    parts.next().is_none().then_some(mac)
}

#[cfg(test)]
mod tests {
    use super::{kept, mac, neighbours, routes};
    use crate::media::kernel::express::table::Via;

    const ROUTES: &str = "\
Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT
eth0\t00000000\t010200C0\t0003\t0\t0\t100\t00000000\t0\t0\t0
eth0\t000200C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0
eth1\t0000000A\t00000000\t0001\t0\t0\t0\t000000FF\t0\t0\t0
*\t006433C6\t00000000\t0200\t0\t0\t0\t00FFFFFF\t0\t0\t0
eth0\tcut off
";

    #[test]
    fn routes_are_read_as_one_interface_sees_them() {
        let routes = routes(ROUTES, "eth0");
        let told: Vec<_> = routes
            .iter()
            .map(|r| (r.network.to_string(), r.mask.to_string(), r.metric, r.via))
            .collect();
        let line = |network: &str, mask: &str, metric, via| {
            (network.to_owned(), mask.to_owned(), metric, via)
        };
        let gateway = Via::Gateway("192.0.2.1".parse().unwrap());
        let expected = [
            line("0.0.0.0", "0.0.0.0", 100, gateway),
            line("192.0.2.0", "255.255.255.0", 0, Via::Link),
            line("10.0.0.0", "255.0.0.0", 0, Via::Elsewhere),
            line("198.51.100.0", "255.255.255.0", 0, Via::Elsewhere),
        ];
        // The machine that printed this text stores the lowest byte first.
        if cfg!(target_endian = "little") {
            assert_eq!(told, expected);
        }
    }

    #[test]
    fn own_addresses_and_broadcasts_are_kept_and_networks_are_not() {
        let trie = "\
Main:
  +-- 0.0.0.0/0 3 0 5
     |-- 0.0.0.0
        /0 universe UNICAST
     +-- 127.0.0.0/8 2 0 2
           |-- 127.0.0.0
              /8 host LOCAL
     |-- 192.0.2.0
        /24 link UNICAST
     |-- 192.0.2.2
        /32 host LOCAL
     |-- 192.0.2.255
        /32 link BROADCAST
Local:
     |-- 192.0.2.2
        /32 host LOCAL
";
        let told: Vec<_> = kept(trie).iter().map(|r| format!("{}/{}", r.network, r.mask)).collect();
        let expected =
            ["127.0.0.0/255.0.0.0", "192.0.2.2/255.255.255.255", "192.0.2.255/255.255.255.255"];
        assert_eq!(told, expected);
        assert!(kept(trie).iter().all(|route| route.via == Via::Elsewhere));
    }

    #[test]
    fn only_complete_neighbours_of_the_interface_count() {
        let text = "\
IP address       HW type     Flags       HW address            Mask     Device
192.0.2.1        0x1         0x2         02:fc:00:00:00:05     *        eth0
192.0.2.9        0x1         0x0         00:00:00:00:00:00     *        eth0
192.0.2.10       0x1         0x6         02:fc:00:00:00:0a     *        eth0
10.0.0.1         0x1         0x2         02:fc:00:00:00:06     *        eth1
192.0.2.11       0x20        0x2         02:fc:00:00:00:0b     *        eth0
";
        let told: Vec<_> = neighbours(text, "eth0")
            .iter()
            .map(|neighbour| (neighbour.address.to_string(), neighbour.mac[5]))
            .collect();
        assert_eq!(told, [("192.0.2.1".to_owned(), 5), ("192.0.2.10".to_owned(), 10)]);
    }

    #[test]
    fn a_hardware_address_has_six_bytes() {
        assert_eq!(mac("02:fc:00:00:00:05\n"), Some([2, 0xfc, 0, 0, 0, 5]));
        for text in ["", "02:fc:00:00:00", "02:fc:00:00:00:05:06", "02:fc:00:00:00:xx"] {
            assert_eq!(mac(text), None, "{text}");
        }
    }
}
