//! A Redis without persistence: as empty at every start as the ones that Stoa asks for.

use std::io::ErrorKind;
use std::net::{Ipv4Addr, SocketAddr};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use rustix::process::Signal;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::child::{NOT_POSSIBLE, Server, free_ports};

/// Longest wait for it to come up.
const START: Duration = Duration::from_secs(20);
const LOOK: Duration = Duration::from_millis(10);

/// A server of one's own.
#[derive(Debug)]
pub struct Redis {
    server: Option<Server>,
    port: u16,
    folder: TempDir,
}

impl Redis {
    /// Starts it, and waits until it answers.
    ///
    /// # Errors
    /// "not possible here" where redis-server is not installed; or when it does not come up.
    pub async fn start() -> Result<Self> {
        match Command::new("redis-server").arg("--version").stdout(Stdio::null()).status() {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                bail!("{NOT_POSSIBLE}: redis-server is missing (Debian's package has this name)")
            }
            Err(error) => return Err(error).context("redis-server cannot be started"),
            Ok(_) => {}
        }
        let folder = tempfile::tempdir().context("no temporary directory")?;
        let mut redis = Self { server: None, port: free_ports(1)?, folder };
        redis.resume().await?;
        Ok(redis)
    }

    /// Starts it again, empty.
    ///
    /// # Errors
    /// When it does not come up.
    pub async fn resume(&mut self) -> Result<()> {
        let mut command = Command::new("redis-server");
        command
            .args(["--port", &self.port.to_string(), "--bind", "127.0.0.1"])
            .args(["--save", "", "--appendonly", "no", "--daemonize", "no", "--dir"])
            .arg(self.folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null());
        let server = self.server.insert(Server::start(&mut command)?);
        let began = Instant::now();
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, self.port));
        while TcpStream::connect(address).await.is_err() {
            server.check()?;
            ensure!(began.elapsed() < START, "redis-server did not come up within {START:?}");
            tokio::time::sleep(LOOK).await;
        }
        Ok(())
    }

    /// Ends it at once; what it knew is gone.
    pub fn stop(&mut self) {
        self.server = None;
    }

    /// Stops its threads, while the kernel goes on taking connections for it.
    ///
    /// # Errors
    /// When it is gone.
    pub fn freeze(&self) -> Result<()> {
        self.server.as_ref().context("it is stopped")?.signal(Signal::STOP)
    }

    /// Lets it go on.
    ///
    /// # Errors
    /// When it is gone.
    pub fn thaw(&self) -> Result<()> {
        self.server.as_ref().context("it is stopped")?.signal(Signal::CONT)
    }

    /// Lets it forget everything while it goes on.
    ///
    /// # Errors
    /// When it does not.
    pub async fn wipe(&self) -> Result<()> {
        let mut stream = TcpStream::connect(self.address()).await.context("Redis is gone")?;
        stream.write_all(b"FLUSHALL\r\n").await.context("Redis is gone")?;
        let mut answer = [0; 5];
        stream.read_exact(&mut answer).await.context("Redis is gone")?;
        ensure!(&answer == b"+OK\r\n", "Redis does not forget");
        Ok(())
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        SocketAddr::from((Ipv4Addr::LOCALHOST, self.port))
    }
}
