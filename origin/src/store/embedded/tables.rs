//! The tables, their rows, and how redb's errors are told. Rows are JSON, so that a later version can add fields.

use std::ops::Bound;

use redb::TableDefinition;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::store::error::StoreError;
use crate::store::record::RoomRecord;

/// A room and something in it.
pub(super) type Pair<'a> = (&'a str, &'a str);
/// Where a range begins or ends.
pub(super) type Range<'a> = (Bound<Pair<'a>>, Bound<Pair<'a>>);

pub(super) const META: TableDefinition<&str, u64> = TableDefinition::new("meta");
pub(super) const ROOMS: TableDefinition<&str, &[u8]> = TableDefinition::new("rooms");
pub(super) const APPOINTMENTS: TableDefinition<Pair<'_>, &[u8]> =
    TableDefinition::new("appointments");
pub(super) const BANS: TableDefinition<Pair<'_>, &[u8]> = TableDefinition::new("bans");
pub(super) const LOG: TableDefinition<(&str, u64), &[u8]> = TableDefinition::new("log");
/// Epoch and number of those who are here.
pub(super) const HOT: TableDefinition<&str, (u64, u32)> = TableDefinition::new("hot");
pub(super) const HERE: TableDefinition<Pair<'_>, &[u8]> = TableDefinition::new("here");
pub(super) const HANDS: TableDefinition<Pair<'_>, u64> = TableDefinition::new("hands");

pub(super) const REVOCATIONS: TableDefinition<&str, &[u8]> = TableDefinition::new("revocations");

/// Since when, by tenant, who blocks, and whom.
pub(super) const BLOCKS: TableDefinition<(&str, &str, &str), u64> = TableDefinition::new("blocks");

/// The key of [`META`] under which the form of the tables stands.
pub(super) const FORM: &str = "form";
/// The form that this version reads and writes.
pub(super) const FORM_NOW: u64 = 1;

/// A room with the numbers that keep its tables bounded.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct RoomRow {
    pub(super) record: RoomRecord,
    pub(super) appointments: u32,
    pub(super) bans: u32,
}

pub(super) fn encode<T: Serialize>(value: &T) -> Result<Vec<u8>, StoreError> {
    serde_json::to_vec(value).map_err(|error| StoreError::corrupt(error.classify_text()))
}

pub(super) fn decode<T: DeserializeOwned>(what: &str, bytes: &[u8]) -> Result<T, StoreError> {
    let unreadable = |error: serde_json::Error| {
        StoreError::corrupt(format!("{what}, {} at byte {}", error.classify_text(), error.column()))
    };
    serde_json::from_slice(bytes).map_err(unreadable)
}

/// What is wrong with a piece of JSON, without quoting it: it may hold people's names.
trait ClassifyText {
    fn classify_text(&self) -> &'static str;
}

impl ClassifyText for serde_json::Error {
    fn classify_text(&self) -> &'static str {
        match self.classify() {
            serde_json::error::Category::Io => "not written",
            serde_json::error::Category::Syntax => "malformed",
            serde_json::error::Category::Data => "of another form",
            serde_json::error::Category::Eof => "cut short",
        }
    }
}

/// Keys of a room behind `after`. `end` is [`end_of`] the room; no name holds a zero byte.
pub(super) fn behind<'a>(room: &'a str, after: &'a str, end: &'a str) -> Range<'a> {
    let begin =
        if after.is_empty() { Bound::Included((room, "")) } else { Bound::Excluded((room, after)) };
    (begin, Bound::Excluded((end, "")))
}

/// The first text behind `room`.
pub(super) fn end_of(room: &str) -> String {
    format!("{room}\0")
}

/// Lets `?` turn redb's errors into ours.
macro_rules! told {
    ($($error:ident),+) => {
        $(impl From<redb::$error> for StoreError {
            fn from(error: redb::$error) -> Self {
                told(redb::Error::from(error))
            }
        })+
    };
}

told!(StorageError, TableError, TransactionError, CommitError, DatabaseError);

fn told(error: redb::Error) -> StoreError {
    match error {
        redb::Error::DatabaseAlreadyOpen => StoreError::unavailable(
            "another process has the file open; each origin needs a file of its own",
        ),
        redb::Error::Corrupted(what) => StoreError::corrupt(what),
        redb::Error::TableTypeMismatch { .. } | redb::Error::UpgradeRequired(_) => {
            StoreError::corrupt("the file was written by another version")
        }
        other => StoreError::unavailable(other),
    }
}
