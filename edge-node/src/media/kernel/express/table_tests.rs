//! What takes the express path, and what must not.

use std::net::Ipv4Addr;

use super::{NEIGHBOURS_MAX, Neighbour, Own, ROUTES_MAX, Route, Table, Via};

const GATEWAY: &str = "192.0.2.1";

#[test]
fn far_addresses_leave_by_the_gateway_and_near_ones_directly() {
    let mut table = table(&[(GATEWAY, 1), ("192.0.2.9", 9)]);
    for (to, mac) in [("203.0.113.5", Some(1)), ("192.0.2.9", Some(9)), (GATEWAY, Some(1))] {
        ask(&mut table, to);
        assert_eq!(next(&mut table, to), mac, "{to}");
    }
}

#[test]
fn the_first_packet_to_a_neighbour_lets_the_kernel_look_for_it() {
    let mut table = table(&[(GATEWAY, 1), ("192.0.2.9", 9)]);
    let answers: Vec<_> = ["203.0.113.5", "203.0.113.6", "192.0.2.9", "192.0.2.9"]
        .map(|to| next(&mut table, to))
        .to_vec();
    assert_eq!(answers, [None, Some(1), None, Some(9)]);
    let edition = self::table(&[(GATEWAY, 7)]);
    table.adopt(&edition);
    assert_eq!(next(&mut table, "203.0.113.5"), None, "a new edition asks anew");
    assert_eq!(next(&mut table, "203.0.113.5"), Some(7));
}

#[test]
fn what_is_not_known_or_not_ours_goes_the_plain_way() {
    let mut table = table(&[(GATEWAY, 1)]);
    let plain = [
        "192.0.2.77",
        "192.0.2.2",
        "192.0.2.255",
        "10.1.2.3",
        "198.51.100.4",
        "127.0.0.1",
        "127.16.0.1",
        "224.0.0.251",
        "255.255.255.255",
        "0.0.0.0",
    ];
    for to in plain {
        ask(&mut table, to);
        assert_eq!(next(&mut table, to), None, "{to}");
    }
    assert!(table.covers("203.0.113.5".parse().unwrap()));
    assert!(!table.covers("10.1.2.3".parse().unwrap()));
}

#[test]
fn a_gateway_that_is_gone_takes_its_networks_with_it() {
    let mut table = table(&[(GATEWAY, 1)]);
    ask(&mut table, "203.0.113.5");
    table.adopt(&self::table(&[]));
    ask(&mut table, "203.0.113.5");
    assert_eq!((next(&mut table, "203.0.113.5"), table.is_open()), (None, false));
    table.adopt(&self::table(&[(GATEWAY, 1)]));
    ask(&mut table, "203.0.113.5");
    assert_eq!((next(&mut table, "203.0.113.5"), table.is_open()), (Some(1), true));
}

#[test]
fn a_packet_longer_than_the_link_takes_goes_the_plain_way() {
    let mut table = table(&[(GATEWAY, 1)]);
    let to = "203.0.113.5".parse().unwrap();
    ask(&mut table, "203.0.113.5");
    assert!(table.next(to, 1_400 - 28).is_some());
    assert_eq!(table.next(to, 1_400 - 27), None);
}

#[test]
fn of_equal_networks_the_lower_metric_counts() {
    let default = |metric, via| route("0.0.0.0", "0.0.0.0", metric, via);
    let gateway = Via::Gateway(GATEWAY.parse().unwrap());
    for (other, expected) in [(50, None), (200, Some(1))] {
        let routes = vec![default(100, gateway), default(other, Via::Elsewhere)];
        let mut table = Table::new(own(), routes, vec![neighbour(GATEWAY, 1)]);
        ask(&mut table, "203.0.113.5");
        assert_eq!(next(&mut table, "203.0.113.5"), expected);
    }
}

#[test]
fn a_crowded_link_keeps_its_gateway_and_too_many_routes_close_the_path() {
    let crowd = (0..2 * NEIGHBOURS_MAX).map(|n| {
        let address = Ipv4Addr::from_bits(0xc000_0200 - 100_000 + u32::try_from(n).unwrap());
        Neighbour { address, mac: [2, 0, 0, 0, 0, 3] }
    });
    let neighbours = crowd.chain([neighbour(GATEWAY, 1)]).collect();
    let mut table = Table::new(own(), routes(), neighbours);
    ask(&mut table, "203.0.113.5");
    assert_eq!(next(&mut table, "203.0.113.5"), Some(1));
    let many = vec![routes()[0]; ROUTES_MAX + 1];
    let mut closed = Table::new(own(), many, vec![neighbour(GATEWAY, 1)]);
    ask(&mut closed, "203.0.113.5");
    assert_eq!((next(&mut closed, "203.0.113.5"), closed.is_open()), (None, false));
}

fn table(neighbours: &[(&str, u8)]) -> Table {
    let neighbours = neighbours.iter().map(|(address, mac)| neighbour(address, *mac)).collect();
    Table::new(own(), routes(), neighbours)
}

fn own() -> Own {
    Own { address: "192.0.2.2".parse().unwrap(), mac: [2, 0, 0, 0, 0, 2], mtu: 1_400 }
}

fn routes() -> Vec<Route> {
    vec![
        route("0.0.0.0", "0.0.0.0", 0, Via::Gateway(GATEWAY.parse().unwrap())),
        route("192.0.2.0", "255.255.255.0", 0, Via::Link),
        route("192.0.2.2", "255.255.255.255", 0, Via::Elsewhere),
        route("192.0.2.255", "255.255.255.255", 0, Via::Elsewhere),
        route("10.0.0.0", "255.0.0.0", 0, Via::Elsewhere),
        route("198.51.100.0", "255.255.255.0", 0, Via::Elsewhere),
    ]
}

fn route(network: &str, mask: &str, metric: u32, via: Via) -> Route {
    Route { network: network.parse().unwrap(), mask: mask.parse().unwrap(), metric, via }
}

fn neighbour(address: &str, mac: u8) -> Neighbour {
    Neighbour { address: address.parse().unwrap(), mac: [2, 0, 0, 0, 0, mac] }
}

/// Spends the packet that goes the plain way in any case.
fn ask(table: &mut Table, to: &str) {
    next(table, to);
}

fn next(table: &mut Table, to: &str) -> Option<u8> {
    table.next(to.parse().unwrap(), 300).map(|mac| mac[5])
}
