//! Whose a datagram is, on one worker: by source address, or by user fragment for a connectivity
//! check. Never a scan over sessions.

use std::collections::{HashMap, VecDeque};
use std::net::SocketAddr;

use super::SessionId;
use super::registry::{UFRAGS_MAX, WorkerIndex};

/// Addresses from which one client may send at a time; the oldest beyond it is forgotten.
const ADDRESSES_MAX: usize = 8;

/// Addresses whose datagrams are handed to another worker; the oldest beyond it is forgotten.
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

impl Names {
    /// The address that has passed a check last.
    pub(super) fn newest_address(&self) -> Option<SocketAddr> {
        self.addresses.last().copied()
    }
}

#[derive(Default)]
pub(super) struct Directory {
    by_address: HashMap<SocketAddr, usize>,
    by_ufrag: HashMap<String, usize>,
    by_id: HashMap<SessionId, usize>,
    foreign: HashMap<SocketAddr, WorkerIndex>,
    foreign_in_order: VecDeque<SocketAddr>,
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
    pub(super) fn enter(&mut self, id: SessionId, ufrags: Vec<String>, index: usize) -> Names {
        for ufrag in &ufrags {
            self.by_ufrag.insert(ufrag.clone(), index);
        }
        self.by_id.insert(id, index);
        Names { id, addresses: Vec::new(), ufrags }
    }

    /// The session answers to a further user fragment; the oldest beyond the limit is forgotten.
    pub(super) fn add_ufrag(&mut self, names: &mut Names, ufrag: &str, index: usize) {
        if names.ufrags.iter().any(|known| known == ufrag) {
            // An offer that restarts nothing changes no name.
            return;
        }
        self.by_ufrag.insert(ufrag.to_owned(), index);
        names.ufrags.push(ufrag.to_owned());
        if names.ufrags.len() > UFRAGS_MAX {
            let oldest = names.ufrags.remove(0);
            self.by_ufrag.remove(&oldest);
        }
    }

    /// An address has passed a connectivity check of the session at `index`.
    pub(super) fn add_address(&mut self, names: &mut Names, source: SocketAddr, index: usize) {
        if names.addresses.last() == Some(&source) && self.by_address.get(&source) == Some(&index) {
            return;
        }
        self.by_address.insert(source, index);
        self.foreign.remove(&source);
        names.addresses.retain(|known| *known != source);
        names.addresses.push(source);
        if names.addresses.len() > ADDRESSES_MAX {
            let oldest = names.addresses.remove(0);
            self.remove_address(oldest, index);
        }
    }

    /// Another worker says that this address is one of its clients'.
    pub(super) fn add_foreign(&mut self, source: SocketAddr, worker: WorkerIndex) {
        if self.foreign.insert(source, worker).is_some() {
            return;
        }
        self.foreign_in_order.push_back(source);
        if self.foreign_in_order.len() > FOREIGN_MAX
            && let Some(oldest) = self.foreign_in_order.pop_front()
        {
            self.foreign.remove(&oldest);
        }
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
        let mut first = directory.enter(SessionId(1), vec!["one".into()], 0);
        let mut second = directory.enter(SessionId(2), vec!["two".into()], 1);
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
        let mut names = directory.enter(SessionId(1), vec!["one".into()], 0);
        for port in 1..=20 {
            directory.add_address(&mut names, address(port), 0);
        }
        assert_eq!(directory.owner(address(12)), None);
        assert_eq!(directory.owner(address(13)), Some(Owner::Here(0)));
        assert_eq!(directory.by_address.len(), ADDRESSES_MAX);
    }

    #[test]
    fn an_address_in_use_outlives_those_that_are_not() {
        let mut directory = Directory::default();
        let mut names = directory.enter(SessionId(1), vec!["one".into()], 0);
        for port in 1..=20 {
            directory.add_address(&mut names, address(port), 0);
            directory.add_address(&mut names, address(1), 0);
        }
        assert_eq!(directory.owner(address(1)), Some(Owner::Here(0)));
        assert_eq!(directory.by_address.len(), ADDRESSES_MAX);
    }

    #[test]
    fn a_session_answers_to_its_newest_names_only() {
        let mut directory = Directory::default();
        let mut names = directory.enter(SessionId(1), vec!["0".into()], 0);
        for restart in 1..=10 {
            for _ in 0..5 {
                directory.add_ufrag(&mut names, &restart.to_string(), 0);
            }
        }
        assert_eq!((directory.with_ufrag("6"), directory.with_ufrag("7")), (None, Some(0)));
        directory.leave(&names, 0);
        assert!(directory.by_ufrag.is_empty());
    }

    #[test]
    fn many_foreign_addresses_push_out_the_oldest_one_by_one() {
        let mut directory = Directory::default();
        for port in 0..=u16::try_from(FOREIGN_MAX).unwrap() {
            directory.add_foreign(address(port), WorkerIndex(1));
        }
        assert_eq!(directory.owner(address(0)), None);
        assert_eq!(directory.owner(address(1)), Some(Owner::There(WorkerIndex(1))));
    }

    #[test]
    fn another_workers_address_becomes_ours_by_a_check() {
        let mut directory = Directory::default();
        directory.add_foreign(address(7), WorkerIndex(3));
        assert_eq!(directory.owner(address(7)), Some(Owner::There(WorkerIndex(3))));
        let mut names = directory.enter(SessionId(1), vec!["one".into()], 0);
        directory.add_address(&mut names, address(7), 0);
        directory.leave(&names, 0);
        assert_eq!(directory.owner(address(7)), None);
    }
}
