//! The origin: rooms, who of them is heard, and who sends what to whom.
//!
//! | module | what it holds |
//! |---|---|
//! | [`room`] | one room: who is here, who may do what |
//! | [`stage`] | who of the stage is heard |
//! | [`tree`] | trees along which frames are spread, planned |
//! | [`service`] | all rooms behind the links of this origin |
//! | [`webhook`] | what happens in rooms, told to back ends |
//! | [`command`] | what the command line does besides running an origin |
//! | [`archive`] | what stores keep beyond memory: read, erased, and when its time is over |
//! | [`keeping`] | between the rooms and their stores |
//! | [`cluster`] | several origins as one: leases, owners, standbys |
//! | [`status`] | the status page: the network and the live trees, for people and for programs |
//! | [`store`] | what survives: rooms, who is here, which origins are alive |
//! | [`config`] | configuration file and command line |
//! | [`mod@migrate`] | the command that brings the tables of a store up to date |
//! | [`metrics`] | what Prometheus gets to know |
//! | [`origin`] | composition root: a process of its own, or [`embed`]ded in an edge |

pub mod archive;
pub mod cluster;
pub mod command;
pub mod config;
pub mod keeping;
pub mod metrics;
pub mod migrate;
pub mod origin;
pub mod room;
pub mod service;
pub mod stage;
pub mod status;
pub mod store;
pub mod tree;
pub mod webhook;

pub use config::{Arguments, Config};
pub use origin::{Embedded, Origin, embed, run};
pub use service::Steering;
