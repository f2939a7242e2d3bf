//! A mesh link on the wire. The rules of a link live in `stoa_protocol::mesh`; here is its shell:
//! quinn endpoint, certificates, congestion control, reconnects, and links inside one process.
//!
//! | module | what it holds |
//! |---|---|
//! | [`event`] | what a link tells its owner |

pub mod event;
