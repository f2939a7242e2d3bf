//! What is told to back ends, and how it reads as JSON.

use serde::{Deserialize, Serialize};
use stoa_protocol::ids::{RoomId, TenantId};
use stoa_protocol::moment;

use crate::room::Happening;
use crate::service::Happened;

/// Most bytes of an event's JSON; those that can be have a tenth of them.
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
    pub kind: Kind,
    /// To whom, by whom, and more.
    pub facts: Facts,
}

/// Who was concerned, as the room's log has it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Facts {
    /// The identity of who did it; empty for the system.
    pub actor: String,
    /// The identity of whom it was done to; empty when it concerns the room.
    pub subject: String,
    /// More, for people.
    pub detail: String,
}

/// What can happen, by which an endpoint chooses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Kind {
    /// A room was made.
    #[serde(rename = "room.created")]
    RoomCreated,
    /// What is set of a room has changed.
    #[serde(rename = "room.changed")]
    RoomChanged,
    /// A room has ended.
    #[serde(rename = "room.closed")]
    RoomClosed,
    /// Somebody has come in.
    #[serde(rename = "participant.joined")]
    Joined,
    /// Somebody has left.
    #[serde(rename = "participant.left")]
    Left,
    /// Somebody asks to speak.
    #[serde(rename = "hand.raised")]
    HandRaised,
    /// A hand went down without success.
    #[serde(rename = "hand.lowered")]
    HandLowered,
    /// Somebody was asked to the stage.
    #[serde(rename = "participant.invited")]
    Invited,
    /// Somebody's role has changed.
    #[serde(rename = "role.changed")]
    RoleChanged,
    /// Somebody was muted by another.
    #[serde(rename = "participant.muted")]
    Muted,
    /// Somebody had to leave.
    #[serde(rename = "participant.removed")]
    Removed,
    /// Somebody may not come back.
    #[serde(rename = "participant.banned")]
    Banned,
    /// Somebody may come back.
    #[serde(rename = "participant.unbanned")]
    Unbanned,
    /// The room has another host.
    #[serde(rename = "host.changed")]
    HostChanged,
    /// Somebody was reported.
    #[serde(rename = "report.filed")]
    Reported,
}

impl From<Happening> for Kind {
    fn from(happening: Happening) -> Self {
        match happening {
            Happening::RoomCreated => Self::RoomCreated,
            Happening::RoomChanged => Self::RoomChanged,
            Happening::RoomClosed => Self::RoomClosed,
            Happening::ParticipantJoined => Self::Joined,
            Happening::ParticipantLeft => Self::Left,
            Happening::HandRaised => Self::HandRaised,
            Happening::HandLowered => Self::HandLowered,
            Happening::Invited => Self::Invited,
            Happening::RoleChanged => Self::RoleChanged,
            Happening::Muted => Self::Muted,
            Happening::Removed => Self::Removed,
            Happening::Banned => Self::Banned,
            Happening::Unbanned => Self::Unbanned,
            Happening::HostChanged => Self::HostChanged,
            Happening::ReportFiled => Self::Reported,
        }
    }
}

impl From<Happened> for Event {
    fn from(happened: Happened) -> Self {
        let Happened { room, tenant, event } = happened;
        let entry = event.entry;
        Self {
            // A room's tenant was read when it was made, so that it is one.
            tenant: TenantId::of_wire(&tenant).unwrap_or_default(),
            room,
            at_unix_ms: entry.at_ms,
            kind: event.happening.into(),
            facts: Facts { actor: entry.actor, subject: entry.subject, detail: entry.detail },
        }
    }
}

#[derive(Serialize)]
struct Body<'a> {
    id: &'a str,
    r#type: Kind,
    timestamp: String,
    tenant: &'a TenantId,
    room: &'a RoomId,
    data: &'a Facts,
}

impl Event {
    /// Its JSON, the same at every attempt; none for one that is too large to be sent.
    pub(super) fn body(&self, id: &str) -> Option<Vec<u8>> {
        let timestamp = moment::format_ms(self.at_unix_ms);
        let Self { tenant, room, kind, facts, .. } = self;
        let body = Body { id, r#type: *kind, timestamp, tenant, room, data: facts };
        serde_json::to_vec(&body).ok().filter(|body| body.len() <= BODY_BYTES_MAX)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use stoa_protocol::mesh::control::LogEntry;

    use super::*;
    use crate::room;

    fn happened(happening: Happening) -> Happened {
        let entry = LogEntry {
            number: 7,
            at_ms: 1_700_000_000_123,
            event: happening.name().to_owned(),
            actor: "bob".into(),
            subject: "ada".into(),
            detail: "speaker".into(),
        };
        let event = room::Event { happening, entry };
        Happened { room: RoomId::new("agora").unwrap(), tenant: String::new(), event }
    }

    #[test]
    fn an_event_reads_as_documented() {
        let event = Event::from(happened(Happening::RoleChanged));
        let body: Value = serde_json::from_slice(&event.body("msg_1").unwrap()).unwrap();
        let expected = json!({
            "id": "msg_1",
            "type": "role.changed",
            "timestamp": "2023-11-14T22:13:20.123Z",
            "tenant": "default",
            "room": "agora",
            "data": { "actor": "bob", "subject": "ada", "detail": "speaker" },
        });
        assert_eq!(body, expected);
    }

    #[test]
    fn the_room_of_a_tenant_is_told_as_his() {
        let of_acme = Happened { tenant: "acme".into(), ..happened(Happening::RoomClosed) };
        assert_eq!(Event::from(of_acme).tenant.as_str(), "acme");
    }

    #[test]
    fn an_oversized_event_has_no_body() {
        let mut event = Event::from(happened(Happening::RoomCreated));
        event.facts.detail = "x".repeat(BODY_BYTES_MAX);
        assert_eq!(event.body("m"), None);
    }
}
