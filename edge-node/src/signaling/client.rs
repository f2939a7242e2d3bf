//! Where a client is, for quotas: the other end of the connection, or what a trusted proxy says of it. Pure.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use axum::http::HeaderMap;

const FORWARDED_FOR: &str = "x-forwarded-for";

/// The address that a request came from. People's addresses stay out of logs.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Client(pub(super) IpAddr);

impl Default for Client {
    /// Of a request that came over no socket.
    fn default() -> Self {
        Self(IpAddr::V6(Ipv6Addr::UNSPECIFIED))
    }
}

impl Client {
    /// Proxies add the address that they were reached from at the end of `X-Forwarded-For`, so what
    /// stands behind the last one that is not trusted was written by the client and counts for nothing.
    #[must_use]
    pub(super) fn of(peer: IpAddr, headers: &HeaderMap, trusted: &[IpAddr]) -> Self {
        let peer = peer.to_canonical();
        if !trusted.contains(&peer) {
            return Self(peer);
        }
        let values = headers.get_all(FORWARDED_FOR).iter().rev();
        let hops = values.flat_map(|value| value.to_str().unwrap_or("").rsplit(',').map(str::trim));
        let mut last = peer;
        for hop in hops {
            let Some(address) = address(hop) else { break };
            last = address;
            if !trusted.contains(&address) {
                break;
            }
        }
        Self(last)
    }
}

/// With or without a port.
fn address(text: &str) -> Option<IpAddr> {
    let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
    let plain = bare.parse::<IpAddr>().ok();
    let with_port = || text.parse::<SocketAddr>().ok().map(|address| address.ip());
    plain.or_else(with_port).map(|address| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn of(peer: &str, forwarded: &[&'static str]) -> String {
        let mut headers = HeaderMap::new();
        for value in forwarded {
            headers.append(FORWARDED_FOR, HeaderValue::from_static(value));
        }
        let trusted = ["10.0.0.1", "10.0.0.2"].map(|text| text.parse().expect("address"));
        Client::of(peer.parse().expect("address"), &headers, &trusted).0.to_string()
    }

    #[test]
    fn a_stranger_says_nothing_about_where_he_is() {
        assert_eq!(of("192.0.2.1", &["198.51.100.7"]), "192.0.2.1");
        assert_eq!(of("::ffff:192.0.2.1", &[]), "192.0.2.1");
    }

    #[test]
    fn a_trusted_proxy_says_where_its_client_is_and_no_client_can_add_to_it() {
        assert_eq!(of("10.0.0.1", &["198.51.100.7"]), "198.51.100.7");
        assert_eq!(of("::ffff:10.0.0.1", &["203.0.113.9, 198.51.100.7"]), "198.51.100.7");
        assert_eq!(of("10.0.0.1", &["203.0.113.9", "198.51.100.7, 10.0.0.2"]), "198.51.100.7");
        assert_eq!(of("10.0.0.1", &["[2001:db8::1]:443"]), "2001:db8::1");
        assert_eq!(of("10.0.0.1", &["198.51.100.7:80"]), "198.51.100.7");
    }

    #[test]
    fn a_proxy_that_says_nothing_useful_is_the_client() {
        for forwarded in [&[][..], &[""], &["unknown"], &["198.51.100.7, unknown"]] {
            assert_eq!(of("10.0.0.1", forwarded), "10.0.0.1", "{forwarded:?}");
        }
    }
}
