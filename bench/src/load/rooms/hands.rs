//! Hands: from a guest's word until a moderator's page hears of it. One at a time, each in a room where nothing else
//! happens, because a room tells what happens at once only if it has told nothing just before.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use indicatif::ProgressBar;
use serde_json::{Value, json};

use super::people::{Hall, with_both};
use crate::load::talk::Talk;
use crate::measure::histogram::Histogram;

/// How long a room has been quiet before a hand goes up in it: longer than any message is held back.
const QUIET: Duration = Duration::from_millis(300);

/// Raises so many hands, in one room after the other.
///
/// # Errors
/// When a hand is refused or not heard of.
pub(super) async fn raise(
    halls: &mut [&mut Hall],
    count: u32,
    bar: &ProgressBar,
) -> Result<Histogram> {
    let mut latency = Histogram::default();
    let mut lowered: Vec<Option<Instant>> = vec![None; halls.len()];
    for (_, index) in (0..count).zip((0..halls.len()).cycle()) {
        if let Some(at) = lowered[index] {
            tokio::time::sleep(QUIET.saturating_sub(at.elapsed())).await;
        }
        latency.record(with_both(halls[index], up_and_down).await?);
        lowered[index] = Some(Instant::now());
        bar.inc(1);
    }
    Ok(latency)
}

async fn up_and_down(host: &mut Talk, guest: &mut Talk) -> Result<Duration> {
    let who = guest.participant().to_owned();
    let began = Instant::now();
    let asked = guest.say(json!({ "type": "hand", "raised": true })).await?;
    host.wait_for(|message| shows(message, &who)).await.context("the host sees no hand")?;
    let heard = began.elapsed();
    guest.answer_to(asked).await?;
    guest.ask(json!({ "type": "hand", "raised": false })).await?;
    host.wait_for(|message| message["type"] == "hands" && !shows(message, &who))
        .await
        .context("the host sees a hand that is down")?;
    Ok(heard)
}

fn shows(message: &Value, who: &str) -> bool {
    let hands = message["hands"].as_array().filter(|_| message["type"] == "hands");
    hands.is_some_and(|hands| hands.iter().any(|hand| hand["participant"] == who))
}
