//! What a link tells its owner. All links of a node share one inbox.

use stoa_audio::frame::{Epoch, Frame, TrackId};
use stoa_protocol::ids::{NodeId, NodeRole, Region, RoomId};
use stoa_protocol::mesh::control::{Body, TrackKind};

/// Names a link within this process; never used again after it went down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LinkId(pub u64);

/// Who is at the other end, as its certificate says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeerName {
    /// The node.
    pub node: NodeId,
    /// Origin or edge.
    pub role: NodeRole,
    /// Where it says it is.
    pub region: Region,
}

/// A track as the sending side of a link announces it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrackBinding {
    /// The track.
    pub track: TrackId,
    /// The track's epoch.
    pub epoch: Epoch,
    /// Its room.
    pub room: RoomId,
    /// Whose microphone; empty for programme tracks.
    pub participant: String,
    /// Speaker or programme.
    pub kind: TrackKind,
    /// Rung of a programme track in bit/s; 0 for speakers.
    pub bitrate: u32,
}

/// What a link tells its owner.
#[derive(Debug)]
pub enum LinkEvent<L> {
    /// Both sides have said hello; `link` sends.
    Up {
        /// Which link.
        id: LinkId,
        /// Who is there.
        peer: PeerName,
        /// The sending half.
        link: L,
    },
    /// A control message that is not the link's own business.
    Control {
        /// Which link.
        id: LinkId,
        /// The message. Never `Hello`, `Refuse`, `BindTrack`, `UnbindTrack`, `Reception`.
        body: Box<Body>,
    },
    /// The peer will send this track.
    Bound {
        /// Which link.
        id: LinkId,
        /// The track.
        binding: Box<TrackBinding>,
    },
    /// The peer will send this track no longer.
    Unbound {
        /// Which link.
        id: LinkId,
        /// The track.
        track: TrackId,
    },
    /// A frame of a bound track, in order of arrival, not yet de-duplicated across links.
    Frame {
        /// Which link.
        id: LinkId,
        /// The frame.
        frame: Frame,
    },
    /// The link has ended; a new one comes with a new id.
    Down {
        /// Which link.
        id: LinkId,
        /// Why, for people.
        reason: String,
    },
}

/// What a link of this package tells its owner.
pub type Event = LinkEvent<crate::handle::Link>;
