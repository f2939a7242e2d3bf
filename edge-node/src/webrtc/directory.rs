//! Whose a datagram is, on one worker: by source address, or by user fragment for a connectivity
//! check. Never a scan over sessions.

use std::collections::HashMap;
use std::net::SocketAddr;

use super::SessionId;
use super::registry::WorkerIndex;

/// Addresses from which one client may send at a time; the oldest beyond it is forgotten.
const ADDRESSES_MAX: usize = 8;

/// Addresses whose datagrams are handed to another worker; all are learned anew beyond it.
const FOREIGN_MAX: usize = 4_096;

/// Where a datagram belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Owner {
    /// The session at this index of this worker.
    Here(usize),
    /// Another worker.
    There(WorkerIndex),
}

/// What a session is known by.
#[derive(Debug)]
pub(super) struct Names {
    id: SessionId,
    addresses: Vec<SocketAddr>,
    ufrags: Vec<String>,
}

#[derive(Default)]
pub(super) struct Directory {
    by_address: HashMap<SocketAddr, usize>,
    by_ufrag: HashMap<String, usize>,
    by_id: HashMap<SessionId, usize>,
    foreign: HashMap<SocketAddr, WorkerIndex>,
}

impl Directory {
    pub(super) fn owner(&self, source: SocketAddr) -> Option<Owner> {
        let here = self.by_address.get(&source).copied().map(Owner::Here);
        here.or_else(|| self.foreign.get(&source).copied().map(Owner::There))
    }

    pub(super) fn with_ufrag(&self, ufrag: &str) -> Option<usize> {
        self.by_ufrag.get(ufrag).copied()
    }

    pub(super) fn with_id(&self, id: SessionId) -> Option<usize> {
        self.by_id.get(&id).copied()
    }

    /// A session has come to `index`.
    pub(super) fn enter(&mut self, id: SessionId, ufrag: &str, index: usize) -> Names {
        self.by_ufrag.insert(ufrag.to_owned(), index);
        self.by_id.insert(id, index);
        Names { id, addresses: Vec::new(), ufrags: vec![ufrag.to_owned()] }
    }

    pub(super) fn add_ufrag(&mut self, names: &mut Names, ufrag: &str, index: usize) {
        self.by_ufrag.insert(ufrag.to_owned(), index);
        names.ufrags.push(ufrag.to_owned());
    }

    /// An address has passed a connectivity check of the session at `index`.
    pub(super) fn add_address(&mut self, names: &mut Names, source: SocketAddr, index: usize) {
        if self.by_address.insert(source, index) == Some(index) {
            return;
        }
        self.foreign.remove(&source);
        names.addresses.push(source);
        if names.addresses.len() > ADDRESSES_MAX {
            let oldest = names.addresses.remove(0);
            self.remove_address(oldest, index);
        }
    }

    /// A check from this address was for another worker's session.
    pub(super) fn add_foreign(&mut self, source: SocketAddr, worker: WorkerIndex) {
        if self.foreign.len() >= FOREIGN_MAX {
            self.foreign.clear();
        }
        self.foreign.insert(source, worker);
    }

    /// The session at `index` has gone.
    pub(super) fn leave(&mut self, names: &Names, index: usize) {
        for address in &names.addresses {
            self.remove_address(*address, index);
        }
        for ufrag in &names.ufrags {
            self.by_ufrag.remove(ufrag);
        }
        self.by_id.remove(&names.id);
    }

    /// The address may have become another session's since.
    fn remove_address(&mut self, address: SocketAddr, index: usize) {
        if self.by_address.get(&address) == Some(&index) {
            self.by_address.remove(&address);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(port: u16) -> SocketAddr {
        SocketAddr::from(([192, 0, 2, 1], port))
    }

    #[test]
    fn an_address_belongs_to_who_checked_from_it_last() {
        let mut directory = Directory::default();
        let mut first = directory.enter(SessionId(1), "one", 0);
        let mut second = directory.enter(SessionId(2), "two", 1);
        directory.add_address(&mut first, address(7), 0);
        directory.add_address(&mut second, address(7), 1);
        directory.leave(&first, 0);
        assert_eq!(directory.owner(address(7)), Some(Owner::Here(1)));
        assert_eq!((directory.with_ufrag("one"), directory.with_id(SessionId(1))), (None, None));
        directory.leave(&second, 1);
        assert_eq!(directory.owner(address(7)), None);
    }

    #[test]
    fn a_session_has_a_bounded_number_of_addresses() {
        let mut directory = Directory::default();
        let mut names = directory.enter(SessionId(1), "one", 0);
        for port in 1..=20 {
            directory.add_address(&mut names, address(port), 0);
        }
        assert_eq!(directory.owner(address(12)), None);
        assert_eq!(directory.owner(address(13)), Some(Owner::Here(0)));
        assert_eq!(directory.by_address.len(), ADDRESSES_MAX);
    }

    #[test]
    fn another_workers_address_becomes_ours_by_a_check() {
        let mut directory = Directory::default();
        directory.add_foreign(address(7), WorkerIndex(3));
        assert_eq!(directory.owner(address(7)), Some(Owner::There(WorkerIndex(3))));
        let mut names = directory.enter(SessionId(1), "one", 0);
        directory.add_address(&mut names, address(7), 0);
        directory.leave(&names, 0);
        assert_eq!(directory.owner(address(7)), None);
    }
}
