//! Where packets are written to be sent: a socket's batch, or a test's list.

use super::kernel::Address;

/// Takes packets in place.
pub trait Outbox {
    /// Room for a packet of at most `length` bytes; `None` when that is too long for any packet.
    fn reserve(&mut self, length: usize) -> Option<&mut [u8]>;

    /// Sends the first `length` bytes of what was last reserved.
    fn commit(&mut self, length: usize, to: &Address);

    /// How addresses must be written; see [`Address::new`].
    fn dual_stack(&self) -> bool;
}
