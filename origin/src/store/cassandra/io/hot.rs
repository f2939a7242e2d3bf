//! Who is here, for networks without Redis and as the backup of it: each write is one lightweight transaction.

use std::collections::BTreeMap;

use scylla::statement::Consistency;
use scylla::value::CqlValue;
use stoa_protocol::ids::{ParticipantId, RoomId};

use super::partition::{ATTEMPTS_MAX, Swap, contended, draw};
use super::session::Session;
use crate::store::cassandra::rows::{
    Bound, HAND, HotState, PERSON, Reader, delete, hot_put, json, put, text,
};
use crate::store::cassandra::schema::{PRESENCE, PRESENCES, Table};
use crate::store::error::StoreError;
use crate::store::hot::{Hand, HotChange, HotRoom};
use crate::store::limits::{PAGE_MAX, PARTICIPANTS_MAX};
use crate::store::operation::Answer;

type Result<T> = std::result::Result<T, StoreError>;

const TABLE: Table = Table::Presence;

pub(super) async fn note(
    session: &Session,
    room: &RoomId,
    epoch: u64,
    changes: &[HotChange],
) -> Result<Answer> {
    for _ in 0..ATTEMPTS_MAX {
        let state = state(session, room).await?;
        let (life, before) = match fenced(&state, epoch)? {
            Some((life, here)) => (life, here),
            None => {
                session.list(TABLE, room).await?;
                (draw(), 0)
            }
        };
        let known = known(session, room, &life, changes).await?;
        let (mut statements, here) = decide(room, &life, changes, known, before)?;
        statements.push(hot_put(room, Some((life.as_str(), epoch, here))));
        if swap(session, room, &state, statements, false).await? == Swap::Applied {
            return Ok(Answer::Done);
        }
    }
    Err(contended())
}

/// What is to be written, and how many are here then. Only the last change of a row is written, because rows of
/// one transaction have no order.
fn decide(
    room: &RoomId,
    life: &str,
    changes: &[HotChange],
    mut known: BTreeMap<ParticipantId, bool>,
    before: u32,
) -> Result<(Vec<Bound>, u32)> {
    let mut rows: BTreeMap<(&str, &ParticipantId), Option<CqlValue>> = BTreeMap::new();
    let mut here = before;
    for change in changes {
        let id = change.participant();
        let is_here = known.entry(id.clone()).or_default();
        match change {
            HotChange::Here(present) => {
                here += u32::from(!*is_here);
                *is_here = true;
                rows.insert((PERSON, id), json(present)?);
            }
            HotChange::Gone(_) => {
                here = here.saturating_sub(u32::from(*is_here));
                *is_here = false;
                rows.insert((PERSON, id), None);
                rows.insert((HAND, id), None);
            }
            HotChange::Raise { place, .. } => {
                if *is_here {
                    rows.insert((HAND, id), text(place.to_string()));
                }
            }
            HotChange::Lower(_) => {
                rows.insert((HAND, id), None);
            }
        }
    }
    if here > PARTICIPANTS_MAX {
        let (found, max) = (here.into(), PARTICIPANTS_MAX.into());
        return Err(StoreError::Limit { what: "the number of participants", found, max });
    }
    let statements = rows.into_iter().map(|((kind, id), value)| match value {
        Some(value) => put(TABLE, room, life, kind, id.as_str(), Some(value)),
        None => delete(TABLE, room, life, kind, id.as_str()),
    });
    Ok((statements.collect(), here))
}

/// Which of those whom the changes concern are here.
async fn known(
    session: &Session,
    room: &RoomId,
    life: &str,
    changes: &[HotChange],
) -> Result<BTreeMap<ParticipantId, bool>> {
    let mut ids: Vec<&str> = changes.iter().map(|change| change.participant().as_str()).collect();
    ids.sort_unstable();
    ids.dedup();
    let mut known = BTreeMap::new();
    // Cassandra refuses lists in a query that are too long.
    for ids in ids.chunks(100) {
        let keys = ids.iter().map(|id| CqlValue::Text((*id).to_owned())).collect();
        let values =
            vec![text(room.as_str()), text(life), text(PERSON), Some(CqlValue::List(keys))];
        for row in session.rows((TABLE.statements().keys, values), Consistency::Quorum).await? {
            let id = ParticipantId::new(Reader::new(row).key()?).map_err(StoreError::corrupt)?;
            known.insert(id, true);
        }
    }
    Ok(known)
}

pub(super) async fn dissolve(session: &Session, room: &RoomId, epoch: u64) -> Result<Answer> {
    for _ in 0..ATTEMPTS_MAX {
        let state = state(session, room).await?;
        let before = fenced(&state, epoch)?;
        if before.is_none() {
            session.list(TABLE, room).await?;
        }
        let statements = vec![hot_put(room, Some((draw().as_str(), epoch, 0)))];
        if swap(session, room, &state, statements, false).await? == Swap::Applied {
            if let Some((life, _)) = before {
                session.purge(TABLE, room, &life).await;
            }
            return Ok(Answer::Done);
        }
    }
    Err(contended())
}

pub(super) async fn forget(session: &Session, room: &RoomId) -> Result<Answer> {
    for _ in 0..ATTEMPTS_MAX {
        let state = state(session, room).await?;
        let Some((life, _, _)) = &state.hot else { return Ok(Answer::Done) };
        if swap(session, room, &state, vec![hot_put(room, None)], true).await? == Swap::Applied {
            session.unlist(TABLE, room).await;
            session.purge(TABLE, room, life).await;
            return Ok(Answer::Done);
        }
    }
    Err(contended())
}

pub(super) async fn hot(session: &Session, room: &RoomId) -> Result<Answer> {
    let Some((life, epoch, _)) = state(session, room).await?.hot else {
        return Ok(Answer::Hot(None));
    };
    let mut hot = HotRoom { epoch, ..HotRoom::default() };
    let query = (TABLE.statements().all, vec![text(room.as_str()), text(life)]);
    for row in session.rows(query, Consistency::Quorum).await? {
        let mut row = Reader::new(row);
        let (kind, key) = (row.key()?, row.key()?);
        if kind == PERSON {
            hot.present.push(row.json()?);
        } else {
            let participant = ParticipantId::new(key).map_err(StoreError::corrupt)?;
            let place =
                row.key()?.parse().map_err(|_| StoreError::corrupt("a place in a queue"))?;
            hot.hands.push(Hand { place, participant });
        }
    }
    Ok(Answer::Hot(Some(hot.sorted())))
}

pub(super) async fn rooms(session: &Session, after: Option<&RoomId>, limit: u32) -> Result<Answer> {
    let mut found: Vec<RoomId> = Vec::new();
    let mut after = after.map(|room| room.as_str().to_owned());
    loop {
        let listed = session.listed(TABLE, after.as_deref(), PAGE_MAX).await?;
        let Some(last) = listed.last() else { break };
        after = Some(last.clone());
        for ids in listed.chunks(100) {
            let ids = ids.iter().map(|id| CqlValue::Text(id.clone())).collect();
            let query = (PRESENCES, vec![Some(CqlValue::List(ids))]);
            let mut rooms = Vec::new();
            for row in session.rows(query, Consistency::Quorum).await? {
                let mut row = Reader::new(row);
                let room = RoomId::new(row.key()?).map_err(StoreError::corrupt)?;
                if row.number()?.is_some() {
                    rooms.push(room);
                }
            }
            rooms.sort();
            found.extend(rooms);
        }
        if found.len() >= limit as usize {
            break;
        }
    }
    found.truncate(limit as usize);
    Ok(Answer::HotRooms(found))
}

async fn state(session: &Session, room: &RoomId) -> Result<HotState> {
    match session.row(PRESENCE, room, Consistency::Quorum).await? {
        Some(row) => HotState::read(row),
        None => Ok(HotState::default()),
    }
}

/// Life and number of those who are here, if `epoch` is not older than the stored one.
fn fenced(state: &HotState, epoch: u64) -> Result<Option<(String, u32)>> {
    match &state.hot {
        Some((_, stored, _)) if *stored > epoch => Err(StoreError::Fenced { stored: *stored }),
        Some((life, _, here)) => Ok(Some((life.clone(), *here))),
        None => Ok(None),
    }
}

async fn swap(
    session: &Session,
    room: &RoomId,
    state: &HotState,
    statements: Vec<Bound>,
    removes: bool,
) -> Result<Swap> {
    session.swap(TABLE, room, state.version.as_deref(), statements, removes).await
}
