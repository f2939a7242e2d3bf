//! The system calls of the media path, and the only `unsafe` code of the project.
//!
//! | module | what it holds |
//! |---|---|
//! | `address` | socket addresses in the kernel's own layout |
//! | `socket` | one UDP socket for all sessions of a worker |
//! | `send` | batches out: reserve, write in place, commit (`sendmmsg`) |
//! | `egress` | a worker's way out: the express path where there is one, batches elsewhere |
//! | `express` | the express path (AF_XDP) |
//! | `prefetch` | keys brought into the cache before they are needed |
//! | `receive` | batches in (`recvmmsg`) |

mod address;
mod egress;
mod express;
mod prefetch;
mod receive;
mod send;
mod socket;
#[cfg(test)]
mod tests;

pub use address::Address;
pub use egress::Egress;
pub use express::{ExpressError, Lane, lanes};
pub use prefetch::Prefetch;
pub use receive::ReceiveBatch;
pub use send::{SendBatch, Sent};
pub use socket::Socket;
