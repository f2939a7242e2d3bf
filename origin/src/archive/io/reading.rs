//! A page of a stored log, for whoever may read it.

use stoa_protocol::ids::{Role, RoomId, TenantId};
use stoa_protocol::mesh::control::LogPage;

use super::shell::Stored;
use crate::archive::pages::Window;
use crate::room;
use crate::service::{Person, Refusal, tenant_of};
use crate::store::{Answer, Operation, PAGE_MAX, RoomRecord};

/// A page of the log of a room of this tenant, whether or not it has ended.
pub(super) async fn log(
    stored: &impl Stored,
    room: &RoomId,
    tenant: &str,
    (before, limit): (u64, u32),
    person: Option<&Person>,
) -> Result<LogPage, Refusal> {
    let absent = || Refusal::RoomNotFound(room.clone());
    let record = match stored.ask(Operation::Room(room.clone())).await? {
        Answer::Room(Some(record)) if is_of(&record, tenant) => record,
        _ => return Err(absent()),
    };
    if let Some(person) = person {
        check(stored, &record, person).await?;
    }
    let window = Window::new(before, limit, record.log_end);
    let read = |after, limit| Operation::Log { room: room.clone(), after, limit };
    let Answer::Log(entries) = stored.ask(read(window.above, limit)).await? else {
        return Err(absent());
    };
    let oldest = match stored.ask(read(0, 1)).await? {
        Answer::Log(first) => first.first().map(|entry| entry.sequence),
        _ => None,
    };
    Ok(window.page(&entries, oldest))
}

/// Whether a record is of a room of this tenant, as messages name it.
pub(super) fn is_of(record: &RoomRecord, tenant: &str) -> bool {
    TenantId::of_wire(tenant).is_ok_and(|tenant| tenant.to_wire() == tenant_of(record))
}

/// What holds of persons in live rooms holds of the log of one that is over.
async fn check(stored: &impl Stored, record: &RoomRecord, person: &Person) -> Result<(), Refusal> {
    let room = &record.room;
    let ban = find(stored, &person.identity, |after| Operation::Bans {
        room: room.clone(),
        after,
        limit: PAGE_MAX,
    });
    if let Some(Found::Ban { until_ms }) = ban.await?
        && until_ms.is_none_or(|until| person.at_ms < until)
    {
        return Err(room::Refusal::Banned { room: room.clone() }.into());
    }
    let appointment = find(stored, &person.identity, |after| Operation::Appointments {
        room: room.clone(),
        after,
        limit: PAGE_MAX,
    });
    let own = match appointment.await? {
        Some(Found::Role(role)) => role,
        _ => person.role,
    };
    if own < Role::Moderator {
        let deed = "read what happened in a room";
        return Err(room::Refusal::DeedForbidden { own, deed }.into());
    }
    Ok(())
}

enum Found {
    Ban { until_ms: Option<u64> },
    Role(Role),
}

/// What is kept under an identity, page by page: their number is bounded.
async fn find(
    stored: &impl Stored,
    identity: &str,
    page: impl Fn(String) -> Operation,
) -> Result<Option<Found>, Refusal> {
    let mut after = String::new();
    loop {
        let rows: Vec<(String, Found)> = match stored.ask(page(after)).await? {
            Answer::Bans(bans) => bans
                .into_iter()
                .map(|ban| (ban.identity, Found::Ban { until_ms: ban.until_ms }))
                .collect(),
            Answer::Appointments(all) => {
                all.into_iter().map(|one| (one.identity, Found::Role(one.role))).collect()
            }
            _ => return Ok(None),
        };
        let full = rows.len() >= PAGE_MAX as usize;
        let last = rows.last().map(|(identity, _)| identity.clone()).unwrap_or_default();
        if let Some((_, found)) = rows.into_iter().find(|(of, _)| of == identity) {
            return Ok(Some(found));
        }
        if !full {
            return Ok(None);
        }
        after = last;
    }
}
