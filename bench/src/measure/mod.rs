//! What was heard, how late, and what it cost.
//!
//! | module | what it holds |
//! |---|---|
//! | [`wav`] | recordings from and to files |
//! | [`fourier`] | the discrete Fourier transform |
//! | [`bands`] | a recording as loudness per band and 10 ms |
//! | [`alignment`] | where in a recording its source begins, and how that drifts |
//! | [`holes`] | stretches of silence where the source sounds |
//! | [`comparison`] | all of these as one verdict |
//! | [`compare`] | `bench compare` |
//! | [`floor`] | what it costs to hand packets to the kernel and nothing else |
//! | [`histogram`] | percentiles of many latencies in little memory |
//! | [`machine`] | what a process costs (Linux), and on what machine |
//! | [`quota`] | a limit on the CPU time of a process (Linux) |

pub mod alignment;
pub mod bands;
pub mod compare;
pub mod comparison;
pub mod floor;
pub mod fourier;
pub mod histogram;
pub mod holes;
pub mod machine;
pub mod quota;
pub mod wav;

#[cfg(test)]
mod speech;
