//! Two real peers against each other under virtual time, over a wire that delays, loses and cuts.

mod accents;
mod detection;
mod frames;
mod greeting;
mod hostile;
mod life;
mod measurement;
mod pair;
mod repair;
mod trails;
mod versions;
