//! Where the command line meets the world: reads files, writes files, prints.

use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, bail};
use stoa_protocol::token::SigningKey;

use super::action::{Action, Check, MakeKey, MakeToken, Migrate};
use super::{keypair, mint};
use crate::config::{Arguments, Config};

/// Largest file with a key or a secret.
const FILE_BYTES_MAX: u64 = 64 * 1024;

/// As on the edges.
const SECRET_VARIABLE: &str = "STOA_TOKEN_SECRET";

/// Does what the command line asks for; without anything else, runs an origin.
///
/// # Errors
/// A sentence that says what to do.
pub fn run(mut arguments: Arguments) -> anyhow::Result<()> {
    match arguments.action.take() {
        None => crate::origin::run(&Config::load(arguments)?),
        Some(Action::Token(asked)) => token(&asked),
        Some(Action::Key(asked)) => key(&asked),
        Some(Action::Check(asked)) => check(asked),
        Some(Action::Migrate(asked)) => migrate(asked),
    }
}

fn token(asked: &MakeToken) -> anyhow::Result<()> {
    let key = signing_key(asked)?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).context("the clock is before 1970")?;
    let jti = format!("{:032x}", rand::random::<u128>());
    let claims = mint::claims(asked, jti, now.as_secs())?;
    print(&mint::line(asked, &key, &claims)?)
}

fn signing_key(asked: &MakeToken) -> anyhow::Result<SigningKey> {
    if let Some(file) = &asked.key {
        let pem = read(file)?;
        let found = || format!("--key {}", file.display());
        let id = match &asked.kid {
            Some(id) => id.clone(),
            None => keypair::id_of(&pem).with_context(found)?,
        };
        return SigningKey::ed25519(id, &pem).with_context(found);
    }
    let secret = match &asked.secret_file {
        Some(file) => read(file)?,
        // The error of `std::env::var` quotes a value that is not UTF-8, so it is not passed on.
        None => match std::env::var(SECRET_VARIABLE) {
            Ok(secret) => secret,
            Err(_) => bail!(
                "nothing to sign with: give the edges' secret by --secret-file FILE or by \
                 {SECRET_VARIABLE} in the environment, or an Ed25519 private key by --key FILE \
                 (`stoa-origin key` makes one)"
            ),
        },
    };
    let secret = secret.trim_end_matches(['\r', '\n']);
    Ok(SigningKey::hs256(asked.kid.clone(), secret.as_bytes())?)
}

fn key(asked: &MakeKey) -> anyhow::Result<()> {
    let MakeKey { out } = asked;
    let public = beside(out);
    let made = keypair::draw()?;
    write_new(out, &made.private_pem, 0o600)?;
    write_new(&public, &made.public_pem, 0o644)?;
    print(&format!(
        "# {} is the private key: keep it where tokens are made.\n# For the configuration of every \
         edge:\n[[tokens.keys]]\nid = \"{}\"\npublic_key = {{ file = {:?} }}",
        out.display(),
        made.id,
        public.display().to_string(),
    ))
}

fn check(asked: Check) -> anyhow::Result<()> {
    let shown = asked.config.display().to_string();
    Config::load(Arguments { config: Some(asked.config), ..Arguments::default() })?;
    print(&format!("{shown} is a valid configuration"))
}

fn migrate(Migrate { config }: Migrate) -> anyhow::Result<()> {
    let config = Config::load(Arguments { config, ..Arguments::default() })?;
    print(&crate::migrate::migrate(&config.store)?)
}

fn beside(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".pub");
    name.into()
}

fn read(path: &Path) -> anyhow::Result<String> {
    let unreadable =
        || format!("cannot read {}; check the path and its permissions", path.display());
    let file = fs::File::open(path).with_context(unreadable)?;
    let mut text = String::new();
    file.take(FILE_BYTES_MAX).read_to_string(&mut text).with_context(unreadable)?;
    Ok(text)
}

/// Never over a file that is there: it could be the only copy of a key in use.
fn write_new(path: &Path, text: &str, mode: u32) -> anyhow::Result<()> {
    let mut options = fs::OpenOptions::new();
    let file = options.write(true).create_new(true).mode(mode).open(path);
    let mut file = file.with_context(|| {
        format!("cannot make {}; name another file by --out if it is there already", path.display())
    })?;
    file.write_all(text.as_bytes()).with_context(|| format!("cannot write {}", path.display()))
}

/// A closed pipe is an error and no panic.
fn print(line: &str) -> anyhow::Result<()> {
    writeln!(std::io::stdout(), "{line}").context("cannot write to the standard output")
}
