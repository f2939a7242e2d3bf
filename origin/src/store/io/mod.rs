//! Where the stores meet the world.
//!
//! | module | what it holds |
//! |---|---|
//! | `stores` | all stores of an origin, built from its configuration |
//! | `lane` | a journal and the task that empties it |
//! | `metered` | a store whose operations are counted and timed |
//! | `backup` | copies of hot state in the durable store, and their way back |

mod backup;
mod fenced;
mod lane;
mod metered;
mod stores;

pub use fenced::Fenced;
pub use lane::Receipt;
pub use stores::Stores;
