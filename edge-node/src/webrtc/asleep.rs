//! What is left of a session once it is connected: DTLS, which says when the client hangs
//! up and repeats what of the handshake was lost. str0m's session, three quarters of the memory, is gone.

use std::time::Instant;

use str0m::crypto::dtls::{DtlsInstance, DtlsOutput};

use super::keys::Instance;

/// Room for one DTLS record; as much as str0m gives.
const RECORD_BYTES_MAX: usize = 2_048;

/// Outputs that one poll may bring; a flight has a handful.
const POLLS_MAX: usize = 64;

/// The DTLS of a sleeping session.
pub(super) struct Asleep(Instance);

/// DTLS cannot go on, or would not take a datagram; why is known to nobody but the library.
#[derive(Debug)]
pub(super) struct Failed;

/// What DTLS wants next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// Nothing until then.
    Wait(Instant),
    /// The client has hung up.
    Closed,
}

impl Asleep {
    pub(super) const fn new(dtls: Instance) -> Self {
        Self(dtls)
    }

    /// Whether we are the client of this DTLS.
    pub(super) fn is_active(&self) -> bool {
        self.0.is_active()
    }

    /// Takes a datagram; poll afterwards.
    ///
    /// # Errors
    /// When it is refused, which the association may survive.
    pub(super) fn handle_datagram(&mut self, datagram: &[u8], now: Instant) -> Result<(), Failed> {
        // It has slept: what was due meanwhile comes first.
        self.handle_timeout(now)?;
        self.0.handle_packet(datagram).map_err(|_| Failed)
    }

    /// Time has come; poll afterwards.
    ///
    /// # Errors
    /// When the client has not confirmed the end of the handshake for too long.
    pub(super) fn handle_timeout(&mut self, now: Instant) -> Result<(), Failed> {
        self.0.handle_timeout(now).map_err(|_| Failed)
    }

    /// Hands what is to be sent to `transmit`.
    ///
    /// # Errors
    /// When it neither rests nor ends.
    pub(super) fn poll(&mut self, mut transmit: impl FnMut(&[u8])) -> Result<Next, Failed> {
        let mut room = [0; RECORD_BYTES_MAX];
        for _ in 0..POLLS_MAX {
            match self.0.poll_output(&mut room) {
                DtlsOutput::Packet(packet) => transmit(packet),
                DtlsOutput::CloseNotify => return Ok(Next::Closed),
                DtlsOutput::Timeout(at) => return Ok(Next::Wait(at)),
                // Nobody has offered a data channel to us, and the keys are known.
                _ => {}
            }
        }
        Err(Failed)
    }

    /// Says goodbye.
    pub(super) fn close(&mut self, transmit: impl FnMut(&[u8])) {
        if self.0.close().is_ok() {
            // Whatever is wrong with the last words, they are the last.
            let _ = self.poll(transmit);
        }
    }
}
