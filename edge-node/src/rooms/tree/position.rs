//! Where this edge stands in a room's trees, for who looks at the whole network.

use stoa_audio::frame::Epoch;
use stoa_link::LinkId;
use stoa_protocol::ids::{NodeId, RoomId};
use stoa_protocol::mesh::control::Feed;

use super::super::hub::Hub;

/// Somebody who was asked for a feed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parent {
    /// Over which link.
    pub link: LinkId,
    /// For which feed.
    pub feed: Feed,
    /// Whether another is asked instead, and this one only until that sends.
    pub replaced: bool,
}

/// Where this edge stands in a room's trees.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Position {
    /// Whom it takes for the room's owner.
    pub owner: Option<NodeId>,
    /// The newest epoch that it has heard of.
    pub epoch: Epoch,
    /// Where frames of local clients go: to the owner, and to its standby.
    pub uplinks: [Option<LinkId>; 2],
    /// Whom it has asked for frames.
    pub parents: Vec<Parent>,
    /// Who has asked it.
    pub children: Vec<LinkId>,
}

impl Hub {
    /// Where this edge stands in a room's trees; `None` for a room that it does not know.
    #[must_use]
    pub fn position(&self, room: &RoomId) -> Option<Position> {
        let room = self.directory.get(self.directory.key_of(room)?)?;
        Some(Position {
            owner: room.owner_node.clone(),
            epoch: room.epoch(),
            uplinks: [room.owner, room.standby],
            parents: room.feeds.parents().collect(),
            children: room.children.links().collect(),
        })
    }
}
