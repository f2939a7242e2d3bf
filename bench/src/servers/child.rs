//! A process that is stopped and frozen by a test, and ended with us.

use std::net::TcpListener;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::{Context, Result, ensure};
use rustix::process::{Pid, Signal, kill_process};

/// What a complaint begins with that is about this machine, not about what was to be tried on it.
pub(super) const NOT_POSSIBLE: &str = "not possible here";

/// A server that runs; dropping it ends it, also when it is frozen.
#[derive(Debug)]
pub(super) struct Server(std::process::Child);

impl Server {
    pub(super) fn start(command: &mut Command) -> Result<Self> {
        let name = command.get_program().to_string_lossy().into_owned();
        command.spawn().map(Self).with_context(|| format!("cannot start {name}"))
    }

    /// # Errors
    /// When it has ended by itself.
    pub(super) fn check(&mut self) -> Result<()> {
        let ended = self.0.try_wait().context("cannot watch a child")?;
        ensure!(ended.is_none(), "a server has ended by itself: {ended:?}");
        Ok(())
    }

    pub(super) fn signal(&self, signal: Signal) -> Result<()> {
        kill_process(Pid::from_child(&self.0), signal).context("a server is gone")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Both fail only where it is gone.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Ports of servers. Those from 32,768 on Linux gives to whoever connects: a client that tries until its server is up can
/// take the server's own port that way.
const FIRST_PORT: u32 = 12_000;
const PORTS: u32 = 20_000;

/// How many ports of its own each process begins with.
const PORTS_OF_PROCESS: u32 = 16;

/// The first of so many ports in a row that nobody has now.
///
/// # Errors
/// When all are taken.
pub(super) fn free_ports(count: u16) -> Result<u16> {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let free = |port: u16| TcpListener::bind(("127.0.0.1", port)).is_ok();
    let first = std::process::id().wrapping_mul(PORTS_OF_PROCESS);
    for _ in 0..PORTS {
        let at = first.wrapping_add(NEXT.fetch_add(count.into(), Ordering::Relaxed));
        let port = FIRST_PORT + at % (PORTS - u32::from(count));
        let port = u16::try_from(port).context("a range beyond all ports")?;
        if (port..port + count).all(free) {
            return Ok(port);
        }
    }
    anyhow::bail!("no {count} TCP ports in a row are free")
}
