//! Where Redis meets the world.
//!
//! | module | what it holds |
//! |---|---|
//! | `connection` | one connection, made when it is needed, with limits and backoff |
//! | `store` | the store on it |
//! | `restoration` | what fills a server that came back empty |

mod connection;
mod restoration;
mod store;

pub use store::Redis;
