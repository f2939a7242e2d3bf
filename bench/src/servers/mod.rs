//! Real servers of stores as child processes, on ports and in folders of their own, and what can go wrong with them.
//!
//! | module | what it holds |
//! |---|---|
//! | `redis` | a Redis without persistence |
//! | `cassandra` | a Cassandra of one node |
//! | `child` | a process that is stopped, frozen and ended with us |
//! | `slow_path` | a TCP path that takes its time |

mod cassandra;
mod child;
mod redis;
mod slow_path;

pub use cassandra::Cassandra;
pub use redis::Redis;
pub use slow_path::SlowPath;
