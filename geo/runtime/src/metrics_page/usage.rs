//! CPU, memory and open files of this process, read from `/proc` at each scrape. Written here because
//! the prometheus crate's own collector brings two more crates and the wrong prefix.

use std::sync::{Mutex, PoisonError};

use prometheus::core::{Collector, Desc};
use prometheus::proto::MetricFamily;
use prometheus::{Counter, Gauge, IntCounter, IntGauge};

use crate::telemetry;

/// Units of the CPU times in `/proc/self/stat` in one second: `USER_HZ`, 100 on every platform of
/// Linux that is in use (proc(5)).
const TICKS_PER_SECOND: f64 = 100.0;

/// Collects `stoa_process_*` and the count of suppressed log events.
pub(super) struct Usage {
    cpu_seconds: Counter,
    start_seconds: Gauge,
    resident_bytes: IntGauge,
    open_files: IntGauge,
    open_files_max: IntGauge,
    threads: IntGauge,
    log_suppressed: IntCounter,
    /// Two scrapes at once must not count the same CPU time twice.
    scrape: Mutex<()>,
}

impl Usage {
    pub(super) fn new() -> prometheus::Result<Self> {
        let usage = Self {
            cpu_seconds: Counter::new(
                "stoa_process_cpu_seconds_total",
                "User and system CPU time of this process in seconds.",
            )?,
            start_seconds: Gauge::new(
                "stoa_process_start_time_seconds",
                "When this process began to serve metrics, in seconds since 1970.",
            )?,
            resident_bytes: IntGauge::new(
                "stoa_process_resident_memory_bytes",
                "Resident memory of this process in bytes.",
            )?,
            open_files: IntGauge::new(
                "stoa_process_open_fds",
                "Open file descriptors of this process.",
            )?,
            open_files_max: IntGauge::new(
                "stoa_process_max_fds",
                "Most file descriptors this process may open; 0 means unlimited.",
            )?,
            threads: IntGauge::new("stoa_process_threads", "Threads of this process.")?,
            log_suppressed: IntCounter::new(
                "stoa_log_events_suppressed_total",
                "Log events not written because one place in the code wrote too many.",
            )?,
            scrape: Mutex::new(()),
        };
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        usage.start_seconds.set(now.map_or(0.0, |since| since.as_secs_f64()));
        Ok(usage)
    }

    fn all(&self) -> [&dyn Collector; 7] {
        [
            &self.cpu_seconds,
            &self.start_seconds,
            &self.resident_bytes,
            &self.open_files,
            &self.open_files_max,
            &self.threads,
            &self.log_suppressed,
        ]
    }

    /// Reads `/proc`; where it cannot be read, the last value stays.
    fn refresh(&self) {
        let _one_at_a_time = self.scrape.lock().unwrap_or_else(PoisonError::into_inner);
        let suppressed = telemetry::suppressed_events();
        self.log_suppressed.inc_by(suppressed.saturating_sub(self.log_suppressed.get()));
        if let Some(seconds) = read("stat").as_deref().and_then(cpu_seconds) {
            self.cpu_seconds.inc_by((seconds - self.cpu_seconds.get()).max(0.0));
        }
        if let Some(status) = read("status") {
            set(&self.resident_bytes, field(&status, "VmRSS:").map(|kib| kib * 1024));
            set(&self.threads, field(&status, "Threads:"));
        }
        set(&self.open_files_max, read("limits").map(|text| open_files_max(&text)));
        // The listing itself holds one descriptor.
        let open = std::fs::read_dir("/proc/self/fd").map(|listing| listing.count()).ok();
        let open = open.and_then(|count| i64::try_from(count).ok());
        set(&self.open_files, open.map(|count| count - 1));
    }
}

impl Collector for Usage {
    fn desc(&self) -> Vec<&Desc> {
        self.all().into_iter().flat_map(Collector::desc).collect()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        self.refresh();
        self.all().into_iter().flat_map(Collector::collect).collect()
    }
}

fn set(gauge: &IntGauge, value: Option<i64>) {
    if let Some(value) = value {
        gauge.set(value);
    }
}

fn read(name: &str) -> Option<String> {
    std::fs::read_to_string(format!("/proc/self/{name}")).ok()
}

/// User plus system time. The program's name, field 2, may hold blanks and brackets, so fields are
/// counted from its last bracket.
fn cpu_seconds(stat: &str) -> Option<f64> {
    let (_, fields) = stat.rsplit_once(')')?;
    let mut ticks = fields.split_ascii_whitespace().skip(11);
    let user: f64 = ticks.next()?.parse().ok()?;
    let system: f64 = ticks.next()?.parse().ok()?;
    Some((user + system) / TICKS_PER_SECOND)
}

/// The number after a name in `/proc/self/status`.
fn field(status: &str, name: &str) -> Option<i64> {
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_ascii_whitespace().next()?.parse().ok()
}

/// The soft limit of `/proc/self/limits`; 0 when there is none.
fn open_files_max(limits: &str) -> i64 {
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"));
    line.and_then(|line| line.split_ascii_whitespace().next()?.parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cpu_time_is_read_past_a_name_with_blanks_and_brackets() {
        let stat = "42 (a) b (c)) S 1 2 3 4 5 6 7 8 9 10 250 50 0 0";
        assert_eq!(cpu_seconds(stat), Some(3.0));
        assert_eq!(cpu_seconds("42 (a) S 1"), None);
    }

    #[test]
    fn limits_and_status_are_read_by_name() {
        let limits = "Max processes  7 8 processes\nMax open files   1024  524288  files\n";
        assert_eq!(open_files_max(limits), 1024);
        assert_eq!(open_files_max("Max open files  unlimited unlimited files\n"), 0);
        assert_eq!(field("VmHWM:\t 9 kB\nVmRSS:\t 12 kB\n", "VmRSS:"), Some(12));
    }

    #[test]
    fn a_second_scrape_never_counts_backwards() {
        let usage = Usage::new().unwrap();
        usage.refresh();
        let first = usage.cpu_seconds.get();
        usage.refresh();
        assert!(usage.cpu_seconds.get() >= first);
        assert!(usage.resident_bytes.get() > 0 && usage.open_files.get() > 0);
    }
}
