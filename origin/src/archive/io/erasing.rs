//! An identity is erased from what is stored, room by room.

use std::collections::BTreeMap;

use stoa_protocol::ids::{RoomId, TenantId};
use stoa_protocol::mesh::control::Erased;

use super::reading::is_of;
use super::shell::Stored;
use crate::room::ERASED;
use crate::service::Refusal;
use crate::store::{
    Answer, Ban, ENTRIES_PER_WRITE_MAX, LogEntry, Operation, PAGE_MAX, RoomChange, RoomRecord,
};

/// Erases an identity from all rooms of a tenant and adds to what was erased in memory. Of rooms in `live` memory has
/// taken care, but for the entries of their logs below the number given there.
pub(super) async fn erase(
    stored: &impl Stored,
    tenant: &str,
    identity: &str,
    live: &BTreeMap<RoomId, u64>,
    in_memory: Erased,
) -> Result<Erased, Refusal> {
    let mut erased = in_memory;
    let mut after = None;
    loop {
        let page = stored.ask(Operation::Rooms { after, limit: PAGE_MAX }).await?;
        let Answer::Rooms(records) = page else { break };
        let more = records.len() >= PAGE_MAX as usize;
        after = records.last().map(|record| record.room.clone());
        for record in records.iter().filter(|record| is_of(record, tenant)) {
            let before = erased;
            let below = live.get(&record.room).copied();
            if below.is_none() {
                roles_and_bans(stored, record, identity, &mut erased).await?;
            }
            log(stored, record, identity, below.unwrap_or(u64::MAX), &mut erased).await?;
            // A room in memory with something of his is counted already, most of the time.
            if below.is_none() && erased != before {
                erased.rooms += 1;
            }
        }
        if !more {
            break;
        }
    }
    blocks(stored, tenant, identity).await?;
    Ok(erased)
}

/// Blocks that name an identity, on either side. Memory has counted those that it knew.
async fn blocks(stored: &impl Stored, tenant: &str, identity: &str) -> Result<(), Refusal> {
    let Ok(tenant) = TenantId::of_wire(tenant) else { return Ok(()) };
    let mut after = None;
    loop {
        let page = stored.ask(Operation::Blocks { after, limit: PAGE_MAX }).await?;
        let Answer::Blocks(page) = page else { return Ok(()) };
        let full = page.len() >= PAGE_MAX as usize;
        after = page.last().map(|kept| Box::new(kept.key.clone()));
        let named =
            page.into_iter().map(|kept| kept.key).filter(|key| key.tenant == tenant.as_str());
        for key in named.filter(|key| key.identity == identity || key.other == identity) {
            stored.write(Operation::Unblock(Box::new(key))).await?;
        }
        if !full {
            return Ok(());
        }
    }
}

async fn change(
    stored: &impl Stored,
    record: &RoomRecord,
    change: RoomChange,
) -> Result<(), Refusal> {
    let (room, epoch) = (record.room.clone(), record.ownership.epoch);
    stored.write(Operation::Change { room, epoch, change }).await
}

async fn roles_and_bans(
    stored: &impl Stored,
    record: &RoomRecord,
    identity: &str,
    erased: &mut Erased,
) -> Result<(), Refusal> {
    let room = || record.room.clone();
    let mut after = String::new();
    loop {
        let page = Operation::Appointments { room: room(), after, limit: PAGE_MAX };
        let Answer::Appointments(page) = stored.ask(page).await? else { break };
        let full = page.len() >= PAGE_MAX as usize;
        after = page.last().map(|one| one.identity.clone()).unwrap_or_default();
        if page.iter().any(|one| one.identity == identity) {
            let dismiss = RoomChange::Appoint { identity: identity.to_owned(), role: None };
            change(stored, record, dismiss).await?;
            erased.appointments += 1;
        }
        if !full {
            break;
        }
    }
    let mut after = String::new();
    loop {
        let page = Operation::Bans { room: room(), after, limit: PAGE_MAX };
        let Answer::Bans(page) = stored.ask(page).await? else { break };
        let full = page.len() >= PAGE_MAX as usize;
        after = page.last().map(|ban| ban.identity.clone()).unwrap_or_default();
        for ban in page {
            if ban.identity == identity {
                let unban = RoomChange::Unban { identity: identity.to_owned() };
                change(stored, record, unban).await?;
                erased.bans += 1;
            } else if ban.by == identity {
                let ban = RoomChange::Ban(Ban { by: ERASED.to_owned(), ..ban });
                change(stored, record, ban).await?;
                erased.bans += 1;
            }
        }
        if !full {
            break;
        }
    }
    Ok(())
}

/// Entries numbered below `below`.
async fn log(
    stored: &impl Stored,
    record: &RoomRecord,
    identity: &str,
    below: u64,
    erased: &mut Erased,
) -> Result<(), Refusal> {
    let mut after = 0;
    loop {
        let page = Operation::Log { room: record.room.clone(), after, limit: PAGE_MAX };
        let Answer::Log(page) = stored.ask(page).await? else { return Ok(()) };
        let full = page.len() >= PAGE_MAX as usize;
        after = page.last().map_or(after, |entry| entry.sequence);
        let named: Vec<LogEntry> = page
            .into_iter()
            .filter(|entry| entry.sequence < below)
            .filter(|entry| entry.actor == identity || entry.subject == identity)
            .map(|entry| renamed(entry, identity))
            .collect();
        for portion in named.chunks(ENTRIES_PER_WRITE_MAX) {
            change(stored, record, RoomChange::Amend(portion.to_vec())).await?;
        }
        erased.log_entries =
            erased.log_entries.saturating_add(u32::try_from(named.len()).unwrap_or(u32::MAX));
        if !full || after >= below {
            return Ok(());
        }
    }
}

fn renamed(mut entry: LogEntry, identity: &str) -> LogEntry {
    for named in [&mut entry.actor, &mut entry.subject] {
        if named == identity {
            ERASED.clone_into(named);
        }
    }
    entry
}
