//! What a token says, and whether that can be true now.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize};

use super::error::TokenError;
use crate::ids::{Role, RoomId};

/// How far two clocks may disagree, in seconds.
pub const LEEWAY_S: u64 = 5;
/// Most characters of an identity, a name or a token's id.
pub const TEXT_CHARACTERS_MAX: usize = 128;
/// Longest life of a token in seconds: 31 days. A revocation is kept for as long, so that the table of
/// revocations has an end.
pub const TOKEN_LIFE_MAX_S: u64 = 31 * 24 * 60 * 60;

/// What a token says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    /// The room it is for; absent for a back end's token, which holds for every room of its tenant.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub room: Option<RoomId>,
    /// Who this is, as the issuer knows it; 1 to 128 characters. Not unique in a room.
    pub sub: String,
    /// What people read; empty when the participant may choose.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// What its bearer may do in a room.
    pub role: Role,
    /// What its bearer may do to rooms.
    #[serde(default)]
    pub grants: Grants,
    /// When it was issued, in seconds since 1970.
    pub iat: u64,
    /// Before when it does not hold, in seconds since 1970.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub nbf: Option<u64>,
    /// From when it no longer holds, in seconds since 1970.
    pub exp: u64,
    /// Tells tokens apart in logs and revocations; drawn by the issuer.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub jti: String,
}

/// What a bearer may do to rooms. Grants of newer versions are ignored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Grants {
    /// May make rooms.
    pub create: bool,
    /// May list rooms.
    pub list: bool,
    /// May end rooms.
    pub close: bool,
    /// May do what a host may, without being in the room.
    pub moderate: bool,
    /// May read what happened in rooms.
    pub read_log: bool,
    /// May have edges leave and stay; counts in tokens of the tenant `default` that name no room.
    pub operate: bool,
}

/// One of [`Grants`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grant {
    /// To make rooms.
    Create,
    /// To list rooms.
    List,
    /// To end rooms.
    Close,
    /// To act as a host.
    Moderate,
    /// To read what happened.
    ReadLog,
    /// To have edges leave and stay.
    Operate,
}

impl Grant {
    /// Every grant.
    pub const ALL: [Self; 6] =
        [Self::Create, Self::List, Self::Close, Self::Moderate, Self::ReadLog, Self::Operate];

    /// Its name in a token.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::List => "list",
            Self::Close => "close",
            Self::Moderate => "moderate",
            Self::ReadLog => "read_log",
            Self::Operate => "operate",
        }
    }
}

impl fmt::Display for Grant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Grants {
    /// Whether this is among them.
    #[must_use]
    pub fn holds(self, grant: Grant) -> bool {
        match grant {
            Grant::Create => self.create,
            Grant::List => self.list,
            Grant::Close => self.close,
            Grant::Moderate => self.moderate,
            Grant::ReadLog => self.read_log,
            Grant::Operate => self.operate,
        }
    }

    /// The same and this one.
    #[must_use]
    pub fn with(mut self, grant: Grant) -> Self {
        match grant {
            Grant::Create => self.create = true,
            Grant::List => self.list = true,
            Grant::Close => self.close = true,
            Grant::Moderate => self.moderate = true,
            Grant::ReadLog => self.read_log = true,
            Grant::Operate => self.operate = true,
        }
        self
    }
}

impl Claims {
    /// Whether the token grants this.
    ///
    /// # Errors
    /// [`TokenError::MissingGrant`].
    pub fn require(&self, grant: Grant) -> Result<(), TokenError> {
        if self.grants.holds(grant) { Ok(()) } else { Err(TokenError::MissingGrant { grant }) }
    }

    /// Checks everything that needs no key: lengths, times, and the room that is asked for.
    pub(super) fn check(self, room: Option<&RoomId>, now_unix_s: u64) -> Result<Self, TokenError> {
        let long = |text: &str| text.chars().count() > TEXT_CHARACTERS_MAX;
        if self.sub.is_empty() || long(&self.sub) || long(&self.name) || long(&self.jti) {
            let detail =
                "\"sub\" takes 1 to 128 characters, \"name\" and \"jti\" at most 128".to_owned();
            return Err(TokenError::Claims { detail });
        }
        self.check_times(now_unix_s)?;
        if let Some(asked) = room {
            self.check_room(asked)?;
        }
        Ok(self)
    }

    fn check_times(&self, now_unix_s: u64) -> Result<(), TokenError> {
        if self.exp.saturating_add(LEEWAY_S) <= now_unix_s {
            return Err(TokenError::Expired { seconds: now_unix_s - self.exp });
        }
        // A token of tomorrow would outlive a revocation of all that were issued until today.
        let begin = self.nbf.map_or(self.iat, |nbf| nbf.max(self.iat));
        if begin > now_unix_s.saturating_add(LEEWAY_S) {
            return Err(TokenError::Early { seconds: begin - now_unix_s });
        }
        if self.exp.saturating_sub(self.iat) > TOKEN_LIFE_MAX_S {
            return Err(TokenError::LongLived);
        }
        Ok(())
    }

    /// Whether the token holds for this room.
    ///
    /// # Errors
    /// [`TokenError::ForeignRoom`].
    pub fn check_room(&self, asked: &RoomId) -> Result<(), TokenError> {
        match &self.room {
            Some(own) if own != asked => {
                Err(TokenError::ForeignRoom { own: own.clone(), asked: asked.clone() })
            }
            _ => Ok(()),
        }
    }
}

/// A claim that may be absent, but not `null`: `"room": null` would turn a typing mistake into a token
/// for every room.
fn present<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    T::deserialize(deserializer).map(Some)
}
