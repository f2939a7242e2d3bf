//! What listeners miss at the end of three hops that lose datagrams: real peers under virtual time.
//!
//! | module | what it holds |
//! |---|---|
//! | `command` | `bench repair` |
//! | `death` | how soon a dead peer is noticed; likewise |
//! | `hop` | one hop between two real peers; the protocol's own tests run it, too |
//! | `journey` | frames over several hops, and how many come in time; likewise |
//! | `report` | the figures |

mod command;
#[path = "../../../origin/protocol/tests/repair/death.rs"]
mod death;
#[path = "../../../origin/protocol/tests/repair/hop.rs"]
mod hop;
#[path = "../../../origin/protocol/tests/repair/journey.rs"]
mod journey;
mod report;

pub use command::{Arguments, run};
