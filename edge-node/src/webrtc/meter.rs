//! What a worker measures of itself, in CPU time of its own thread, so that whatever else the machine does is
//! left out.

use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};

use super::capacity::{Capacity, Window, whole};
use crate::media::kernel::Sent;

/// A worker's stopwatch.
pub(super) struct Meter {
    pub capacity: Capacity,
    window: Window,
    began_at: Instant,
    /// CPU time of the thread when the window began.
    busy_at: Duration,
}

impl Meter {
    /// Of a worker that can bear `capacity` as far as is known.
    pub(super) fn new(capacity: Capacity, now: Instant) -> Self {
        let window = Window::default();
        Self { capacity, window, began_at: now, busy_at: thread_cpu() }
    }

    /// A turn of playing, or a step of a handshake, begins.
    pub(super) fn begin(&self) -> Duration {
        thread_cpu()
    }

    /// A turn of playing has ended; `sent` is what became of packets in it.
    pub(super) fn end(&mut self, began: Duration, sent: Sent) {
        self.window.playing += thread_cpu().saturating_sub(began);
        self.window.packets += sent.packets;
        self.window.bytes += sent.bytes;
        self.window.refused += sent.dropped_full;
    }

    /// A step of a handshake has ended.
    pub(super) fn end_handshake(&mut self, began: Duration) {
        self.window.handshakes += thread_cpu().saturating_sub(began);
    }

    /// A frame or a datagram has waited that long for its turn; `late` when it was dropped for it.
    pub(super) fn note_wait(&mut self, waited: Duration, late: bool) {
        self.window.waited = self.window.waited.max(waited);
        self.window.late += u64::from(late);
    }

    /// The window ends: says how many of `listeners` are too many. `one_voice` is the packets a second that all of
    /// them would get of one voice.
    pub(super) fn close(&mut self, now: Instant, one_voice: u64, listeners: usize) -> usize {
        let busy = thread_cpu();
        let mut window = std::mem::take(&mut self.window);
        window.elapsed = now.saturating_duration_since(self.began_at);
        window.busy = busy.saturating_sub(self.busy_at);
        window.one_voice = whole(one_voice as f64 * window.elapsed.as_secs_f64());
        (self.began_at, self.busy_at) = (now, busy);
        self.capacity.handle_window(&window, listeners)
    }
}

/// CPU time that this thread has used, the kernel's work for it included.
fn thread_cpu() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    let nanoseconds = u32::try_from(time.tv_nsec).unwrap_or(0);
    Duration::new(u64::try_from(time.tv_sec).unwrap_or(0), nanoseconds)
}
