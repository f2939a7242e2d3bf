//! Installs the subscriber. Logs go to standard error, so that standard output stays free for what a
//! command prints; `STOA_LOG` overrules the configured level.

use std::io::IsTerminal;

use serde::Deserialize;
use thiserror::Error;
use tracing_subscriber::filter::ParseError;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer};

use super::flood::{self, FloodLimit};

/// The environment variable that overrules the configured level.
pub const LOG_VARIABLE: &str = "STOA_LOG";

/// Libraries that warn of what strangers write, which is nothing that an operator could mend; we count
/// it. So is what Cassandra says of a keyspace that is chosen once for all statements, at each of them.
/// Naming one of these in the level overrules this.
const QUIET: &str = "str0m=error,is=error,dimpl=error,scylla::network::connection=error";

/// How an event is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// One line for people, coloured on a terminal.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// What is logged, and how.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TelemetryConfig {
    /// Text or JSON.
    pub format: LogFormat,
    /// A level (`error`, `warn`, `info`, `debug`, `trace`) or directives such as
    /// `info,stoa_edge::webrtc=debug`.
    pub level: String,
}

impl Default for TelemetryConfig {
    fn default() -> Self {
        Self { format: LogFormat::Text, level: "info".to_owned() }
    }
}

/// Why telemetry did not start.
#[derive(Debug, Error)]
pub enum TelemetryError {
    /// The level cannot be read.
    #[error(
        "{origin} holds {text:?}, which is no log level: {reason}; try \"info\" or \"info,stoa_edge=debug\""
    )]
    Level {
        /// Where the text came from.
        origin: &'static str,
        /// The text.
        text: String,
        /// What is wrong with it.
        reason: ParseError,
    },
    /// The thread that reports suppressed events could not start.
    #[error("cannot start the thread that reports suppressed log events: {0}")]
    Thread(std::io::Error),
}

/// Installs the logger of this process. A second call, as tests make it, changes nothing.
///
/// # Errors
/// [`TelemetryError::Level`] when the level or `STOA_LOG` cannot be read; `Thread` when the system
/// refuses one more thread.
pub fn start(config: &TelemetryConfig) -> Result<(), TelemetryError> {
    let filter = match std::env::var(LOG_VARIABLE) {
        Ok(text) if !text.is_empty() => directives(&text, LOG_VARIABLE)?,
        _ => directives(&config.level, "telemetry.level")?,
    };
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    let lines = match config.format {
        LogFormat::Text => lines.with_ansi(std::io::stderr().is_terminal()).boxed(),
        LogFormat::Json => lines.json().flatten_event(true).boxed(),
    };
    let registry = tracing_subscriber::registry().with(lines).with(FloodLimit).with(filter);
    match registry.try_init() {
        Ok(()) => flood::report_in_background().map_err(TelemetryError::Thread),
        Err(_) => Ok(()),
    }
}

fn directives(text: &str, origin: &'static str) -> Result<EnvFilter, TelemetryError> {
    let quiet = EnvFilter::builder().parse(format!("{QUIET},{text}"));
    quiet.map_err(|reason| TelemetryError::Level { origin, text: text.to_owned(), reason })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn starting_twice_is_no_error() {
        let config = TelemetryConfig::default();
        start(&config).unwrap();
        start(&config).unwrap();
    }

    #[test]
    fn strangers_faults_are_no_warnings_unless_asked_for() {
        let filter = |level| directives(level, "telemetry.level").unwrap().to_string();
        assert!(filter("info").contains("str0m=error"));
        assert!(filter("info,str0m=debug").contains("str0m=debug"));
        assert!(!filter("info,str0m=debug").contains("str0m=error"));
    }

    #[test]
    fn a_level_that_is_none_is_refused_with_its_place() {
        let error = directives("stoa_edge=lots", "telemetry.level").unwrap_err().to_string();
        assert!(error.starts_with("telemetry.level holds \"stoa_edge=lots\""), "{error}");
    }

    #[test]
    fn format_and_level_are_read_from_toml() {
        let read: TelemetryConfig = toml::from_str("format = \"json\"\nlevel = \"warn\"").unwrap();
        assert_eq!(read, TelemetryConfig { format: LogFormat::Json, level: "warn".to_owned() });
    }
}
