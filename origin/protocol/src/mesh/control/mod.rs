//! Messages of a link's control stream, as Protocol Buffers.
//!
//! Unknown fields are ignored and every field has a default, so nodes of neighbouring versions work
//! together. Numbers of removed fields are never used again.
//!
//! | module | what it holds |
//! |---|---|
//! | `message` | the envelope and its bodies |
//! | `life` | hello, refuse, drain, goodbye, load, reception |
//! | `tracks` | subscriptions, aliases, the selection |
//! | `alternatives` | where clients of an edge may go instead |
//! | `acts` | what people do in a room, standings, reactions, pages of people |
//! | `origins` | how origins share rooms, and what edges say when an owner is lost |
//! | `personal` | what a person asks who need not be in the room |
//! | `requests` | what edges ask, and the answers |
//! | `rooms` | rooms, roles, the stage |
//! | `blocks` | whom somebody keeps out of rooms that he hosts |
//! | `erasure` | what is kept about a person, erased |
//! | `revocations` | access tokens that hold no longer |
//! | `tree` | how frames are spread over edges that pass them on |

mod acts;
mod alternatives;
mod blocks;
mod erasure;
mod life;
mod message;
mod origins;
mod personal;
mod requests;
mod revocations;
mod rooms;
mod tracks;
mod tree;

pub use acts::{
    Act, BanInfo, BanPage, Deed, LogEntry, LogPage, ParticipantInfo, ParticipantPage, Reaction,
    Reactions, Standing,
};
pub use alternatives::{ALTERNATIVES_MAX, Alternative, Alternatives, PUBLIC_URL_CHARACTERS_MAX};
pub use blocks::{Block, BlockInfo, BlockPage, ListBlocks};
pub use erasure::{EraseIdentity, Erased};
pub use life::{Drain, Goodbye, Hello, Load, Reception, Refuse, Undrain};
pub use message::{Body, Control};
pub use origins::{
    ORIGINS_MAX, OriginInfo, Origins, Orphans, Ownerships, Owns, People, ROOMS_PER_MESSAGE_MAX,
    Replica, Replicated, RoomEdges, RoomEpoch, RoomOwnership, Superseded, TENANTS_TOLD_MAX,
    TenantPeople,
};
pub use personal::Personal;
pub use requests::{
    Answer, Ask, ChangeRoom, CloseRoom, CreateRoom, Done, Join, Leave, ListBans, ListParticipants,
    ListRooms, Problem, ReadLog, ReadRoom, Request, Response, Revoke, SetMuted,
};
pub use revocations::{
    REVOCATIONS_PER_MESSAGE_MAX, RevocationError, Revocations, RevokedIdentity, WireRevocation,
    WireRevoked,
};
pub use rooms::{
    Hand, RoomInfo, RoomPage, RoomSettings, RoomState, StageMember, WireRole, WireVisibility,
};
pub use tracks::{
    BindTrack, Feed, SelectedTrack, Selection, Subscribe, TrackKind, UnbindTrack, Unsubscribe, twin,
};
pub use tree::{
    Branch, LANE_EDGES_MAX, Lane, NEIGHBOURS_MAX, Neighbour, Neighbours, Path, Paths, Relay,
    VOICES_MAX, Voice, Voices,
};
