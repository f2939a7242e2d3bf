//! What the audio is: frames, levels, who is speaking. No input or output, no clock, no randomness.
//!
//! | module | what it holds |
//! |---|---|
//! | [`frame`] | one Opus frame of one track, with number, level and voice flag |
//! | [`opus`] | the outside of an Opus packet: duration, validity, splitting and joining frames |
//! | [`level`] | the level a sender claims, and how far his packets bear it out |
//! | [`recent`] | the frames of the last moments |
//! | [`speakers`] | the loudest N of a room, with hysteresis |

pub mod frame;
pub mod level;
pub mod opus;
pub mod recent;
pub mod speakers;
