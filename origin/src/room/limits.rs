//! Every maximum and interval of a room. Configuration may lower the maxima, never raise them.

use std::time::Duration;

/// Most participants of one room, stage and audience together.
pub const PARTICIPANTS_MAX: usize = 100_000;

/// Most participants on the stage: each snapshot of the room lists them all.
pub const STAGE_MAX: usize = 100;

/// Most characters of a room's name.
pub const NAME_CHARS_MAX: usize = 100;

/// Most characters of a participant's name.
pub const PARTICIPANT_NAME_CHARS_MAX: usize = 64;

/// Most characters of the identity that a token gives.
pub const IDENTITY_CHARS_MAX: usize = 256;

/// Shortest time between two snapshots of a room; changes in between travel in the next one.
pub const STATE_INTERVAL: Duration = Duration::from_millis(100);

/// How long participants stay in the room after the link of their edge went down. A link is back
/// within about a second after a cut, so this outlives a restart of the path but not of the edge.
pub const AWAY_GRACE: Duration = Duration::from_secs(10);
