//! Durable rooms, leases and, where there is no Redis, hot state in Apache Cassandra.
//!
//! A room is one partition with one version. A change reads it, decides, and writes all it has to write in one
//! lightweight transaction on that version; whatever came between makes it read again. When such a transaction
//! times out, the version is read at SERIAL before anything else: it says whether the change has happened.
//!
//! | module | what it holds |
//! |---|---|
//! | `schema` | tables, migrations, statements |
//! | `rows` | what a row says, and what is written into one |
//! | `io` | the session, and the operations on it |

mod io;
mod rows;
mod schema;

pub use io::{Cassandra, migrate};
