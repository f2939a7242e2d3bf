//! What the audio is: frames, levels, who is speaking. No input or output, no clock, no randomness.
//!
//! | module | what it holds |
//! |---|---|
//! | [`frame`] | one Opus frame of one track, with number, level and voice flag |

pub mod frame;
