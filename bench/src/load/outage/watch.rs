//! What is looked at all the while: every frame that a listener hears, whether nodes are ready, what waits.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use hyper::{Method, StatusCode};

use super::report::{Heard, Watched};
use super::stage::Stage;
use crate::load::http::Connection;

/// How often frames are counted, and how often nodes are asked.
const LOOK: Duration = Duration::from_millis(5);
const ASK: Duration = Duration::from_millis(100);
/// How long a node may take to say that it is ready.
const ANSWER: Duration = Duration::from_secs(2);
/// How long after a frame was sent it may still be heard.
const DRAIN: Duration = Duration::from_millis(1_200);
/// Frames between setting a window and its ends.
const AHEAD: u32 = 10;

/// Counts what the listener hears while `meanwhile` goes on.
///
/// # Errors
/// What `meanwhile` ended with, or when the speaker has ended.
pub(super) async fn listening<T>(
    stage: &Stage,
    meanwhile: impl Future<Output = Result<T>>,
) -> Result<(T, Heard)> {
    let heard = || stage.ears.gauges.frames.load(Ordering::Relaxed);
    let begin = stage.speaker.sent() + AHEAD;
    let before = heard();
    stage.ears.window.set(begin..u32::MAX);
    while stage.speaker.sent() < begin {
        tokio::time::sleep(LOOK).await;
    }
    let mut silence = Silence { frames: before, since: Instant::now(), longest: Duration::ZERO };
    let mut meanwhile = std::pin::pin!(meanwhile);
    let outcome = loop {
        tokio::select! {
            outcome = &mut meanwhile => break outcome?,
            () = tokio::time::sleep(LOOK) => silence.note(heard()),
        }
    };
    let end = stage.speaker.sent() + AHEAD;
    stage.ears.window.set(begin..end);
    let expected = u64::from(end - begin);
    let mut ended = None;
    while heard() - before < expected {
        ensure!(!stage.speaker.has_ended(), "the speaker has ended");
        if stage.speaker.sent() >= end && ended.get_or_insert_with(Instant::now).elapsed() > DRAIN {
            break;
        }
        tokio::time::sleep(LOOK).await;
        silence.note(heard());
    }
    let frames = heard() - before;
    let longest_silence_ms = silence.longest.as_secs_f64() * 1e3;
    Ok((outcome, Heard { expected_frames: expected, frames, longest_silence_ms }))
}

struct Silence {
    frames: u64,
    since: Instant,
    longest: Duration,
}

impl Silence {
    fn note(&mut self, frames: u64) {
        if frames != self.frames {
            (self.frames, self.since) = (frames, Instant::now());
        }
        self.longest = self.longest.max(self.since.elapsed());
    }
}

/// Asks all nodes again and again until `meanwhile` has ended.
///
/// # Errors
/// What `meanwhile` ended with.
pub(super) async fn asking<T>(
    stage: &Stage,
    meanwhile: impl Future<Output = Result<T>>,
) -> Result<(T, Watched)> {
    let mut watched = Watched::default();
    let mut meanwhile = std::pin::pin!(meanwhile);
    let mut again = tokio::time::interval(ASK);
    again.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            outcome = &mut meanwhile => return Ok((outcome?, watched)),
            _ = again.tick() => {}
        }
        let look = look(stage, &mut watched);
        tokio::select! {
            outcome = &mut meanwhile => return Ok((outcome?, watched)),
            () = look => {}
        }
    }
}

async fn look(stage: &Stage, watched: &mut Watched) {
    for node in stage.network.edges.iter().chain([&stage.network.origin]) {
        watched.ready_checks += 1;
        let ready = async {
            let mut http = Connection::open(node.http()).await?;
            http.send(Method::GET, "/health/ready", None, None).await
        };
        let ready = tokio::time::timeout(ANSWER, ready).await;
        let is_ready = matches!(ready, Ok(Ok(answer)) if answer.status == StatusCode::OK);
        watched.unready_checks += u64::from(!is_ready);
    }
    if let Ok(waiting) = stage.network.journal().await {
        watched.journal_max = watched.journal_max.max(waiting);
    }
}
