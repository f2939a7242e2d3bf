//! Datagrams of handshakes that wait until a worker has nothing more urgent.
//!
//! One of them takes as long as a hundred packets of audio, and a storm of joins brings thousands:
//! behind them in the socket a speaker's voice would wait for all of them.

use std::collections::{HashMap, VecDeque};
use std::net::SocketAddr;

/// Datagrams that may wait: some seconds of work. Clients repeat what is dropped beyond it.
const WAITING_MAX: usize = 8_192;

/// Datagrams of one client that may wait: several flights, so that nobody takes up all the room.
const WAITING_OF_ONE_MAX: usize = 16;

/// What waits, in order of arrival.
#[derive(Debug, Default)]
pub(super) struct Backlog {
    waiting: VecDeque<(SocketAddr, Vec<u8>)>,
    of_source: HashMap<SocketAddr, usize>,
    dropped: u64,
}

impl Backlog {
    /// Puts a datagram behind all others; without room for it, it is dropped and counted.
    pub(super) fn push(&mut self, source: SocketAddr, datagram: &[u8]) {
        let of_source = self.of_source.get(&source).copied().unwrap_or(0);
        if self.waiting.len() >= WAITING_MAX || of_source >= WAITING_OF_ONE_MAX {
            self.dropped += 1;
            return;
        }
        self.of_source.insert(source, of_source + 1);
        self.waiting.push_back((source, datagram.to_vec()));
    }

    /// The one that has waited longest.
    pub(super) fn pop(&mut self) -> Option<(SocketAddr, Vec<u8>)> {
        let (source, datagram) = self.waiting.pop_front()?;
        match self.of_source.get_mut(&source) {
            Some(more) if *more > 1 => *more -= 1,
            _ => {
                self.of_source.remove(&source);
            }
        }
        Some((source, datagram))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// What found no room since the last call.
    pub(super) fn take_dropped(&mut self) -> u64 {
        std::mem::take(&mut self.dropped)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(number: usize) -> SocketAddr {
        let port = u16::try_from(number % 50_000).unwrap();
        SocketAddr::from(([192, 0, 2, u8::try_from(number / 50_000).unwrap()], port))
    }

    #[test]
    fn what_came_first_goes_first() {
        let mut backlog = Backlog::default();
        for (number, datagram) in [(1, b"one"), (2, b"two"), (1, b"six")] {
            backlog.push(client(number), datagram);
        }
        assert_eq!(backlog.pop(), Some((client(1), b"one".to_vec())));
        assert_eq!(backlog.pop(), Some((client(2), b"two".to_vec())));
        assert_eq!(backlog.pop(), Some((client(1), b"six".to_vec())));
        assert_eq!(backlog.pop(), None);
        assert!(backlog.of_source.is_empty());
    }

    #[test]
    fn a_client_who_floods_leaves_room_for_the_others() {
        let mut backlog = Backlog::default();
        for _ in 0..WAITING_MAX {
            backlog.push(client(1), b"again");
        }
        backlog.push(client(2), b"hello");
        assert_eq!(backlog.waiting.len(), WAITING_OF_ONE_MAX + 1);
        assert_eq!(backlog.take_dropped(), (WAITING_MAX - WAITING_OF_ONE_MAX) as u64);
        assert_eq!(backlog.take_dropped(), 0);
    }

    #[test]
    fn what_waits_is_bounded() {
        let mut backlog = Backlog::default();
        for number in 0..=WAITING_MAX {
            backlog.push(client(number), b"hello");
        }
        assert_eq!((backlog.waiting.len(), backlog.take_dropped()), (WAITING_MAX, 1));
        while backlog.pop().is_some() {}
        assert!(backlog.is_empty() && backlog.of_source.is_empty());
    }
}
