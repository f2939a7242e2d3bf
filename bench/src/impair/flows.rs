//! Which client of the proxy uses which socket towards the target: bounded, the longest idle one
//! makes room. No clock, no socket of its own.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Instant;

/// Clients that a proxy serves at once.
pub(super) const FLOWS_MAX: usize = 256;

/// One client with its socket `S` towards the target.
pub(super) struct Flow<S> {
    /// Where the client is.
    pub(super) client: SocketAddr,
    /// Its socket towards the target.
    pub(super) socket: S,
    last_used: Instant,
}

/// All clients.
pub(super) struct Flows<S> {
    by_id: BTreeMap<u64, Flow<S>>,
    by_client: BTreeMap<SocketAddr, u64>,
    next_id: u64,
}

impl<S> Default for Flows<S> {
    fn default() -> Self {
        Self { by_id: BTreeMap::new(), by_client: BTreeMap::new(), next_id: 0 }
    }
}

impl<S> Flows<S> {
    /// The flow of a client, marked as used; `None` when it has none yet.
    pub(super) fn touch(&mut self, client: SocketAddr, now: Instant) -> Option<u64> {
        let id = *self.by_client.get(&client)?;
        if let Some(flow) = self.by_id.get_mut(&id) {
            flow.last_used = now;
        }
        Some(id)
    }

    /// Adds a client. Returns its flow, and whether another had to make room for it.
    pub(super) fn insert(&mut self, client: SocketAddr, socket: S, now: Instant) -> (u64, bool) {
        let idle = self.by_id.iter().min_by_key(|(_, flow)| flow.last_used).map(|(id, _)| *id);
        let evicted = self.by_id.len() >= FLOWS_MAX;
        if let Some(gone) = idle.filter(|_| evicted).and_then(|id| self.by_id.remove(&id)) {
            self.by_client.remove(&gone.client);
        }
        let id = self.next_id;
        self.next_id += 1;
        self.by_id.insert(id, Flow { client, socket, last_used: now });
        self.by_client.insert(client, id);
        (id, evicted)
    }

    /// The flow of that id, unless it has made room for another.
    pub(super) fn find(&self, id: u64) -> Option<&Flow<S>> {
        self.by_id.get(&id)
    }

    /// All flows, oldest first.
    pub(super) fn iter(&self) -> impl Iterator<Item = (u64, &Flow<S>)> {
        self.by_id.iter().map(|(id, flow)| (*id, flow))
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        self.by_id.len()
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;
    use std::time::{Duration, Instant};

    use super::{FLOWS_MAX, Flows};

    #[test]
    fn a_client_keeps_its_flow() {
        let now = Instant::now();
        let mut flows = Flows::default();
        let (id, _) = flows.insert(client(1), "one", now);
        flows.insert(client(2), "two", now);
        assert_eq!(flows.touch(client(1), now), Some(id));
        assert_eq!(flows.find(id).unwrap().socket, "one");
        assert_eq!(flows.touch(client(3), now), None);
    }

    #[test]
    fn the_longest_idle_client_makes_room_when_the_table_is_full() {
        let now = Instant::now();
        let mut flows = Flows::default();
        for port in 0..u16::try_from(FLOWS_MAX).unwrap() {
            flows.insert(client(port), (), now + Duration::from_millis(u64::from(port)));
        }
        flows.touch(client(0), now + Duration::from_secs(9));
        let (_, evicted) = flows.insert(client(9_999), (), now + Duration::from_secs(10));
        assert!(evicted);
        assert_eq!(flows.count(), FLOWS_MAX);
        assert!(flows.touch(client(0), now).is_some());
        assert!(flows.touch(client(1), now).is_none());
    }

    fn client(port: u16) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], port))
    }
}
