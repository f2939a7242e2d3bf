//! An edge that is left less CPU time than its listeners need: how many it sends away, and how soon the others
//! hear everything again.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};

use super::joining::{LOOK, check, read};
use super::report::{Overload, cpu_s};
use super::speaker::Speaker;
use super::swarm::Swarm;
use crate::measure::quota::Quota;
use crate::node::Child;
use crate::screen::bar;

/// For how long it is measured what the edge needs.
const NEED: Duration = Duration::from_secs(3);
/// When nobody has been sent away for this long, the edge bears those who are left.
const CALM: Duration = Duration::from_secs(5);
/// For how long an edge may go on sending listeners away.
const PATIENCE: Duration = Duration::from_secs(60);

/// Leaves the edge `share` of the CPU time that it takes, and waits until it has sent enough listeners away. The
/// limit holds as long as the returned [`Quota`].
///
/// # Errors
/// When this machine sets no limit, or the edge goes on sending listeners away.
pub(super) async fn starve(
    share: f64,
    quiet: bool,
    edge: &Child,
    swarm: &Swarm,
    speaker: &Speaker,
) -> Result<(Overload, Quota)> {
    let before = read(edge)?;
    tokio::time::sleep(NEED).await;
    let after = read(edge)?;
    let needed_cores = cpu_s(&before.edge, &after.edge) / (after.at - before.at).as_secs_f64();
    let quota = Quota::set(edge.pid(), needed_cores * share)?;
    let began = Instant::now();
    let (mut sent_away, mut moved_at) = (0, began);
    let bar = bar(quiet, PATIENCE.as_secs(), "too little CPU");
    while moved_at.elapsed() < CALM {
        check(speaker)?;
        ensure!(began.elapsed() < PATIENCE, "the edge still sends listeners away: {sent_away}");
        let now = swarm.gauges.sent_away.load(Ordering::Relaxed);
        if now > sent_away {
            (sent_away, moved_at) = (now, Instant::now());
        }
        bar.set_position(began.elapsed().as_secs());
        tokio::time::sleep(LOOK).await;
    }
    bar.finish_and_clear();
    let relieved_after_s = (moved_at - began).as_secs_f64();
    Ok((Overload { cpu_share: share, needed_cores, sent_away, relieved_after_s }, quota))
}
