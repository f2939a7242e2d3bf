//! What answers look like.

use serde::Serialize;
use stoa_protocol::ids::Role;
use stoa_protocol::mesh::control::{self, RoomInfo, WireRole};
use utoipa::ToSchema;

use super::super::links::ByRole;
use super::settings::Visibility;

/// A room.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Room {
    room: String,
    name: String,
    topic: String,
    description: String,
    visibility: Visibility,
    /// What is spoken (RFC 5646); empty when unknown.
    language: String,
    /// Milliseconds since 1970.
    created_ms: u64,
    /// When it is to begin, in milliseconds since 1970; 0 for no such time.
    scheduled_ms: u64,
    /// Most participants; 0 for as many as the origin allows.
    participants_max: u32,
    /// Of these on the stage; 0 likewise.
    stage_max: u32,
    /// Whether listeners may raise hands.
    hands: bool,
    /// Whether who comes to the stage begins muted.
    muted_on_entry: bool,
    /// Over how many trees each edge is to get the room.
    feeds: u32,
    /// Over how many every edge gets it now; fewer where the network is too small, or something has just died.
    feeds_effective: u32,
    /// How many are on the stage.
    stage: u32,
    /// How many listen.
    listeners: u32,
    /// How many hands are up.
    hands_raised: u32,
}

impl From<RoomInfo> for Room {
    fn from(info: RoomInfo) -> Self {
        let settings = info.settings.unwrap_or_default();
        Self {
            room: info.room,
            name: info.name,
            topic: settings.topic.unwrap_or_default(),
            description: settings.description.unwrap_or_default(),
            visibility: Visibility::of_wire(settings.visibility.unwrap_or_default()),
            language: settings.language.unwrap_or_default(),
            created_ms: info.created_ms,
            scheduled_ms: settings.scheduled_ms.unwrap_or_default(),
            participants_max: settings.participants_max.unwrap_or_default(),
            stage_max: settings.stage_max.unwrap_or_default(),
            hands: settings.hands.unwrap_or(true),
            muted_on_entry: settings.muted_on_entry.unwrap_or_default(),
            feeds: settings.feeds.unwrap_or(2),
            feeds_effective: info.feeds_effective.unwrap_or(1),
            stage: info.speakers,
            listeners: info.listeners,
            hands_raised: info.hands,
        }
    }
}

/// A room that was made.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Created {
    #[serde(flatten)]
    pub(super) room: Room,
    /// In open mode: ways in for each role.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(super) links: Option<ByRole>,
    /// In open mode: tokens for each role.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(super) tokens: Option<ByRole>,
}

/// A page of rooms, by id.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RoomPage {
    pub(super) rooms: Vec<Room>,
    /// The `after` of the next page; absent at the end.
    #[serde(skip_serializing_if = "String::is_empty")]
    #[schema(required = false)]
    pub(super) next: String,
}

/// Somebody in a room.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Participant {
    participant: String,
    name: String,
    #[schema(value_type = String, example = "listener")]
    role: Role,
    muted: bool,
    /// Whether his hand is up.
    hand: bool,
    /// Who the token said this is; for moderators and back ends.
    #[serde(skip_serializing_if = "String::is_empty")]
    #[schema(required = false)]
    identity: String,
}

/// A page of participants, by id.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ParticipantPage {
    participants: Vec<Participant>,
    /// The `after` of the next page; absent at the end.
    #[serde(skip_serializing_if = "String::is_empty")]
    #[schema(required = false)]
    next: String,
}

impl From<control::ParticipantInfo> for Participant {
    fn from(info: control::ParticipantInfo) -> Self {
        let control::ParticipantInfo { participant, name, role, muted, hand, identity, .. } = info;
        Self { participant, name, role: role_of(role), muted, hand, identity }
    }
}

impl From<control::ParticipantPage> for ParticipantPage {
    fn from(page: control::ParticipantPage) -> Self {
        let participants = page.participants.into_iter().map(Participant::from).collect();
        Self { participants, next: page.next }
    }
}

/// A raised hand.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct WaitingHand {
    participant: String,
    name: String,
    identity: String,
    /// Since when, in milliseconds since 1970.
    raised_ms: u64,
    /// Whether he is invited to the stage.
    invited: bool,
}

/// A page of raised hands, in the order of the queue.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct HandPage {
    hands: Vec<WaitingHand>,
    /// The `after` of the next page; absent at the end.
    #[serde(skip_serializing_if = "String::is_empty")]
    #[schema(required = false)]
    next: String,
}

impl From<control::ParticipantPage> for HandPage {
    fn from(page: control::ParticipantPage) -> Self {
        let hand = |info: control::ParticipantInfo| WaitingHand {
            participant: info.participant,
            name: info.name,
            identity: info.identity,
            raised_ms: info.raised_ms,
            invited: info.invited,
        };
        // An older owner does not know that only hands were asked for.
        let hands = page.participants.into_iter().filter(|info| info.hand).map(hand).collect();
        Self { hands, next: page.next }
    }
}

/// One line of a room's log.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LogEntry {
    /// Counts the room's entries, from 1.
    number: u64,
    /// Milliseconds since 1970.
    at_ms: u64,
    /// What happened, e.g. `participant-joined`.
    event: String,
    /// The identity of who did it; empty for the system.
    actor: String,
    /// The identity of whom it was done to; empty when it concerns the room.
    subject: String,
    /// More, for people.
    detail: String,
}

/// A page of a room's log, newest first.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LogPage {
    entries: Vec<LogEntry>,
    /// The `before` of the next page; absent at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    next: Option<u64>,
}

impl From<control::LogPage> for LogPage {
    fn from(page: control::LogPage) -> Self {
        let entry = |entry: control::LogEntry| {
            let control::LogEntry { number, at_ms, event, actor, subject, detail } = entry;
            LogEntry { number, at_ms, event, actor, subject, detail }
        };
        let entries = page.entries.into_iter().map(entry).collect();
        Self { entries, next: Some(page.next).filter(|next| *next > 0) }
    }
}

/// Somebody who is kept out of a room.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Ban {
    identity: String,
    /// The identity of who said so.
    by: String,
    /// Milliseconds since 1970.
    at_ms: u64,
    /// Until when, in milliseconds since 1970; 0 for good.
    until_ms: u64,
    reason: String,
}

/// A page of bans, by identity.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct BanPage {
    bans: Vec<Ban>,
    /// The `after` of the next page; absent at the end.
    #[serde(skip_serializing_if = "String::is_empty")]
    #[schema(required = false)]
    next: String,
}

impl From<control::BanPage> for BanPage {
    fn from(page: control::BanPage) -> Self {
        let ban = |ban: control::BanInfo| {
            let control::BanInfo { identity, by, at_ms, until_ms, reason } = ban;
            Ban { identity, by, at_ms, until_ms, reason }
        };
        Self { bans: page.bans.into_iter().map(ban).collect(), next: page.next }
    }
}

/// A role of a newer owner that is not known here is the least.
fn role_of(wire: i32) -> Role {
    match WireRole::try_from(wire) {
        Ok(WireRole::Speaker) => Role::Speaker,
        Ok(WireRole::Moderator) => Role::Moderator,
        Ok(WireRole::Host) => Role::Host,
        Ok(WireRole::Listener) | Err(_) => Role::Listener,
    }
}
