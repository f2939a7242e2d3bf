//! Records, appointments, bans and logs in a transaction. Everything is checked before the first row is
//! written, because a refused operation shares its commit with others.

use redb::{ReadTransaction, ReadableTable, WriteTransaction};
use stoa_protocol::ids::{Role, RoomId};

use super::tables::{
    APPOINTMENTS, BANS, LOG, Pair, ROOMS, RoomRow, behind, decode, encode, end_of,
};
use crate::store::error::StoreError;
use crate::store::limits::{APPOINTMENTS_MAX, BANS_MAX, TRIM_MAX};
use crate::store::operation::{Answer, RoomChange};
use crate::store::record::{Appointment, Ban, LogEntry, Ownership, RoomRecord};

type Result<T> = std::result::Result<T, StoreError>;

pub(super) fn create(writing: &WriteTransaction, record: RoomRecord) -> Result<Answer> {
    let mut rooms = writing.open_table(ROOMS)?;
    if rooms.get(record.room.as_str())?.is_some() {
        return Err(StoreError::Conflict { what: "the room exists already" });
    }
    let room = record.room.clone();
    let record = RoomRecord { revision: 1, log_end: 0, ..record };
    let row = encode(&RoomRow { record, appointments: 0, bans: 0 })?;
    rooms.insert(room.as_str(), row.as_slice())?;
    Ok(Answer::Done)
}

pub(super) fn claim(
    writing: &WriteTransaction,
    room: &RoomId,
    before: &Ownership,
    next: Ownership,
) -> Result<Answer> {
    let mut row = fenced(writing, room, before.epoch)?;
    row.record.ownership.expect(before)?;
    row.record.ownership = next;
    row.record.revision += 1;
    put(writing, &row)?;
    Ok(Answer::Done)
}

pub(super) fn change(
    writing: &WriteTransaction,
    room: &RoomId,
    epoch: u64,
    change: RoomChange,
) -> Result<Answer> {
    let mut row = fenced(writing, room, epoch)?;
    match change {
        RoomChange::Settings(settings) => {
            row.record.settings = settings;
            row.record.revision += 1;
        }
        RoomChange::Close { at_ms } => {
            if row.record.closed_ms.is_none() {
                row.record.closed_ms = Some(at_ms);
                row.record.revision += 1;
            }
        }
        RoomChange::Appoint { identity, role } => {
            appoint(writing, &mut row, &identity, role)?;
        }
        RoomChange::Ban(ban) => ban_somebody(writing, &mut row, &ban)?,
        RoomChange::Unban { identity } => {
            if writing.open_table(BANS)?.remove((room.as_str(), identity.as_str()))?.is_some() {
                row.bans = row.bans.saturating_sub(1);
            }
        }
        RoomChange::Append(entries) => append(writing, &mut row, &entries)?,
        RoomChange::Amend(entries) => amend(writing, room, &entries)?,
    }
    put(writing, &row)?;
    Ok(Answer::Done)
}

fn appoint(
    writing: &WriteTransaction,
    row: &mut RoomRow,
    identity: &str,
    role: Option<Role>,
) -> Result<()> {
    let mut table = writing.open_table(APPOINTMENTS)?;
    let key = (row.record.room.as_str(), identity);
    let known = table.get(key)?.is_some();
    match role {
        Some(role) => {
            let count = row.appointments + u32::from(!known);
            at_most("the number of appointments", count, APPOINTMENTS_MAX)?;
            table.insert(key, encode(&role)?.as_slice())?;
            row.appointments = count;
        }
        None => {
            table.remove(key)?;
            row.appointments = row.appointments.saturating_sub(u32::from(known));
        }
    }
    Ok(())
}

fn ban_somebody(writing: &WriteTransaction, row: &mut RoomRow, ban: &Ban) -> Result<()> {
    let mut table = writing.open_table(BANS)?;
    let key = (row.record.room.as_str(), ban.identity.as_str());
    let count = row.bans + u32::from(table.get(key)?.is_none());
    at_most("the number of bans", count, BANS_MAX)?;
    table.insert(key, encode(ban)?.as_slice())?;
    row.bans = count;
    Ok(())
}

fn append(writing: &WriteTransaction, row: &mut RoomRow, entries: &[LogEntry]) -> Result<()> {
    let mut table = writing.open_table(LOG)?;
    for entry in entries {
        if entry.sequence > row.record.log_end {
            let key = (row.record.room.as_str(), entry.sequence);
            table.insert(key, encode(entry)?.as_slice())?;
            row.record.log_end = entry.sequence;
        }
    }
    Ok(())
}

fn amend(writing: &WriteTransaction, room: &RoomId, entries: &[LogEntry]) -> Result<()> {
    let mut table = writing.open_table(LOG)?;
    for entry in entries {
        let key = (room.as_str(), entry.sequence);
        if table.get(key)?.is_some() {
            table.insert(key, encode(entry)?.as_slice())?;
        }
    }
    Ok(())
}

pub(super) fn trim(writing: &WriteTransaction, room: &RoomId, before_ms: u64) -> Result<Answer> {
    let mut table = writing.open_table(LOG)?;
    let mut old = Vec::new();
    for entry in table.range((room.as_str(), 0)..=(room.as_str(), u64::MAX))? {
        let (key, value) = entry?;
        let entry: LogEntry = decode("a log entry", value.value())?;
        if entry.at_ms >= before_ms || old.len() >= TRIM_MAX as usize {
            break;
        }
        old.push(key.value().1);
    }
    for sequence in &old {
        table.remove((room.as_str(), *sequence))?;
    }
    Ok(Answer::Trimmed(u32::try_from(old.len()).unwrap_or(TRIM_MAX)))
}

pub(super) fn erase(writing: &WriteTransaction, room: &RoomId, epoch: u64) -> Result<Answer> {
    fenced(writing, room, epoch)?;
    let name = room.as_str();
    writing.open_table(ROOMS)?.remove(name)?;
    let end = end_of(name);
    for table in [APPOINTMENTS, BANS] {
        writing.open_table(table)?.retain_in(behind(name, "", &end), |_, _| false)?;
    }
    writing.open_table(LOG)?.retain_in((name, 0)..=(name, u64::MAX), |_, _| false)?;
    Ok(Answer::Done)
}

pub(super) fn room(reading: &ReadTransaction, room: &RoomId) -> Result<Answer> {
    let rooms = reading.open_table(ROOMS)?;
    let row = rooms.get(room.as_str())?;
    let row = row.map(|row| decode::<RoomRow>("a room", row.value())).transpose()?;
    Ok(Answer::Room(row.map(|row| Box::new(row.record))))
}

pub(super) fn page(
    reading: &ReadTransaction,
    after: Option<&RoomId>,
    limit: u32,
) -> Result<Answer> {
    let rooms = reading.open_table(ROOMS)?;
    let begin = after.map_or_else(String::new, |after| end_of(after.as_str()));
    let mut page = Vec::new();
    for entry in rooms.range(begin.as_str()..)?.take(limit as usize) {
        page.push(decode::<RoomRow>("a room", entry?.1.value())?.record);
    }
    Ok(Answer::Rooms(page))
}

pub(super) fn appointments(
    reading: &ReadTransaction,
    room: &RoomId,
    after: &str,
    limit: u32,
) -> Result<Answer> {
    let table = reading.open_table(APPOINTMENTS)?;
    let page = pairs(&table, room, after, limit, |identity, bytes| {
        let role = decode("an appointment", bytes)?;
        Ok(Appointment { identity: identity.to_owned(), role })
    })?;
    Ok(Answer::Appointments(page))
}

pub(super) fn bans(
    reading: &ReadTransaction,
    room: &RoomId,
    after: &str,
    limit: u32,
) -> Result<Answer> {
    let table = reading.open_table(BANS)?;
    Ok(Answer::Bans(pairs(&table, room, after, limit, |_, bytes| decode("a ban", bytes))?))
}

pub(super) fn log(
    reading: &ReadTransaction,
    room: &RoomId,
    after: u64,
    limit: u32,
) -> Result<Answer> {
    let table = reading.open_table(LOG)?;
    let begin = (room.as_str(), after.saturating_add(1));
    let mut page = Vec::new();
    for entry in table.range(begin..=(room.as_str(), u64::MAX))?.take(limit as usize) {
        page.push(decode("a log entry", entry?.1.value())?);
    }
    Ok(Answer::Log(page))
}

/// A page of a table whose rows belong to a room.
fn pairs<T>(
    table: &impl ReadableTable<Pair<'static>, &'static [u8]>,
    room: &RoomId,
    after: &str,
    limit: u32,
    read: impl Fn(&str, &[u8]) -> Result<T>,
) -> Result<Vec<T>> {
    let end = end_of(room.as_str());
    let mut page = Vec::new();
    for entry in table.range(behind(room.as_str(), after, &end))?.take(limit as usize) {
        let (key, value) = entry?;
        page.push(read(key.value().1, value.value())?);
    }
    Ok(page)
}

/// The room, if `epoch` is its epoch.
fn fenced(writing: &WriteTransaction, room: &RoomId, epoch: u64) -> Result<RoomRow> {
    let rooms = writing.open_table(ROOMS)?;
    let row = rooms.get(room.as_str())?.ok_or(StoreError::Absent)?;
    let row: RoomRow = decode("a room", row.value())?;
    match row.record.ownership.epoch {
        stored if stored > epoch => Err(StoreError::Fenced { stored }),
        stored if stored < epoch => {
            Err(StoreError::Conflict { what: "the epoch is newer than the room's" })
        }
        _ => Ok(row),
    }
}

fn put(writing: &WriteTransaction, row: &RoomRow) -> Result<()> {
    let bytes = encode(row)?;
    writing.open_table(ROOMS)?.insert(row.record.room.as_str(), bytes.as_slice())?;
    Ok(())
}

pub(super) fn at_most(what: &'static str, found: u32, max: u32) -> Result<()> {
    if found <= max {
        return Ok(());
    }
    Err(StoreError::Limit { what, found: found.into(), max: max.into() })
}
