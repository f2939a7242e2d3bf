//! Start-up code of the three binaries, the lowest package of all: it knows no rooms and no media.
//!
//! | module | what it holds |
//! |---|---|
//! | [`configuration`] | one TOML file to a typed value, with the line and a hint on every mistake; secrets |
//! | [`telemetry`] | structured logs on standard error, and a limit so that a flood cannot fill a disk |
//! | [`metrics_page`] | `/metrics`, `/health/live`, `/health/ready`, and the process's own usage |
//! | [`shutdown`] | signals to a future, and a drain with a deadline |

pub mod configuration;
pub mod metrics_page;
pub mod shutdown;
pub mod telemetry;
