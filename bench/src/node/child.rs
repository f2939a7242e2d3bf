//! A child process: this binary, started again. It ends when we do, whatever ends us: its standard
//! input is a pipe from us, and it stops when that closes.

use std::ffi::OsString;
use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use hyper::Method;
use rustix::process::{Pid, Resource, Rlimit, Signal, getrlimit, kill_process, setrlimit};

use super::run::Announcement;
use crate::load::Connection;

/// How long a node may take to be ready.
const START: Duration = Duration::from_secs(20);
/// How long a node has to end in order.
const END: Duration = Duration::from_secs(5);
const LOOK: Duration = Duration::from_millis(10);

/// A running node; dropping it ends it.
#[derive(Debug)]
pub struct Child {
    name: String,
    process: std::process::Child,
    http: SocketAddr,
    mesh: Option<SocketAddr>,
    media: Option<SocketAddr>,
}

impl Child {
    /// Starts `program`, a `bench` binary, and waits until the node says that it is ready.
    ///
    /// # Errors
    /// When it does not start, ends at once, or is not ready in time.
    pub async fn start(program: &Path, name: &str, arguments: &[OsString]) -> Result<Self> {
        let mut process = Command::new(program)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot start {name}"))?;
        let stdout = process.stdout.take().context("a child without standard output")?;
        // Ended by the drop of `child` on every way out, which closes the pipe.
        let nowhere = SocketAddr::from(([0, 0, 0, 0], 0));
        let mut child =
            Self { name: name.to_owned(), process, http: nowhere, mesh: None, media: None };
        let first_line = tokio::task::spawn_blocking(move || {
            let mut line = String::new();
            BufReader::new(stdout).read_line(&mut line).map(|_| line)
        });
        let line = tokio::time::timeout(START, first_line)
            .await
            .with_context(|| format!("{name} said nothing within {START:?}; its log stands above"))?
            .context("cannot read a child's output")??;
        let announcement: Announcement = serde_json::from_str(&line)
            .with_context(|| format!("{name} did not start; its log stands above"))?;
        let Announcement { http, mesh, media } = announcement;
        (child.http, child.mesh, child.media) = (http, mesh, media);
        child.wait_until_ready().await?;
        Ok(child)
    }

    /// What it is called.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Where it serves HTTP.
    #[must_use]
    pub fn http(&self) -> SocketAddr {
        self.http
    }

    /// Where it takes links, if it does.
    #[must_use]
    pub fn mesh(&self) -> Option<SocketAddr> {
        self.mesh
    }

    /// Where it takes media, if it does.
    #[must_use]
    pub fn media(&self) -> Option<SocketAddr> {
        self.media
    }

    /// Its process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.process.id()
    }

    async fn wait_until_ready(&mut self) -> Result<()> {
        let began = Instant::now();
        loop {
            if let Some(status) = self.process.try_wait().context("cannot watch a child")? {
                bail!("{} ended at once ({status}); its log stands above", self.name);
            }
            if self.is_ready().await {
                return Ok(());
            }
            if began.elapsed() > START {
                bail!("{} was not ready within {START:?}; its log stands above", self.name);
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    async fn is_ready(&self) -> bool {
        let Ok(mut http) = Connection::open(self.http).await else { return false };
        let answer = http.send(Method::GET, "/health/ready", None, None).await;
        answer.is_ok_and(|answer| answer.status.is_success())
    }

    /// Waits a while for it to end, as it was asked to; then it is killed.
    pub async fn ended(mut self) {
        let began = Instant::now();
        while began.elapsed() < END && matches!(self.process.try_wait(), Ok(None)) {
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Sends it a signal.
    ///
    /// # Errors
    /// When it is gone.
    pub fn signal(&self, signal: Signal) -> Result<()> {
        let pid = i32::try_from(self.process.id()).ok().and_then(Pid::from_raw);
        kill_process(pid.context("no process id")?, signal)
            .with_context(|| format!("{} is gone", self.name))
    }

    /// Asks it to end, as a terminal or a service manager would; it may take its time.
    pub fn ask_to_end(&self) {
        let pid = i32::try_from(self.process.id()).ok().and_then(Pid::from_raw);
        if let Some(pid) = pid {
            // It may be gone already: then there is nobody to ask.
            let _ = kill_process(pid, Signal::TERM);
        }
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        if matches!(self.process.try_wait(), Ok(None)) {
            // Both fail only where the process is gone.
            let _ = self.process.kill();
            let _ = self.process.wait();
        }
    }
}

/// The binary that runs now: nodes are made by starting it again.
///
/// # Errors
/// When the system does not tell.
pub fn this_program() -> Result<PathBuf> {
    std::env::current_exe().context("cannot find this binary")
}

/// Makes sure that this process may open that many files and sockets.
///
/// # Errors
/// When the system's hard limit is lower.
pub fn raise_descriptor_limit(wanted: u64) -> Result<()> {
    let limit = getrlimit(Resource::Nofile);
    if limit.current.is_none_or(|current| current >= wanted) {
        return Ok(());
    }
    if limit.maximum.is_some_and(|maximum| maximum < wanted) {
        bail!("{wanted} open files are needed; raise the limit: ulimit -Hn {wanted} (as root)");
    }
    setrlimit(Resource::Nofile, Rlimit { current: Some(wanted), maximum: limit.maximum })
        .context("cannot raise the limit of open files; try: ulimit -n")
}
