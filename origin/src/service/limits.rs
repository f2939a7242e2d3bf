//! Every maximum of the service. Configuration may lower the maxima, never raise them.

use std::time::Duration;

use crate::room::Capacity;

/// Most rooms of one origin.
pub const ROOMS_MAX: usize = 10_000;

/// Most links of one origin.
pub const LINKS_MAX: usize = 1_024;

/// Most rooms in which one link may have participants or subscriptions.
pub const ROOMS_PER_LINK_MAX: usize = ROOMS_MAX;

/// Most things one link may ask for in one room: speakers, and three rungs of the programme, of two
/// trees.
pub const INTERESTS_PER_ROOM_MAX: usize = 8;

/// Most rooms of one page of a list.
pub const LIST_PAGE_MAX: u32 = 100;

/// Children that an origin sends one room to, of both feeds, unless configured.
pub const FAN_OUT: u16 = 16;

/// Most children that it may be configured to send one room to.
pub const FAN_OUT_MAX: u16 = 64;

/// Characters of a room's id when this origin draws it: 34^10 possibilities.
pub const ROOM_ID_CHARS: usize = 10;

/// How long a room lives after the last participant has left.
pub const EMPTY_ROOM_LIFE: Duration = Duration::from_secs(24 * 3_600);

/// The limits in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Rooms at a time, 1 to [`ROOMS_MAX`].
    pub rooms: usize,
    /// Links at a time, 1 to [`LINKS_MAX`].
    pub links: usize,
    /// How many a room takes in.
    pub capacity: Capacity,
    /// How long a room lives after the last participant has left.
    pub empty_room_life: Duration,
    /// How many children one room is sent to, of both feeds, 1 to [`FAN_OUT_MAX`].
    pub fan_out: u16,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            rooms: ROOMS_MAX,
            links: LINKS_MAX,
            capacity: Capacity::default(),
            empty_room_life: EMPTY_ROOM_LIFE,
            fan_out: FAN_OUT,
        }
    }
}
