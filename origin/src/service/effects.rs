//! What the service owes the world, and what it tells of its rooms.

use stoa_audio::frame::{Frame, TrackId};
use stoa_link::{LinkId, TrackBinding};
use stoa_protocol::ids::RoomId;
use stoa_protocol::mesh::control::Body;

use super::looks::Look;
use crate::room::Event;

/// An effect owed on a link.
#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    /// Send a control message.
    Send {
        /// Through which link.
        link: LinkId,
        /// The message.
        body: Box<Body>,
    },
    /// Send a standby what it must hold before anything later is acknowledged.
    Replicate {
        /// The link to the standby.
        link: LinkId,
        /// The number of the message.
        number: u64,
        /// The room that it tells of.
        room: RoomId,
        /// The message.
        body: Box<Body>,
    },
    /// Read what the store has of a room, for [`super::Service::handle_loaded`].
    Load {
        /// Which.
        room: RoomId,
    },
    /// Read whose a room is, for [`super::Service::handle_record`].
    Verify {
        /// Which.
        room: RoomId,
    },
    /// Announce a track.
    Bind {
        /// On which link.
        link: LinkId,
        /// The track.
        binding: Box<TrackBinding>,
    },
    /// End a track.
    Unbind {
        /// On which link.
        link: LinkId,
        /// The track.
        track: TrackId,
    },
    /// Send frames of the last moments to who has lost his parent.
    BackFill {
        /// On which link.
        link: LinkId,
        /// Oldest first, of tracks that are announced there.
        frames: Vec<Frame>,
    },
    /// Ask the store, and answer this request with what comes of it.
    Look {
        /// Through which link it was asked.
        link: LinkId,
        /// The request.
        request: u64,
        /// What.
        look: Box<Look>,
    },
    /// End a link; its end is noted already, and its `Down` will find nothing.
    Close {
        /// Which link.
        link: LinkId,
        /// Why, for people.
        reason: String,
    },
}

/// Something that happened in a room.
#[derive(Clone, Debug, PartialEq)]
pub struct Happened {
    /// Where.
    pub room: RoomId,
    /// Whose room it is; empty for the default tenant.
    pub tenant: String,
    /// What.
    pub event: Event,
}
