//! Links over real quinn endpoints on the loopback interface.
//!
//! | module | what it holds |
//! |---|---|
//! | `exchange` | two nodes that get on well |
//! | `refusal` | who is not let in |
//! | `reconnect` | links that come back, and links that are replaced |
//! | `hostile` | peers that break the rules |
//! | `stranger` | a peer of our own making that says whatever a test wants |
//! | `support` | nodes, waiting, frames |

mod exchange;
mod hostile;
mod reconnect;
mod refusal;
mod stranger;
pub(crate) mod support;
