//! Blocks: whoever is blocked by a room's present host does not come in, and goes at once if he is there.
//!
//! Every origin keeps all of them, because any may own a room that the one hosts and the other asks for.

use std::time::Instant;

use stoa_protocol::ids::TenantId;
use stoa_protocol::mesh::control::{Block, BlockPage, Done, Join, ListBlocks};

use super::asks::{is_of, page_length};
use super::blocklist::{BLOCKED_PER_IDENTITY_MAX, Full};
use super::core::Service;
use super::hall::{Hall, RoomKey};
use super::refusal::Refusal;
use crate::room::{self, check_identity};
use crate::store::{BlockKey, KeptBlock, Operation};

impl Service {
    /// Blocks somebody, or no longer. The asking edge has checked who may say so.
    pub(super) fn block(&mut self, ask: &Block, now: Instant) -> Result<Done, Refusal> {
        let tenant = tenant_of(&ask.tenant)?;
        let Block { identity, other, .. } = ask;
        check_identity(identity)?;
        check_identity(other)?;
        let wire = tenant.to_wire();
        if !ask.blocked {
            self.blocks.remove(&wire, identity, other);
            self.write_unblock(&tenant, identity, other);
            return Ok(Done {});
        }
        if identity == other {
            return Err(Refusal::BlocksOneself);
        }
        let at_ms = self.start.unix_ms_at(now);
        let since =
            self.blocks.insert(&wire, identity, other, at_ms).map_err(|full| match full {
                Full::List => Refusal::BlocksFull { max: BLOCKED_PER_IDENTITY_MAX },
                Full::Table => Refusal::BlocksFullHere,
            })?;
        let key = key(&tenant, identity, other);
        self.writes.push_back(Operation::Block(Box::new(KeptBlock { key, at_ms: since })));
        let keys: Vec<RoomKey> = self.halls.keys().copied().collect();
        for key in keys {
            let hall = self.halls.get_mut(&key).filter(|hall| is_of(&hall.room, &wire));
            if hall.is_some_and(|hall| hall.room.handle_block(identity, other, now)) {
                self.settle(key, now);
            }
        }
        Ok(Done {})
    }

    pub(super) fn list_blocks(&self, ask: &ListBlocks) -> Result<BlockPage, Refusal> {
        let limit = page_length(ask.limit)?;
        let tenant = tenant_of(&ask.tenant)?.to_wire();
        Ok(self.blocks.page(&tenant, &ask.identity, &ask.after, limit))
    }

    /// Whether a host who is in the room keeps this newcomer out.
    pub(super) fn check_blocks(&self, hall: &Hall, ask: &Join) -> Result<(), Refusal> {
        let tenant = hall.room.tenant();
        let keeps_out = |host: &str| self.blocks.holds(tenant, host, &ask.identity);
        if hall.room.hosts().any(keeps_out) {
            return Err(room::Refusal::BlockedByHost { room: hall.room.id().clone() }.into());
        }
        Ok(())
    }

    /// Erases an identity from all lists of its tenant, its own included; says from how many places.
    pub(super) fn erase_blocks(&mut self, tenant: &TenantId, identity: &str) -> u32 {
        let wire = tenant.to_wire();
        let named = self.blocks.naming(&wire, identity);
        for (by, other) in &named {
            self.blocks.remove(&wire, by, other);
            self.write_unblock(tenant, by, other);
        }
        u32::try_from(named.len()).unwrap_or(u32::MAX)
    }

    /// Knows again what the store has kept. Says how many have no place, or cannot be read.
    pub fn restore_blocks(&mut self, all: &[KeptBlock]) -> usize {
        let restored = all.iter().filter(|KeptBlock { key, at_ms }| {
            let tenant = TenantId::new(key.tenant.clone()).ok();
            tenant.is_some_and(|tenant| {
                let tenant = tenant.to_wire();
                self.blocks.insert(&tenant, &key.identity, &key.other, *at_ms).is_ok()
            })
        });
        all.len() - restored.count()
    }

    /// How many blocks are known.
    #[must_use]
    pub fn blocks_len(&self) -> usize {
        self.blocks.len()
    }

    /// How many were refused because a list, or the table of all, was full.
    #[must_use]
    pub fn blocks_refused(&self) -> u64 {
        ["blocks-full", "blocks-full-here"]
            .map(|code| self.counts.requests_ended(code))
            .iter()
            .sum()
    }

    fn write_unblock(&mut self, tenant: &TenantId, identity: &str, other: &str) {
        self.writes.push_back(Operation::Unblock(Box::new(key(tenant, identity, other))));
    }
}

fn tenant_of(wire: &str) -> Result<TenantId, Refusal> {
    TenantId::of_wire(wire).map_err(|error| Refusal::Room(room::Refusal::NameInvalid(error)))
}

fn key(tenant: &TenantId, identity: &str, other: &str) -> BlockKey {
    let (tenant, identity) = (tenant.as_str().to_owned(), identity.to_owned());
    BlockKey { tenant, identity, other: other.to_owned() }
}
