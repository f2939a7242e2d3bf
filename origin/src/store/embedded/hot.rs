//! Who is here, in a transaction. A write of many changes is checked as a whole before the first is made.

use std::collections::BTreeMap;

use redb::{ReadTransaction, ReadableTable, WriteTransaction};
use stoa_protocol::ids::{ParticipantId, RoomId};

use super::rooms::at_most;
use super::tables::{HANDS, HERE, HOT, behind, decode, encode, end_of};
use crate::store::error::StoreError;
use crate::store::hot::{Hand, HotChange, HotRoom};
use crate::store::limits::PARTICIPANTS_MAX;
use crate::store::operation::Answer;

type Result<T> = std::result::Result<T, StoreError>;

pub(super) fn note(
    writing: &WriteTransaction,
    room: &RoomId,
    epoch: u64,
    changes: &[HotChange],
) -> Result<Answer> {
    let count = fenced(writing, room, epoch)?;
    let name = room.as_str();
    let mut here = writing.open_table(HERE)?;
    let count = counted(count, changes, |id| Ok(here.get((name, id.as_str()))?.is_some()))?;
    at_most("the number of participants", count, PARTICIPANTS_MAX)?;
    let mut hands = writing.open_table(HANDS)?;
    for change in changes {
        let key = (name, change.participant().as_str());
        match change {
            HotChange::Here(present) => {
                here.insert(key, encode(present)?.as_slice())?;
            }
            HotChange::Gone(_) => {
                here.remove(key)?;
                hands.remove(key)?;
            }
            HotChange::Raise { place, .. } => {
                if here.get(key)?.is_some() {
                    hands.insert(key, *place)?;
                }
            }
            HotChange::Lower(_) => {
                hands.remove(key)?;
            }
        }
    }
    writing.open_table(HOT)?.insert(name, (epoch, count))?;
    Ok(Answer::Done)
}

/// How many will be here after these changes.
fn counted(
    count: u32,
    changes: &[HotChange],
    is_here: impl Fn(&ParticipantId) -> Result<bool>,
) -> Result<u32> {
    let mut after: BTreeMap<&ParticipantId, bool> = BTreeMap::new();
    for change in changes {
        match change {
            HotChange::Here(present) => after.insert(&present.id, true),
            HotChange::Gone(id) => after.insert(id, false),
            HotChange::Raise { .. } | HotChange::Lower(_) => None,
        };
    }
    let mut count = count;
    for (id, here) in after {
        match (is_here(id)?, here) {
            (false, true) => count += 1,
            (true, false) => count = count.saturating_sub(1),
            _ => {}
        }
    }
    Ok(count)
}

pub(super) fn dissolve(writing: &WriteTransaction, room: &RoomId, epoch: u64) -> Result<Answer> {
    fenced(writing, room, epoch)?;
    empty(writing, room)?;
    writing.open_table(HOT)?.insert(room.as_str(), (epoch, 0))?;
    Ok(Answer::Done)
}

pub(super) fn forget(writing: &WriteTransaction, room: &RoomId) -> Result<Answer> {
    empty(writing, room)?;
    writing.open_table(HOT)?.remove(room.as_str())?;
    Ok(Answer::Done)
}

fn empty(writing: &WriteTransaction, room: &RoomId) -> Result<()> {
    let end = end_of(room.as_str());
    writing.open_table(HERE)?.retain_in(behind(room.as_str(), "", &end), |_, _| false)?;
    writing.open_table(HANDS)?.retain_in(behind(room.as_str(), "", &end), |_, _| false)?;
    Ok(())
}

pub(super) fn hot(reading: &ReadTransaction, room: &RoomId) -> Result<Answer> {
    let name = room.as_str();
    let Some((epoch, _)) = reading.open_table(HOT)?.get(name)?.map(|row| row.value()) else {
        return Ok(Answer::Hot(None));
    };
    let end = end_of(name);
    let mut state = HotRoom { epoch, ..HotRoom::default() };
    for entry in reading.open_table(HERE)?.range(behind(name, "", &end))? {
        state.present.push(decode("a participant", entry?.1.value())?);
    }
    for entry in reading.open_table(HANDS)?.range(behind(name, "", &end))? {
        let (key, place) = entry?;
        let participant = ParticipantId::new(key.value().1).map_err(StoreError::corrupt)?;
        state.hands.push(Hand { place: place.value(), participant });
    }
    Ok(Answer::Hot(Some(state.sorted())))
}

pub(super) fn page(
    reading: &ReadTransaction,
    after: Option<&RoomId>,
    limit: u32,
) -> Result<Answer> {
    let table = reading.open_table(HOT)?;
    let begin = after.map_or_else(String::new, |after| end_of(after.as_str()));
    let mut page = Vec::new();
    for entry in table.range(begin.as_str()..)?.take(limit as usize) {
        page.push(RoomId::new(entry?.0.value()).map_err(StoreError::corrupt)?);
    }
    Ok(Answer::HotRooms(page))
}

/// How many are here, if `epoch` is not older than the stored one.
fn fenced(writing: &WriteTransaction, room: &RoomId, epoch: u64) -> Result<u32> {
    let row = writing.open_table(HOT)?.get(room.as_str())?.map(|row| row.value());
    match row {
        Some((stored, _)) if stored > epoch => Err(StoreError::Fenced { stored }),
        Some((_, count)) => Ok(count),
        None => Ok(0),
    }
}
