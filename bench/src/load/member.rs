//! One of a swarm: how he comes, and how far he is.

use std::net::SocketAddr;
use std::time::Instant;

use super::client::{Handshake, Listener};
use super::window::Record;

/// A listener whose offer was answered.
pub(super) struct Join {
    /// Which one.
    pub(super) client: u32,
    /// Its handshake, with the answer.
    pub(super) handshake: Box<Handshake>,
    /// When its request was sent.
    pub(super) asked: Instant,
}

/// How far a client is.
#[derive(Default)]
pub(super) struct Client {
    pub(super) listener: Option<Box<Listener>>,
    pub(super) handshake: Option<Box<Handshake>>,
    pub(super) remote: Option<SocketAddr>,
    pub(super) asked: Option<Instant>,
    pub(super) forget_handshake: Option<Instant>,
    pub(super) record: Record,
    /// When this client's live entry in the heap is due; others are stale.
    pub(super) scheduled: Option<Instant>,
}
