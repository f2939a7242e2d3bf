//! Where Cassandra meets the world.
//!
//! | module | what it holds |
//! |---|---|
//! | `session` | the driver's session, made when it is needed; what its errors mean |
//! | `partition` | reading and changing a partition as a whole |
//! | `rooms` | durable rooms |
//! | `hot` | who is here |
//! | `leases` | leases of origins |
//! | `revocations` | revocations |
//! | `blocks` | blocks |
//! | `migration` | keyspace and tables |
//! | `store` | all of it as one store |

mod blocks;
mod hot;
mod leases;
mod migration;
mod partition;
mod revocations;
mod rooms;
mod session;
mod store;

pub use migration::migrate;
pub use store::Cassandra;
