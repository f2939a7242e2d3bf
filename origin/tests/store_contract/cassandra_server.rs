//! A real Cassandra, started by the script in `bench/` and ended with the test.

use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use stoa_origin::store::{CassandraConfig, migrate};

/// Longest wait for the server to answer.
const START_LIMIT: Duration = Duration::from_secs(100);

pub(crate) struct CassandraServer {
    folder: tempfile::TempDir,
    port: u16,
    child: Child,
}

impl CassandraServer {
    /// Starts it, and waits until it has answered and holds the tables.
    pub(crate) async fn start() -> Self {
        let (folder, port) = (tempfile::tempdir().unwrap(), three_free_ports());
        let child = spawn(folder.path(), port);
        let mut server = Self { folder, port, child };
        server.wait().await;
        server
    }

    async fn wait(&mut self) {
        let until = Instant::now() + START_LIMIT;
        while let Err(error) = migrate(&self.config()).await {
            if let Some(status) = self.child.try_wait().unwrap() {
                panic!("Cassandra has ended: {status}; its log is above");
            }
            assert!(Instant::now() < until, "Cassandra did not come up: {error}");
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }

    /// As an operator would: what it has acknowledged is on disk afterwards.
    pub(crate) fn stop(&mut self) {
        self.signal(Signal::TERM);
        self.child.wait().unwrap();
    }

    pub(crate) async fn resume(&mut self) {
        self.child = spawn(self.folder.path(), self.port);
        self.wait().await;
    }

    pub(crate) fn freeze(&self) {
        self.signal(Signal::STOP);
    }

    pub(crate) fn thaw(&self) {
        self.signal(Signal::CONT);
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    pub(crate) fn address(&self) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], self.port))
    }

    pub(crate) fn config(&self) -> CassandraConfig {
        config(self.address(), "stoa")
    }
}

impl Drop for CassandraServer {
    fn drop(&mut self) {
        // It may have ended before; a frozen one dies of this too.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub(crate) fn config(address: SocketAddr, keyspace: &str) -> CassandraConfig {
    CassandraConfig {
        contact_points: vec![address.to_string()],
        keyspace: keyspace.to_owned(),
        username: None,
        password: None,
        replication: "{'class': 'SimpleStrategy', 'replication_factor': 1}".to_owned(),
    }
}

fn spawn(folder: &Path, port: u16) -> Child {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../bench/cassandra/start.sh");
    Command::new(script)
        .arg("run")
        .arg(folder)
        .arg(port.to_string())
        .stdin(Stdio::null())
        .spawn()
        .unwrap()
}

/// The first of three ports in a row that nobody has. Not of those that Linux gives to whoever connects: who tries until the
/// server is up could take the server's own that way.
fn three_free_ports() -> u16 {
    let free = |port: u16| TcpListener::bind(("127.0.0.1", port)).is_ok();
    let first = u16::try_from(std::process::id() % 5_000).unwrap();
    let all = (first..5_000).chain(0..first).map(|at| 12_000 + 4 * at);
    all.into_iter().find(|port| (*port..*port + 3).all(free)).unwrap()
}
