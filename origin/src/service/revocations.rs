//! Access tokens that hold no longer: kept here, told to every edge at once, and to each that links anew.

use std::time::Instant;

use serde::{Deserialize, Serialize};
use stoa_link::LinkId;
use stoa_protocol::ids::{RoomId, TenantId};
use stoa_protocol::mesh::control::{
    Body, Done, REVOCATIONS_PER_MESSAGE_MAX, RevocationError, Revocations, Revoke, WireRevocation,
};
use stoa_protocol::token::{Revocation, Revoked};

use super::core::Service;
use super::refusal::Refusal;
use crate::store::{KeptRevocation, Operation};

impl Service {
    /// Puts a revocation in force. Its edge has checked whose tokens the asker may revoke.
    pub(super) fn revoke(&mut self, ask: Revoke, now: Instant) -> Result<Done, Refusal> {
        let wire = ask.revocation.ok_or(RevocationError::Nothing)?;
        let Revocation { tenant, revoked, .. } = Revocation::try_from(wire)?;
        let now_unix_s = self.start.unix_ms_at(now) / 1_000;
        // For how long it is kept follows from how long tokens live, whatever the asker says.
        let revocation = Revocation::new(tenant, revoked, now_unix_s);
        self.revocations
            .insert(revocation.clone(), now_unix_s)
            .map_err(|_| Refusal::RevocationsFull)?;
        self.writes.push_back(Operation::Revoke(Box::new(kept(&revocation))));
        tracing::info!(tenant = %revocation.tenant, actor = ask.actor, "tokens revoked");
        let told = Revocations { revocations: vec![WireRevocation::from(revocation)] };
        self.send_to_all(&Body::Revocations(told));
        Ok(Done {})
    }

    /// Puts revocations in force again that the store has kept. Says how many could not be: the table is full, or they
    /// are of a newer version.
    pub fn restore_revocations(&mut self, all: &[KeptRevocation], now: Instant) -> usize {
        let now_unix_s = self.start.unix_ms_at(now) / 1_000;
        let restored = all.iter().filter(|kept| {
            let read = serde_json::from_str(&kept.body).ok().and_then(Stored::read);
            read.is_some_and(|revocation| self.revocations.insert(revocation, now_unix_s).is_ok())
        });
        all.len() - restored.count()
    }

    /// Tells an edge that has just linked of all of them, in portions.
    pub(super) fn tell_revocations(&mut self, link: LinkId) {
        let all: Vec<WireRevocation> = self.revocations.iter().map(WireRevocation::from).collect();
        for portion in all.chunks(REVOCATIONS_PER_MESSAGE_MAX) {
            let revocations = portion.to_vec();
            self.send(link, Body::Revocations(Revocations { revocations }));
        }
    }

    /// How many revocations are in force.
    #[must_use]
    pub fn revocations_len(&self) -> usize {
        self.revocations.len()
    }
}

/// A revocation as the store keeps it.
#[derive(Debug, Serialize, Deserialize)]
struct Stored {
    tenant: String,
    what: What,
    expires_unix_s: u64,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum What {
    Token(String),
    Identity { identity: String, room: Option<String>, issued_before_unix_s: u64 },
    Key(String),
}

impl Stored {
    fn read(self) -> Option<Revocation> {
        let revoked = match self.what {
            What::Token(jti) => Revoked::Token { jti },
            What::Key(key) => Revoked::Key { key },
            What::Identity { identity, room, issued_before_unix_s } => {
                let room = room.map(RoomId::new).transpose().ok()?;
                Revoked::Identity { identity, room, issued_before_unix_s }
            }
        };
        let tenant = TenantId::new(self.tenant).ok()?;
        Some(Revocation { tenant, revoked, expires_unix_s: self.expires_unix_s })
    }
}

fn kept(revocation: &Revocation) -> KeptRevocation {
    let (id, what) = match revocation.revoked.clone() {
        Revoked::Token { jti } => (("token", jti.clone(), String::new()), What::Token(jti)),
        Revoked::Key { key } => (("key", key.clone(), String::new()), What::Key(key)),
        Revoked::Identity { identity, room, issued_before_unix_s } => {
            let room = room.map(String::from);
            let id = ("identity", identity.clone(), room.clone().unwrap_or_default());
            (id, What::Identity { identity, room, issued_before_unix_s })
        }
    };
    let tenant = revocation.tenant.as_str().to_owned();
    let expires_unix_s = revocation.expires_unix_s;
    // Neither can fail to become text.
    let id = serde_json::to_string(&(&tenant, id)).unwrap_or_default();
    let body = serde_json::to_string(&Stored { tenant, what, expires_unix_s }).unwrap_or_default();
    KeptRevocation { id, body, expires_unix_s }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_store_keeps_is_the_revocation_and_the_same_is_kept_once() {
        let tenant = || TenantId::new("acme").unwrap();
        let identity = |room: Option<&str>, issued_before_unix_s| Revoked::Identity {
            identity: "ad\u{0}a".into(),
            room: room.map(|room| RoomId::new(room).unwrap()),
            issued_before_unix_s,
        };
        let all = [
            Revoked::Token { jti: "a".into() },
            Revoked::Key { key: "a".into() },
            identity(None, 7),
            identity(Some("agora"), 7),
        ];
        let all = all.map(|revoked| Revocation::new(tenant(), revoked, 5));
        let stored = all.clone().map(|revocation| kept(&revocation));
        for (revocation, stored) in all.iter().zip(&stored) {
            let read = serde_json::from_str(&stored.body).ok().and_then(Stored::read);
            assert_eq!(read.as_ref(), Some(revocation));
            assert_eq!(stored.expires_unix_s, revocation.expires_unix_s);
        }
        let ids: std::collections::BTreeSet<_> = stored.iter().map(|kept| &kept.id).collect();
        assert_eq!(ids.len(), 4);
        let later = Revocation::new(tenant(), identity(None, 9), 8);
        assert_eq!(kept(&later).id, stored[2].id);
    }
}
