//! What back ends, moderators and operators do: with rooms as their owners decide, and with this edge.
//!
//! | module | what it holds |
//! |---|---|
//! | `authority` | what a token may do without being in the room |
//! | `blocks` | whom somebody keeps out of rooms that he hosts |
//! | `drain` | having this edge leave, and stay |
//! | `entrance` | who is kept out of a room, and its log |
//! | `fields` | the limits of what clients write |
//! | `identities` | what is kept about a person, erased |
//! | `owner` | a question to the owner, and the part of its answer that is wanted |
//! | `people` | who is in a room, and what is done to them |
//! | `query` | what stands behind the question mark |
//! | `revocations` | tokens that are to hold no longer |
//! | `rooms` | rooms: make, list, read, change, close |
//! | `settings` | what can be set of a room |
//! | `tokens` | tokens, where the node is open |
//! | `views` | what answers look like |

mod authority;
mod blocks;
mod drain;
mod entrance;
mod fields;
mod identities;
mod owner;
mod people;
mod query;
mod revocations;
mod rooms;
mod settings;
mod tokens;
mod views;

pub(super) use blocks::{Blocked, BlockedPage, block, blocks, unblock};
pub(super) use drain::{Drain, DrainWanted, drain, read_drain, undrain};
pub(super) use entrance::BanWanted;
pub(super) use entrance::{ban, bans, log, unban};
pub(super) use fields::{check_identity, check_reason};
pub(super) use identities::{Erasure, erase};
pub(super) use people::{
    HandOver, Muting, Reason, RoleWanted, accept_hand, decline_hand, hand_over, hands, invite,
    list as participants, mute, mute_all, raise_hand, remove, report, set_role, uninvite,
};
pub(super) use query::{PAGE_DEFAULT, PAGE_MAX};
pub(super) use revocations::{RevocationWanted, revoke};
pub(super) use rooms::{change, close, create, list, read};
pub(super) use settings::{Change, Visibility, Wanted};
pub(super) use tokens::{Drawn, Invitation, draw_token};
pub(super) use views::{
    Ban, BanPage, Created, HandPage, LogEntry, LogPage, Participant, ParticipantPage, Room,
    RoomPage, WaitingHand,
};
