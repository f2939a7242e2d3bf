//! What the kernel counts: datagrams of a network namespace, CPU time of another process, and of the kernel's
//! threads that finish what interrupts began.

use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};

/// UDP datagrams of the network namespace that a process lives in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Datagrams {
    /// Read by programs.
    pub(super) read: u64,
    /// Sent through UDP sockets; the express path does not show here.
    pub(super) sent: u64,
    /// Dropped for a wrong checksum.
    pub(super) corrupt: u64,
}

/// # Errors
/// When the process is gone.
pub(super) fn datagrams(pid: u32) -> Result<Datagrams> {
    let text = fs::read_to_string(format!("/proc/{pid}/net/snmp"));
    parse(&text.with_context(|| format!("process {pid} is gone"))?)
        .context("/proc/PID/net/snmp does not look as expected")
}

/// Two lines that begin with `Udp:`, names and values.
fn parse(text: &str) -> Option<Datagrams> {
    let mut lines = text.lines().filter_map(|line| line.strip_prefix("Udp:"));
    let (names, values) = (lines.next()?, lines.next()?);
    let value = |wanted: &str| {
        let mut pairs = names.split_ascii_whitespace().zip(values.split_ascii_whitespace());
        pairs.find(|(name, _)| *name == wanted)?.1.parse().ok()
    };
    Some(Datagrams {
        read: value("InDatagrams")?,
        sent: value("OutDatagrams")?,
        corrupt: value("InCsumErrors")?,
    })
}

/// CPU time of all threads of a process so far.
pub(super) fn cpu(pid: u32) -> Duration {
    let threads = fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    threads.map(|thread| scheduled(&thread.path())).sum()
}

/// CPU time of all kernel threads that run what interrupts left to do, so far.
pub(super) fn softirq_threads(pids: &[u32]) -> Duration {
    pids.iter().map(|pid| scheduled(&Path::new("/proc").join(pid.to_string()))).sum()
}

/// Their numbers.
pub(super) fn softirq_thread_pids() -> Vec<u32> {
    let named = |path: &Path| {
        let name = fs::read_to_string(path.join("comm")).unwrap_or_default();
        name.starts_with("ksoftirqd/")
    };
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    pids.filter(|pid| named(&Path::new("/proc").join(pid.to_string()))).collect()
}

/// The first number of `schedstat`: nanoseconds on a core.
fn scheduled(path: &Path) -> Duration {
    let text = fs::read_to_string(path.join("schedstat")).unwrap_or_default();
    let nanoseconds = text.split_ascii_whitespace().next().and_then(|n| n.parse().ok());
    Duration::from_nanos(nanoseconds.unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::{Datagrams, cpu, datagrams, parse};

    #[test]
    fn datagrams_are_found_by_the_names_of_their_columns() {
        let text =
            "Ip: A\nIp: 1\nUdp: InDatagrams NoPorts OutDatagrams InCsumErrors\nUdp: 5 1 7 2\n";
        assert_eq!(parse(text), Some(Datagrams { read: 5, sent: 7, corrupt: 2 }));
        assert_eq!(parse("Udp: InDatagrams\nUdp: 5\n"), None);
        datagrams(std::process::id()).unwrap();
        assert!(cpu(std::process::id()).as_nanos() > 0);
    }
}
