//! What a process costs, as Linux tells it under `/proc`, and on what machine.

use std::fs;
use std::time::Duration;

use anyhow::{Context, Result};
use serde::Serialize;

/// What a process has used so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Usage {
    /// CPU time of all its threads, user and system.
    pub cpu: Duration,
    /// Resident memory now, in bytes.
    pub rss_bytes: u64,
    /// Threads now.
    pub threads: u64,
}

/// The machine of a measurement.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Machine {
    /// Processor model.
    pub cpu: String,
    /// Cores that this process may use.
    pub cores: usize,
    /// Kernel release.
    pub kernel: String,
}

impl Machine {
    /// This machine.
    #[must_use]
    pub fn here() -> Self {
        let cpuinfo = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let model = cpuinfo.lines().find_map(|line| line.strip_prefix("model name"));
        let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
        Self {
            cpu: model.unwrap_or("unknown").trim_start_matches([' ', '\t', ':']).to_owned(),
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            kernel: kernel.trim().to_owned(),
        }
    }
}

/// Reads what a process has used.
///
/// # Errors
/// When there is no such process, or no `/proc`.
pub fn usage(pid: u32) -> Result<Usage> {
    // `schedstat` counts nanoseconds where `stat` counts ticks of 10 ms, but per thread.
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))
        .with_context(|| format!("process {pid} is gone, or this is not Linux"))?;
    parse_stat(&stat).context("/proc/PID/stat does not look as expected")
}

/// Field numbers as in proc(5), counted from the one after the name, which may hold anything.
fn parse_stat(stat: &str) -> Option<Usage> {
    let (_, after_name) = stat.rsplit_once(')')?;
    let fields: Vec<&str> = after_name.split_ascii_whitespace().collect();
    let number = |index: usize| fields.get(index)?.parse::<u64>().ok();
    let ticks = number(11)? + number(12)?;
    let page = rustix::param::page_size() as u64;
    let per_second = rustix::param::clock_ticks_per_second();
    Some(Usage {
        cpu: Duration::from_nanos(ticks * 1_000_000_000 / per_second),
        threads: number(17)?,
        rss_bytes: number(21)? * page,
    })
}

/// CPU time that all processes and the kernel have used since the machine started, on all cores; zero
/// where there is no `/proc`.
#[must_use]
pub fn busy() -> Duration {
    let stat = fs::read_to_string("/proc/stat").unwrap_or_default();
    let ticks = parse_busy(&stat).unwrap_or(0);
    Duration::from_nanos(ticks * 1_000_000_000 / rustix::param::clock_ticks_per_second())
}

/// All fields of proc(5) but idle, waiting for disks, and guests, who are counted as users already.
fn parse_busy(stat: &str) -> Option<u64> {
    let fields = stat.lines().next()?.strip_prefix("cpu ")?.split_ascii_whitespace();
    let ticks: Vec<u64> = fields.map_while(|field| field.parse().ok()).take(8).collect();
    let idle = ticks.get(3)? + ticks.get(4)?;
    Some(ticks.iter().sum::<u64>() - idle)
}

/// Datagrams that the kernel dropped at UDP sockets of this port because nobody read them in time.
#[must_use]
pub fn udp_drops(port: u16) -> u64 {
    let table = fs::read_to_string("/proc/net/udp").unwrap_or_default();
    let wanted = format!(":{port:04X}");
    let of_port = |line: &&str| {
        line.split_ascii_whitespace().nth(1).is_some_and(|local| local.ends_with(&wanted))
    };
    let drops = |line: &str| line.split_ascii_whitespace().last()?.parse::<u64>().ok();
    table.lines().skip(1).filter(of_port).filter_map(drops).sum()
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::{Machine, busy, parse_busy, parse_stat, usage};

    #[test]
    fn a_name_with_blanks_and_parentheses_is_no_trouble() {
        let stat = "7 (a b) c)) S 1 7 7 0 -1 4194560 1 0 0 0 250 50 0 0 20 0 5 0 99 1000 10 184467";
        let usage = parse_stat(stat).unwrap();
        assert_eq!(usage.cpu, Duration::from_secs(3));
        assert_eq!(usage.threads, 5);
        assert_eq!(usage.rss_bytes, 10 * rustix::param::page_size() as u64);
        assert_eq!(parse_stat("7 (cut) S 1"), None);
    }

    #[test]
    fn idle_time_and_guests_are_not_work_of_their_own() {
        let stat = "cpu  10 20 30 4000 500 6 7 8 9 10\ncpu0 1 2 3 4 5 6 7 8 9 10\n";
        assert_eq!(parse_busy(stat), Some(10 + 20 + 30 + 6 + 7 + 8));
        assert_eq!(parse_busy("cpu0 1 2 3 4 5"), None);
    }

    #[test]
    fn work_of_this_process_shows() {
        let before = usage(std::process::id()).unwrap();
        let all_before = busy();
        let began = Instant::now();
        let mut spins = 0u64;
        while usage(std::process::id()).unwrap().cpu <= before.cpu || busy() <= all_before {
            assert!(began.elapsed() < Duration::from_secs(20), "no CPU time after {spins} spins");
            spins += 1;
        }
        assert!(usage(std::process::id()).unwrap().rss_bytes > 100_000);
    }

    #[test]
    fn this_machine_has_a_name_and_cores() {
        let machine = Machine::here();
        assert!(machine.cores >= 1 && !machine.kernel.is_empty() && !machine.cpu.is_empty());
    }
}
