//! A limit on the CPU time of a running process (Linux control groups, version 1 or 2).

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, ensure};

/// The kernel hands out CPU time once in this time: often, so that being held back is not a hiccup of its own.
const PERIOD: Duration = Duration::from_millis(20);
/// The least that the kernel takes for a quota.
const QUOTA_MIN: Duration = Duration::from_millis(1);

const V1: &str = "/sys/fs/cgroup/cpu";
const V2: &str = "/sys/fs/cgroup";

/// A process under a limit; freed again when this is dropped.
#[derive(Debug)]
pub struct Quota {
    parent: PathBuf,
    folder: PathBuf,
    process: u32,
}

impl Quota {
    /// Allows `process` so many `cores` from now on.
    ///
    /// # Errors
    /// When that is less than a twentieth of a core, or where this machine does not let us: without root, or
    /// without a control group for CPU time.
    pub fn set(process: u32, cores: f64) -> Result<Self> {
        let quota = PERIOD.mul_f64(cores.max(0.0));
        ensure!(
            quota >= QUOTA_MIN,
            "{cores:.3} cores are less than the kernel can allot (0.05): take more listeners"
        );
        let v2 = Path::new(V2).join("cgroup.controllers").exists();
        let parent = PathBuf::from(if v2 { V2 } else { V1 });
        let folder = parent.join(format!("stoa-bench-{}", std::process::id()));
        fs::create_dir(&folder).context("not possible here: no control group for CPU time")?;
        let limited = Self { parent, folder, process };
        let (quota, period) = (quota.as_micros(), PERIOD.as_micros());
        let limits = if v2 {
            vec![("cpu.max", format!("{quota} {period}"))]
        } else {
            vec![("cpu.cfs_period_us", period.to_string()), ("cpu.cfs_quota_us", quota.to_string())]
        };
        for (file, limit) in limits {
            let what = format!("not possible here: {file} of the control group");
            fs::write(limited.folder.join(file), limit).context(what)?;
        }
        fs::write(limited.folder.join("cgroup.procs"), process.to_string())
            .context("not possible here: the process stays out of the control group")?;
        Ok(limited)
    }
}

impl Drop for Quota {
    fn drop(&mut self) {
        // A process that has ended needs no freeing.
        let _ = fs::write(self.parent.join("cgroup.procs"), self.process.to_string());
        if let Err(error) = fs::remove_dir(&self.folder) {
            tracing::warn!(%error, folder = %self.folder.display(), "a control group is left over");
        }
    }
}
