//! The simulator: the real cores of origins, edges and links under virtual time, on a network that delays, loses,
//! reorders and cuts, with nodes that die, freeze and come back. Everything follows from the seed.
//!
//! | module | what it holds |
//! |---|---|
//! | `account` | which frames were spoken, and which were heard where |
//! | `command` | the command line: many seeds, or one again |
//! | `faults` | what goes wrong, drawn from the seed |
//! | `node` | an origin or an edge with its links |
//! | `paths` | how long a packet takes between two nodes, and whether it arrives |
//! | `people` | who joins where, and who speaks |
//! | `run` | one seed from the first link to the verdict |
//! | `shelf` | the store that origins share |
//! | `stages` | how speakers at different edges hear each other |
//! | `steps` | one thing after the other |
//! | `wire` | one link: two peers and what is under way between them |
//! | `world` | everything, and the order in which it happens |

mod account;
mod command;
mod faults;
mod node;
mod paths;
mod people;
mod run;
mod shelf;
mod stages;
mod steps;
mod wire;
mod world;

pub use command::{Arguments, run};
pub use faults::{Fault, Plan};
pub use run::{Outcome, Scenario, simulate};
pub use stages::StagePath;
