//! What hosts and guests do to each other: hands, roles, mutes. Each deed is acknowledged by the room's owner before
//! the next one of its room; many rooms go on at once.

use std::time::{Duration, Instant};

use anyhow::Result;
use futures_util::{StreamExt, stream};
use indicatif::ProgressBar;
use serde_json::json;

use super::people::{Hall, with_both};
use crate::load::talk::Talk;
use crate::measure::histogram::Histogram;

/// Deeds of one round: half of them by the guest, half by the host.
pub(super) const PER_ROUND: u32 = 6;
/// An edge lets each connection say 40 things at once, of which its join was one, and 20 a second from then on.
const ROUNDS_AT_ONCE: u32 = 10;
/// Three deeds of each in this time stay below that.
const ROUND_MIN: Duration = Duration::from_millis(200);

/// What came of it.
#[derive(Debug, Default)]
pub(super) struct Done {
    pub(super) deeds: u64,
    pub(super) failed: u64,
    /// Why the first of them failed.
    pub(super) complaint: Option<String>,
    /// Without the pauses that the edge's limit asks for.
    pub(super) took: Duration,
    /// From saying to `ok`.
    pub(super) latency: Histogram,
}

/// As many rounds in each of these rooms as make `wanted` deeds, rounded up.
pub(super) async fn act(
    halls: &mut [&mut Hall],
    wanted: u32,
    at_once: u32,
    bar: &ProgressBar,
) -> Done {
    let mut done = Done::default();
    let mut rounds_left = wanted.div_ceil(PER_ROUND) as usize;
    let mut pass = 0;
    while rounds_left > 0 {
        let rooms = rounds_left.min(halls.len());
        rounds_left -= rooms;
        let began = Instant::now();
        let rounds = stream::iter(&mut halls[..rooms]).map(|hall| with_both(hall, round));
        let mut rounds = rounds.buffer_unordered(at_once as usize);
        while let Some(outcome) = rounds.next().await {
            bar.inc(u64::from(PER_ROUND));
            match outcome {
                Ok(latencies) => {
                    latencies.iter().for_each(|latency| done.latency.record(*latency));
                    done.deeds += latencies.len() as u64;
                }
                Err(error) => {
                    done.failed += 1;
                    done.complaint.get_or_insert_with(|| format!("{error:#}"));
                }
            }
        }
        done.took += began.elapsed();
        pass += 1;
        if pass >= ROUNDS_AT_ONCE && rounds_left > 0 {
            tokio::time::sleep(ROUND_MIN.saturating_sub(began.elapsed())).await;
        }
    }
    done
}

/// The guest comes to the stage, is muted, and goes back; raises his hand again, and thinks better of it.
async fn round(host: &mut Talk, guest: &mut Talk) -> Result<Vec<Duration>> {
    let who = guest.participant().to_owned();
    let mut latencies = Vec::new();
    let up = json!({ "type": "hand", "raised": true });
    latencies.push(timed(guest, up.clone()).await?);
    let accept = json!({ "type": "stage", "action": "accept", "participant": who });
    latencies.push(timed(host, accept).await?);
    let mute = json!({ "type": "mute", "participant": who, "muted": true });
    latencies.push(timed(host, mute).await?);
    let role = json!({ "type": "stage", "action": "role", "participant": who, "role": "listener" });
    latencies.push(timed(host, role).await?);
    latencies.push(timed(guest, up).await?);
    latencies.push(timed(guest, json!({ "type": "hand", "raised": false })).await?);
    Ok(latencies)
}

async fn timed(talk: &mut Talk, deed: serde_json::Value) -> Result<Duration> {
    let began = Instant::now();
    talk.ask(deed).await?;
    Ok(began.elapsed())
}
