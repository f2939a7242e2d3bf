//! What a worker tells a few times a second: its counters to Prometheus, what it can bear to whoever lets
//! people in. And what it does when it bears too much.

use std::time::{Duration, Instant};

use super::SessionEvent;
use super::io::Worker;

/// Counters are published this often.
pub(super) const PUBLISH_TICK: Duration = Duration::from_millis(200);

impl Worker {
    /// Publishes what was counted, when it is time.
    pub(super) fn publish(&mut self, now: Instant) {
        if now < self.publish_at {
            return;
        }
        self.publish_at = now + PUBLISH_TICK;
        if self.parts.index.0 == 0 {
            self.expire(now);
        }
        let metrics = &self.parts.metrics;
        metrics.add_sent(self.batch.take_sent());
        metrics.add_sessions(self.sessions.take_counters());
        metrics.add_reports(self.sessions.drain_reports());
        metrics.add_fanout(self.sessions.fanout().take_counters());
        let truncated = self.received.take_truncated();
        metrics.add_received(std::mem::take(&mut self.received_datagrams), truncated);
        metrics.drop_by("late-delivery", std::mem::take(&mut self.late_deliveries));
        metrics.drop_by("late-uplink", std::mem::take(&mut self.late_uplinks));
        metrics.drop_by("mailbox-full", self.mailbox().take_dropped());
        metrics.drop_by("handshakes-full", self.handshakes.take_dropped());
        let listeners = i64::try_from(self.sessions.fanout().listeners()).unwrap_or(i64::MAX);
        metrics.listeners.add(listeners - self.listeners);
        self.listeners = listeners;
        self.bear(now);
    }

    /// Says what this worker can bear, and sends listeners away when it is too much.
    fn bear(&mut self, now: Instant) {
        let fanout = self.sessions.fanout();
        let (one_voice, listeners) = (fanout.packets_per_second(), fanout.listeners());
        let shed = self.meter.close(now, one_voice, listeners);
        self.parts.admission.set_bookable(self.parts.index.0, self.meter.capacity.bookable());
        self.parts.metrics.load.note(&self.meter.capacity, &mut self.told, &self.parts.admission);
        if shed > 0 {
            self.sessions.shed(shed, now, &mut self.batch);
            self.parts.metrics.load.shed.inc_by(shed as u64);
            let capacity = self.meter.capacity.bookable();
            tracing::warn!(shed, listeners, capacity, "overloaded: those who came last must go");
        }
    }

    /// Sessions that nobody has claimed in time end here, once for all workers.
    fn expire(&mut self, now: Instant) {
        for session in self.parts.registry.expire(now) {
            let event = SessionEvent::Closed { session, reason: "never-connected" };
            let _ = self.parts.events.send(event);
        }
        let sessions = i64::try_from(self.parts.registry.sessions()).unwrap_or(i64::MAX);
        self.parts.metrics.sessions.set(sessions);
    }
}
