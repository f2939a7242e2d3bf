//! Whose access tokens are believed: keys and quotas of tenants.

use std::collections::BTreeMap;

use anyhow::{Context, ensure};
use serde::{Deserialize, Deserializer, de};
use stoa_protocol::ids::TenantId;
use stoa_protocol::moment;
use stoa_protocol::tenant::{Quotas, TENANTS_MAX};
use stoa_protocol::token::{Key, KeyError, Keys};
use stoa_runtime::configuration::Secret;

use super::Config;
use crate::signaling::Authority;

/// Keys and quotas of the tenant `default`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TokensConfig {
    /// The first signs, all are accepted. A standalone node without any key draws one at every start.
    pub secrets: Vec<TokenSecret>,
    /// Ed25519 public keys.
    pub keys: Vec<TokenKey>,
    /// How much it may use.
    pub quotas: Quotas,
}

/// A tenant with keys of its own.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TenantConfig {
    /// Its name; its rooms carry it.
    pub id: TenantId,
    /// Shared secrets.
    #[serde(default)]
    pub secrets: Vec<TokenSecret>,
    /// Ed25519 public keys.
    #[serde(default)]
    pub keys: Vec<TokenKey>,
    /// How much it may use.
    #[serde(default)]
    pub quotas: Quotas,
}

/// A secret with its id (`kid` of a token's header).
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokenSecret {
    /// Its id.
    pub id: String,
    /// At least 32 bytes.
    pub secret: Secret,
    /// Until when its tokens are accepted.
    #[serde(default)]
    pub not_after: Option<Moment>,
}

/// An Ed25519 public key with its id.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokenKey {
    /// Its id.
    pub id: String,
    /// PEM or JWK. Not secret, but given like one: mostly `{ file = ".." }`.
    pub public_key: Secret,
    /// Until when its tokens are accepted.
    #[serde(default)]
    pub not_after: Option<Moment>,
}

/// A moment, in seconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment(pub u64);

impl<'de> Deserialize<'de> for Moment {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        moment::parse(&text).map(Self).ok_or_else(|| {
            de::Error::custom(
                "a moment is written as \"2026-12-31T23:59:59Z\" (UTC) or \"2026-12-31\", in quotes",
            )
        })
    }
}

/// The keys of one tenant, in the order in which they stand.
fn read(
    tenant: &TenantId,
    secrets: &[TokenSecret],
    keys: &[TokenKey],
) -> Result<Vec<Key>, KeyError> {
    let until = |key: Key, end: Option<Moment>| match end {
        Some(Moment(unix_s)) => key.of(tenant.clone()).until(unix_s),
        None => key.of(tenant.clone()),
    };
    let secrets = secrets.iter().map(|TokenSecret { id, secret, not_after }| {
        let key = Key::hs256(id.clone(), secret.expose().as_bytes())?;
        Ok(until(key, *not_after))
    });
    let keys = keys.iter().map(|TokenKey { id, public_key, not_after }| {
        Ok(until(Key::ed25519(id.clone(), public_key.expose())?, *not_after))
    });
    secrets.chain(keys).collect()
}

impl Config {
    /// Whether somebody has said whose tokens are believed.
    #[must_use]
    pub(super) fn names_keys(&self) -> bool {
        let TokensConfig { secrets, keys, .. } = &self.tokens;
        !(secrets.is_empty() && keys.is_empty() && self.tenants.is_empty())
    }

    pub(super) fn check_tenants(&self) -> anyhow::Result<()> {
        let count = self.tenants.len();
        ensure!(count <= TENANTS_MAX, "there are {count} tenants; at most {TENANTS_MAX} can be");
        let mut ids = BTreeMap::new();
        for tenant in &self.tenants {
            let id = &tenant.id;
            ensure!(ids.insert(id, ()).is_none(), "the tenant {id} is given twice");
            ensure!(
                *id != TenantId::default(),
                "the keys and quotas of the tenant {id} stand in [tokens], not in [[tenants]]"
            );
            ensure!(
                !(tenant.secrets.is_empty() && tenant.keys.is_empty()),
                "the tenant {id} has no key, so nobody could come in by it: give it secrets or keys"
            );
        }
        if self.names_keys() {
            self.configured_keys()?;
        }
        Ok(())
    }

    fn configured_keys(&self) -> anyhow::Result<Keys> {
        let TokensConfig { secrets, keys, .. } = &self.tokens;
        let mut all = read(&TenantId::default(), secrets, keys).context("[tokens]")?;
        for TenantConfig { id, secrets, keys, .. } in &self.tenants {
            all.extend(read(id, secrets, keys).with_context(|| format!("the tenant {id}"))?);
        }
        Keys::from_keys(all).context("[tokens] and [[tenants]]")
    }

    /// The keys of access tokens. `drawn` is a random secret, used by a standalone node that was
    /// given none: its tokens are worth nothing elsewhere, nor after a restart.
    ///
    /// # Errors
    /// When an edge of a larger network has no key, or a key is unusable.
    pub fn keys(&self, drawn: [u8; 32]) -> anyhow::Result<Keys> {
        if self.names_keys() {
            return self.configured_keys();
        }
        ensure!(
            self.is_standalone(),
            "no key for access tokens: set [tokens] secrets, or STOA_TOKEN_SECRET in the \
             environment, to the same value on every edge"
        );
        Ok(Keys::new([("drawn".to_owned(), drawn)])?)
    }

    /// Who is believed, and how much each tenant may use; for `drawn` see [`Config::keys`].
    ///
    /// # Errors
    /// As [`Config::keys`].
    pub fn authority(&self, drawn: [u8; 32]) -> anyhow::Result<Authority> {
        let mut quotas: BTreeMap<TenantId, Quotas> =
            self.tenants.iter().map(|tenant| (tenant.id.clone(), tenant.quotas)).collect();
        quotas.insert(TenantId::default(), self.tokens.quotas);
        let keys = self.keys(drawn)?;
        ensure!(
            !self.signaling().open || !self.names_keys() || !self.tokens.secrets.is_empty(),
            "http.open lets anybody draw tokens, which takes a secret of no tenant's: set [tokens] \
             secrets too, or http.open = false"
        );
        Ok(Authority::new(keys, quotas))
    }
}

#[cfg(test)]
#[path = "tokens_tests.rs"]
mod tests;
