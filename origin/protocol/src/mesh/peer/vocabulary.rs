//! What goes into a link and what comes out: configuration, commands, events, errors.

use std::time::Duration;

use bytes::Bytes;
use stoa_audio::frame::{Epoch, Frame, FrameNumber, TrackId};
use thiserror::Error;

use super::liveness::SILENCE_ACTIVE_MIN;
use super::outgoing::TRACKS_PER_LINK_MAX;
use super::wire::COMMANDS_MAX;
use crate::ids::RoomId;
use crate::mesh::control::{Body, Control, Hello, TrackKind};
use crate::mesh::identity::Identity;
use crate::mesh::repair;
use crate::mesh::trail::{self, Trail};

/// How a link is set up.
#[derive(Clone, Debug)]
pub struct Config {
    /// What we say first. Without [`repair::FEATURE`] among its features nothing is asked for again, without
    /// [`trail::FEATURE`] no frame carries a trail.
    pub hello: Hello,
    /// Who the peer is, as its certificate says; its hello must agree.
    pub peer: Identity,
    /// Largest datagram that the path carries, in bytes.
    pub datagram_bytes_max: usize,
    /// How many previous frames of a track ride along with each, 0 to `REDUNDANCY_MAX`.
    pub redundancy: u8,
    /// The shortest silence that takes an active peer for dead, without loss.
    pub silence_min: Duration,
}

impl Config {
    /// The link of `own` with `peer`: datagrams of 1,200 bytes, no redundancy.
    #[must_use]
    pub fn new(own: &Identity, peer: Identity) -> Self {
        let hello = Hello {
            node: own.node.to_string(),
            region: own.region.to_string(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            features: vec![repair::FEATURE.to_owned(), trail::FEATURE.to_owned()],
            ..Hello::default()
        };
        Self {
            hello,
            peer,
            datagram_bytes_max: 1_200,
            redundancy: 0,
            silence_min: SILENCE_ACTIVE_MIN,
        }
    }
}

/// A track as the sending side announces it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrackParams {
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

/// What the shell owes the link.
#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    /// Write this on the control stream.
    SendControl(Box<Control>),
    /// Send this datagram now.
    SendDatagram(Bytes),
    /// Close the connection once the control stream is written; nothing follows.
    Close {
        /// Why, for people.
        reason: String,
    },
}

/// What the link tells its owner.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// The peer has said hello and agrees with its certificate.
    Up {
        /// What it said.
        hello: Hello,
    },
    /// A control message that is not the link's own business; never `Hello`, `Refuse`, `BindTrack`,
    /// `UnbindTrack`, `Goodbye`, `Reception`.
    Control(Box<Body>),
    /// The peer will send this track.
    Bound(Box<TrackParams>),
    /// The peer will send this track no longer.
    Unbound(TrackId),
    /// A frame of a bound track, in order of arrival, each number once.
    Frame(Frame),
    /// What the hops of the next frame have added until now, this link included; of few frames.
    Trail {
        /// The frame's track.
        track: TrackId,
        /// The track's epoch.
        epoch: Epoch,
        /// The frame's number.
        number: FrameNumber,
        /// Its hops, at least one.
        trail: Trail,
    },
    /// The peer has been silent for three quarters of what is tolerated.
    Suspect,
    /// A suspected peer has been heard again.
    Trusted,
    /// The link has ended; nothing follows.
    Down {
        /// Why, for people.
        reason: String,
    },
}

/// Why a local call did nothing.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum PeerError {
    /// The peer has not said hello, or the link has ended.
    #[error("the link is not up")]
    NotUp,
    /// All aliases are taken.
    #[error("the link already carries {max} tracks", max = TRACKS_PER_LINK_MAX)]
    TooManyTracks,
    /// The track is bound under a newer epoch.
    #[error("the track is bound under a newer epoch")]
    OldEpoch,
    /// The track is not bound.
    #[error("the track is not bound on this link")]
    NotBound,
    /// The shell takes commands more slowly than they come.
    #[error("{max} commands wait for the shell already", max = COMMANDS_MAX)]
    Congested,
}
