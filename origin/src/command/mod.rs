//! What the command line does besides running an origin: tokens, keys, checking a configuration, migrating a store.
//!
//! | module | what it holds |
//! |---|---|
//! | `action` | what can be asked for |
//! | `io` | reads files, writes files, prints |
//! | `keypair` | Ed25519 keys as files hold them |
//! | `mint` | a token as asked for |

mod action;
mod io;
mod keypair;
mod mint;

pub use action::{Action, Check, MakeKey, MakeToken, Migrate};
pub use io::run;
