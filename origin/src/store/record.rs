//! What is kept of a room for good: its record, appointments, bans and log. Times are milliseconds since 1970.

use serde::{Deserialize, Serialize};
use stoa_protocol::ids::{NodeId, Role, RoomId};

use crate::store::error::StoreError;

/// Who may find a room.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Visibility {
    /// Listed for everybody.
    #[default]
    Open,
    /// Found only by who knows its id.
    Unlisted,
    /// Entered only with a grant for it.
    Private,
}

/// What can be set about a room. Fields that a later version adds are kept out of older records by defaults.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// What people call it.
    pub name: String,
    /// What is talked about now.
    pub topic: String,
    /// A longer text.
    pub description: String,
    /// Who may find it.
    pub visibility: Visibility,
    /// Language tag (BCP 47), empty if not said.
    pub language: String,
    /// When it is to begin.
    pub scheduled_ms: Option<u64>,
    /// Most participants; 0 for the origin's own limit.
    pub participants_max: u32,
    /// Most participants on the stage; 0 for the origin's own limit.
    pub stage_max: u32,
    /// Rules of the room service, in a form that it alone reads.
    pub policy: String,
}

/// Who answers for a room, and since which epoch.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ownership {
    /// The origin that owns it.
    pub owner: Option<NodeId>,
    /// The origin that takes over.
    pub standby: Option<NodeId>,
    /// Grows with every change of owner; writes of an older one are refused.
    pub epoch: u64,
}

impl Ownership {
    /// # Errors
    /// When owner or standby are others than `before`.
    pub(crate) fn expect(&self, before: &Self) -> Result<(), StoreError> {
        if self.owner != before.owner {
            return Err(StoreError::Conflict { what: "the room has another owner" });
        }
        if self.standby != before.standby {
            return Err(StoreError::Conflict { what: "the room has another standby" });
        }
        Ok(())
    }
}

/// A room as it is stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoomRecord {
    /// Its id.
    pub room: RoomId,
    /// What can be set.
    pub settings: Settings,
    /// Who answers for it.
    pub ownership: Ownership,
    /// Grows by one with every change of settings, ownership or end. Kept by the store.
    pub revision: u64,
    /// When it was created.
    pub created_ms: u64,
    /// When it was closed, if it was.
    pub closed_ms: Option<u64>,
    /// Sequence of the newest log entry ever written; 0 before the first. Kept by the store.
    pub log_end: u64,
}

impl RoomRecord {
    /// A new room.
    #[must_use]
    pub fn new(room: RoomId, settings: Settings, ownership: Ownership, created_ms: u64) -> Self {
        Self { room, settings, ownership, revision: 0, created_ms, closed_ms: None, log_end: 0 }
    }
}

/// Whoever comes with this identity gets this role.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Appointment {
    /// As the token says.
    pub identity: String,
    /// The role.
    pub role: Role,
}

/// Whoever comes with this identity is refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ban {
    /// As the token says.
    pub identity: String,
    /// The identity of who banned.
    pub by: String,
    /// When.
    pub at_ms: u64,
    /// Why, as told to the banned.
    pub reason: String,
    /// Until when; for good if absent.
    pub until_ms: Option<u64>,
}

/// Something that happened in a room.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogEntry {
    /// Grows within the room; given by the owner, from [`RoomRecord::log_end`] on.
    pub sequence: u64,
    /// When.
    pub at_ms: u64,
    /// The identity of who did it; empty for the network itself.
    pub actor: String,
    /// What, as one word.
    pub what: String,
    /// The identity of whom it concerns; empty for the room itself.
    pub subject: String,
    /// Anything else.
    pub detail: String,
}

/// Access tokens that hold no longer, in a form that the service alone reads.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptRevocation {
    /// What is revoked, so that a later word about the same replaces it.
    pub id: String,
    /// All of it.
    pub body: String,
    /// When it can be forgotten, in seconds since 1970.
    pub expires_unix_s: u64,
}

/// Who keeps whom out of rooms that he hosts.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct BlockKey {
    /// Whose tokens both have.
    pub tenant: String,
    /// The identity of who does not want the other.
    pub identity: String,
    /// The identity of whom he does not want.
    pub other: String,
}

/// A block as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptBlock {
    /// Who keeps whom out.
    pub key: BlockKey,
    /// Since when.
    pub at_ms: u64,
}
