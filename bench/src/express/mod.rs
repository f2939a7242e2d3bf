//! What the express path of `media/kernel` delivers and costs, beside the plain way through the same pair of
//! virtual interfaces.
//!
//! | module | what it holds |
//! |---|---|
//! | `command` | `bench express` |
//! | `network` | two network namespaces with a pair of virtual interfaces between them |
//! | `audience` | the receiving side, a process of its own |
//! | `sender` | the sending side, a process of its own |
//! | `proof` | that packets arrive intact, and which way they went |
//! | `turns` | the paths that take turns, and what each costs |
//! | `accounts` | what the kernel counts |
//! | `report` | the figures |

mod accounts;
mod audience;
mod command;
mod network;
mod proof;
mod report;
mod sender;
mod turns;

pub use audience::run as run_audience;
pub use command::{Arguments, run};
pub use sender::{Arguments as SenderArguments, run as run_sender};
