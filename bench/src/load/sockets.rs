//! Few sockets for many clients: each takes what is sent to any loopback address at its port, and
//! sends from the address it is told.

use std::io::IoSliceMut;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};
use quinn_udp::{BATCH_SIZE, RecvMeta, Transmit, UdpSockRef, UdpSocketState};

use super::addresses::Addresses;
use crate::measure::machine;

/// What the kernel may hold for a socket until it is read, in bytes; fewer where it allows no more.
const RECEIVE_BUFFER: usize = 32 << 20;
/// Largest datagram that is taken; the edge sends at most 1,200 bytes of media.
const DATAGRAM_BYTES: usize = 2_048;

/// The sockets of a swarm.
pub(crate) struct Sockets {
    sockets: Vec<(UdpSocket, UdpSocketState, u16)>,
    addresses: Addresses,
    buffers: Vec<[u8; DATAGRAM_BYTES]>,
    meta: [RecvMeta; BATCH_SIZE],
}

impl Sockets {
    /// Binds `count` sockets at ports of the kernel's choice.
    ///
    /// # Errors
    /// When no port is free.
    pub(crate) fn bind(count: u32) -> Result<Self> {
        let mut sockets = Vec::new();
        for _ in 0..count.max(1) {
            let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).context("no UDP port")?;
            // Beyond the system's limit only for root; else as much as it allows.
            if rustix::net::sockopt::set_socket_recv_buffer_size_force(&socket, RECEIVE_BUFFER)
                .is_err()
            {
                rustix::net::sockopt::set_socket_recv_buffer_size(&socket, RECEIVE_BUFFER)
                    .context("cannot set a socket's buffer")?;
            }
            let state = UdpSocketState::new((&socket).into()).context("cannot set up a socket")?;
            let port = socket.local_addr().context("a socket without address")?.port();
            sockets.push((socket, state, port));
        }
        Ok(Self {
            addresses: Addresses::new(u32::try_from(sockets.len())?),
            sockets,
            buffers: vec![[0; DATAGRAM_BYTES]; BATCH_SIZE],
            meta: [RecvMeta::default(); BATCH_SIZE],
        })
    }

    /// Where each client is.
    pub(crate) fn places(&self) -> Places {
        Places { ports: self.sockets.iter().map(|s| s.2).collect(), addresses: self.addresses }
    }

    /// The sockets, to wait on.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &UdpSocket> {
        self.sockets.iter().map(|(socket, ..)| socket)
    }

    /// Sends a client's datagram; one that the kernel does not take at once is lost, as on any network.
    pub(crate) fn send(&self, client: u32, destination: SocketAddr, contents: &[u8]) {
        let (index, address) = self.addresses.of(client);
        let Some((socket, state, _)) = self.sockets.get(index) else { return };
        let src_ip = Some(IpAddr::V4(address));
        let transmit = Transmit { destination, ecn: None, contents, segment_size: None, src_ip };
        if let Err(error) = state.try_send(UdpSockRef::from(socket), &transmit) {
            tracing::trace!(%error, "a client's datagram was not sent");
        }
    }

    /// Reads up to one batch from a socket into `take`; returns how many came.
    pub(crate) fn receive(&mut self, index: usize, mut take: impl FnMut(Datagram<'_>)) -> usize {
        let Some((socket, state, _)) = self.sockets.get(index) else { return 0 };
        let mut slices: [IoSliceMut<'_>; BATCH_SIZE] = {
            let mut buffers = self.buffers.iter_mut();
            std::array::from_fn(|_| {
                IoSliceMut::new(buffers.next().map_or(&mut [][..], |buffer| &mut buffer[..]))
            })
        };
        let socket = UdpSockRef::from(socket);
        let Ok(count) = state.recv(socket, &mut slices, &mut self.meta) else { return 0 };
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        for (meta, buffer) in self.meta[..count].iter().zip(&mut self.buffers) {
            let Some(IpAddr::V4(address)) = meta.dst_ip else { continue };
            let Some(client) = self.addresses.client(index, address) else { continue };
            let length = meta.len.min(DATAGRAM_BYTES);
            let waited = meta.timestamp.map_or(Duration::ZERO, |came| now.saturating_sub(came));
            for bytes in buffer[..length].chunks_mut(meta.stride.max(1)) {
                take(Datagram { client, from: meta.addr, waited, bytes });
            }
        }
        count
    }
}

/// A datagram that came.
pub(crate) struct Datagram<'a> {
    /// For whom.
    pub(crate) client: u32,
    /// From where.
    pub(crate) from: SocketAddr,
    /// How long the kernel held it until it was read.
    pub(crate) waited: Duration,
    /// What it holds.
    pub(crate) bytes: &'a mut [u8],
}

/// Where each client is.
#[derive(Clone, Debug)]
pub(crate) struct Places {
    ports: Vec<u16>,
    addresses: Addresses,
}

impl Places {
    /// The local address of a client.
    ///
    /// # Errors
    /// When there are more clients than places.
    pub(crate) fn of(&self, client: u32) -> Result<SocketAddr> {
        anyhow::ensure!(
            client < self.addresses.clients_max(),
            "at most {} listeners fit; run a second generator",
            self.addresses.clients_max()
        );
        let (socket, address) = self.addresses.of(client);
        Ok(SocketAddr::from((address, self.ports[socket])))
    }

    /// Datagrams that the kernel dropped because this process read too slowly.
    pub(crate) fn drops(&self) -> u64 {
        self.ports.iter().map(|port| machine::udp_drops(*port)).sum()
    }
}

#[cfg(test)]
mod tests {
    use std::net::{SocketAddr, UdpSocket};
    use std::time::{Duration, Instant};

    use super::Sockets;

    #[test]
    fn clients_of_one_socket_are_told_apart_both_ways() {
        let mut sockets = Sockets::bind(2).unwrap();
        let places = sockets.places();
        let edge = UdpSocket::bind("127.0.0.1:0").unwrap();
        edge.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        let to = edge.local_addr().unwrap();
        for client in [0u32, 1, 2, 3_001] {
            sockets.send(client, to, &client.to_be_bytes());
            let mut buffer = [0; 16];
            let (length, from) = edge.recv_from(&mut buffer).unwrap();
            assert_eq!(buffer[..length], client.to_be_bytes());
            assert_eq!(from, places.of(client).unwrap());
            edge.send_to(b"hello", from).unwrap();
            assert_eq!(receive(&mut sockets, client), (client, to, b"hello".to_vec()));
        }
        assert_eq!(places.drops(), 0);
    }

    fn receive(sockets: &mut Sockets, client: u32) -> (u32, SocketAddr, Vec<u8>) {
        let began = Instant::now();
        let mut heard = None;
        while heard.is_none() {
            assert!(began.elapsed() < Duration::from_secs(10), "nothing came for {client}");
            sockets.receive(client as usize % 2, |datagram| {
                assert!(datagram.waited < Duration::from_secs(10));
                heard = Some((datagram.client, datagram.from, datagram.bytes.to_vec()));
            });
        }
        heard.unwrap()
    }
}
