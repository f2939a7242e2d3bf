//! The configuration file of a binary, and the secrets it names.
//!
//! | module | what it holds |
//! |---|---|
//! | `load` | reads a file into a type; a mistake is shown with its line and what to do |
//! | `hint` | what to do about a mistake, in one sentence |
//! | `secret` | a value that is never printed, given in a file, in the environment or in place |

mod hint;
mod load;
mod secret;

pub use load::{CONFIGURATION_BYTES_MAX, ConfigurationError, Fault, load, parse};
pub use secret::{SECRET_BYTES_MAX, Secret};
