//! Every maximum and interval of a room. Configuration may lower the maxima, never raise them.

use std::time::Duration;

/// Most participants of one room, stage and audience together.
pub const PARTICIPANTS_MAX: usize = 100_000;

/// Most participants on the stage: each snapshot of the room lists them all.
pub const STAGE_MAX: usize = 100;

/// Most raised hands.
pub const HANDS_MAX: usize = 10_000;

/// Hands of the queue that a snapshot shows.
pub const HANDS_SHOWN_MAX: usize = 50;

/// Most identities that a room keeps out.
pub const BANS_MAX: usize = 10_000;

/// Most identities whose role in the room is not that of their token.
pub const APPOINTMENTS_MAX: usize = 1_000;

/// Most entries of the log that the owner keeps in memory; older ones are in the store alone.
pub const LOG_ENTRIES_MAX: usize = 1_000;

/// Most places that are kept for who was lost; the oldest gives way.
pub const PLACES_MAX: usize = 10_000;

/// Most characters of a room's name.
pub const NAME_CHARS_MAX: usize = 100;

/// Most characters of a room's topic.
pub const TOPIC_CHARS_MAX: usize = 200;

/// Most characters of a room's description.
pub const DESCRIPTION_CHARS_MAX: usize = 2_000;

/// Most characters of a language tag (RFC 5646 section 4.4.1 advises to allow 35).
pub const LANGUAGE_CHARS_MAX: usize = 35;

/// Most characters of a participant's name.
pub const PARTICIPANT_NAME_CHARS_MAX: usize = 64;

/// Most characters of the identity that a token gives.
pub const IDENTITY_CHARS_MAX: usize = 256;

/// Most characters of why something was done.
pub const REASON_CHARS_MAX: usize = 200;

/// Shortest time between two snapshots of a room; changes in between travel in the next one.
pub const STATE_INTERVAL: Duration = Duration::from_millis(100);

/// How long participants stay in the room after the link of their edge went down. A link is back
/// within about a second after a cut, so this outlives a restart of the path but not of the edge.
pub const AWAY_GRACE: Duration = Duration::from_secs(10);

/// How long role, hand and mute of somebody who has gone are kept, in case he comes back as himself.
pub const PLACE_KEPT: Duration = Duration::from_secs(60);

/// Least time between two messages about reactions.
pub const REACTIONS_INTERVAL: Duration = Duration::from_millis(250);
