//! The speaker: one thread that sends a stamped frame every 20 ms, on time.

use std::net::{SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use rand::SeedableRng;
use rand::rngs::StdRng;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use str0m::media::{Mid, Pt};
use str0m::rtp::{ExtensionValues, RtpWrite, SeqNo};

use super::client::{Handshake, Progress};
use super::stamp::{Stamp, for_each_stamp};
use crate::measure::histogram::Histogram;

/// Time from frame to frame.
const FRAME: Duration = Duration::from_millis(20);
const FRAME_SAMPLES: u32 = 960;
/// Speech at a normal distance from the microphone, in dBov (RFC 6464).
const LEVEL_DBOV: i8 = -25;
/// The longest sleep.
const SLEEP_MAX: Duration = Duration::from_millis(20);

/// The running speaker; dropping it stops it.
#[derive(Debug)]
pub(super) struct Speaker {
    sent: Arc<AtomicU32>,
    connected: Arc<AtomicBool>,
    pausing: Arc<AtomicBool>,
    delays: Arc<Mutex<Histogram>>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<Result<()>>>,
}

impl Speaker {
    /// Starts the thread with a handshake whose offer was answered, made for `socket`'s address.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub(super) fn spawn(handshake: Handshake, socket: UdpSocket, epoch: Instant) -> Result<Self> {
        socket.set_nonblocking(true).context("cannot make the speaker's socket non-blocking")?;
        let sent = Arc::<AtomicU32>::default();
        let connected = Arc::<AtomicBool>::default();
        let pausing = Arc::<AtomicBool>::default();
        let delays = Arc::<Mutex<Histogram>>::default();
        let stop = Arc::<AtomicBool>::default();
        let state = State {
            handshake,
            socket,
            epoch,
            sent: Arc::clone(&sent),
            connected: Arc::clone(&connected),
            pausing: Arc::clone(&pausing),
            delays: Arc::clone(&delays),
            paused_frames: 0,
            rng: StdRng::seed_from_u64(1),
        };
        let stopped = Arc::clone(&stop);
        let thread = std::thread::Builder::new()
            .name("speaker".into())
            .spawn(move || state.run(&stopped))
            .context("no thread")?;
        Ok(Self { sent, connected, pausing, delays, stop, thread: Some(thread) })
    }

    /// Frames sent so far: the number of the next one.
    pub(super) fn sent(&self) -> u32 {
        self.sent.load(Ordering::Acquire)
    }

    /// Whether it speaks already.
    pub(super) fn is_connected(&self) -> bool {
        self.connected.load(Ordering::Acquire)
    }

    /// Lets it be silent, or speak again. Its clock goes on meanwhile.
    pub(super) fn pause(&self, pausing: bool) {
        self.pausing.store(pausing, Ordering::Relaxed);
    }

    /// How long frames of other speakers have taken to it since the last call.
    pub(super) fn take_delays(&self) -> Histogram {
        std::mem::take(&mut *self.delays.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Whether its thread has ended.
    pub(super) fn has_ended(&self) -> bool {
        self.thread.as_ref().is_none_or(JoinHandle::is_finished)
    }

    /// Stops it.
    ///
    /// # Errors
    /// What went wrong while it spoke.
    pub(super) fn finish(mut self) -> Result<()> {
        self.stop.store(true, Ordering::Relaxed);
        match self.thread.take().map(JoinHandle::join) {
            Some(Ok(result)) => result,
            _ => anyhow::bail!("the speaker's thread has failed; its message stands above"),
        }
    }
}

impl Drop for Speaker {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

struct State {
    handshake: Handshake,
    socket: UdpSocket,
    epoch: Instant,
    sent: Arc<AtomicU32>,
    connected: Arc<AtomicBool>,
    pausing: Arc<AtomicBool>,
    delays: Arc<Mutex<Histogram>>,
    /// Frames that were not sent, in pauses.
    paused_frames: u32,
    rng: StdRng,
}

impl State {
    fn run(mut self, stop: &AtomicBool) -> Result<()> {
        let mut next_frame = None;
        let mut line = None;
        let mut datagram = [0; 2_048];
        while !stop.load(Ordering::Relaxed) {
            while let Ok((length, from)) = self.socket.recv_from(&mut datagram) {
                self.handshake.handle_packet(Instant::now(), from, &datagram[..length]);
                self.flush();
                self.listen();
            }
            self.handshake.handle_timeout(Instant::now());
            let due = match self.flush() {
                Progress::Waiting(at) => at,
                Progress::Failed(reason) => anyhow::bail!("the speaker: {reason}"),
                Progress::Connected => {
                    let now = Instant::now();
                    let (mid, pt) = match line {
                        Some(line) => line,
                        None => *line.insert(self.line()?),
                    };
                    let due = next_frame.unwrap_or(now);
                    if now >= due {
                        if self.pausing.load(Ordering::Relaxed) {
                            self.paused_frames += 1;
                        } else {
                            self.speak(mid, pt)?;
                        }
                        next_frame = Some(due + FRAME);
                    }
                    self.connected.store(true, Ordering::Release);
                    next_frame.unwrap_or(now)
                }
            };
            self.sleep(due);
        }
        Ok(())
    }

    fn flush(&mut self) -> Progress {
        let socket = &self.socket;
        self.handshake.poll(|to: SocketAddr, bytes| {
            if let Err(error) = socket.send_to(bytes, to) {
                tracing::debug!(%error, "a datagram of the speaker was not sent");
            }
        })
    }

    fn listen(&mut self) {
        let packets = self.handshake.heard();
        if packets.is_empty() {
            return;
        }
        let now = self.epoch.elapsed();
        let mut delays = self.delays.lock().unwrap_or_else(PoisonError::into_inner);
        for packet in packets {
            for_each_stamp(&packet, |stamp| {
                if let Some(stamp) = stamp {
                    delays.record(now.saturating_sub(stamp.sent));
                }
            });
        }
    }

    /// The audio line and the payload type that the edge chose for Opus.
    fn line(&mut self) -> Result<(Mid, Pt)> {
        let (rtc, mid) = self.handshake.session();
        let media = rtc.media(mid).context("the speaker's audio line is gone")?;
        let pt = media.remote_pts().first().context("the edge accepted no codec")?;
        Ok((mid, *pt))
    }

    fn speak(&mut self, mid: Mid, pt: Pt) -> Result<()> {
        let number = self.sent.load(Ordering::Relaxed);
        let now = Instant::now();
        let payload = Stamp { number, sent: now - self.epoch }.to_packet(&mut self.rng);
        let (rtc, _) = self.handshake.session();
        let mut session = rtc.direct_api();
        let stream = session
            .stream_tx_by_mid(mid, None)
            .context("the edge does not take the speaker's audio")?;
        let levels = ExtensionValues {
            audio_level: Some(LEVEL_DBOV),
            voice_activity: Some(true),
            ..ExtensionValues::default()
        };
        let sequence = SeqNo::from(u64::from(number) + 1);
        let timestamp = number.wrapping_add(self.paused_frames).wrapping_mul(FRAME_SAMPLES);
        stream.write_rtp(
            RtpWrite::new(pt, sequence, timestamp, now, payload)
                .marker(number == 0)
                .ext_vals(levels),
        );
        // Counted before it leaves, so that no listener hears a frame that was never sent.
        self.sent.store(number + 1, Ordering::Release);
        // str0m takes a packet out of its queue when time passes, not when it is written.
        self.handshake.handle_timeout(now);
        self.flush();
        Ok(())
    }

    fn sleep(&self, until: Instant) {
        let span = until.saturating_duration_since(Instant::now()).min(SLEEP_MAX);
        let timeout = Timespec { tv_sec: 0, tv_nsec: i64::from(span.subsec_nanos()) };
        // Woken early by a signal or a datagram, the loop looks again.
        let _ = poll(&mut [PollFd::new(&self.socket, PollFlags::IN)], Some(&timeout));
    }
}
