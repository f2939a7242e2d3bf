//! A worker's way out. Where the operator asked for it and it can be had, packets take the express path; all
//! others, and every packet without it, go out in batches.

use std::sync::Arc;

use super::{Address, Lane, SendBatch, Sent, Socket};
use crate::media::Outbox;

/// Packets on their way out.
pub struct Egress {
    plain: SendBatch,
    express: Option<Box<Express>>,
}

/// What only those have who asked for it.
struct Express {
    lane: Lane,
    /// Whether the packet last reserved lies in a frame of the lane.
    in_frame: bool,
    sent: Sent,
}

impl Egress {
    /// Sends by `socket`, and by `lane` what it takes.
    #[must_use]
    pub fn new(socket: Arc<Socket>, lane: Option<Lane>) -> Self {
        let express =
            lane.map(|lane| Box::new(Express { lane, in_frame: false, sent: Sent::default() }));
        Self { plain: SendBatch::new(socket), express }
    }

    /// Sends what is committed.
    pub fn flush(&mut self) {
        self.plain.flush();
        if let Some(express) = &mut self.express {
            express.lane.flush(&mut express.sent);
            if express.lane.has_failed() {
                self.close_express();
            }
        }
    }

    /// What became of packets since they were last taken.
    #[must_use]
    pub fn sent(&self) -> Sent {
        let mut sent = self.plain.sent();
        if let Some(express) = &self.express {
            sent += express.sent;
        }
        sent
    }

    /// What became of packets since the last call.
    pub fn take_sent(&mut self) -> Sent {
        let mut sent = self.plain.take_sent();
        if let Some(express) = &mut self.express {
            sent += std::mem::take(&mut express.sent);
        }
        sent
    }

    #[cold]
    fn close_express(&mut self) {
        if let Some(express) = self.express.take() {
            self.plain.add_sent(express.sent);
            tracing::error!(
                "the express path has lost its interface; packets go the plain way until a restart"
            );
        }
    }
}

impl Express {
    /// Sends what was last reserved, or hands it back for the plain way. One that found no frame is dropped: on
    /// the plain way it would overtake those before it.
    fn commit(&mut self, length: usize, to: &Address) -> Commit<'_> {
        if self.in_frame {
            return match self.lane.commit(length, to) {
                Ok(()) => Commit::Done,
                Err(payload) => Commit::Copy(payload),
            };
        }
        if self.lane.takes(length, to) {
            self.sent.dropped_full += 1;
            return Commit::Done;
        }
        Commit::InPlace
    }
}

/// What is left to do with a packet.
enum Commit<'a> {
    Done,
    /// It lies in the plain batch already.
    InPlace,
    Copy(&'a [u8]),
}

impl Outbox for Egress {
    fn reserve(&mut self, length: usize) -> Option<&mut [u8]> {
        if let Some(express) = &mut self.express {
            let room = express.lane.reserve(length, &mut express.sent);
            express.in_frame = room.is_some();
            if room.is_some() {
                return room;
            }
        }
        self.plain.reserve(length)
    }

    fn commit(&mut self, length: usize, to: &Address) {
        if let Some(express) = &mut self.express {
            match express.commit(length, to) {
                Commit::Done => return,
                Commit::InPlace => {}
                Commit::Copy(payload) => match self.plain.reserve(payload.len()) {
                    Some(room) => room.copy_from_slice(payload),
                    None => return,
                },
            }
        }
        self.plain.commit(length, to);
    }

    fn dual_stack(&self) -> bool {
        self.plain.dual_stack()
    }
}
