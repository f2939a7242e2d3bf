//! The edge's rooms: who of them is here, what they are heard through, and where each frame goes.
//!
//! | module | what it holds |
//! |---|---|
//! | `alternatives` | other edges that clients may go to |
//! | `answers` | what becomes of requests |
//! | `arrivals` | the first half of a join |
//! | `directory` | all rooms with somebody here |
//! | `ears` | who is told of what, and when |
//! | `handle` | the hub as the signaling side sees it |
//! | `held` | requests that wait for a lost owner's successor |
//! | `hub` | all rooms of this edge in one state machine |
//! | `io` | the hub's shell on the mesh thread |
//! | `joins` | orders, and a participant's way in and out |
//! | `lane` | what one class of a room hears |
//! | `leaving` | how this edge leaves |
//! | `lists` | one list of the rooms of many origins |
//! | `metrics` | what the hub counts |
//! | `mutes` | mute, enforced at the uplink |
//! | `news` | what a room is told of itself, each kind at its pace |
//! | `order` | what can be asked of the hub, and its answers |
//! | `command` | what the hub owes the world |
//! | `deeds` | what people do and ask, passed on to the owner |
//! | `orphans` | what origins hear of rooms that have lost their owner |
//! | `owner` | what comes over links |
//! | `owners` | whose a room is, and what follows when that changes |
//! | `pace` | how often something is told |
//! | `problem` | the hub's own refusals |
//! | `reactions` | applause, summed up |
//! | `rejoins` | what owners are told again after a link was lost |
//! | `requests` | requests that wait for an owner's answer |
//! | `resume` | what somebody comes back with |
//! | `resuming` | coming back to one's seat, or under one's former id |
//! | `room` | one room as this edge sees it |
//! | `roster` | who is in a room, as clients get to know it |
//! | `routing` | the way of a frame |
//! | `seat` | a local participant's place |
//! | `slots` | which track is heard on which slot |
//! | `standings` | how somebody stands, and what follows from it |
//! | `timers` | deadlines and load |
//! | `tracks` | which frames of each track have come |
//! | `tree` | this edge's place in the trees of rooms |
//! | `ways` | whom to ask about a room |
//! | `window` | which frames have been heard |

mod alternatives;
mod answers;
mod arrivals;
mod command;
mod deeds;
mod directory;
mod ears;
mod handle;
mod held;
mod hub;
mod io;
mod joins;
mod lane;
mod leaving;
mod lists;
mod metrics;
mod mutes;
mod news;
mod order;
mod orphans;
mod owner;
mod owners;
mod pace;
mod problem;
mod reactions;
mod rejoins;
mod requests;
mod resume;
mod resuming;
mod room;
mod roster;
mod routing;
mod seat;
mod slots;
mod standings;
mod timers;
mod tracks;
mod tree;
mod ways;
mod window;

#[cfg(test)]
mod tests;

pub use alternatives::OtherEdge;
pub use command::Command;
pub use deeds::Action;
pub use ears::{Circle, Place};
pub use handle::{
    EVENTS_QUEUED_MAX, JoinAsk, Joined, ORDERS_QUEUED_MAX, Orders, Present, RoomsHandle,
};
pub use hub::{CONNECT_WITHIN, Hub, Limits};
pub use io::{OnEnded, OnRecommended, OnRevoked, OnTargets, Shell, Steering, Surroundings};
pub use joins::TRACK_EPOCH;
pub use metrics::RoomsMetrics;
pub use order::{Newcomer, Order, Prepared, Reply, SeatId, Seated, Ticket};
pub use reactions::{Reaction, ReactionCounts};
pub use resume::Resume;
pub use roster::{
    Counts, OwnStanding, ParticipantEvent, RaisedHand, Roster, RosterMember, SlotNames, Title,
};
pub use routing::{TreeRoute, UplinkRoute};
pub use tree::{Parent, Position};
