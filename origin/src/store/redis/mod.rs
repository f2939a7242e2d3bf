//! Hot state in Redis or Valkey. A marker key tells a server that remembers from one that came back empty:
//! without it nothing is read or written until hot state is restored from the durable store.
//!
//! | module | what it holds |
//! |---|---|
//! | `scripts` | what the server runs, so that a condition and its write cannot be parted |
//! | `io` | one connection with limits and backoff; the store on it |

mod io;
mod scripts;

pub use io::Redis;
