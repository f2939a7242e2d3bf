//! The one vocabulary of all stores: an [`Operation`] goes in, an [`Answer`] or an error comes out.

use std::fmt;
use std::pin::Pin;

use serde::{Deserialize, Serialize};
use stoa_protocol::ids::{NodeId, Role, RoomId};

use crate::store::error::StoreError;
use crate::store::hot::{HotChange, HotRoom};
use crate::store::lease::{Holder, Home, Lease};
use crate::store::record::{
    Appointment, Ban, BlockKey, KeptBlock, KeptRevocation, LogEntry, Ownership, RoomRecord,
    Settings,
};

/// An answer that is on its way.
pub type Answering<'a> = Pin<Box<dyn Future<Output = Result<Answer, StoreError>> + Send + 'a>>;

/// A place where rooms, hot state or leases are kept.
pub trait Store: fmt::Debug + Send + Sync {
    /// As the metrics call it.
    fn name(&self) -> &'static str;

    /// Whether it keeps this kind of state; other operations end in [`StoreError::Unsupported`].
    fn keeps(&self, kind: Kind) -> bool;

    /// Does what is asked. Every answer comes within [`crate::store::CALL_LIMIT`] and some: there is no
    /// need for a timeout around it.
    fn apply(&self, operation: Operation) -> Answering<'_>;
}

/// What a store can keep.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Records, appointments, bans, logs.
    Rooms,
    /// Who is here.
    Hot,
    /// Which origin is alive.
    Leases,
    /// Which access tokens hold no longer.
    Revocations,
    /// Who keeps whom out of rooms that he hosts.
    Blocks,
}

impl Kind {
    /// As messages and metrics call it.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Rooms => "rooms",
            Self::Hot => "hot",
            Self::Leases => "leases",
            Self::Revocations => "revocations",
            Self::Blocks => "blocks",
        }
    }
}

/// Something to do with the record of a room. The epoch must be the stored one: an older one is fenced,
/// a newer one is a conflict, because epochs are raised by [`Operation::Claim`] alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum RoomChange {
    /// New settings, all of them.
    Settings(Settings),
    /// The room has ended; without effect when it had.
    Close {
        /// When.
        at_ms: u64,
    },
    /// Gives an identity a role, or takes it away.
    Appoint {
        /// Whose.
        identity: String,
        /// The role; none takes it away.
        role: Option<Role>,
    },
    /// Bans an identity; the newest ban of an identity wins.
    Ban(Ban),
    /// Lifts a ban; without effect where there is none.
    Unban {
        /// Of whom.
        identity: String,
    },
    /// Adds entries to the log, in growing sequence; those up to the room's `log_end` are there already
    /// and left out. Gaps are allowed.
    Append(Vec<LogEntry>),
    /// Puts entries in the place of those of the same sequence; what is not there any more stays away.
    Amend(Vec<LogEntry>),
}

/// Anything that a store can be asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Operation {
    /// Stores a room that must not exist yet.
    Create(Box<RoomRecord>),
    /// Reads a room's record.
    Room(RoomId),
    /// A page of records in the order of their ids.
    Rooms {
        /// Those behind this id; from the first one if absent.
        after: Option<RoomId>,
        /// 1 to [`crate::store::PAGE_MAX`].
        limit: u32,
    },
    /// Changes who answers for a room, if owner, standby and epoch are as expected. A new owner needs a newer epoch.
    Claim {
        /// Which.
        room: RoomId,
        /// As last read.
        before: Ownership,
        /// What it shall be.
        next: Ownership,
    },
    /// Changes a room.
    Change {
        /// Which.
        room: RoomId,
        /// The writer's epoch.
        epoch: u64,
        /// What.
        change: RoomChange,
    },
    /// A page of appointments by identity.
    Appointments {
        /// Of which room.
        room: RoomId,
        /// Those behind this identity; from the first one if empty.
        after: String,
        /// 1 to [`crate::store::PAGE_MAX`].
        limit: u32,
    },
    /// A page of bans by identity.
    Bans {
        /// Of which room.
        room: RoomId,
        /// Those behind this identity; from the first one if empty.
        after: String,
        /// 1 to [`crate::store::PAGE_MAX`].
        limit: u32,
    },
    /// A page of the log, oldest first.
    Log {
        /// Of which room.
        room: RoomId,
        /// Entries behind this sequence.
        after: u64,
        /// 1 to [`crate::store::PAGE_MAX`].
        limit: u32,
    },
    /// Removes the oldest entries up to the first that is not older than this, at most
    /// [`crate::store::TRIM_MAX`] of them; says how many.
    Trim {
        /// Of which room.
        room: RoomId,
        /// Entries before this time.
        before_ms: u64,
    },
    /// Removes a room with everything that is kept of it for good. Its epoch must be the stored one.
    Erase {
        /// Which.
        room: RoomId,
        /// The writer's epoch.
        epoch: u64,
    },
    /// Changes who is here. An older epoch than stored is fenced, a newer one is stored.
    Note {
        /// In which room.
        room: RoomId,
        /// The writer's epoch.
        epoch: u64,
        /// At most [`crate::store::CHANGES_PER_WRITE_MAX`].
        changes: Vec<HotChange>,
    },
    /// Empties a room's hot state; its epoch stays as a fence.
    Dissolve {
        /// Which.
        room: RoomId,
        /// The writer's epoch.
        epoch: u64,
    },
    /// Removes a room's hot state and its fence.
    Forget(RoomId),
    /// Reads a room's hot state.
    Hot(RoomId),
    /// A page of ids of rooms with hot state.
    HotRooms {
        /// Those behind this id; from the first one if absent.
        after: Option<RoomId>,
        /// 1 to [`crate::store::PAGE_MAX`].
        limit: u32,
    },
    /// Takes the lease of an origin.
    Acquire {
        /// The origin.
        node: NodeId,
        /// Which run of it.
        holder: Holder,
        /// How others reach it.
        home: Home,
        /// 1 to [`crate::store::LEASE_MS_MAX`].
        life_ms: u64,
    },
    /// Extends it.
    Renew {
        /// The origin.
        node: NodeId,
        /// Which run of it.
        holder: Holder,
        /// 1 to [`crate::store::LEASE_MS_MAX`].
        life_ms: u64,
    },
    /// Gives it back.
    Release {
        /// The origin.
        node: NodeId,
        /// Which run of it.
        holder: Holder,
    },
    /// Reads all leases that hold.
    Leases,
    /// Keeps a revocation, in the place of an earlier one of the same id.
    Revoke(Box<KeptRevocation>),
    /// Forgets a revocation; without effect where there is none.
    Unrevoke {
        /// Its id.
        id: String,
    },
    /// A page of revocations by id.
    Revocations {
        /// Those behind this id; from the first one if empty.
        after: String,
        /// 1 to [`crate::store::PAGE_MAX`].
        limit: u32,
    },
    /// Keeps a block, in the place of an earlier one of the same two.
    Block(Box<KeptBlock>),
    /// Forgets a block; without effect where there is none.
    Unblock(Box<BlockKey>),
    /// A page of blocks by key.
    Blocks {
        /// Those behind this key; from the first one if absent.
        after: Option<Box<BlockKey>>,
        /// 1 to [`crate::store::PAGE_MAX`].
        limit: u32,
    },
}

/// What a store answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It is done, and will survive.
    Done,
    /// To [`Operation::Room`].
    Room(Option<Box<RoomRecord>>),
    /// To [`Operation::Rooms`].
    Rooms(Vec<RoomRecord>),
    /// To [`Operation::Appointments`].
    Appointments(Vec<Appointment>),
    /// To [`Operation::Bans`].
    Bans(Vec<Ban>),
    /// To [`Operation::Log`].
    Log(Vec<LogEntry>),
    /// To [`Operation::Trim`]: how many are gone.
    Trimmed(u32),
    /// To [`Operation::Hot`].
    Hot(Option<HotRoom>),
    /// To [`Operation::HotRooms`].
    HotRooms(Vec<RoomId>),
    /// To [`Operation::Leases`].
    Leases(Vec<Lease>),
    /// To [`Operation::Revocations`].
    Revocations(Vec<KeptRevocation>),
    /// To [`Operation::Blocks`].
    Blocks(Vec<KeptBlock>),
}
