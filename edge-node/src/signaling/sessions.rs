//! Addresses of WHIP and WHEP sessions: which unguessable URL stands for which session.
//!
//! Pure. A session that has ended by itself may keep its address for a while; asking the room side
//! tells, and the table stays bounded by giving up the oldest session's address first.

use std::collections::BTreeMap;
use std::fmt;
use std::time::{Duration, Instant};

use stoa_protocol::ids::{RoomId, TenantId};

use super::allowance::Allowance;
use super::offer::Offer;
use super::sdpfrag::Credentials;
use crate::webrtc::SessionId;

/// The last part of a session's URL: 128 random bits in 32 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct ResourceId(u128);

impl ResourceId {
    /// From 128 bits that nobody can guess.
    #[must_use]
    pub(super) fn new(random: u128) -> Self {
        Self(random)
    }

    /// Reads the last part of a URL; only what [`fmt::Display`] writes is accepted.
    #[must_use]
    pub(super) fn parse(text: &str) -> Option<Self> {
        let lowercase_hex = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        if text.len() != 32 || !text.bytes().all(lowercase_hex) {
            return None;
        }
        u128::from_str_radix(text, 16).ok().map(Self)
    }
}

impl fmt::Display for ResourceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

/// Knowing the address is part of the right to use it, so it stays out of logs.
impl fmt::Debug for ResourceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ResourceId(***)")
    }
}

/// SHA-256 of a bearer token: enough to recognise it, useless to whoever reads memory or a core dump.
pub(super) type TokenDigest = [u8; 32];

/// A full allowance of ICE restarts, each of which costs a media thread the reading of an offer: one
/// per second and three at once, enough for a phone between two networks.
#[must_use]
pub(super) fn restarts(now: Instant) -> Allowance {
    Allowance::new(Duration::from_secs(1), 3, now)
}

/// A session with an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Addressed {
    /// The session.
    pub session: SessionId,
    /// Its room.
    pub room: RoomId,
    /// Whose token opened it: identities of two tenants are two people.
    pub tenant: TenantId,
    /// Who the token said this is.
    pub identity: String,
    /// The token that opened it; keeps the right to close it beyond its expiry.
    pub token: TokenDigest,
    /// The client's offer as last applied.
    pub offer: Offer,
    /// How often it may restart ICE.
    pub restarts: Allowance,
    /// The client's ICE user fragment.
    pub client_ufrag: String,
    /// The strong entity tag of the current ICE session (RFC 9725 section 4.3.1), with its quotes.
    pub etag: String,
}

/// The entity tag that stands for our ICE user fragment, which changes with each ICE session.
#[must_use]
pub(super) fn etag(ice_ufrag: &str) -> String {
    // `ice-char` is a subset of `etagc`, so nothing needs escaping.
    format!("\"{ice_ufrag}\"")
}

/// All addresses, at most a given number.
#[derive(Debug)]
pub(super) struct Addresses {
    by_id: BTreeMap<ResourceId, Addressed>,
    by_session: BTreeMap<SessionId, ResourceId>,
    max: usize,
}

impl Addresses {
    /// An empty table for at most `max` sessions, at least one.
    #[must_use]
    pub(super) fn new(max: usize) -> Self {
        Self { by_id: BTreeMap::new(), by_session: BTreeMap::new(), max: max.max(1) }
    }

    /// How many sessions have an address.
    #[must_use]
    pub(super) fn len(&self) -> usize {
        self.by_id.len()
    }

    /// Gives a session an address. Returns whether the oldest session lost its own for it.
    pub(super) fn insert(&mut self, id: ResourceId, addressed: Addressed) -> bool {
        // Session ids grow, so the first is the oldest.
        let evicts = self.by_id.len() >= self.max;
        if evicts && let Some((_, oldest)) = self.by_session.pop_first() {
            self.by_id.remove(&oldest);
        }
        self.by_session.insert(addressed.session, id);
        self.by_id.insert(id, addressed);
        evicts
    }

    /// The session at this address of this room.
    #[must_use]
    pub(super) fn find(&self, room: &RoomId, id: ResourceId) -> Option<&Addressed> {
        self.by_id.get(&id).filter(|addressed| addressed.room == *room)
    }

    /// Whether this session may restart ICE once more. One that is gone may: the room side tells.
    pub(super) fn admit_restart(&mut self, id: ResourceId, now: Instant) -> bool {
        self.by_id.get_mut(&id).is_none_or(|addressed| addressed.restarts.admit(now))
    }

    /// Notes a new ICE session: the offer with its credentials, and the new entity tag.
    pub(super) fn renew(
        &mut self,
        id: ResourceId,
        offer: Offer,
        client: &Credentials,
        etag: String,
    ) {
        if let Some(addressed) = self.by_id.get_mut(&id) {
            addressed.offer = offer;
            addressed.client_ufrag.clone_from(&client.ufrag);
            addressed.etag = etag;
        }
    }

    /// The session has ended, so its address ends.
    pub(super) fn forget(&mut self, session: SessionId) {
        if let Some(id) = self.by_session.remove(&session) {
            self.by_id.remove(&id);
        }
    }
}

/// What an `If-Match` header asks for (RFC 9110 section 13.1.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Precondition {
    /// No such header.
    Missing,
    /// `*`, or an entity tag that is current.
    Holds,
    /// Other entity tags.
    Fails,
}

/// Compares strongly: weak tags never match. Quotes around `*` are let pass, since examples of the
/// draft had them and clients copied them.
#[must_use]
pub(super) fn precondition(if_match: Option<&str>, etag: &str) -> Precondition {
    let Some(wanted) = if_match else { return Precondition::Missing };
    let holds =
        wanted.split(',').map(str::trim).any(|tag| matches!(tag, "*" | "\"*\"") || tag == etag);
    if holds { Precondition::Holds } else { Precondition::Fails }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addressed(session: u64) -> Addressed {
        Addressed {
            session: SessionId(session),
            room: RoomId::new("agora").expect("room"),
            tenant: TenantId::default(),
            identity: "ada".into(),
            token: [0; 32],
            offer: Offer::read("v=0").expect("small"),
            restarts: restarts(Instant::now()),
            client_ufrag: "abcd".into(),
            etag: etag("wxyz"),
        }
    }

    #[test]
    fn an_address_reads_back_and_nothing_else_does() {
        let id = ResourceId::new(0xfeed);
        assert_eq!(ResourceId::parse(&id.to_string()), Some(id));
        let padded = format!("+{}", "0".repeat(31));
        for wrong in ["", "feed", padded.as_str(), &"F".repeat(32), &"0".repeat(33)] {
            assert_eq!(ResourceId::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn the_oldest_session_loses_its_address_when_the_table_is_full() {
        let mut addresses = Addresses::new(2);
        assert!(!addresses.insert(ResourceId(9), addressed(1)));
        assert!(!addresses.insert(ResourceId(5), addressed(2)));
        assert!(addresses.insert(ResourceId(7), addressed(3)));
        let room = RoomId::new("agora").expect("room");
        assert_eq!(addresses.len(), 2);
        assert!(addresses.find(&room, ResourceId(9)).is_none());
        assert!(addresses.find(&room, ResourceId(5)).is_some());
    }

    #[test]
    fn finding_a_session_does_not_copy_its_offer() {
        let mut addresses = Addresses::new(2);
        addresses.insert(ResourceId(9), addressed(1));
        let room = RoomId::new("agora").expect("room");
        let find = || addresses.find(&room, ResourceId(9)).cloned().expect("there");
        assert!(find().offer.is_same_text(&find().offer));
    }

    #[test]
    fn an_address_counts_only_in_its_own_room_and_ends_with_its_session() {
        let mut addresses = Addresses::new(2);
        addresses.insert(ResourceId(9), addressed(1));
        let (agora, other) = (RoomId::new("agora").expect("room"), RoomId::new("b").expect("room"));
        assert!(addresses.find(&other, ResourceId(9)).is_none());
        assert!(addresses.find(&agora, ResourceId(9)).is_some());
        addresses.forget(SessionId(1));
        assert_eq!(addresses.len(), 0);
    }

    #[test]
    fn if_match_compares_strongly() {
        let of = |header| precondition(header, "\"abcd\"");
        assert_eq!(of(None), Precondition::Missing);
        for holds in ["*", "\"*\"", "\"abcd\"", "\"x\", \"abcd\""] {
            assert_eq!(of(Some(holds)), Precondition::Holds, "{holds}");
        }
        for fails in ["", "abcd", "W/\"abcd\"", "\"abc\""] {
            assert_eq!(of(Some(fails)), Precondition::Fails, "{fails}");
        }
    }
}
