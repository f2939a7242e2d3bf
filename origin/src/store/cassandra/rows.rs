//! What a row says, and what is written into one.

use scylla::value::CqlValue;
use serde::Serialize;
use serde::de::DeserializeOwned;
use stoa_protocol::ids::{NodeId, RoomId};

use super::schema::{PRESENCE_PUT, ROOM_PUT, Table};
use crate::store::error::StoreError;
use crate::store::record::{Ownership, RoomRecord};

/// The values of a row or of a statement.
pub(super) type Values = Vec<Option<CqlValue>>;

/// A statement with what is bound to it.
pub(super) type Bound = (&'static str, Values);

/// Kinds of rows of a room.
pub(super) const APPOINTMENT: &str = "a";
pub(super) const BAN: &str = "b";
pub(super) const LOG: &str = "l";
pub(super) const PERSON: &str = "p";
pub(super) const HAND: &str = "h";

pub(super) fn text(text: impl Into<String>) -> Option<CqlValue> {
    Some(CqlValue::Text(text.into()))
}

pub(super) fn int(number: impl TryInto<i32>) -> Option<CqlValue> {
    Some(CqlValue::Int(number.try_into().unwrap_or(i32::MAX)))
}

pub(super) fn big(number: u64) -> Option<CqlValue> {
    Some(CqlValue::BigInt(i64::try_from(number).unwrap_or(i64::MAX)))
}

pub(super) fn json<T: Serialize>(value: &T) -> Result<Option<CqlValue>, StoreError> {
    let unwritten = |_| StoreError::corrupt("a value cannot be written");
    serde_json::to_string(value).map(text).map_err(unwritten)
}

/// Sorts as its number does.
pub(super) fn log_key(sequence: u64) -> String {
    format!("{sequence:020}")
}

/// Reads the values of a row one after the other.
pub(super) struct Reader(std::vec::IntoIter<Option<CqlValue>>);

impl Reader {
    pub(super) fn new(values: Values) -> Self {
        Self(values.into_iter())
    }

    pub(super) fn text(&mut self) -> Result<Option<String>, StoreError> {
        match self.0.next().flatten() {
            None => Ok(None),
            Some(CqlValue::Text(text)) => Ok(Some(text)),
            Some(_) => Err(StoreError::corrupt("a column that should be text")),
        }
    }

    pub(super) fn number(&mut self) -> Result<Option<u64>, StoreError> {
        let number = match self.0.next().flatten() {
            None => return Ok(None),
            Some(CqlValue::BigInt(number)) => number,
            Some(CqlValue::Int(number)) => number.into(),
            Some(_) => return Err(StoreError::corrupt("a column that should be a number")),
        };
        u64::try_from(number).map(Some).map_err(|_| StoreError::corrupt("a negative number"))
    }

    /// Text that must be there.
    pub(super) fn key(&mut self) -> Result<String, StoreError> {
        self.text()?.ok_or_else(|| StoreError::corrupt("a column that is empty"))
    }

    /// JSON that must be there.
    pub(super) fn json<T: DeserializeOwned>(&mut self) -> Result<T, StoreError> {
        serde_json::from_str(&self.key()?).map_err(|_| StoreError::corrupt("a value of a row"))
    }
}

/// Everything static of a room's partition.
#[derive(Clone, Debug)]
pub(super) struct RoomState {
    pub(super) version: Option<String>,
    /// Absent when there is no such room.
    pub(super) room: Option<RoomRow>,
}

/// A room with its life and the numbers that keep its rows bounded.
#[derive(Clone, Debug)]
pub(super) struct RoomRow {
    pub(super) life: String,
    pub(super) record: RoomRecord,
    pub(super) appointments: u32,
    pub(super) bans: u32,
}

impl RoomState {
    /// From the columns of [`super::schema::ROOM`].
    pub(super) fn read(values: Values) -> Result<Self, StoreError> {
        let mut row = Reader::new(values);
        let room = RoomId::new(row.key()?).map_err(StoreError::corrupt)?;
        let version = row.text()?;
        let (Some(life), Some(epoch)) = (row.text()?, row.number()?) else {
            return Ok(Self { version, room: None });
        };
        let owner = row.text()?.map(NodeId::new).transpose().map_err(StoreError::corrupt)?;
        let standby = row.text()?.map(NodeId::new).transpose().map_err(StoreError::corrupt)?;
        let record = RoomRecord {
            room,
            ownership: Ownership { owner, standby, epoch },
            revision: row.number()?.unwrap_or_default(),
            settings: row.json()?,
            created_ms: row.number()?.unwrap_or_default(),
            closed_ms: row.number()?,
            log_end: row.number()?.unwrap_or_default(),
        };
        let appointments = count(row.number()?);
        let bans = count(row.number()?);
        Ok(Self { version, room: Some(RoomRow { life, record, appointments, bans }) })
    }
}

impl RoomRow {
    /// Writes everything static.
    pub(super) fn put(&self) -> Result<Bound, StoreError> {
        let record = &self.record;
        let node = |node: &Option<NodeId>| node.as_ref().and_then(|node| text(node.as_str()));
        let values = vec![
            text(self.life.as_str()),
            big(record.ownership.epoch),
            node(&record.ownership.owner),
            node(&record.ownership.standby),
            big(record.revision),
            json(&record.settings)?,
            big(record.created_ms),
            record.closed_ms.and_then(big),
            big(record.log_end),
            int(self.appointments),
            int(self.bans),
            text(record.room.as_str()),
        ];
        Ok((ROOM_PUT, values))
    }

    /// Takes everything static away.
    pub(super) fn remove(room: &RoomId) -> Bound {
        let mut values = vec![None; 11];
        values.push(text(room.as_str()));
        (ROOM_PUT, values)
    }
}

/// Everything static of a room's hot state.
#[derive(Clone, Debug, Default)]
pub(super) struct HotState {
    pub(super) version: Option<String>,
    /// Life, epoch, how many are here; absent when nothing was ever noted.
    pub(super) hot: Option<(String, u64, u32)>,
}

impl HotState {
    /// From the columns of [`super::schema::PRESENCE`].
    pub(super) fn read(values: Values) -> Result<Self, StoreError> {
        let mut row = Reader::new(values);
        row.key()?;
        let version = row.text()?;
        let (life, epoch) = (row.text()?, row.number()?);
        let here = count(row.number()?);
        Ok(Self { version, hot: life.zip(epoch).map(|(life, epoch)| (life, epoch, here)) })
    }
}

/// Writes everything static of a room's hot state, or takes it away.
pub(super) fn hot_put(room: &RoomId, hot: Option<(&str, u64, u32)>) -> Bound {
    let mut values = match hot {
        Some((life, epoch, here)) => vec![text(life), big(epoch), int(here)],
        None => vec![None; 3],
    };
    values.push(text(room.as_str()));
    (PRESENCE_PUT, values)
}

/// Writes a row of a room.
pub(super) fn put(
    table: Table,
    room: &RoomId,
    life: &str,
    kind: &str,
    key: &str,
    value: Option<CqlValue>,
) -> Bound {
    let values = vec![value, text(room.as_str()), text(life), text(kind), text(key)];
    (table.statements().put, values)
}

/// Removes a row of a room.
pub(super) fn delete(table: Table, room: &RoomId, life: &str, kind: &str, key: &str) -> Bound {
    let values = vec![text(room.as_str()), text(life), text(kind), text(key)];
    (table.statements().delete, values)
}

fn count(number: Option<u64>) -> u32 {
    number.and_then(|number| u32::try_from(number).ok()).unwrap_or_default()
}
