//! Where packets are written to be sent: a socket's batch, or a test's list.

use std::net::SocketAddr;

use super::kernel::Address;

/// Takes packets in place.
pub trait Outbox {
    /// Room for a packet of at most `length` bytes; `None` when that is too long for any packet.
    fn reserve(&mut self, length: usize) -> Option<&mut [u8]>;

    /// Sends the first `length` bytes of what was last reserved.
    fn commit(&mut self, length: usize, to: &Address);

    /// How addresses must be written; see [`Address::new`].
    fn dual_stack(&self) -> bool;

    /// Sends a packet that is written already; one that is too long for any packet is dropped.
    fn send(&mut self, packet: &[u8], to: SocketAddr) {
        let to = Address::new(to, self.dual_stack());
        if let Some(room) = self.reserve(packet.len()) {
            room.copy_from_slice(packet);
            self.commit(packet.len(), &to);
        }
    }
}
