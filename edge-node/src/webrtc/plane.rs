//! The media plane as the rest of the edge sees it: open and close sessions, hand in frames to play.
//!
//! Calls cost the caller a lock or a queue slot; none waits for a worker except `restart`.

use std::net::SocketAddr;

use stoa_audio::frame::{Frame, TrackId};
use thiserror::Error;

/// Names a WebRTC session within this process; never used again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionId(pub u64);

/// Names a room within this process: small and dense, given out by the room side, reused after
/// the last session of the room has closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RoomKey(pub u32);

/// Which deliveries reach a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// May speak: hears the stage lane, at once.
    Stage,
    /// Hears what comes down the tree.
    Audience,
}

/// How many downlink lines the client offered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Downlink {
    /// None: a WHIP publisher.
    None,
    /// One line that carries the dominant speaker: a WHEP player.
    Single,
    /// One line per slot, as many as were offered, at most `SLOTS_MAX`.
    Slots,
}

/// Downlink lines of a participant: speakers are mapped to slots, the SDP never changes.
pub const SLOTS_MAX: usize = 3;

/// A new session, from a client's offer.
#[derive(Clone, Debug)]
pub struct OpenSession {
    /// The room it belongs to.
    pub room: RoomKey,
    /// Stage or audience; [`super::Plane::set_stage`] changes it later.
    pub class: Class,
    /// Which downlink lines to use; further lines of the offer are answered `inactive`.
    pub downlink: Downlink,
    /// The track that this session may publish while it is on the stage; without one its uplink is refused. In the
    /// audience an uplink is negotiated with one, for later: what comes meanwhile is dropped.
    pub track: Option<TrackId>,
    /// Whether it starts muted.
    pub muted: bool,
    /// The client's SDP offer.
    pub offer: String,
}

/// What the client gets to know of its new session.
#[derive(Clone, Debug)]
pub struct Opened {
    /// The session.
    pub session: SessionId,
    /// The SDP answer, with all candidates of this edge.
    pub answer: String,
    /// The `mid` of each slot's line, in slot order.
    pub slot_mids: Vec<String>,
    /// Our ICE user fragment; changes with an ICE restart, so it serves as ETag.
    pub ice_ufrag: String,
}

/// What came of an ICE restart.
#[derive(Clone, Debug)]
pub struct Restarted {
    /// The SDP answer.
    pub answer: String,
    /// Our new ICE user fragment.
    pub ice_ufrag: String,
    /// Our new ICE password.
    pub ice_pwd: String,
}

/// Why an offer was refused. The messages are sentences for the client's developer.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum OfferError {
    /// Not SDP, or SDP that we cannot answer.
    #[error("the SDP offer cannot be used: {0}")]
    Malformed(String),
    /// No audio line, or none in the needed direction.
    #[error("the SDP offer has no {needed} audio line")]
    NoAudio {
        /// `sendonly` or `recvonly`.
        needed: &'static str,
    },
    /// No Opus.
    #[error("the SDP offer has no Opus (RFC 7587) in its audio line")]
    NoOpus,
    /// The edge is full or draining.
    #[error("this edge takes no new sessions: {0}")]
    Full(&'static str),
    /// The session of a restart or trickle has ended.
    #[error("the session has ended")]
    Gone,
}

/// A frame to play, with where.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// The room.
    pub room: RoomKey,
    /// Which class hears it.
    pub class: Class,
    /// The slot, below `SLOTS_MAX`, on which slotted listeners hear it.
    pub slot: u8,
    /// Whether single-line listeners hear it too.
    pub dominant: bool,
    /// The publisher, who must not hear himself.
    pub except: Option<SessionId>,
    /// What to play.
    pub frame: Frame,
}

/// A frame that a client of this edge has sent; mute is already enforced.
#[derive(Clone, Debug)]
pub struct Uplinked {
    /// Who sent it.
    pub session: SessionId,
    /// His room.
    pub room: RoomKey,
    /// What he sent.
    pub frame: Frame,
}

/// What a session tells the room side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SessionEvent {
    /// ICE and DTLS are up; media flows.
    Connected {
        /// Which session.
        session: SessionId,
        /// Where the client is; DEBUG logs only.
        remote: SocketAddr,
    },
    /// It has ended and will not come back.
    Closed {
        /// Which session.
        session: SessionId,
        /// Why: `hung-up`, `closed`, `never-connected`, `timed-out`, `failed`.
        reason: &'static str,
    },
}

/// What the media plane hands to the room side, through one bounded queue.
#[derive(Clone, Debug)]
pub enum FromPlane {
    /// A frame; dropped and counted when the queue is full.
    Uplinked(Uplinked),
    /// A session's change; never dropped.
    Session(SessionEvent),
}
