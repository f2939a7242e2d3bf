//! Tokens that hold no longer, though their time is not over. A bounded table; entries go when no token
//! that they concern can still be valid. A revoked key stays: who holds it can sign new tokens at any time.

use std::collections::BTreeMap;

use thiserror::Error;

use super::claims::{LEEWAY_S, TOKEN_LIFE_MAX_S};
use crate::ids::RoomId;
use crate::tenant::TenantId;

/// Most revocations of tokens and identities at a time.
pub const REVOCATIONS_MAX: usize = 100_000;
/// Most revoked keys: as many as can be configured.
pub const KEYS_REVOKED_MAX: usize = super::keys::KEYS_MAX;

/// What holds no longer.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Revoked {
    /// The token with this `jti`.
    Token {
        /// Its id.
        jti: String,
    },
    /// All tokens of an identity that were issued before a moment.
    Identity {
        /// `sub` of the tokens.
        identity: String,
        /// In this room alone; absent for the whole tenant.
        room: Option<RoomId>,
        /// Tokens with an earlier `iat` are meant, in seconds since 1970. To include those of the
        /// current second, name the next one.
        issued_before_unix_s: u64,
    },
    /// All tokens signed with this key, of the past and of the future.
    Key {
        /// Its id.
        key: String,
    },
}

/// A revocation. It concerns tokens of its own tenant alone.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Revocation {
    /// Whose tokens are meant.
    pub tenant: TenantId,
    /// Which of them.
    pub revoked: Revoked,
    /// When it can be forgotten, in seconds since 1970; a key's never is.
    pub expires_unix_s: u64,
}

/// What a revocation can name of a token, and of a session that was opened with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trace {
    /// The tenant that the token's key signs for.
    pub tenant: TenantId,
    /// The id of its key.
    pub key: String,
    /// Its own id; empty when it has none.
    pub jti: String,
    /// Who it says its bearer is.
    pub identity: String,
    /// The room it is for or was used in.
    pub room: Option<RoomId>,
    /// When it was issued, in seconds since 1970.
    pub issued_unix_s: u64,
}

impl Revocation {
    /// Revokes something from now on, for as long as a token of today can live.
    #[must_use]
    pub fn new(tenant: TenantId, revoked: Revoked, now_unix_s: u64) -> Self {
        let expires_unix_s = match revoked {
            Revoked::Key { .. } => u64::MAX,
            // A token may have been issued by a clock that is ahead, and holds a little beyond its end.
            _ => now_unix_s.saturating_add(TOKEN_LIFE_MAX_S + 2 * LEEWAY_S),
        };
        Self { tenant, revoked, expires_unix_s }
    }

    /// Whether it ends a token, or a session that was opened with it.
    #[must_use]
    pub fn covers(&self, trace: &Trace) -> bool {
        self.tenant == trace.tenant
            && match &self.revoked {
                Revoked::Token { jti } => !jti.is_empty() && *jti == trace.jti,
                Revoked::Identity { identity, room, issued_before_unix_s } => {
                    *identity == trace.identity
                        && trace.issued_unix_s < *issued_before_unix_s
                        && (room.is_none() || *room == trace.room)
                }
                Revoked::Key { key } => *key == trace.key,
            }
    }

    /// Which of the live sessions it ends.
    pub fn ended<'a, S: 'a>(
        &'a self,
        live: impl IntoIterator<Item = (S, &'a Trace)> + 'a,
    ) -> impl Iterator<Item = S> + 'a {
        live.into_iter().filter(|(_, trace)| self.covers(trace)).map(|(session, _)| session)
    }
}

/// There is no place for a further revocation.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error(
    "{REVOCATIONS_MAX} revocations are in force already; take the key out of use instead, which ends \
     all of its tokens"
)]
pub struct TableFull;

type IdentityInRoom = (TenantId, String, Option<RoomId>);

/// All revocations in force.
#[derive(Clone, Debug, Default)]
pub struct Revocations {
    /// Until when.
    tokens: BTreeMap<(TenantId, String), u64>,
    /// Issued before when, and until when.
    identities: BTreeMap<IdentityInRoom, (u64, u64)>,
    keys: BTreeMap<(TenantId, String), ()>,
    max: usize,
}

impl Revocations {
    /// An empty table for at most `max` tokens and identities, and [`KEYS_REVOKED_MAX`] keys.
    #[must_use]
    pub fn new(max: usize) -> Self {
        Self { max, ..Self::default() }
    }

    /// How many are in force.
    #[must_use]
    pub fn len(&self) -> usize {
        self.tokens.len() + self.identities.len() + self.keys.len()
    }

    /// Whether none is in force.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Takes a revocation in; one that is there already, or that is over, changes nothing. Nothing is
    /// forgotten early for it: that would make a revoked token valid again.
    ///
    /// # Errors
    /// [`TableFull`]; then the revocation is not in force.
    pub fn insert(&mut self, revocation: Revocation, now_unix_s: u64) -> Result<(), TableFull> {
        let Revocation { tenant, revoked, expires_unix_s } = revocation;
        if expires_unix_s <= now_unix_s {
            return Ok(());
        }
        let full = self.tokens.len() + self.identities.len() >= self.max;
        if full {
            self.forget_expired(now_unix_s);
        }
        let full = self.tokens.len() + self.identities.len() >= self.max;
        match revoked {
            Revoked::Token { jti } => {
                let entry = (tenant, jti);
                if full && !self.tokens.contains_key(&entry) {
                    return Err(TableFull);
                }
                let until = self.tokens.entry(entry).or_default();
                *until = expires_unix_s.max(*until);
            }
            Revoked::Identity { identity, room, issued_before_unix_s } => {
                let entry = (tenant, identity, room);
                if full && !self.identities.contains_key(&entry) {
                    return Err(TableFull);
                }
                let (before, until) = self.identities.entry(entry).or_default();
                *before = issued_before_unix_s.max(*before);
                *until = expires_unix_s.max(*until);
            }
            Revoked::Key { key } => {
                let entry = (tenant, key);
                if self.keys.len() >= KEYS_REVOKED_MAX && !self.keys.contains_key(&entry) {
                    return Err(TableFull);
                }
                self.keys.insert(entry, ());
            }
        }
        Ok(())
    }

    /// Whether this one is in force already, at least as widely and for as long.
    #[must_use]
    pub fn holds(&self, revocation: &Revocation) -> bool {
        let Revocation { tenant, revoked, expires_unix_s } = revocation;
        match revoked {
            Revoked::Token { jti } => self
                .tokens
                .get(&(tenant.clone(), jti.clone()))
                .is_some_and(|until| until >= expires_unix_s),
            Revoked::Identity { identity, room, issued_before_unix_s } => {
                self.identities.get(&(tenant.clone(), identity.clone(), room.clone())).is_some_and(
                    |(before, until)| before >= issued_before_unix_s && until >= expires_unix_s,
                )
            }
            Revoked::Key { key } => self.keys.contains_key(&(tenant.clone(), key.clone())),
        }
    }

    /// Whether a token holds no longer. `trace.room` must be the room that it is used in, if any.
    #[must_use]
    pub fn covers(&self, trace: &Trace) -> bool {
        if self.is_empty() {
            return false;
        }
        let of = |id: &String| (trace.tenant.clone(), id.clone());
        if self.keys.contains_key(&of(&trace.key)) {
            return true;
        }
        if !trace.jti.is_empty() && self.tokens.contains_key(&of(&trace.jti)) {
            return true;
        }
        let issued_before = |room: Option<RoomId>| {
            let entry = (trace.tenant.clone(), trace.identity.clone(), room);
            self.identities.get(&entry).is_some_and(|(before, _)| trace.issued_unix_s < *before)
        };
        issued_before(None) || trace.room.is_some() && issued_before(trace.room.clone())
    }

    /// Forgets what can concern no token any more. Once a minute is enough.
    pub fn forget_expired(&mut self, now_unix_s: u64) {
        self.tokens.retain(|_, until| *until > now_unix_s);
        self.identities.retain(|_, (_, until)| *until > now_unix_s);
    }

    /// All of them, in a fixed order: what a node is told that was away.
    pub fn iter(&self) -> impl Iterator<Item = Revocation> + '_ {
        let tokens = self.tokens.iter().map(|((tenant, jti), until)| Revocation {
            tenant: tenant.clone(),
            revoked: Revoked::Token { jti: jti.clone() },
            expires_unix_s: *until,
        });
        let identities =
            self.identities.iter().map(|((tenant, identity, room), (before, until))| {
                let (identity, room) = (identity.clone(), room.clone());
                let revoked = Revoked::Identity { identity, room, issued_before_unix_s: *before };
                Revocation { tenant: tenant.clone(), revoked, expires_unix_s: *until }
            });
        let keys = self.keys.keys().map(|(tenant, key)| Revocation {
            tenant: tenant.clone(),
            revoked: Revoked::Key { key: key.clone() },
            expires_unix_s: u64::MAX,
        });
        tokens.chain(identities).chain(keys)
    }
}

#[cfg(test)]
#[path = "revocations_tests.rs"]
mod tests;
