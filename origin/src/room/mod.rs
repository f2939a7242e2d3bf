//! One room as its owner holds it: who is here, on the stage, muted, waiting, kept out.
//!
//! Pure: time comes in; what follows for others comes out as [`Command`]s, what happened as [`Event`]s.
//!
//! | module | what it holds |
//! |---|---|
//! | `announcer` | when the next snapshot is due |
//! | `blocks` | the host blocks somebody |
//! | `calendar` | the time of day |
//! | `changes` | what must be remembered of a change |
//! | `deeds` | what people do to each other |
//! | `effects` | what a change owes to others, and what it was |
//! | `erasure` | what is kept about a person, erased |
//! | `exclusions` | bans and appointments |
//! | `hands` | the queue of raised hands |
//! | `joins` | the way in |
//! | `limits` | every maximum and interval |
//! | `log` | what happened |
//! | `membership` | what a room holds, leave, close, and the grace after a lost link |
//! | `muting` | mute and unmute |
//! | `participant` | somebody in the room |
//! | `persons` | persons who act from outside the room |
//! | `places` | what is kept for somebody who may come back |
//! | `reactions` | applause, summed up |
//! | `refusal` | each way to be wrong |
//! | `rights` | who may do what |
//! | `roles` | on the stage and off it |
//! | `settings` | what can be set of a room |
//! | `snapshot` | a room for its next owner |
//! | `views` | the room as others see it |

mod announcer;
mod blocks;
mod calendar;
mod changes;
mod deeds;
mod effects;
mod erasure;
mod exclusions;
mod hands;
mod joins;
mod limits;
mod log;
mod membership;
mod muting;
mod participant;
mod persons;
mod places;
mod reactions;
mod refusal;
mod rights;
mod roles;
mod settings;
mod snapshot;
mod views;

pub use blocks::check_identity;
pub use calendar::Start;
pub use changes::Change;
pub use deeds::{Act, Actor};
pub use effects::{Command, Event};
pub use erasure::ERASED;
pub use exclusions::{Ban, Exclusions};
pub use hands::Turn;
pub use limits::{
    APPOINTMENTS_MAX, AWAY_GRACE, BANS_MAX, DESCRIPTION_CHARS_MAX, HANDS_MAX, HANDS_SHOWN_MAX,
    IDENTITY_CHARS_MAX, LANGUAGE_CHARS_MAX, LOG_ENTRIES_MAX, NAME_CHARS_MAX,
    PARTICIPANT_NAME_CHARS_MAX, PARTICIPANTS_MAX, PLACE_KEPT, PLACES_MAX, REACTIONS_INTERVAL,
    REASON_CHARS_MAX, STAGE_MAX, STATE_INTERVAL, TOPIC_CHARS_MAX,
};
pub use log::Happening;
pub use membership::{Capacity, Departed, Founding, Joined, Room, Via};
pub use muting::MuteAsk;
pub use participant::{Joining, MutedBy, Participant, Whereabouts};
pub use reactions::REACTIONS;
pub use refusal::Refusal;
pub use rights::{Whom, may};
pub use settings::{FEEDS_MAX, Settings, Visibility};
pub use snapshot::{Remains, Snapshot};

#[cfg(test)]
mod deeds_tests;
#[cfg(test)]
mod model_tests;
#[cfg(test)]
mod persons_tests;
#[cfg(test)]
mod tests;
