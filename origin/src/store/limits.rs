//! Every maximum and interval of the stores. Sizes are checked once, before an operation reaches a backend.

use std::time::Duration;

/// Longest identity, name of a lease's holder, actor or subject in bytes.
pub const TEXT_BYTES_MAX: usize = 1_024;

/// Longest description of a room, and longest detail of a log entry, in bytes.
pub const DETAIL_BYTES_MAX: usize = 4_096;

/// Longest settings of a room in bytes, as they are stored.
pub const SETTINGS_BYTES_MAX: usize = 32 * 1_024;

/// Most appointments of one room.
pub const APPOINTMENTS_MAX: u32 = 1_000;

/// Most bans of one room.
pub const BANS_MAX: u32 = 10_000;

/// Most participants in the hot state of one room.
pub const PARTICIPANTS_MAX: u32 = 100_000;

/// Most changes of hot state in one write; larger ones are cut by [`crate::store::in_writes`].
pub const CHANGES_PER_WRITE_MAX: usize = 256;

/// Most log entries in one write.
pub const ENTRIES_PER_WRITE_MAX: usize = 64;

/// Most entries of one page of anything.
pub const PAGE_MAX: u32 = 256;

/// Most log entries that one call of trimming removes.
pub const TRIM_MAX: u32 = 1_000;

/// Most leases that live at a time: one per origin.
pub const LEASES_MAX: usize = 256;

/// How long a lease holds.
pub const LEASE_LIFE: Duration = Duration::from_secs(2);

/// Longest lease in milliseconds.
pub const LEASE_MS_MAX: u64 = 60_000;

/// How long one call of a store may take, connection included.
pub const CALL_LIMIT: Duration = Duration::from_secs(2);

/// Most operations that wait for the embedded store's thread.
pub const QUEUE_MAX: usize = 4_096;

/// Most writes that the embedded store puts into one commit.
pub const GROUP_MAX: usize = 256;

/// Most writes that wait in a journal while its store is away.
pub const JOURNAL_WRITES_MAX: usize = 100_000;

/// Most bytes, roughly, that wait in a journal.
pub const JOURNAL_BYTES_MAX: usize = 64 * 1_024 * 1_024;

/// Most receipts that somebody waits for at a time.
pub const RECEIPTS_MAX: usize = 65_536;

/// How long hot state stays in Redis without a change.
pub const HOT_LIFE: Duration = Duration::from_secs(24 * 3_600);

/// How often hot state is copied to the durable store.
pub const BACKUP_INTERVAL: Duration = Duration::from_secs(30);

/// Journals of one kind; a room always uses the same one.
pub const LANES: usize = 8;

/// Most rooms that wait to be copied to the durable store.
pub const CHANGED_ROOMS_MAX: usize = 20_000;
