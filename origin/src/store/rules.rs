//! What holds of every operation whatever the backend: its kind, its name in metrics, its limits.

use stoa_protocol::ids::RoomId;

use crate::store::error::StoreError;
use crate::store::hot::HotChange;
use crate::store::limits::{
    CHANGES_PER_WRITE_MAX, DETAIL_BYTES_MAX, ENTRIES_PER_WRITE_MAX, LEASE_MS_MAX, PAGE_MAX,
    SETTINGS_BYTES_MAX, TEXT_BYTES_MAX,
};
use crate::store::operation::{Kind, Operation, RoomChange};
use crate::store::record::{Ban, BlockKey, LogEntry, Settings};

impl Operation {
    /// Which kind of state it concerns.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Self::Note { .. }
            | Self::Dissolve { .. }
            | Self::Forget(_)
            | Self::Hot(_)
            | Self::HotRooms { .. } => Kind::Hot,
            Self::Acquire { .. } | Self::Renew { .. } | Self::Release { .. } | Self::Leases => {
                Kind::Leases
            }
            Self::Revoke(_) | Self::Unrevoke { .. } | Self::Revocations { .. } => Kind::Revocations,
            Self::Block(_) | Self::Unblock(_) | Self::Blocks { .. } => Kind::Blocks,
            _ => Kind::Rooms,
        }
    }

    /// Whether it only reads.
    #[must_use]
    pub fn reads(&self) -> bool {
        matches!(
            self,
            Self::Room(_)
                | Self::Rooms { .. }
                | Self::Appointments { .. }
                | Self::Bans { .. }
                | Self::Log { .. }
                | Self::Hot(_)
                | Self::HotRooms { .. }
                | Self::Leases
                | Self::Revocations { .. }
                | Self::Blocks { .. }
        )
    }

    /// Whether later writes of its room depend on it.
    #[must_use]
    pub fn opens(&self) -> bool {
        matches!(self, Self::Create(_) | Self::Claim { .. } | Self::Erase { .. })
    }

    /// The room that it concerns, if it is one.
    #[must_use]
    pub fn room(&self) -> Option<&RoomId> {
        match self {
            Self::Create(record) => Some(&record.room),
            Self::Room(room)
            | Self::Claim { room, .. }
            | Self::Change { room, .. }
            | Self::Appointments { room, .. }
            | Self::Bans { room, .. }
            | Self::Log { room, .. }
            | Self::Trim { room, .. }
            | Self::Erase { room, .. }
            | Self::Note { room, .. }
            | Self::Dissolve { room, .. }
            | Self::Forget(room)
            | Self::Hot(room) => Some(room),
            Self::Rooms { .. }
            | Self::HotRooms { .. }
            | Self::Revoke(_)
            | Self::Unrevoke { .. }
            | Self::Revocations { .. }
            | Self::Block(_)
            | Self::Unblock(_)
            | Self::Blocks { .. }
            | Self::Acquire { .. }
            | Self::Renew { .. }
            | Self::Release { .. }
            | Self::Leases => None,
        }
    }

    /// As the metrics call it.
    #[must_use]
    pub fn label(&self) -> &'static str {
        match self {
            Self::Create(_) => "create",
            Self::Room(_) => "room",
            Self::Rooms { .. } => "rooms",
            Self::Claim { .. } => "claim",
            Self::Change { change, .. } => change.label(),
            Self::Appointments { .. } => "appointments",
            Self::Bans { .. } => "bans",
            Self::Log { .. } => "log",
            Self::Trim { .. } => "trim",
            Self::Erase { .. } => "erase",
            Self::Note { .. } => "note",
            Self::Dissolve { .. } => "dissolve",
            Self::Forget(_) => "forget",
            Self::Hot(_) => "hot",
            Self::HotRooms { .. } => "hot_rooms",
            Self::Acquire { .. } => "acquire",
            Self::Renew { .. } => "renew",
            Self::Release { .. } => "release",
            Self::Leases => "leases",
            Self::Revoke(_) => "revoke",
            Self::Unrevoke { .. } => "unrevoke",
            Self::Revocations { .. } => "revocations",
            Self::Block(_) => "block",
            Self::Unblock(_) => "unblock",
            Self::Blocks { .. } => "blocks",
        }
    }

    /// Checks every length and number against its maximum.
    ///
    /// # Errors
    /// [`StoreError::Limit`] with what is too long, or a conflict for a claim that can never hold.
    pub fn check(&self) -> Result<(), StoreError> {
        match self {
            Self::Create(record) => settings(&record.settings),
            Self::Rooms { limit, .. } | Self::Log { limit, .. } | Self::HotRooms { limit, .. } => {
                page(*limit)
            }
            Self::Appointments { limit, after, .. } | Self::Bans { limit, after, .. } => {
                page(*limit)?;
                text("the identity", after)
            }
            Self::Claim { before, next, .. } => {
                let moves = next.owner != before.owner;
                if next.epoch < before.epoch || moves && next.epoch == before.epoch {
                    return Err(StoreError::Conflict { what: "a new owner needs a newer epoch" });
                }
                number("the epoch", next.epoch)
            }
            Self::Change { change, .. } => change.check(),
            Self::Revoke(kept) => {
                text("the revocation's id", &kept.id)?;
                most("the revocation's bytes", kept.body.len(), DETAIL_BYTES_MAX)
            }
            Self::Unrevoke { id } => text("the revocation's id", id),
            Self::Revocations { after, limit } => {
                page(*limit)?;
                text("the revocation's id", after)
            }
            Self::Block(kept) => {
                number("the time", kept.at_ms)?;
                block(&kept.key)
            }
            Self::Unblock(key) => block(key),
            Self::Blocks { after, limit } => {
                page(*limit)?;
                after.as_deref().map_or(Ok(()), block)
            }
            Self::Note { changes, epoch, .. } => {
                number("the epoch", *epoch)?;
                most("the number of changes", changes.len(), CHANGES_PER_WRITE_MAX)?;
                changes.iter().try_for_each(hot_change)
            }
            Self::Dissolve { epoch, .. } => number("the epoch", *epoch),
            Self::Acquire { life_ms, home, .. } => {
                text("the address", &home.address)?;
                text("the failure domain", &home.domain)?;
                most_of("a lease's milliseconds", (*life_ms).max(1), LEASE_MS_MAX)
            }
            Self::Renew { life_ms, .. } => {
                most_of("a lease's milliseconds", (*life_ms).max(1), LEASE_MS_MAX)
            }
            _ => Ok(()),
        }
    }
}

impl RoomChange {
    fn label(&self) -> &'static str {
        match self {
            Self::Settings(_) => "settings",
            Self::Close { .. } => "close",
            Self::Appoint { .. } => "appoint",
            Self::Ban(_) => "ban",
            Self::Unban { .. } => "unban",
            Self::Append(_) => "append",
            Self::Amend(_) => "amend",
        }
    }

    fn check(&self) -> Result<(), StoreError> {
        match self {
            Self::Settings(new) => settings(new),
            Self::Close { .. } => Ok(()),
            Self::Appoint { identity, .. } | Self::Unban { identity } => {
                text("the identity", identity)
            }
            Self::Ban(Ban { identity, by, reason, .. }) => {
                text("the identity", identity)?;
                text("the identity", by)?;
                most("the reason's bytes", reason.len(), DETAIL_BYTES_MAX)
            }
            Self::Append(entries) | Self::Amend(entries) => {
                most("the number of log entries", entries.len(), ENTRIES_PER_WRITE_MAX)?;
                if !entries.is_sorted_by(|a, b| a.sequence < b.sequence) {
                    return Err(StoreError::Conflict { what: "the log's sequence must grow" });
                }
                entries.iter().try_for_each(log_entry)
            }
        }
    }
}

fn log_entry(entry: &LogEntry) -> Result<(), StoreError> {
    number("the sequence", entry.sequence)?;
    text("the actor", &entry.actor)?;
    text("what happened", &entry.what)?;
    text("the subject", &entry.subject)?;
    most("the detail's bytes", entry.detail.len(), DETAIL_BYTES_MAX)
}

fn hot_change(change: &HotChange) -> Result<(), StoreError> {
    match change {
        HotChange::Here(present) => {
            text("the identity", &present.identity)?;
            text("the name", &present.name)?;
            text("the identity", present.muted_by.as_deref().unwrap_or_default())
        }
        HotChange::Raise { place, .. } => most_of("the place in the queue", *place, PLACE_MAX),
        HotChange::Gone(_) | HotChange::Lower(_) => Ok(()),
    }
}

/// Redis sorts by doubles, which tell whole numbers apart up to here.
const PLACE_MAX: u64 = 1 << 53;

fn settings(settings: &Settings) -> Result<(), StoreError> {
    text("the room's name", &settings.name)?;
    text("the topic", &settings.topic)?;
    text("the language", &settings.language)?;
    most("the description's bytes", settings.description.len(), DETAIL_BYTES_MAX)?;
    most("the policy's bytes", settings.policy.len(), SETTINGS_BYTES_MAX / 2)
}

fn block(key: &BlockKey) -> Result<(), StoreError> {
    let BlockKey { tenant, identity, other } = key;
    text("the tenant", tenant)?;
    text("the identity", identity)?;
    text("the identity", other)
}

fn page(limit: u32) -> Result<(), StoreError> {
    if limit == 0 {
        return Err(StoreError::Conflict { what: "a page of nothing was asked for" });
    }
    most_of("the page", limit.into(), PAGE_MAX.into())
}

fn text(what: &'static str, text: &str) -> Result<(), StoreError> {
    most(what, text.len(), TEXT_BYTES_MAX)
}

/// Epochs and sequences travel through doubles in Redis and signed numbers in Cassandra.
fn number(what: &'static str, value: u64) -> Result<(), StoreError> {
    most_of(what, value, PLACE_MAX)
}

fn most(what: &'static str, found: usize, max: usize) -> Result<(), StoreError> {
    most_of(what, found as u64, max as u64)
}

fn most_of(what: &'static str, found: u64, max: u64) -> Result<(), StoreError> {
    if found > max { Err(StoreError::Limit { what, found, max }) } else { Ok(()) }
}
