//! A loopback address and a socket for each of many clients: the edge tells sessions apart by address
//! and port, and all of 127.0.0.0/8 is this machine, so a few sockets serve thousands of clients.

use std::net::Ipv4Addr;

/// First address of clients: 127.16.0.1.
const FIRST: u32 = 0x7f10_0001;
/// Addresses up to 127.31.255.255.
const ADDRESSES_MAX: u32 = 0x000f_fffe;

/// Gives clients their places.
#[derive(Clone, Copy, Debug)]
pub(super) struct Addresses {
    sockets: u32,
}

impl Addresses {
    /// For clients of that many sockets, at least one.
    pub(super) fn new(sockets: u32) -> Self {
        Self { sockets: sockets.max(1) }
    }

    /// Most clients that have a place.
    pub(super) fn clients_max(self) -> u32 {
        ADDRESSES_MAX.saturating_mul(self.sockets)
    }

    /// Socket and address of a client below [`Self::clients_max`].
    pub(super) fn of(self, client: u32) -> (usize, Ipv4Addr) {
        let address = Ipv4Addr::from_bits(FIRST + client / self.sockets);
        ((client % self.sockets) as usize, address)
    }

    /// The client at a socket and address, if there can be one.
    pub(super) fn client(self, socket: usize, address: Ipv4Addr) -> Option<u32> {
        let place = address.to_bits().checked_sub(FIRST).filter(|n| *n < ADDRESSES_MAX)?;
        place.checked_mul(self.sockets)?.checked_add(u32::try_from(socket).ok()?)
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::Addresses;

    #[test]
    fn every_client_has_a_place_of_its_own_and_is_found_there() {
        let addresses = Addresses::new(4);
        let mut places = std::collections::BTreeSet::new();
        for client in (0..20_000).chain([addresses.clients_max() - 1]) {
            let (socket, address) = addresses.of(client);
            assert!(address.is_loopback() && places.insert((socket, address)));
            assert_eq!(addresses.client(socket, address), Some(client));
        }
        assert_eq!(addresses.client(0, Ipv4Addr::LOCALHOST), None);
    }
}
