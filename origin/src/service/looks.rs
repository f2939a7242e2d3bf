//! What takes the store: pages of logs that are in memory no longer, and what is kept of an identity, erased in memory
//! here and in the store by the shell.

use std::collections::BTreeMap;
use std::time::Instant;

use stoa_protocol::ids::{Role, RoomId, TenantId};
use stoa_protocol::mesh::control::{
    Ask, EraseIdentity, Erased, ReadLog, Revoke, WireRevocation, WireRole,
};
use stoa_protocol::token::{Revocation, Revoked};

use super::asks::{is_of, page_length};
use super::core::Service;
use super::hall::RoomKey;
use super::refusal::Refusal;

/// Something to do in the store before a request is answered.
#[derive(Clone, Debug, PartialEq)]
pub enum Look {
    /// A page of a log.
    Log {
        /// Of which room.
        room: RoomId,
        /// Whose room it must be; empty for the default tenant.
        tenant: String,
        /// Entries below this number; 0 for the newest.
        before: u64,
        /// At most so many.
        limit: u32,
        /// Who asks, where that is not decided yet.
        person: Option<Person>,
    },
    /// What is kept of an identity is to be erased.
    Erase {
        /// In whose rooms; empty for the default tenant.
        tenant: String,
        /// Of whom.
        identity: String,
        /// Rooms that this origin has in memory, with the first entry of each log of which it takes care itself.
        live: BTreeMap<RoomId, u64>,
        /// What was erased in memory.
        erased: Erased,
    },
    /// It was refused already.
    Refused(Refusal),
}

/// Somebody whose token gives him no grant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// Who.
    pub identity: String,
    /// What his token makes him in the room.
    pub role: Role,
    /// The time of his question, in milliseconds since 1970.
    pub at_ms: u64,
}

impl Service {
    /// What the store must do for an answer; nothing where memory is enough, also for a refusal.
    pub(super) fn look_of(&mut self, ask: &Ask, now: Instant) -> Option<Look> {
        match ask {
            Ask::EraseIdentity(ask) => {
                Some(self.erase_identity(ask, now).unwrap_or_else(Look::Refused))
            }
            Ask::ReadLog(ask) => self.look_into_log(ask, None),
            Ask::Personal(personal) => {
                let inner = personal.request.as_ref()?.ask.as_ref()?;
                let Ask::ReadLog(ask) = inner else { return None };
                let role = WireRole::try_from(personal.role).ok()?.into();
                let at_ms = self.start.unix_ms_at(now);
                let person = Person { identity: personal.identity.clone(), role, at_ms };
                if let Some(key) = self.key_of(&ask.room) {
                    // Memory says whether he may, and has the words for it if not.
                    let room = &self.halls.get(&key)?.room;
                    let actor = room.person(&person.identity, role, now).ok()?;
                    room.check_rank(&actor, Role::Moderator, "").ok()?;
                    return self.look_into_log(ask, None);
                }
                self.look_into_log(ask, Some(person))
            }
            _ => None,
        }
    }

    fn look_into_log(&self, ask: &ReadLog, person: Option<Person>) -> Option<Look> {
        let room = RoomId::new(&ask.room).ok()?;
        let limit = u32::try_from(page_length(ask.limit).ok()?).ok()?;
        let known = match self.find(&ask.room, &ask.tenant) {
            Ok((_, key)) => !self.halls.get(&key)?.room.log_covers(ask.before),
            // Another tenant's room is as one that is not there.
            Err(_) => !self.rooms.contains_key(&room) && self.closed.contains_key(&room),
        };
        let (tenant, before) = (ask.tenant.clone(), ask.before);
        known.then_some(Look::Log { room, tenant, before, limit, person })
    }

    /// Erases what is in memory, ends what the identity has opened, and says what else there is to do.
    fn erase_identity(&mut self, ask: &EraseIdentity, now: Instant) -> Result<Look, Refusal> {
        let tenant = TenantId::of_wire(&ask.tenant)
            .map_err(|error| Refusal::Room(crate::room::Refusal::NameInvalid(error)))?;
        let now_unix_s = self.start.unix_ms_at(now) / 1_000;
        let identity = ask.identity.clone();
        let revoked = Revoked::Identity {
            identity: identity.clone(),
            room: None,
            // Those of this second are meant too.
            issued_before_unix_s: now_unix_s.saturating_add(1),
        };
        let revocation = Revocation::new(tenant.clone(), revoked, now_unix_s);
        let revocation = Some(WireRevocation::from(revocation));
        self.revoke(Revoke { revocation, actor: ask.actor.clone() }, now)?;
        let blocks = self.erase_blocks(&tenant, &identity);
        let tenant = tenant.to_wire();
        let (mut erased, mut live) = (Erased { blocks, ..Erased::default() }, BTreeMap::new());
        let keys: Vec<RoomKey> = self.halls.keys().copied().collect();
        for key in keys {
            let Some(hall) = self.halls.get_mut(&key).filter(|hall| is_of(&hall.room, &tenant))
            else {
                continue;
            };
            let here = hall.room.erase_identity(&identity, now);
            live.insert(hall.room.id().clone(), hall.room.log_oldest());
            erased = sum(&erased, &here);
            self.settle(key, now);
        }
        Ok(Look::Erase { tenant, identity, live, erased })
    }

    /// The time of day, in milliseconds since 1970.
    #[must_use]
    pub fn unix_ms(&self, now: Instant) -> u64 {
        self.start.unix_ms_at(now)
    }

    /// Forgets what of the logs in memory is older than this, in milliseconds since 1970.
    pub fn trim_logs(&mut self, before_ms: u64) {
        for hall in self.halls.values_mut() {
            hall.room.trim_log(before_ms);
        }
    }
}

fn sum(a: &Erased, b: &Erased) -> Erased {
    Erased {
        rooms: a.rooms + b.rooms,
        participants: a.participants + b.participants,
        appointments: a.appointments + b.appointments,
        bans: a.bans + b.bans,
        log_entries: a.log_entries.saturating_add(b.log_entries),
        blocks: a.blocks.saturating_add(b.blocks),
    }
}
