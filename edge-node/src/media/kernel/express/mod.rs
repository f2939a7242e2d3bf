//! The express path: packets to IPv4 listeners go to the interface's driver by an AF_XDP socket, past the
//! kernel's routing, firewall and queueing, for about three fifths of what `sendmmsg` costs. Whatever it cannot take
//! goes the plain way.
//!
//! | module | what it holds |
//! |---|---|
//! | `headers` | Ethernet, IPv4 and UDP in front of a payload |
//! | `table` | which packets may take it, and to which hardware address |
//! | `proc_net` | the kernel's own tables as it prints them |
//! | `interface` | what the kernel tells of an interface |
//! | `bulletin` | the table as workers get it, without waiting |
//! | `mapping` | memory shared with the kernel |
//! | `ring` | its rings of descriptors |
//! | `transmitter` | an AF_XDP socket that only sends |
//! | `lane` | one worker's share of the express path |
//! | `error` | why it cannot be had, and what to do |

mod bulletin;
mod error;
mod headers;
mod interface;
mod lane;
mod mapping;
mod proc_net;
mod ring;
mod table;
mod transmitter;

pub use error::ExpressError;
pub use lane::{Lane, lanes};
