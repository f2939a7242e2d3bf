//! What the server says, as `web/PROTOCOL.md` describes it. Pure.

use serde::Serialize;
use serde_json::{Map, Value};
use stoa_protocol::ids::{ParticipantId, Role, RoomId};

use super::super::alternatives::Alternative;
use super::super::problem::{Problem, ProblemBody};
use super::super::rest::Participant;
use super::said::MessageId;
use crate::rooms::{
    Counts, OwnStanding, RaisedHand, ReactionCounts, Roster, RosterMember, SlotNames, Title,
};

/// What the server says.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub(super) enum Told<'a> {
    /// The answer to `join`.
    Joined {
        /// The request's id.
        #[serde(skip_serializing_if = "Option::is_none")]
        id: Option<MessageId>,
        /// Who one is.
        participant: &'a ParticipantId,
        /// Where one is.
        room: RoomName<'a>,
        /// What one may do.
        role: Role,
        /// The SDP answer.
        sdp: &'a str,
        /// Which line is which slot.
        slots: Vec<SlotMid<'a>>,
        /// Servers for NAT traversal.
        ice_servers: &'a [ClientIceServer],
        /// Everybody on the stage.
        stage: Vec<Member<'a>>,
        /// How many listen.
        listeners: u32,
        /// Who is heard where right now.
        speaking: Vec<SlotUse<'a>>,
        /// What to come back with.
        resume: &'a str,
        /// How one stands.
        standing: Standing,
        /// Base URLs of other edges.
        #[serde(skip_serializing_if = "<[_]>::is_empty")]
        alternatives: &'a [Url],
    },
    /// The answer to `resume`.
    Resumed {
        /// The request's id.
        #[serde(skip_serializing_if = "Option::is_none")]
        id: Option<MessageId>,
        /// Who one is.
        participant: &'a ParticipantId,
        /// Where one is.
        room: RoomName<'a>,
        /// What one may do.
        role: Role,
        /// Everybody on the stage.
        stage: Vec<Member<'a>>,
        /// How many listen.
        listeners: u32,
        /// Who is heard where right now.
        speaking: Vec<SlotUse<'a>>,
        /// What to come back with.
        resume: &'a str,
        /// How one stands.
        standing: Standing,
        /// Base URLs of other edges.
        #[serde(skip_serializing_if = "<[_]>::is_empty")]
        alternatives: &'a [Url],
    },
    /// The answer to `restart`.
    Restarted {
        /// The request's id.
        #[serde(skip_serializing_if = "Option::is_none")]
        id: Option<MessageId>,
        /// The SDP answer.
        sdp: &'a str,
    },
    /// Done; nothing more to say.
    Ok {
        /// The request's id.
        #[serde(skip_serializing_if = "Option::is_none")]
        id: Option<MessageId>,
    },
    /// The answer to `ping` where other edges are known than the client was told last.
    #[serde(rename = "ok")]
    Pong {
        /// The request's id.
        #[serde(skip_serializing_if = "Option::is_none")]
        id: Option<MessageId>,
        /// Base URLs of other edges.
        alternatives: &'a [Url],
    },
    /// It was refused.
    Error {
        /// The request's id.
        #[serde(skip_serializing_if = "Option::is_none")]
        id: Option<MessageId>,
        /// Why.
        problem: ProblemBody,
        /// Seconds after which to try again.
        #[serde(skip_serializing_if = "Option::is_none")]
        retry_after_s: Option<u32>,
    },
    /// Who is there has changed.
    Roster {
        /// Everybody on the stage.
        stage: Vec<Member<'a>>,
        /// How many listen.
        listeners: u32,
    },
    /// How many there are has changed.
    Counts {
        /// Who listen.
        listeners: u32,
        /// Whose hands are up.
        hands: u32,
    },
    /// How one stands has changed.
    Standing(Standing),
    /// Whose hands are up has changed.
    Hands {
        /// The first of the queue.
        hands: Vec<Hand<'a>>,
    },
    /// What the room is called has changed.
    Room {
        /// Its name.
        name: &'a str,
        /// What it is about now.
        topic: &'a str,
    },
    /// Reactions were given.
    Reactions {
        /// How often each.
        reactions: Map<String, Value>,
    },
    /// The answer to `participants`.
    Participants {
        /// The request's id.
        #[serde(skip_serializing_if = "Option::is_none")]
        id: Option<MessageId>,
        /// A page of them, by id.
        participants: Vec<Participant>,
        /// For the next page's `after`; absent at the end.
        #[serde(skip_serializing_if = "String::is_empty")]
        next: String,
    },
    /// Who is heard where has changed.
    Slots {
        /// Every slot.
        slots: Vec<SlotUse<'a>>,
    },
    /// It will be over.
    #[serde(rename = "closed")]
    Draining {
        /// Why: `draining`.
        reason: &'a str,
        /// When to go elsewhere, in milliseconds from now.
        after_ms: u64,
        /// Base URLs of other edges.
        #[serde(skip_serializing_if = "<[_]>::is_empty")]
        alternatives: &'a [Url],
    },
    /// It will not be over after all.
    Staying {},
    /// It is over.
    Closed {
        /// Why.
        reason: &'a str,
    },
}

impl Told<'_> {
    /// The refusal of a request.
    #[must_use]
    pub(super) fn refusal(id: Option<MessageId>, problem: &Problem) -> Told<'static> {
        Told::Error { id, problem: problem.body(), retry_after_s: problem.retry_after_s }
    }

    /// The JSON text.
    #[must_use]
    pub(super) fn to_text(&self) -> String {
        // Nothing in these types can fail to serialize; an empty object is the least harmful lie.
        serde_json::to_string(self).unwrap_or_else(|_| "{}".into())
    }
}

/// An edge's base URL.
#[derive(Clone, Debug, Serialize)]
#[serde(transparent)]
pub(super) struct Url(String);

/// Other edges, for the wire.
#[must_use]
pub(super) fn urls(edges: &[Alternative]) -> Vec<Url> {
    edges.iter().map(|edge| Url(edge.url().to_owned())).collect()
}

/// A room as its participants know it.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct RoomName<'a> {
    /// Its id.
    pub id: &'a RoomId,
    /// What people read.
    pub name: &'a str,
    /// What it is about now.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub topic: &'a str,
}

/// How one stands in the room.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct Standing {
    /// What one may do.
    pub role: Role,
    /// Whether one is muted.
    pub muted: bool,
    /// Whether one's hand is up.
    pub hand: bool,
    /// Whether one is invited to the stage.
    pub invited: bool,
}

impl From<OwnStanding> for Standing {
    fn from(OwnStanding { role, muted, hand, invited }: OwnStanding) -> Self {
        Self { role, muted, hand, invited }
    }
}

/// A raised hand.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct Hand<'a> {
    /// Whose.
    pub participant: &'a ParticipantId,
    /// What people read.
    pub name: &'a str,
    /// Since when, in milliseconds since 1970.
    pub raised_ms: u64,
    /// Whether he is invited to the stage.
    pub invited: bool,
}

/// Which line of the SDP is which slot.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct SlotMid<'a> {
    /// The slot, from 0.
    pub slot: usize,
    /// The line's `mid`.
    pub mid: &'a str,
}

/// Who is heard on a slot.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct SlotUse<'a> {
    /// The slot, from 0.
    pub slot: usize,
    /// Who; nobody when absent.
    pub participant: Option<&'a ParticipantId>,
}

/// Somebody on the stage.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct Member<'a> {
    /// Who.
    pub participant: &'a ParticipantId,
    /// What people read.
    pub name: &'a str,
    /// What he may do.
    pub role: Role,
    /// Whether he is muted.
    pub muted: bool,
}

impl<'a> From<&'a RosterMember> for Member<'a> {
    fn from(member: &'a RosterMember) -> Self {
        Self {
            participant: &member.participant,
            name: &member.name,
            role: member.role,
            muted: member.muted,
        }
    }
}

/// An `RTCIceServer` for clients.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct ClientIceServer {
    /// `stun:` and `turn:` URLs.
    pub urls: Vec<String>,
    /// User name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// Password.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub credential: Option<String>,
}

/// The stage of a roster, for the wire.
#[must_use]
pub(super) fn stage(roster: &Roster) -> Vec<Member<'_>> {
    roster.stage.iter().map(Member::from).collect()
}

/// Who is heard where, for the wire; only slots that the client has a line for.
#[must_use]
pub(super) fn slot_uses(names: &SlotNames, lines: usize) -> Vec<SlotUse<'_>> {
    let uses = names.iter().enumerate().take(lines);
    uses.map(|(slot, name)| SlotUse { slot, participant: name.as_ref() }).collect()
}

impl Told<'_> {
    /// How many there are.
    #[must_use]
    pub(super) fn counts(Counts { listeners, hands }: Counts) -> Told<'static> {
        Told::Counts { listeners, hands }
    }

    /// What was given.
    #[must_use]
    pub(super) fn reactions(counts: &ReactionCounts) -> Told<'static> {
        let given = counts.iter().map(|(reaction, count)| (reaction.to_owned(), count.into()));
        Told::Reactions { reactions: given.collect() }
    }
}

impl<'a> Told<'a> {
    /// Whose hands are up.
    #[must_use]
    pub(super) fn hands(hands: &'a [RaisedHand]) -> Self {
        let hand = |hand: &'a RaisedHand| Hand {
            participant: &hand.participant,
            name: &hand.name,
            raised_ms: hand.raised_ms,
            invited: hand.invited,
        };
        Told::Hands { hands: hands.iter().map(hand).collect() }
    }

    /// What the room is called.
    #[must_use]
    pub(super) fn room(Title { name, topic }: &'a Title) -> Self {
        Told::Room { name, topic }
    }
}
