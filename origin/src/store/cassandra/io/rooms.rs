//! Durable rooms: each change reads the room, decides, and swaps its version.

use std::collections::BTreeSet;

use scylla::statement::Consistency;
use scylla::value::CqlValue;
use stoa_protocol::ids::RoomId;

use super::partition::{ATTEMPTS_MAX, Swap, contended, draw};
use super::session::Session;
use crate::store::cassandra::rows::{
    APPOINTMENT, BAN, Bound, LOG, Reader, RoomRow, RoomState, Values, delete, int, json, log_key,
    put, text,
};
use crate::store::cassandra::schema::{ROOM, ROOMS, Table};
use crate::store::error::StoreError;
use crate::store::limits::{APPOINTMENTS_MAX, BANS_MAX, PAGE_MAX};
use crate::store::operation::{Answer, RoomChange};
use crate::store::record::{Appointment, Ownership, RoomRecord};

type Result<T> = std::result::Result<T, StoreError>;

/// Most log entries that one call removes: as many as one transaction takes without strain.
const TRIM_STEP: u32 = 200;

pub(super) async fn create(session: &Session, record: RoomRecord) -> Result<Answer> {
    session.list(Table::Room, &record.room).await?;
    for _ in 0..ATTEMPTS_MAX {
        let state = state(session, &record.room, Consistency::Quorum).await?;
        if state.room.is_some() {
            return Err(StoreError::Conflict { what: "the room exists already" });
        }
        let record = RoomRecord { revision: 1, log_end: 0, ..record.clone() };
        let row = RoomRow { life: draw(), record, appointments: 0, bans: 0 };
        if swap(session, &row.record.room, &state, vec![row.put()?], false).await? == Swap::Applied
        {
            return Ok(Answer::Done);
        }
    }
    Err(contended())
}

pub(super) async fn claim(
    session: &Session,
    room: &RoomId,
    before: &Ownership,
    next: Ownership,
) -> Result<Answer> {
    for _ in 0..ATTEMPTS_MAX {
        let state = state(session, room, Consistency::Quorum).await?;
        let mut row = fenced(&state, before.epoch)?;
        row.record.ownership.expect(before)?;
        row.record.ownership = next.clone();
        row.record.revision += 1;
        if swap(session, room, &state, vec![row.put()?], false).await? == Swap::Applied {
            return Ok(Answer::Done);
        }
    }
    Err(contended())
}

pub(super) async fn change(
    session: &Session,
    room: &RoomId,
    epoch: u64,
    change: &RoomChange,
) -> Result<Answer> {
    for _ in 0..ATTEMPTS_MAX {
        let state = state(session, room, Consistency::Quorum).await?;
        let mut row = fenced(&state, epoch)?;
        let mut statements = decide(session, &mut row, change).await?;
        statements.push(row.put()?);
        if swap(session, room, &state, statements, false).await? == Swap::Applied {
            return Ok(Answer::Done);
        }
    }
    Err(contended())
}

/// Changes `row`, and returns what is to be written beside it.
async fn decide(session: &Session, row: &mut RoomRow, change: &RoomChange) -> Result<Vec<Bound>> {
    let (room, life) = (row.record.room.clone(), row.life.clone());
    let add = |kind, key: &str, value| put(Table::Room, &room, &life, kind, key, value);
    let take = |kind, key: &str| delete(Table::Room, &room, &life, kind, key);
    Ok(match change {
        RoomChange::Settings(settings) => {
            row.record.settings = settings.clone();
            row.record.revision += 1;
            Vec::new()
        }
        RoomChange::Close { at_ms } => {
            if row.record.closed_ms.is_none() {
                row.record.closed_ms = Some(*at_ms);
                row.record.revision += 1;
            }
            Vec::new()
        }
        RoomChange::Appoint { identity, role } => {
            let known = has(session, row, APPOINTMENT, identity).await?;
            row.appointments = counted(
                row.appointments,
                known,
                role.is_some(),
                ("the number of appointments", APPOINTMENTS_MAX),
            )?;
            match role {
                Some(role) => vec![add(APPOINTMENT, identity, json(role)?)],
                None => vec![take(APPOINTMENT, identity)],
            }
        }
        RoomChange::Ban(ban) => {
            let known = has(session, row, BAN, &ban.identity).await?;
            row.bans = counted(row.bans, known, true, ("the number of bans", BANS_MAX))?;
            vec![add(BAN, &ban.identity, json(ban)?)]
        }
        RoomChange::Unban { identity } => {
            let known = has(session, row, BAN, identity).await?;
            row.bans = counted(row.bans, known, false, ("the number of bans", BANS_MAX))?;
            vec![take(BAN, identity)]
        }
        RoomChange::Amend(entries) => {
            let keys = entries.iter().map(|entry| log_key(entry.sequence)).collect();
            let there = present(session, row, LOG, keys).await?;
            let amended = entries.iter().filter(|entry| there.contains(&log_key(entry.sequence)));
            amended
                .map(|entry| Ok(add(LOG, &log_key(entry.sequence), json(entry)?)))
                .collect::<Result<_>>()?
        }
        RoomChange::Append(entries) => {
            let mut statements = Vec::new();
            for entry in entries {
                if entry.sequence > row.record.log_end {
                    row.record.log_end = entry.sequence;
                    statements.push(add(LOG, &log_key(entry.sequence), json(entry)?));
                }
            }
            statements
        }
    })
}

/// How many there are after one was put or taken.
fn counted(before: u32, known: bool, puts: bool, (what, max): (&'static str, u32)) -> Result<u32> {
    let after = match (known, puts) {
        (false, true) => before + 1,
        (true, false) => before.saturating_sub(1),
        _ => before,
    };
    if puts && after > max {
        return Err(StoreError::Limit { what, found: after.into(), max: max.into() });
    }
    Ok(after)
}

async fn has(session: &Session, row: &RoomRow, kind: &str, key: &str) -> Result<bool> {
    Ok(!present(session, row, kind, vec![key.to_owned()]).await?.is_empty())
}

/// Which of these keys have a row.
async fn present(
    session: &Session,
    row: &RoomRow,
    kind: &str,
    keys: Vec<String>,
) -> Result<BTreeSet<String>> {
    let keys = CqlValue::List(keys.into_iter().map(CqlValue::Text).collect());
    let room = row.record.room.as_str();
    let values = vec![text(room), text(row.life.as_str()), text(kind), Some(keys)];
    let found = session.rows((Table::Room.statements().keys, values), Consistency::Quorum).await?;
    found.into_iter().map(|row| Reader::new(row).key()).collect()
}

pub(super) async fn trim(session: &Session, room: &RoomId, before_ms: u64) -> Result<Answer> {
    for _ in 0..ATTEMPTS_MAX {
        let state = state(session, room, Consistency::Quorum).await?;
        let Some(row) = &state.room else { return Ok(Answer::Trimmed(0)) };
        let mut statements = Vec::new();
        for (key, mut value) in page(session, row, LOG, "", TRIM_STEP).await? {
            let entry: crate::store::record::LogEntry = value.json()?;
            if entry.at_ms >= before_ms {
                break;
            }
            statements.push(delete(Table::Room, room, &row.life, LOG, &key));
        }
        if statements.is_empty() {
            return Ok(Answer::Trimmed(0));
        }
        let count = u32::try_from(statements.len()).unwrap_or(TRIM_STEP);
        if swap(session, room, &state, statements, false).await? == Swap::Applied {
            return Ok(Answer::Trimmed(count));
        }
    }
    Err(contended())
}

pub(super) async fn erase(session: &Session, room: &RoomId, epoch: u64) -> Result<Answer> {
    for _ in 0..ATTEMPTS_MAX {
        let state = state(session, room, Consistency::Quorum).await?;
        let row = fenced(&state, epoch)?;
        if swap(session, room, &state, vec![RoomRow::remove(room)], true).await? == Swap::Applied {
            session.unlist(Table::Room, room).await;
            session.purge(Table::Room, room, &row.life).await;
            return Ok(Answer::Done);
        }
    }
    Err(contended())
}

/// At SERIAL: whoever reads who owns a room sees every claim that has ended.
pub(super) async fn room(session: &Session, room: &RoomId) -> Result<Answer> {
    let state = state(session, room, Consistency::Serial).await?;
    Ok(Answer::Room(state.room.map(|row| Box::new(row.record))))
}

pub(super) async fn rooms(session: &Session, after: Option<&RoomId>, limit: u32) -> Result<Answer> {
    let mut found: Vec<RoomRecord> = Vec::new();
    let mut after = after.map(|room| room.as_str().to_owned());
    loop {
        let listed = session.listed(Table::Room, after.as_deref(), PAGE_MAX).await?;
        let Some(last) = listed.last() else { break };
        after = Some(last.clone());
        let mut ids = listed.into_iter().map(CqlValue::Text).peekable();
        while ids.peek().is_some() && found.len() < limit as usize {
            let wanted = limit as usize - found.len();
            let some: Vec<CqlValue> = ids.by_ref().take(wanted).collect();
            let query = (ROOMS, vec![Some(CqlValue::List(some))]);
            let rows = session.rows(query, Consistency::Quorum).await?;
            let states = rows.into_iter().map(RoomState::read).collect::<Result<Vec<_>>>()?;
            let mut records: Vec<RoomRecord> =
                states.into_iter().filter_map(|state| state.room).map(|row| row.record).collect();
            records.sort_by(|a, b| a.room.cmp(&b.room));
            found.extend(records);
        }
        if found.len() >= limit as usize {
            break;
        }
    }
    Ok(Answer::Rooms(found))
}

pub(super) async fn appointments(
    session: &Session,
    room: &RoomId,
    after: &str,
    limit: u32,
) -> Result<Answer> {
    let rows = room_page(session, room, APPOINTMENT, after, limit).await?;
    let appointments = rows
        .into_iter()
        .map(|(identity, mut value)| Ok(Appointment { identity, role: value.json()? }));
    Ok(Answer::Appointments(appointments.collect::<Result<_>>()?))
}

pub(super) async fn bans(
    session: &Session,
    room: &RoomId,
    after: &str,
    limit: u32,
) -> Result<Answer> {
    let rows = room_page(session, room, BAN, after, limit).await?;
    let bans = rows.into_iter().map(|(_, mut value)| value.json());
    Ok(Answer::Bans(bans.collect::<Result<_>>()?))
}

pub(super) async fn log(
    session: &Session,
    room: &RoomId,
    after: u64,
    limit: u32,
) -> Result<Answer> {
    let rows = room_page(session, room, LOG, &log_key(after), limit).await?;
    let entries = rows.into_iter().map(|(_, mut value)| value.json());
    Ok(Answer::Log(entries.collect::<Result<_>>()?))
}

async fn room_page(
    session: &Session,
    room: &RoomId,
    kind: &str,
    after: &str,
    limit: u32,
) -> Result<Vec<(String, Reader)>> {
    match state(session, room, Consistency::Quorum).await?.room {
        Some(row) => page(session, &row, kind, after, limit).await,
        None => Ok(Vec::new()),
    }
}

/// Keys, and readers of their values.
async fn page(
    session: &Session,
    row: &RoomRow,
    kind: &str,
    after: &str,
    limit: u32,
) -> Result<Vec<(String, Reader)>> {
    let room = row.record.room.as_str();
    let values = vec![text(room), text(row.life.as_str()), text(kind), text(after), int(limit)];
    let query = (Table::Room.statements().page, values);
    let rows: Vec<Values> = session.rows(query, Consistency::Quorum).await?;
    let read = |row| {
        let mut row = Reader::new(row);
        Ok((row.key()?, row))
    };
    rows.into_iter().map(read).collect()
}

async fn state(session: &Session, room: &RoomId, consistency: Consistency) -> Result<RoomState> {
    match session.row(ROOM, room, consistency).await? {
        Some(row) => RoomState::read(row),
        None => Ok(RoomState { version: None, room: None }),
    }
}

/// The room, if `epoch` is its epoch.
fn fenced(state: &RoomState, epoch: u64) -> Result<RoomRow> {
    let row = state.room.clone().ok_or(StoreError::Absent)?;
    match row.record.ownership.epoch {
        stored if stored > epoch => Err(StoreError::Fenced { stored }),
        stored if stored < epoch => {
            Err(StoreError::Conflict { what: "the epoch is newer than the room's" })
        }
        _ => Ok(row),
    }
}

async fn swap(
    session: &Session,
    room: &RoomId,
    state: &RoomState,
    statements: Vec<Bound>,
    removes: bool,
) -> Result<Swap> {
    session.swap(Table::Room, room, state.version.as_deref(), statements, removes).await
}
