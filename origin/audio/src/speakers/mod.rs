//! The loudest N of a room, with hysteresis. The owner of a room runs one; its decisions travel to
//! the edges with the frame numbers from which they hold.
//!
//! | module | what it holds |
//! |---|---|
//! | `selection` | who has a place, who gets one, who loses one |
//! | `loudness` | how loud a track spoke within the last 600 ms |

mod loudness;
mod selection;

pub use selection::{
    DOMINANT_SILENCE, Event, FORGET_AFTER, HOLD_MIN, MARGIN_DB, PLACES_DEFAULT, PLACES_MAX,
    SILENCE, Speakers, TRACKS_MAX, VOICED_MIN,
};
