//! Somebody who speaks all the while through one edge, and who listens at another, frame by frame.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use tokio::task::JoinHandle;

use super::census::PATIENCE;
use super::report::Gap;
use crate::load::http::{Room, Session};
use crate::load::joining::{FRAMES_PER_SECOND, Scene, reach};
use crate::load::speaker::Speaker;
use crate::load::swarm::Swarm;
use crate::load::tally::Gauges;

/// Between two looks whether something was heard.
const LOOK: Duration = Duration::from_millis(2);

/// A speaker and a listener at another edge.
pub(super) struct Voice {
    speaker: Speaker,
    swarm: Arc<Swarm>,
    /// Both stay as long as it is kept.
    _session: Session,
    around: Option<Around>,
}

/// What is measured around one event.
struct Around {
    first: u32,
    heard_before: u64,
    stop: Arc<AtomicBool>,
    silence: JoinHandle<Duration>,
}

impl Voice {
    /// Brings both in.
    ///
    /// # Errors
    /// When an edge refuses, or nothing is heard.
    pub(super) async fn start(edges: &[SocketAddr], room: Room, packet: Duration) -> Result<Self> {
        let [near, far, ..] = edges else { anyhow::bail!("two edges are needed") };
        let packet_ms = u32::try_from(packet.as_millis()).unwrap_or(20);
        let scene = Scene::of(*near, room, packet_ms)?;
        let swarm = Arc::new(Swarm::spawn(1, 1, scene.epoch, packet)?);
        scene.beside(*far).door(&swarm).await?.join(0).await?;
        let (speaker, session) = scene.speak().await?;
        let began = Instant::now();
        while swarm.gauges.hearing.load(Ordering::Relaxed) == 0 {
            ensure!(began.elapsed() < PATIENCE, "nobody hears who speaks");
            tokio::time::sleep(LOOK).await;
        }
        Ok(Self { speaker, swarm, _session: session, around: None })
    }

    /// From now on every frame counts.
    pub(super) fn begin(&mut self) {
        // The next one may be on its way while this is said.
        let first = self.speaker.sent() + 2;
        let heard_before = self.swarm.gauges.frames.load(Ordering::Relaxed);
        self.swarm.window.set(first..u32::MAX);
        let stop = Arc::<AtomicBool>::default();
        let silence =
            tokio::spawn(longest_silence(Arc::clone(&self.swarm.gauges), Arc::clone(&stop)));
        self.around = Some(Around { first, heard_before, stop, silence });
    }

    /// Notes what was missed since, a second from now.
    ///
    /// # Errors
    /// When the speaker has ended.
    pub(super) async fn end(&mut self, gap: &mut Gap) -> Result<()> {
        let around = self.around.take().context("it has not begun")?;
        let after = self.speaker.sent() + FRAMES_PER_SECOND;
        self.swarm.window.set(around.first..after);
        reach(&self.speaker, after, LOOK).await?;
        around.stop.store(true, Ordering::Relaxed);
        let silence = around.silence.await.context("nobody listens")?;
        reach(&self.speaker, after + FRAMES_PER_SECOND, LOOK).await?;
        let heard = self.swarm.gauges.frames.load(Ordering::Relaxed) - around.heard_before;
        let spoken = u64::from(after - around.first);
        gap.frames += spoken;
        gap.lost += spoken.saturating_sub(heard);
        gap.silence_max_ms = gap.silence_max_ms.max(silence.as_secs_f64() * 1_000.0);
        Ok(())
    }
}

/// The longest time without a new frame, until it is enough.
async fn longest_silence(gauges: Arc<Gauges>, stop: Arc<AtomicBool>) -> Duration {
    let (mut heard, mut at) = (gauges.frames.load(Ordering::Relaxed), Instant::now());
    let mut longest = Duration::ZERO;
    while !stop.load(Ordering::Relaxed) {
        tokio::time::sleep(LOOK).await;
        let now = gauges.frames.load(Ordering::Relaxed);
        longest = longest.max(at.elapsed());
        if now > heard {
            (heard, at) = (now, Instant::now());
        }
    }
    longest
}
