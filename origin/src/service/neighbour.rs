//! What is known of a link's other end, and how long it is trusted.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use stoa_audio::frame::TrackId;
use stoa_link::{PeerName, TrackBinding};
use stoa_protocol::ids::NodeId;
use stoa_protocol::mesh::control::{Alternative, Load};
use stoa_protocol::mesh::identity::Misbehaviour;

use super::hall::RoomKey;

/// The other end of a link that is up.
#[derive(Debug)]
pub(super) struct Neighbour {
    pub(super) peer: PeerName,
    /// Rooms in which it has participants or subscriptions.
    pub(super) rooms: BTreeSet<RoomKey>,
    /// Tracks that it publishes.
    pub(super) tracks: BTreeSet<TrackId>,
    /// What it says it carries.
    pub(super) load: Load,
    /// Tracks that it has announced and that count only for the blue tree, or not yet: their room is another origin's,
    /// or nobody has joined with them.
    pub(super) announced: BTreeMap<TrackId, TrackBinding>,
    /// Whom it was told to keep links to.
    pub(super) neighbours_told: Vec<NodeId>,
    /// Where its clients were told that they may go.
    pub(super) alternatives_told: Vec<Alternative>,
    misbehaviour: Misbehaviour,
}

impl Neighbour {
    pub(super) fn new(peer: PeerName) -> Self {
        Self {
            peer,
            rooms: BTreeSet::new(),
            tracks: BTreeSet::new(),
            load: Load::default(),
            announced: BTreeMap::new(),
            neighbours_told: Vec::new(),
            alternatives_told: Vec::new(),
            misbehaviour: Misbehaviour::default(),
        }
    }

    /// Takes note of a wrong claim; returns whether that was one too many.
    pub(super) fn note_mistake(&mut self, now: Instant) -> bool {
        self.misbehaviour.note(now)
    }
}
