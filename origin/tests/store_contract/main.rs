//! One contract for every store: the same promises, and the same random histories, against a model.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]

mod blocks;
mod crash;
mod embedded;
#[cfg(feature = "redis")]
mod held_path;
mod hot;
mod leases;
mod model;
mod property;
#[cfg(feature = "redis")]
mod redis;
#[cfg(feature = "redis")]
mod redis_server;
mod revocations;
mod rooms;
#[cfg(feature = "redis")]
mod slow_path;
#[cfg(feature = "redis")]
mod stores;
mod vocabulary;
