//! One room as its owner sees it: who is here, who may do what, and what the edges are told of it.
//!
//! | module | what it holds |
//! |---|---|
//! | `limits` | every maximum and interval of a room |
//! | `membership` | [`Room`]: join, leave, mute, close, and the grace after a lost link |
//! | `participant` | [`Participant`], and [`Joining`], a join checked from the wire |
//! | `announcer` | when the next snapshot of the room is due |
//! | `refusal` | [`Refusal`]: each way a request can be wrong |

mod announcer;
mod limits;
mod membership;
mod participant;
mod refusal;

pub use limits::{
    AWAY_GRACE, IDENTITY_CHARS_MAX, NAME_CHARS_MAX, PARTICIPANT_NAME_CHARS_MAX, PARTICIPANTS_MAX,
    STAGE_MAX, STATE_INTERVAL,
};
pub use membership::{Capacity, Departed, Founding, Joined, MuteAsk, Room, Via};
pub use participant::{Joining, MutedBy, Participant, Whereabouts};
pub use refusal::Refusal;

#[cfg(test)]
mod tests;
