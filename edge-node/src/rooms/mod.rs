//! The edge's rooms: who of them is here, what they are heard through, and where each frame goes.
//!
//! | module | what it holds |
//! |---|---|
//! | `ears` | who is told of what, and when |
//! | `handle` | the hub as the signaling side sees it |
//! | `hub` | all rooms of this edge in one state machine |
//! | `io` | the hub's shell on the mesh thread |
//! | `joins` | orders, and a participant's way in and out |
//! | `lane` | what one class of a room hears |
//! | `metrics` | what the hub counts |
//! | `mutes` | mute, enforced at the uplink |
//! | `order` | what can be asked of the hub, and its answers |
//! | `command` | what the hub owes the world |
//! | `owner` | what comes over links |
//! | `pace` | how often something is told |
//! | `problem` | the hub's own refusals |
//! | `rejoins` | what owners are told again after a link was lost |
//! | `requests` | requests that wait for an owner's answer |
//! | `room` | one room as this edge sees it |
//! | `roster` | who is in a room, as clients get to know it |
//! | `routing` | the way of a frame |
//! | `seat` | a local participant's place |
//! | `slots` | which track is heard on which slot |
//! | `timers` | deadlines, drain and load |
//! | `window` | which frames have been heard |

mod command;
mod ears;
mod handle;
mod hub;
mod io;
mod joins;
mod lane;
mod metrics;
mod mutes;
mod order;
mod owner;
mod pace;
mod problem;
mod rejoins;
mod requests;
mod room;
mod roster;
mod routing;
mod seat;
mod slots;
mod timers;
mod window;

#[cfg(test)]
mod tests;

pub use command::Command;
pub use handle::{EVENTS_QUEUED_MAX, JoinAsk, Joined, ORDERS_QUEUED_MAX, Orders, RoomsHandle};
pub use hub::{CONNECT_WITHIN, Hub, Limits};
pub use io::{OnEnded, Shell, Steering, Surroundings};
pub use joins::TRACK_EPOCH;
pub use metrics::RoomsMetrics;
pub use order::{Newcomer, Order, Prepared, Reply, SeatId, Seated, Ticket};
pub use roster::{ParticipantEvent, Roster, RosterMember, SlotNames};
pub use routing::{TreeRoute, UplinkRoute};
