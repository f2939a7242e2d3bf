//! Which addresses a webhook may reach. A name in a URL can lead anywhere, also to the services that clouds
//! offer to their machines alone; so everything but the public internet has to be allowed by network.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use thiserror::Error;

/// Networks that are not the public internet (IANA's registry of special addresses), and one public address
/// behind which a cloud keeps its machines' own services.
const SPECIAL_V4: [([u8; 4], u8); 16] = [
    ([0, 0, 0, 0], 8),
    ([10, 0, 0, 0], 8),
    ([100, 64, 0, 0], 10),
    ([127, 0, 0, 0], 8),
    ([168, 63, 129, 16], 32),
    ([169, 254, 0, 0], 16),
    ([172, 16, 0, 0], 12),
    ([192, 0, 0, 0], 24),
    ([192, 0, 2, 0], 24),
    ([192, 88, 99, 0], 24),
    ([192, 168, 0, 0], 16),
    ([198, 18, 0, 0], 15),
    ([198, 51, 100, 0], 24),
    ([203, 0, 113, 0], 24),
    ([224, 0, 0, 0], 4),
    ([240, 0, 0, 0], 4),
];

/// The public part of IPv6, and what in it is not: tunnels lead to IPv4 addresses that nobody has looked at.
const PUBLIC_V6: (u128, u8) = (0x2000 << 112, 3);
const SPECIAL_V6: [(u128, u8); 4] =
    [(0x2001_0000 << 96, 23), (0x2001_0db8 << 96, 32), (0x2002 << 112, 16), (0x3fff << 112, 20)];

const V4_BITS: u8 = 32;
const V6_BITS: u8 = 128;

/// A network such as `10.1.0.0/16`, or a single address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    /// Of IPv4 as an IPv4-mapped IPv6 address.
    first: u128,
    prefix: u8,
}

/// Why a network was refused.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("{0:?} is no network: it is written as \"10.1.0.0/16\" or \"192.0.2.7\"")]
pub struct NetworkError(String);

impl FromStr for Network {
    type Err = NetworkError;

    fn from_str(text: &str) -> Result<Self, NetworkError> {
        let wrong = || NetworkError(text.to_owned());
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix.parse::<u8>().map_err(|_| wrong())?)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| wrong())?;
        let bits = if address.is_ipv4() { V4_BITS } else { V6_BITS };
        let prefix = prefix.unwrap_or(bits);
        if prefix > bits {
            return Err(wrong());
        }
        Ok(Self { first: mapped(address), prefix: prefix + (V6_BITS - bits) })
    }
}

impl Network {
    /// Whether this address is in it.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        is_in(mapped(address), self.first, self.prefix)
    }
}

/// Whether this address is one of the public internet.
#[must_use]
pub fn is_public(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(v4) => {
            let special = SPECIAL_V4.iter().any(|(first, prefix)| {
                let first = mapped(IpAddr::V4(Ipv4Addr::from(*first)));
                is_in(mapped(IpAddr::V4(v4)), first, prefix + (V6_BITS - V4_BITS))
            });
            !special
        }
        IpAddr::V6(v6) => {
            let bits = u128::from(v6);
            let (first, prefix) = PUBLIC_V6;
            let special = SPECIAL_V6.iter().any(|(first, prefix)| is_in(bits, *first, *prefix));
            is_in(bits, first, prefix) && !special
        }
    }
}

fn mapped(address: IpAddr) -> u128 {
    let v6: Ipv6Addr = match address {
        IpAddr::V4(v4) => v4.to_ipv6_mapped(),
        IpAddr::V6(v6) => v6,
    };
    u128::from(v6)
}

fn is_in(address: u128, first: u128, prefix: u8) -> bool {
    let free = u32::from(V6_BITS - prefix);
    // A shift by all bits is none.
    free >= u32::from(V6_BITS) || address >> free == first >> free
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn the_public_internet_is_reached_and_nothing_else() {
        for public in ["1.1.1.1", "93.184.216.34", "2606:4700::1111", "100.128.0.1", "172.32.0.1"] {
            assert!(is_public(ip(public)), "{public}");
        }
        let special = [
            "127.0.0.1",
            "10.1.2.3",
            "172.31.255.255",
            "192.168.1.1",
            "169.254.169.254",
            "100.100.100.200",
            "168.63.129.16",
            "0.0.0.0",
            "224.0.0.1",
            "255.255.255.255",
            "::1",
            "::",
            "fe80::1",
            "fc00::1",
            "fd00:ec2::254",
            "ff02::1",
            "::ffff:127.0.0.1",
            "::ffff:169.254.169.254",
            "64:ff9b::a9fe:a9fe",
            "2002:a9fe:a9fe::1",
            "2001:0:1::1",
            "2001:db8::1",
        ];
        for address in special {
            assert!(!is_public(ip(address)), "{address}");
        }
    }

    #[test]
    fn a_network_holds_its_addresses_and_no_others() {
        let of = |text: &str| text.parse::<Network>().unwrap();
        assert!(of("10.1.0.0/16").contains(ip("10.1.255.255")));
        assert!(of("10.1.0.0/16").contains(ip("::ffff:10.1.0.1")));
        assert!(!of("10.1.0.0/16").contains(ip("10.2.0.0")));
        assert!(of("192.0.2.7").contains(ip("192.0.2.7")));
        assert!(!of("192.0.2.7").contains(ip("192.0.2.8")));
        assert!(of("0.0.0.0/0").contains(ip("192.0.2.7")) && !of("0.0.0.0/0").contains(ip("::1")));
        assert!(of("fd00::/8").contains(ip("fd12::1")) && !of("fd00::/8").contains(ip("fe80::1")));
        assert!(of("::/0").contains(ip("fe80::1")));
    }

    #[test]
    fn what_is_no_network_is_refused() {
        for text in ["", "10.0.0.0/33", "::/129", "10.0.0/8", "host", "10.0.0.0/x", "10.0.0.0/"] {
            assert!(text.parse::<Network>().is_err(), "{text}");
        }
    }
}
