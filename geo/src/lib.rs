//! Where we are: coordinates, distances, modelled round-trip times, edge choice. Knows no rooms.
//!
//! | module | what it holds |
//! |---|---|
//! | [`coordinates`] | a point on Earth, and the distance between two |
//! | [`places`] | where the regions are that operators usually name |
//! | [`rtt`] | the built-in model: from kilometres to milliseconds |
//! | [`book`] | what nodes have measured between each other, and estimates for the rest |
//! | [`probes`] | whom a node measures next |
//! | [`matrix`] | measured round-trip times, to judge the model by |
//! | [`edges`] | the edges an operator lists in a file |
//! | [`choice`] | edges ranked for a client, with a reason for each that was refused |
//! | [`command`] | the command line of `stoa-geo` and what it prints |
//! | [`io`] | reads the files and writes the answer |

pub mod book;
pub mod choice;
pub mod command;
pub mod coordinates;
pub mod edges;
pub mod io;
pub mod matrix;
pub mod places;
pub mod probes;
pub mod rtt;

#[cfg(test)]
mod book_tests;
