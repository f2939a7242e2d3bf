//! One link: two peers, and what is under way between them.

use std::time::{Duration, Instant};

use bytes::Bytes;
use stoa_link::{LinkId, TrackBinding};
use stoa_protocol::mesh::control::Control;
use stoa_protocol::mesh::identity::Identity;
use stoa_protocol::mesh::peer::{Command, Config, Event, Peer, TrackParams};

/// One end.
pub(super) struct End {
    pub(super) node: usize,
    pub(super) link: LinkId,
    pub(super) peer: Peer,
    /// Whether the node knows of it.
    pub(super) told: bool,
    /// Whether its process has died; another one at the same address knows nothing of it.
    pub(super) gone: bool,
    /// When the last message of its stream arrives: they keep their order.
    pub(super) stream_at: Instant,
    /// The deadline that is in the queue.
    pub(super) wakes_at: Option<Instant>,
}

/// What travels.
#[derive(Clone, Debug)]
pub(super) enum Packet {
    Control(Box<Control>),
    Datagram(Bytes),
    /// The connection is closed by the other end.
    Closed,
}

/// One link.
pub(super) struct Wire {
    pub(super) ends: [End; 2],
    pub(super) closed: bool,
}

impl Wire {
    /// The first end has dialled.
    pub(super) fn new(
        nodes: [(usize, &Identity, LinkId); 2],
        clocks: [Instant; 2],
        now: Instant,
    ) -> Self {
        let [one, other] = nodes;
        let end = |(node, own, link): (usize, &Identity, LinkId), peer: &Identity, clock| End {
            node,
            link,
            peer: Peer::new(Config::new(own, peer.clone()), clock),
            told: false,
            gone: false,
            stream_at: now,
            wakes_at: None,
        };
        Self { ends: [end(one, other.1, clocks[0]), end(other, one.1, clocks[1])], closed: false }
    }

    pub(super) fn connects(&self, a: usize, b: usize) -> bool {
        let [one, other] = &self.ends;
        (one.node, other.node) == (a, b) || (one.node, other.node) == (b, a)
    }
}

impl End {
    pub(super) fn commands(&mut self) -> Vec<Command> {
        std::iter::from_fn(|| self.peer.next_command()).collect()
    }

    pub(super) fn events(&mut self) -> Vec<Event> {
        std::iter::from_fn(|| self.peer.next_event()).collect()
    }
}

pub(super) fn params(binding: TrackBinding) -> TrackParams {
    TrackParams {
        track: binding.track,
        epoch: binding.epoch,
        room: binding.room,
        participant: binding.participant,
        kind: binding.kind,
        bitrate: binding.bitrate,
    }
}

pub(super) fn binding(params: TrackParams) -> TrackBinding {
    TrackBinding {
        track: params.track,
        epoch: params.epoch,
        room: params.room,
        participant: params.participant,
        kind: params.kind,
        bitrate: params.bitrate,
    }
}

/// How long a message takes at least before the next of the same stream.
pub(super) const STREAM_SPACING: Duration = Duration::from_micros(1);
