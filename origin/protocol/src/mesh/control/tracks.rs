//! Who wants which feed, which tracks travel under which alias, and which are selected.

use prost::{Enumeration, Message};
use stoa_audio::frame::TrackId;

/// Which of the two trees.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Enumeration)]
#[repr(i32)]
pub enum Feed {
    /// Hangs from the owner.
    Red = 0,
    /// Hangs from the standby.
    Blue = 1,
}

/// What kind of track.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Enumeration)]
#[repr(i32)]
pub enum TrackKind {
    /// One participant's microphone.
    Speaker = 0,
    /// The room as one stream.
    Programme = 1,
    /// One participant's microphone, straight from his edge to another edge of the stage. Its track is the [`twin`] of
    /// the microphone's.
    Lane = 2,
}

/// The name under which a microphone's frames travel along the stage lane, and the microphone's own name again: over one
/// link both copies may come, and each has its own rules.
#[must_use]
pub fn twin(track: TrackId) -> TrackId {
    TrackId(track.0 ^ (1 << 63))
}

/// "Send me this feed of this room."
#[derive(Clone, PartialEq, Message)]
pub struct Subscribe {
    /// The room.
    #[prost(string, tag = "1")]
    pub room: String,
    /// Which tree.
    #[prost(enumeration = "Feed", tag = "2")]
    pub feed: i32,
    /// Speakers or programme.
    #[prost(enumeration = "TrackKind", tag = "3")]
    pub kind: i32,
    /// Rung of the programme in bit/s; 0 for speakers.
    #[prost(uint32, tag = "4")]
    pub bitrate: u32,
    /// The subscriber's newest epoch of the room; an older owner must refuse.
    #[prost(uint32, tag = "5")]
    pub epoch: u32,
    /// The subscriber has lost whom it got this from: frames of the last moments, too, please.
    #[prost(bool, tag = "6")]
    pub back_fill: bool,
}

/// "I need this feed no longer." Fields as in [`Subscribe`].
#[derive(Clone, PartialEq, Message)]
pub struct Unsubscribe {
    /// The room.
    #[prost(string, tag = "1")]
    pub room: String,
    /// Which tree.
    #[prost(enumeration = "Feed", tag = "2")]
    pub feed: i32,
    /// Speakers or programme.
    #[prost(enumeration = "TrackKind", tag = "3")]
    pub kind: i32,
    /// Rung of the programme in bit/s; 0 for speakers.
    #[prost(uint32, tag = "4")]
    pub bitrate: u32,
}

/// "In my datagrams, this alias stands for this track." Sent by whoever sends the frames.
#[derive(Clone, PartialEq, Message)]
pub struct BindTrack {
    /// Short name in datagrams; chosen by the sender, unique on the link and direction.
    #[prost(uint32, tag = "1")]
    pub alias: u32,
    /// The track.
    #[prost(fixed64, tag = "2")]
    pub track: u64,
    /// The track's epoch.
    #[prost(uint32, tag = "3")]
    pub epoch: u32,
    /// The room it belongs to.
    #[prost(string, tag = "4")]
    pub room: String,
    /// Whose microphone; empty for programme tracks.
    #[prost(string, tag = "5")]
    pub participant: String,
    /// Speaker or programme.
    #[prost(enumeration = "TrackKind", tag = "6")]
    pub kind: i32,
    /// Rung of a programme track in bit/s; 0 for speakers.
    #[prost(uint32, tag = "7")]
    pub bitrate: u32,
}

/// "This alias is free again."
#[derive(Clone, PartialEq, Message)]
pub struct UnbindTrack {
    /// The alias.
    #[prost(uint32, tag = "1")]
    pub alias: u32,
}

/// The owner's choice of speakers.
#[derive(Clone, PartialEq, Message)]
pub struct Selection {
    /// The room.
    #[prost(string, tag = "1")]
    pub room: String,
    /// The room's epoch.
    #[prost(uint32, tag = "2")]
    pub epoch: u32,
    /// Counts the owner's decisions in this epoch; an older one than seen is ignored.
    #[prost(uint64, tag = "3")]
    pub decision: u64,
    /// All tracks that are selected now, loudest first.
    #[prost(message, repeated, tag = "4")]
    pub selected: Vec<SelectedTrack>,
}

/// A track in a [`Selection`].
#[derive(Clone, PartialEq, Message)]
pub struct SelectedTrack {
    /// The track.
    #[prost(fixed64, tag = "1")]
    pub track: u64,
    /// The first frame number that is forwarded.
    #[prost(uint64, tag = "2")]
    pub from_number: u64,
}
