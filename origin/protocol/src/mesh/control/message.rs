//! The envelope: everything a node can say on the control stream.

use prost::{Message, Oneof};

use super::acts::{Reactions, Standing};
use super::alternatives::Alternatives;
use super::life::{Drain, Goodbye, Hello, Load, Reception, Refuse, Undrain};
use super::origins::{Origins, Orphans, Ownerships, Owns, Replica, Replicated, Superseded};
use super::requests::{Request, Response};
use super::revocations::Revocations;
use super::rooms::RoomState;
use super::tracks::{BindTrack, Selection, Subscribe, UnbindTrack, Unsubscribe};
use super::tree::{Branch, Lane, Neighbours, Paths, Relay, Voices};

/// One message of the control stream, length-delimited on the wire.
#[derive(Clone, PartialEq, Message)]
pub struct Control {
    /// What it says; `None` when a newer node says something this one does not know.
    #[prost(
        oneof = "Body",
        tags = "1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, \
                24, 25, 26, 27, 28, 29, 30, 31, 34"
    )]
    pub body: Option<Body>,
}

/// Everything a node can say on the control stream.
#[derive(Clone, PartialEq, Oneof)]
pub enum Body {
    /// First message of both sides.
    #[prost(message, tag = "1")]
    Hello(Hello),
    /// The peer is refused, and why; the link closes.
    #[prost(message, tag = "2")]
    Refuse(Refuse),
    /// "Send me this feed of this room."
    #[prost(message, tag = "3")]
    Subscribe(Subscribe),
    /// "I need this feed no longer."
    #[prost(message, tag = "4")]
    Unsubscribe(Unsubscribe),
    /// "In my datagrams, this alias stands for this track."
    #[prost(message, tag = "5")]
    BindTrack(BindTrack),
    /// "This alias is free again."
    #[prost(message, tag = "6")]
    UnbindTrack(UnbindTrack),
    /// The owner's choice of speakers, with the frame numbers from which it holds.
    #[prost(message, tag = "7")]
    Selection(Selection),
    /// A request about rooms, carried to the owner.
    #[prost(message, tag = "8")]
    Request(Request),
    /// The answer to the request of the same id.
    #[prost(message, tag = "9")]
    Response(Response),
    /// The owner's view of a room: the stage in full, the audience as a count.
    #[prost(message, tag = "10")]
    RoomState(RoomState),
    /// "I take nothing new and will be gone by the deadline."
    #[prost(message, tag = "11")]
    Drain(Drain),
    /// "I stay after all."
    #[prost(message, tag = "12")]
    Undrain(Undrain),
    /// Last message of a link that ends in order.
    #[prost(message, tag = "13")]
    Goodbye(Goodbye),
    /// What a node carries right now.
    #[prost(message, tag = "14")]
    Load(Load),
    /// How the peer's datagrams arrive here.
    #[prost(message, tag = "15")]
    Reception(Reception),
    /// How a participant of this edge stands in a room.
    #[prost(message, tag = "16")]
    Standing(Standing),
    /// How often reactions were given.
    #[prost(message, tag = "17")]
    Reactions(Reactions),
    /// Access tokens that hold no longer.
    #[prost(message, tag = "18")]
    Revocations(Revocations),
    /// Origins that are alive.
    #[prost(message, tag = "19")]
    Origins(Origins),
    /// An origin owns rooms.
    #[prost(message, tag = "20")]
    Owns(Owns),
    /// An edge has lost the owner of rooms.
    #[prost(message, tag = "21")]
    Orphans(Orphans),
    /// A room has a newer owner.
    #[prost(message, tag = "22")]
    Superseded(Superseded),
    /// What an origin owns, for other origins.
    #[prost(message, tag = "23")]
    Ownerships(Ownerships),
    /// What changes in a room, for its standby.
    #[prost(message, tag = "24")]
    Replica(Replica),
    /// A standby holds what it was told.
    #[prost(message, tag = "25")]
    Replicated(Replicated),
    /// Other edges may hang from this one.
    #[prost(message, tag = "26")]
    Relay(Relay),
    /// Edges to keep links to.
    #[prost(message, tag = "27")]
    Neighbours(Neighbours),
    /// What an edge measures on its links to others.
    #[prost(message, tag = "28")]
    Paths(Paths),
    /// How an edge gets a room.
    #[prost(message, tag = "29")]
    Branch(Branch),
    /// Who speaks in a room, for the root of its blue tree.
    #[prost(message, tag = "30")]
    Voices(Voices),
    /// Where clients of an edge may go instead.
    #[prost(message, tag = "31")]
    Alternatives(Alternatives),
    /// Between which edges the voices of a stage travel without a detour.
    #[prost(message, tag = "34")]
    Lane(Lane),
}
