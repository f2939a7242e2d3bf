//! A datagram between the socket's buffers and its listener.

use std::net::SocketAddr;
use std::time::Duration;

use super::sockets::Datagram;

/// A datagram on its way from the socket to its listener; its memory is used again.
pub(super) struct Letter {
    pub(super) client: u32,
    pub(super) from: SocketAddr,
    /// How long the kernel held it.
    pub(super) waited: Duration,
    pub(super) bytes: Vec<u8>,
}

impl From<SocketAddr> for Letter {
    fn from(from: SocketAddr) -> Self {
        Self { client: 0, from, waited: Duration::ZERO, bytes: Vec::new() }
    }
}

impl Letter {
    pub(super) fn fill(&mut self, datagram: &Datagram<'_>) {
        (self.client, self.from, self.waited) = (datagram.client, datagram.from, datagram.waited);
        self.bytes.clear();
        self.bytes.extend_from_slice(datagram.bytes);
    }
}
