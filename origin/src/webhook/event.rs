//! What is told to back ends, and how it reads as JSON.

use serde::{Deserialize, Serialize};
use stoa_protocol::ids::{ParticipantId, Role, RoomId, TenantId};
use stoa_protocol::moment;

/// Most bytes of an event's JSON; a full stage has a tenth of them.
pub(super) const BODY_BYTES_MAX: usize = 64 * 1024;

/// Something that has happened in a room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Whose room it is.
    pub tenant: TenantId,
    /// The room.
    pub room: RoomId,
    /// When, in milliseconds since 1970.
    pub at_unix_ms: u64,
    /// What.
    pub fact: Fact,
}

/// A participant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Person {
    /// His id in the room.
    pub participant: ParticipantId,
    /// `sub` of his token.
    pub identity: String,
}

/// What has happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "type", content = "data")]
pub enum Fact {
    /// A room was made.
    #[serde(rename = "room.created")]
    RoomCreated {
        /// What people read.
        name: String,
    },
    /// A room's description was changed.
    #[serde(rename = "room.changed")]
    RoomChanged {
        /// What people read from now on.
        name: String,
    },
    /// A room has ended.
    #[serde(rename = "room.closed")]
    RoomClosed {
        /// `closed` or `empty`.
        reason: String,
    },
    /// Somebody has come in.
    #[serde(rename = "participant.joined")]
    Joined {
        /// Who.
        #[serde(flatten)]
        who: Person,
        /// What people read.
        name: String,
        /// As what.
        role: Role,
    },
    /// Somebody has left.
    #[serde(rename = "participant.left")]
    Left {
        /// Who.
        #[serde(flatten)]
        who: Person,
    },
    /// Others are on the stage than before.
    #[serde(rename = "stage.changed")]
    StageChanged {
        /// All who are.
        stage: Vec<Person>,
    },
    /// Somebody asks to speak.
    #[serde(rename = "hand.raised")]
    HandRaised {
        /// Who.
        #[serde(flatten)]
        who: Person,
    },
    /// Somebody asks no longer.
    #[serde(rename = "hand.lowered")]
    HandLowered {
        /// Who.
        #[serde(flatten)]
        who: Person,
    },
    /// Somebody was muted, or is no longer.
    #[serde(rename = "participant.muted")]
    Muted {
        /// Who.
        #[serde(flatten)]
        who: Person,
        /// The new state.
        muted: bool,
        /// The identity of who did it.
        by: String,
    },
    /// Somebody had to leave.
    #[serde(rename = "participant.removed")]
    Removed {
        /// Who.
        #[serde(flatten)]
        who: Person,
        /// The identity of who did it.
        by: String,
    },
    /// Somebody may not come back.
    #[serde(rename = "participant.banned")]
    Banned {
        /// His identity.
        identity: String,
        /// The identity of who did it.
        by: String,
    },
    /// Somebody was reported.
    #[serde(rename = "report.filed")]
    Reported {
        /// The identity of who is meant.
        identity: String,
        /// The identity of who reports.
        by: String,
        /// In the reporter's words.
        reason: String,
    },
}

/// The kinds of facts, by which an endpoint chooses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
pub enum Kind {
    /// See [`Fact::RoomCreated`].
    #[serde(rename = "room.created")]
    RoomCreated,
    /// See [`Fact::RoomChanged`].
    #[serde(rename = "room.changed")]
    RoomChanged,
    /// See [`Fact::RoomClosed`].
    #[serde(rename = "room.closed")]
    RoomClosed,
    /// See [`Fact::Joined`].
    #[serde(rename = "participant.joined")]
    Joined,
    /// See [`Fact::Left`].
    #[serde(rename = "participant.left")]
    Left,
    /// See [`Fact::StageChanged`].
    #[serde(rename = "stage.changed")]
    StageChanged,
    /// See [`Fact::HandRaised`].
    #[serde(rename = "hand.raised")]
    HandRaised,
    /// See [`Fact::HandLowered`].
    #[serde(rename = "hand.lowered")]
    HandLowered,
    /// See [`Fact::Muted`].
    #[serde(rename = "participant.muted")]
    Muted,
    /// See [`Fact::Removed`].
    #[serde(rename = "participant.removed")]
    Removed,
    /// See [`Fact::Banned`].
    #[serde(rename = "participant.banned")]
    Banned,
    /// See [`Fact::Reported`].
    #[serde(rename = "report.filed")]
    Reported,
}

impl Fact {
    /// Its kind.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Self::RoomCreated { .. } => Kind::RoomCreated,
            Self::RoomChanged { .. } => Kind::RoomChanged,
            Self::RoomClosed { .. } => Kind::RoomClosed,
            Self::Joined { .. } => Kind::Joined,
            Self::Left { .. } => Kind::Left,
            Self::StageChanged { .. } => Kind::StageChanged,
            Self::HandRaised { .. } => Kind::HandRaised,
            Self::HandLowered { .. } => Kind::HandLowered,
            Self::Muted { .. } => Kind::Muted,
            Self::Removed { .. } => Kind::Removed,
            Self::Banned { .. } => Kind::Banned,
            Self::Reported { .. } => Kind::Reported,
        }
    }
}

#[derive(Serialize)]
struct Body<'a> {
    id: &'a str,
    timestamp: String,
    tenant: &'a TenantId,
    room: &'a RoomId,
    #[serde(flatten)]
    fact: &'a Fact,
}

impl Event {
    /// Its JSON, the same at every attempt; none for one that is too large to be sent.
    pub(super) fn body(&self, id: &str) -> Option<Vec<u8>> {
        let timestamp = moment::format_ms(self.at_unix_ms);
        let body = Body { id, timestamp, tenant: &self.tenant, room: &self.room, fact: &self.fact };
        serde_json::to_vec(&body).ok().filter(|body| body.len() <= BODY_BYTES_MAX)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn event(fact: Fact) -> Event {
        Event {
            tenant: TenantId::new("acme").unwrap(),
            room: RoomId::new("agora").unwrap(),
            at_unix_ms: 1_700_000_000_123,
            fact,
        }
    }

    fn ada() -> Person {
        Person { participant: ParticipantId::new("p_1").unwrap(), identity: "ada".into() }
    }

    #[test]
    fn an_event_reads_as_documented() {
        let fact = Fact::Joined { who: ada(), name: "Ada".into(), role: Role::Speaker };
        let body: Value = serde_json::from_slice(&event(fact).body("msg_1").unwrap()).unwrap();
        let expected = json!({
            "id": "msg_1",
            "type": "participant.joined",
            "timestamp": "2023-11-14T22:13:20.123Z",
            "tenant": "acme",
            "room": "agora",
            "data": { "participant": "p_1", "identity": "ada", "name": "Ada", "role": "speaker" },
        });
        assert_eq!(body, expected);
    }

    #[test]
    fn every_fact_is_chosen_by_the_name_that_it_is_told_by() {
        let (who, by, text) = (ada(), "bob".to_owned(), String::from("x"));
        let facts = [
            Fact::RoomCreated { name: text.clone() },
            Fact::RoomChanged { name: text.clone() },
            Fact::RoomClosed { reason: text.clone() },
            Fact::Joined { who: who.clone(), name: text.clone(), role: Role::Host },
            Fact::Left { who: who.clone() },
            Fact::StageChanged { stage: vec![who.clone()] },
            Fact::HandRaised { who: who.clone() },
            Fact::HandLowered { who: who.clone() },
            Fact::Muted { who: who.clone(), muted: true, by: by.clone() },
            Fact::Removed { who, by: by.clone() },
            Fact::Banned { identity: text.clone(), by: by.clone() },
            Fact::Reported { identity: text.clone(), by, reason: text },
        ];
        for fact in facts {
            let kind = fact.kind();
            let body: Value = serde_json::from_slice(&event(fact).body("m").unwrap()).unwrap();
            assert_eq!(serde_json::from_value::<Kind>(body["type"].clone()).unwrap(), kind);
            assert!(body["data"].is_object());
        }
    }

    #[test]
    fn an_oversized_event_has_no_body() {
        let fact = Fact::RoomCreated { name: "x".repeat(BODY_BYTES_MAX) };
        assert_eq!(event(fact).body("m"), None);
    }
}
