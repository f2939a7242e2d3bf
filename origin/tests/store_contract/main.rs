//! One contract for every store: the same promises, and the same random histories, against a model.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod crash;
mod embedded;
mod hot;
mod leases;
mod model;
mod property;
mod rooms;
mod servers;
mod vocabulary;
