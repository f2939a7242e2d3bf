//! Every method of every path; a test compares it with the router.

use utoipa::openapi::HttpMethod::{Delete, Get, Patch, Post, Put};

use super::super::body::SDP;
use super::super::sdpfrag::SDPFRAG;
use super::operation::Content::{Json, Nothing, Text};
use super::operation::{Kind, Operation, Parameter};

const DRAIN: &str = "/v1/drain";
const ROOMS: &str = "/v1/rooms";
const ROOM: &str = "/v1/rooms/{room}";
const PARTICIPANT: &str = "/v1/rooms/{room}/participants/{participant}";
const HAND: &str = "/v1/rooms/{room}/participants/{participant}/hand";
const INVITATION: &str = "/v1/rooms/{room}/participants/{participant}/invitation";
const BAN: &str = "/v1/rooms/{room}/bans/{identity}";
const IDENTITY: &str = "/v1/identities/{identity}";
const BLOCKS: &str = "/v1/identities/{identity}/blocks";
const BLOCK: &str = "/v1/identities/{identity}/blocks/{other}";
const WHIP: &str = "/v1/rooms/{room}/whip";
const WHEP: &str = "/v1/rooms/{room}/whep";
const SESSION: &str = "/v1/rooms/{room}/sessions/{session}";

const LIMIT: Parameter = Parameter {
    name: "limit",
    what: "Most entries of the page; 50 unless asked for otherwise.",
    kind: Kind::Number(1, Some(100)),
};
const AFTER: Parameter =
    Parameter { name: "after", what: "The `next` of the page before.", kind: Kind::Name };
const REASON: Parameter =
    Parameter { name: "reason", what: "Why, for people.", kind: Kind::Text(200) };

const LIST: &[Parameter] = &[
    Parameter {
        name: "search",
        what: "Only rooms with this in their name or topic, whatever the case.",
        kind: Kind::Text(200),
    },
    Parameter { name: "language", what: "Only rooms of this language.", kind: Kind::Language },
    AFTER,
    LIMIT,
];
const PAGE: &[Parameter] = &[AFTER, LIMIT];
/// Of lists by identity.
const IDENTITIES: &[Parameter] = &[
    Parameter { name: "after", what: "The `next` of the page before.", kind: Kind::Text(128) },
    LIMIT,
];
const LOG: &[Parameter] = &[
    Parameter {
        name: "before",
        what: "The `next` of the page before.",
        kind: Kind::Number(0, None),
    },
    LIMIT,
];

/// All operations; those that draw tokens only where the node is open.
pub(super) fn operations(open: bool) -> Vec<Operation> {
    let drawing = Operation::new(Post, "/v1/rooms/{room}/tokens", "Draws a token for somebody.")
        .unless_open()
        .takes(Json("Invitation"))
        .gives(201, Json("Drawn"))
        .or(&[500]);
    let drawing = open.then_some(drawing);
    rooms().into_iter().chain(people()).chain(media()).chain(drawing).collect()
}

fn rooms() -> Vec<Operation> {
    let of = Operation::new;
    vec![
        of(Get, "/openapi.json", "This document.").free(&[]).gives(200, Text("application/json")),
        of(Get, "/v1/probe", "Answers with nothing: its round trip is what clients measure.")
            .free(&[]),
        of(
            Get,
            DRAIN,
            "Whether this edge leaves; as the next two for the operator alone (grant `operate`).",
        )
        .gives(200, Json("Drain")),
        of(Post, DRAIN, "Has this edge send its clients elsewhere and go when they have gone.")
            .takes(Json("DrainWanted"))
            .optionally()
            .gives(202, Json("Drain")),
        of(Delete, DRAIN, "Has it stay after all, also after a signal.").gives(200, Json("Drain")),
        of(
            Post,
            "/v1/revocations",
            "Lets tokens of the bearer's tenant hold no longer, everywhere.",
        )
        .takes(Json("RevocationWanted")),
        of(
            Delete,
            IDENTITY,
            "Erases what the rooms of the bearer's tenant keep about an identity.",
        )
        .gives(200, Json("Erasure")),
        of(Get, BLOCKS, "Whom an identity keeps out of rooms that it hosts, by identity.")
            .query(IDENTITIES)
            .gives(200, Json("BlockedPage")),
        of(
            Put,
            BLOCK,
            "Keeps somebody out of every room whose present host the identity is, and sends him out.",
        ),
        of(Delete, BLOCK, "Lets somebody in again where the identity is host."),
        of(Get, ROOMS, "Lists rooms by id: the open ones; all of them with the grant to list.")
            .unless_open()
            .query(LIST)
            .gives(200, Json("RoomPage")),
        of(Post, ROOMS, "Makes a room.")
            .unless_open()
            .takes(Json("Wanted"))
            .optionally()
            .gives(201, Json("Created"))
            .or(&[500]),
        of(Get, ROOM, "Reads a room.").unless_open().gives(200, Json("Room")),
        of(Patch, ROOM, "Changes a room (RFC 7396): what is absent stays, `null` is the default.")
            .takes(Json("Change"))
            .gives(200, Json("Room")),
        of(Delete, ROOM, "Ends a room for everybody."),
        of(Get, "/v1/rooms/{room}/log", "What has happened in a room, newest first.")
            .query(LOG)
            .gives(200, Json("LogPage")),
        of(Get, "/v1/rooms/{room}/bans", "Who is kept out of a room, by identity.")
            .query(IDENTITIES)
            .gives(200, Json("BanPage")),
        of(Put, BAN, "Sends out and keeps out everybody of an identity.")
            .takes(Json("BanWanted"))
            .optionally(),
        of(Delete, BAN, "Lets an identity in again."),
    ]
}

fn people() -> Vec<Operation> {
    let of = Operation::new;
    vec![
        of(Get, "/v1/rooms/{room}/participants", "Who is in a room, by id.")
            .unless_open()
            .query(PAGE)
            .gives(200, Json("ParticipantPage")),
        of(Get, "/v1/rooms/{room}/hands", "Whose hands are up, in the order of the queue.")
            .query(PAGE)
            .gives(200, Json("HandPage")),
        of(Post, "/v1/rooms/{room}/mute-all", "Mutes everybody on the stage of a lower role."),
        of(Post, "/v1/rooms/{room}/host", "Makes somebody the host.").takes(Json("HandOver")),
        of(Delete, PARTICIPANT, "Sends somebody out; he may come back.").query(&[REASON]),
        of(Put, "/v1/rooms/{room}/participants/{participant}/role", "Gives somebody a role.")
            .takes(Json("RoleWanted")),
        of(Put, "/v1/rooms/{room}/participants/{participant}/muted", "Mutes or unmutes somebody.")
            .takes(Json("Muting")),
        of(Put, HAND, "Raises a hand for somebody."),
        of(Delete, HAND, "Takes somebody's hand down."),
        of(
            Post,
            "/v1/rooms/{room}/participants/{participant}/hand/accept",
            "Lets somebody speak whose hand is up.",
        ),
        of(Post, INVITATION, "Asks a listener to the stage."),
        of(Delete, INVITATION, "Takes an invitation back."),
        of(
            Post,
            "/v1/rooms/{room}/participants/{participant}/report",
            "Tells those who run the service of somebody.",
        )
        .takes(Json("Reason")),
    ]
}

fn media() -> Vec<Operation> {
    let of = Operation::new;
    vec![
        of(Post, WHIP, "Publishes (RFC 9725).").takes(Text(SDP)).gives(201, Text(SDP)),
        of(Get, WHIP, "Answers with nothing (RFC 9725 section 4.1).").free(&[]),
        of(Post, WHEP, "Listens (draft-ietf-wish-whep).").takes(Text(SDP)).gives(201, Text(SDP)),
        of(Get, WHEP, "Answers with nothing.").free(&[]),
        of(Patch, SESSION, "Adds candidates (204) or restarts ICE (200).")
            .takes(Text(SDPFRAG))
            .gives(200, Text(SDPFRAG))
            .or(&[410, 412, 428]),
        of(Delete, SESSION, "Hangs up.").gives(200, Nothing).or(&[410]),
        of(Get, SESSION, "Answers with nothing.").free(&[]),
        of(Get, "/v1/rooms/{room}/ws", "The WebSocket of a room; see PROTOCOL.md.")
            .free(&[400, 404, 426, 503])
            .gives(101, Nothing),
    ]
}
