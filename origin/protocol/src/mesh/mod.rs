//! The mesh: what two nodes exchange over one link.
//!
//! | module | what it holds |
//! |---|---|
//! | [`control`] | messages of the control stream (Protocol Buffers) |
//! | [`codec`] | those messages on a byte stream |
//! | [`datagram`] | frames and beats in datagrams |
//! | [`repair`] | datagrams that ask for lost ones, and that bring them again |
//! | [`identity`] | who a certificate says a node is, and what it may do |
//! | [`trail`] | what each hop has added to a frame's delay |
//! | [`peer`] | the rules of one link |

pub mod codec;
pub mod control;
pub mod datagram;
pub mod identity;
pub mod peer;
pub mod repair;
pub mod trail;
mod varint;

pub use varint::VARINT_MAX;
