//! One worker's share of the express path: a queue of the interface, and the worker's own copy of the table.

use std::net::SocketAddr;
use std::sync::Arc;

use super::bulletin::Bulletin;
use super::error::ExpressError;
use super::headers::Headers;
use super::interface::Interface;
use super::table::{Own, Table};
use super::transmitter::{PAYLOAD_BYTES_MAX, Transmitter};
use crate::media::kernel::{Address, Sent};

/// A queue of the interface.
pub struct Lane {
    transmitter: Transmitter,
    bulletin: Arc<Bulletin>,
    edition: u64,
    table: Table,
    /// Absent while the table does not say who we are.
    headers: Option<Headers>,
    port: u16,
}

/// A lane for each of `workers` whose queue the interface has, in their order. `local` is where their socket is
/// bound.
///
/// # Errors
/// An [`ExpressError`] that says what to do.
pub fn lanes(
    interface: &str,
    local: SocketAddr,
    workers: usize,
) -> Result<Vec<Lane>, ExpressError> {
    let interface = Interface::open(interface, local.ip())?;
    let (index, queues) = (interface.index(), interface.queues());
    let queues = queues.min(u32::try_from(workers).unwrap_or(u32::MAX));
    let transmitters: Result<Vec<_>, _> =
        (0..queues).map(|queue| Transmitter::open(index, queue)).collect();
    let transmitters = transmitters?;
    let bulletin = Bulletin::about(interface)?;
    let lane = |transmitter| Lane {
        transmitter,
        bulletin: Arc::clone(&bulletin),
        edition: 0,
        table: Table::with_room(),
        headers: None,
        port: local.port(),
    };
    Ok(transmitters.into_iter().map(lane).collect())
}

impl Lane {
    /// Room for a payload; `None` when it is too long or every frame is in flight.
    pub(in crate::media::kernel) fn reserve(
        &mut self,
        length: usize,
        sent: &mut Sent,
    ) -> Option<&mut [u8]> {
        if length > PAYLOAD_BYTES_MAX {
            return None;
        }
        self.transmitter.reserve(length, sent)
    }

    /// Sends what was last reserved, or hands it back when it must take the plain way.
    pub(in crate::media::kernel) fn commit(
        &mut self,
        length: usize,
        to: &Address,
    ) -> Result<(), &[u8]> {
        let next = to.ipv4().and_then(|(ip, port)| {
            let next = self.table.next(ip, length)?;
            Some((next, ip, port))
        });
        if !self.transmitter.has_failed()
            && let (Some((next, ip, port)), Some(headers)) = (next, &self.headers)
            && let Some(packet) = self.transmitter.packet(length)
            && headers.write(packet, next, ip, port)
        {
            self.transmitter.commit(length);
            return Ok(());
        }
        Err(self.transmitter.payload(length))
    }

    /// Whether a packet that found no frame would have taken this way.
    pub(in crate::media::kernel) fn takes(&mut self, length: usize, to: &Address) -> bool {
        to.ipv4().is_some_and(|(ip, _)| self.table.next(ip, length).is_some())
    }

    /// Hands the kernel what is committed, and looks whether routes have changed.
    pub(in crate::media::kernel) fn flush(&mut self, sent: &mut Sent) {
        self.transmitter.flush(sent);
        if self.bulletin.read(&mut self.edition, &mut self.table) {
            let headers = |own: Own| Headers::new(own.mac, own.address, self.port);
            self.headers = self.table.own().map(headers);
        }
    }

    /// Whether the interface is gone for good.
    pub(in crate::media::kernel) fn has_failed(&self) -> bool {
        self.transmitter.has_failed()
    }
}
