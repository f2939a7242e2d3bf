//! The system calls and the memory of the media path, and the only `unsafe` code of the project.
//!
//! | module | what it holds |
//! |---|---|
//! | `address` | socket addresses in the kernel's own layout |
//! | `socket` | one UDP socket for all sessions of a worker |
//! | `send` | batches out: reserve, write in place, commit (`sendmmsg`) |
//! | `egress` | a worker's way out: the express path where there is one, batches elsewhere |
//! | `express` | the express path (AF_XDP) |
//! | `prefetch` | memory brought into the cache before it is needed |
//! | `seal_key` | an AES-GCM key that lies where it is put |
//! | `receive` | batches in (`recvmmsg`) |

mod address;
mod egress;
mod express;
mod prefetch;
mod receive;
mod seal_key;
mod send;
mod socket;
#[cfg(test)]
mod tests;

pub use address::Address;
pub use egress::Egress;
pub use express::{ExpressError, Lane, lanes};
pub use prefetch::prefetch;
pub use receive::ReceiveBatch;
pub use seal_key::SealKey;
pub use send::{SendBatch, Sent};
pub use socket::Socket;
