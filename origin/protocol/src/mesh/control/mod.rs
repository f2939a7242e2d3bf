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
//! | `requests` | what edges ask, and the answers |
//! | `rooms` | rooms, roles, the stage |
//! | `revocations` | access tokens that hold no longer |

mod life;
mod message;
mod requests;
mod revocations;
mod rooms;
mod tracks;

pub use life::{Drain, Goodbye, Hello, Load, Reception, Refuse, Undrain};
pub use message::{Body, Control};
pub use requests::{
    Answer, Ask, CloseRoom, CreateRoom, Done, Join, Leave, ListRooms, Problem, ReadRoom, Request,
    Response, SetMuted,
};
pub use revocations::{
    REVOCATIONS_PER_MESSAGE_MAX, RevocationError, Revocations, RevokedIdentity, WireRevocation,
    WireRevoked,
};
pub use rooms::{RoomInfo, RoomPage, RoomState, StageMember, WireRole};
pub use tracks::{
    BindTrack, Feed, SelectedTrack, Selection, Subscribe, TrackKind, UnbindTrack, Unsubscribe,
};
