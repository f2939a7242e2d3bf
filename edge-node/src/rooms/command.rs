//! What the hub owes the world: rare effects, in order. Frames are return values of the routing calls.

use std::collections::BTreeSet;

use stoa_audio::frame::TrackId;
use stoa_link::{LinkId, TrackBinding};
use stoa_protocol::mesh::control::{Body, Problem};
use stoa_protocol::token::Revocation;

use super::alternatives::OtherEdge;
use super::ears::{Circle, Place};
use super::order::{Reply, SeatId, Ticket};
use super::roster::ParticipantEvent;
use crate::webrtc::{RoomKey, SessionId};

/// An effect that the hub owes.
#[derive(Clone, Debug)]
pub enum Command {
    /// Send a control message.
    Send {
        /// Over which link.
        link: LinkId,
        /// The message.
        body: Box<Body>,
    },
    /// Announce a local track to the room's owner.
    Bind {
        /// Over which link.
        link: LinkId,
        /// The track.
        binding: Box<TrackBinding>,
    },
    /// A local track has ended.
    Unbind {
        /// Over which link.
        link: LinkId,
        /// The track.
        track: TrackId,
    },
    /// Keep links to these addresses, which origins have named, and to no others but those of the
    /// configuration.
    Dial {
        /// `host:port` each.
        targets: BTreeSet<String>,
    },
    /// Send the frames of the last moments of a room to an edge that has lost its parent.
    BackFill {
        /// The room.
        room: RoomKey,
        /// Over which link.
        link: LinkId,
    },
    /// From now on clients may go to these edges, and to no others.
    Recommend {
        /// Nearest first.
        edges: Vec<OtherEdge>,
    },
    /// Let tokens hold no longer, and end what they have opened.
    Revoke {
        /// Which ones.
        revocations: Vec<Revocation>,
    },
    /// Enforce mute at the uplink.
    Mute {
        /// Whose.
        session: SessionId,
        /// The new state.
        muted: bool,
    },
    /// Let a session's voice in, or no longer; and let it hear what the stage hears, or the audience.
    SetStage {
        /// Whose.
        session: SessionId,
        /// Whether he is on the stage now.
        on: bool,
    },
    /// End a session.
    Close {
        /// Which.
        session: SessionId,
    },
    /// Answer an order.
    Answer {
        /// Which.
        ticket: Ticket,
        /// What it came to.
        outcome: Box<Result<Reply, Problem>>,
    },
    /// Tell one participant.
    Tell {
        /// Whom.
        seat: SeatId,
        /// What.
        event: ParticipantEvent,
    },
    /// A participant hears other announcements from now on.
    Regroup {
        /// Who.
        seat: SeatId,
        /// Those for this place.
        place: Place,
    },
    /// Tell those of a room who want events.
    Announce {
        /// The room.
        room: RoomKey,
        /// Who of them.
        circle: Circle,
        /// What.
        event: ParticipantEvent,
    },
    /// A seat is gone: tell the reason if there is one, then end its events.
    End {
        /// Which.
        seat: SeatId,
        /// Why, unless the participant himself has left.
        reason: Option<&'static str>,
    },
}
