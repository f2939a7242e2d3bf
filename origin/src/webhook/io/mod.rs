//! Where webhooks meet the world.
//!
//! | module | what it holds |
//! |---|---|
//! | `post` | one attempt: name, address, connection, request, answer |
//! | `worker` | the thread with the queue, and the door to it |

mod post;
mod worker;

pub use worker::{Sender, Webhooks, start};
