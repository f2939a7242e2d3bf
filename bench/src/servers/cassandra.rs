//! A Cassandra of one node, by the script in `bench/cassandra`.

use std::fs::File;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use rustix::process::Signal;
use stoa_origin::store::{CassandraConfig, migrate};
use tempfile::TempDir;

use super::child::{NOT_POSSIBLE, Server, free_ports};

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/cassandra/start.sh");
/// What the script ends with where it cannot run; its last line says why.
const CANNOT: i32 = 3;
/// For CQL, its neighbours and JMX.
const PORTS: u16 = 3;
/// Longest wait for it to come up, also on a busy machine.
const START: Duration = Duration::from_secs(100);
const LOOK: Duration = Duration::from_millis(200);

/// A server of one's own, with the tables that an origin needs.
#[derive(Debug)]
pub struct Cassandra {
    server: Option<Server>,
    port: u16,
    folder: TempDir,
}

impl Cassandra {
    /// Starts it, and waits until it has answered and holds the tables.
    ///
    /// # Errors
    /// "not possible here" where it cannot run; or when it does not come up.
    pub async fn start() -> Result<Self> {
        let fetched = Command::new(SCRIPT).arg("fetch").output().context("no start.sh")?;
        if fetched.status.code() == Some(CANNOT) {
            let told = String::from_utf8_lossy(&fetched.stdout);
            bail!("{NOT_POSSIBLE}: {}", told.lines().last().unwrap_or("start.sh does not say why"));
        }
        ensure!(fetched.status.success(), "{SCRIPT} failed: {}", fetched.status);
        let folder = tempfile::tempdir().context("no temporary directory")?;
        let mut cassandra = Self { server: None, port: free_ports(PORTS)?, folder };
        cassandra.resume().await?;
        Ok(cassandra)
    }

    /// Starts it again, on what it has written down.
    ///
    /// # Errors
    /// When it does not come up.
    pub async fn resume(&mut self) -> Result<()> {
        let log = File::create(self.log()).context("cannot write Cassandra's log")?;
        let errors = log.try_clone().context("cannot write Cassandra's log")?;
        let mut command = Command::new(SCRIPT);
        command.arg("run").arg(self.folder.path()).arg(self.port.to_string());
        command.stdin(Stdio::null()).stdout(log).stderr(errors);
        self.server = Some(Server::start(&mut command)?);
        let began = Instant::now();
        while let Err(error) = migrate(&self.config()).await {
            if let Some(Err(ended)) = self.server.as_mut().map(Server::check) {
                let log = std::fs::read_to_string(self.log()).unwrap_or_default();
                return Err(ended).context(log);
            }
            ensure!(began.elapsed() < START, "Cassandra did not come up within {START:?}: {error}");
            tokio::time::sleep(LOOK).await;
        }
        Ok(())
    }

    /// Ends it at once, as a power cut would.
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

    /// How an origin reaches it.
    #[must_use]
    pub fn config(&self) -> CassandraConfig {
        CassandraConfig {
            contact_points: vec![SocketAddr::from((Ipv4Addr::LOCALHOST, self.port)).to_string()],
            keyspace: "stoa".to_owned(),
            username: None,
            password: None,
            replication: "{'class': 'SimpleStrategy', 'replication_factor': 1}".to_owned(),
        }
    }

    fn log(&self) -> std::path::PathBuf {
        Path::new(self.folder.path()).join("server.log")
    }
}
