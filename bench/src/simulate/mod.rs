//! The simulator: the real cores of origins, edges and links under virtual time, on a network that delays, loses,
//! reorders and cuts, with nodes that die, freeze and come back. Everything follows from the seed.
//!
//! | module | what it holds |
//! |---|---|
//! | `account` | which frames were spoken, and which were heard where |
//! | `clock` | a node's own clock |
//! | `command` | the command line: many seeds, or one again |
//! | `deeds` | what is asked of the owner, and must not be forgotten once it was acknowledged |
//! | `faults` | what goes wrong, drawn from the seed |
//! | `keeping` | what origins write and read, answers that wait for it, leases |
//! | `links` | how links come and end, and what goes over them |
//! | `model` | what must hold at every moment |
//! | `node` | an origin or an edge with its links |
//! | `paths` | how long a packet takes between two nodes, and whether it arrives |
//! | `people` | who joins where, and who speaks |
//! | `run` | one seed from the first link to the verdict |
//! | `shelf` | the store that origins share |
//! | `stages` | how speakers at different edges hear each other |
//! | `steps` | one thing after the other |
//! | `troubles` | when something was wrong |
//! | `ways` | which ways frames have |
//! | `wire` | one link: two peers and what is under way between them |
//! | `world` | everything, and the order in which it happens |

mod account;
mod clock;
mod command;
mod deeds;
mod faults;
mod keeping;
mod links;
mod model;
mod node;
mod paths;
mod people;
mod run;
mod shelf;
mod stages;
mod steps;
mod troubles;
mod ways;
mod wire;
mod world;

pub use command::{Arguments, run};
pub use faults::{Fault, Plan};
pub use run::{Outcome, Scenario, simulate};
pub use stages::StagePath;
