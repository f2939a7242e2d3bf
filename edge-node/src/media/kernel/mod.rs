//! The system calls of the media path, and the only `unsafe` code of the project.
//!
//! | module | what it holds |
//! |---|---|
//! | `address` | socket addresses in the kernel's own layout |
//! | `socket` | one UDP socket for all sessions of a worker |
//! | `send` | batches out: reserve, write in place, commit (`sendmmsg`) |
//! | `prefetch` | keys brought into the cache before they are needed |
//! | `receive` | batches in (`recvmmsg`) |

mod address;
mod prefetch;
mod receive;
mod send;
mod socket;
#[cfg(test)]
mod tests;

pub use address::Address;
pub use prefetch::Prefetch;
pub use receive::ReceiveBatch;
pub use send::{SendBatch, Sent};
pub use socket::Socket;
