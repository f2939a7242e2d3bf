//! Proof that the network does what it says: it is run, loaded, impaired and measured here.
//!
//! | module | what it holds |
//! |---|---|
//! | [`cli`] | the commands of `bench` |
//! | [`impair`] | a UDP path with delay, jitter, loss, rate and cuts |
//! | [`measure`] | recordings compared with their source, latencies, what a process costs |
//! | [`screen`] | tables on the terminal |

pub mod cli;
pub mod impair;
pub mod measure;
pub mod screen;
