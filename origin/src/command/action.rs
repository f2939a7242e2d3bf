//! What can be asked for on the command line.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand};
use stoa_protocol::ids::{Role, RoomId};
use stoa_protocol::token::Grant;

/// What to do instead of running an origin.
#[derive(Debug, Subcommand)]
pub enum Action {
    /// Print an access token, signed with a secret or an Ed25519 key.
    Token(Box<MakeToken>),
    /// Make an Ed25519 key pair for signing access tokens.
    Key(MakeKey),
    /// Check a configuration file and end.
    Check(Check),
    /// Bring the tables of the durable store to the form of this version, and end.
    Migrate(Migrate),
}

/// Print an access token.
#[derive(Debug, Args)]
pub struct MakeToken {
    /// The room it is for; without one it is a back end's, for every room of its tenant.
    #[arg(long)]
    pub room: Option<RoomId>,
    /// What its bearer may do in the room: listener, speaker, moderator or host.
    #[arg(long, default_value = "listener", value_parser = role)]
    pub role: Role,
    /// Who this is, as you call him.
    #[arg(long)]
    pub identity: String,
    /// What people read; the identity if absent.
    #[arg(long)]
    pub name: Option<String>,
    /// How long it holds: a number with s, m, h or d behind it, at most 31d.
    #[arg(long, default_value = "1h", value_parser = time)]
    pub ttl: Duration,
    /// What its bearer may do to rooms: create, list, close, moderate, read_log, operate; separated by commas.
    #[arg(long, value_delimiter = ',', value_parser = grant)]
    pub grant: Vec<Grant>,
    /// File with the secret; without it and --key, STOA_TOKEN_SECRET in the environment is taken.
    #[arg(long, value_name = "FILE", conflicts_with = "key")]
    pub secret_file: Option<PathBuf>,
    /// File with an Ed25519 private key, as `stoa-origin key` makes it.
    #[arg(long, value_name = "FILE")]
    pub key: Option<PathBuf>,
    /// Id of the key; that of an Ed25519 key follows from it, a secret needs one with several tenants.
    #[arg(long)]
    pub kid: Option<String>,
    /// Print a link into the room at this edge instead of the bare token.
    #[arg(long, value_name = "URL", requires = "room")]
    pub link: Option<String>,
}

/// Make an Ed25519 key pair.
#[derive(Debug, Args)]
pub struct MakeKey {
    /// Where the private key goes; the public one goes beside it with `.pub` at the end.
    #[arg(long, value_name = "FILE", default_value = "stoa-token-key.pem")]
    pub out: PathBuf,
}

/// Check a configuration file.
#[derive(Debug, Args)]
pub struct Check {
    /// The file (TOML).
    #[arg(long, value_name = "FILE")]
    pub config: PathBuf,
}

/// Bring the tables of the durable store to the form of this version.
#[derive(Debug, Args)]
pub struct Migrate {
    /// Configuration file (TOML) with `[store]`; without one the defaults hold.
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
}

fn role(text: &str) -> Result<Role, String> {
    match text {
        "listener" => Ok(Role::Listener),
        "speaker" => Ok(Role::Speaker),
        "moderator" => Ok(Role::Moderator),
        "host" => Ok(Role::Host),
        _ => Err("a role is listener, speaker, moderator or host".to_owned()),
    }
}

fn grant(text: &str) -> Result<Grant, String> {
    Grant::ALL
        .into_iter()
        .find(|grant| grant.name() == text)
        .ok_or_else(|| format!("a grant is one of {}", Grant::ALL.map(Grant::name).join(", ")))
}

fn time(text: &str) -> Result<Duration, String> {
    let wrong = || "a time is written as 90s, 15m, 2h or 7d".to_owned();
    let unit_at = text.len().checked_sub(1).filter(|at| text.is_char_boundary(*at));
    let (number, unit) = text.split_at(unit_at.ok_or_else(wrong)?);
    let unit_s = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 60 * 60,
        "d" => 24 * 60 * 60,
        _ => return Err(wrong()),
    };
    let number: u64 = number.parse().map_err(|_| wrong())?;
    let seconds = number.checked_mul(unit_s).filter(|seconds| *seconds > 0).ok_or_else(wrong)?;
    Ok(Duration::from_secs(seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_with_their_unit() {
        let read = |text| time(text).map(|time| time.as_secs());
        assert_eq!(read("90s"), Ok(90));
        assert_eq!(read("15m"), Ok(900));
        assert_eq!(read("2h"), Ok(7_200));
        assert_eq!(read("31d"), Ok(2_678_400));
        for wrong in ["", "h", "2", "0s", "-1s", "1.5h", "2w", "2é", "99999999999999999999d"] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn every_grant_is_known_by_its_name() {
        for known in Grant::ALL {
            assert_eq!(grant(known.name()), Ok(known));
        }
        assert!(grant("fly").unwrap_err().contains("read_log"));
    }
}
