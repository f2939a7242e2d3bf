//! SRTP of our own (RFC 3711, RFC 7714): the downlink is sealed here, not in str0m.
//!
//! | module | what it holds |
//! |---|---|
//! | `profile` | protection profiles, and how DTLS keying material is divided |
//! | `derive` | session keys from a master key |
//! | `cipher` | one direction's session keys: open, and seal control packets |
//! | `sealer` | the key that packets out are sealed with, laid out for the cache |
//! | `sender` | packets out, with their indices |
//! | `receiver` | packets in, with roll-over and replay protection |

mod cipher;
mod derive;
mod profile;
mod receiver;
mod sealer;
mod sender;
#[cfg(test)]
mod tests;

pub use profile::{Master, Masters, Profile};
pub use receiver::{AudioReceiver, ControlReceiver, OpenError, Receiver};
pub use sender::{ControlSender, Sender};
