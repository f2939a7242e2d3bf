//! The adapter between quinn's congestion hooks and the rules in `window`.

use std::any::Any;
use std::sync::Arc;
use std::time::Instant;

use quinn_proto::RttEstimator;
use quinn_proto::congestion::{Controller, ControllerFactory};

use super::window::{Acked, Window};

/// Makes a controller for each connection.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AudioFirst {
    /// Rate below which a link is never throttled, in bytes per second.
    pub(crate) booked_bytes_per_second: u64,
}

impl ControllerFactory for AudioFirst {
    fn build(self: Arc<Self>, now: Instant, current_mtu: u16) -> Box<dyn Controller> {
        Box::new(Adapter { window: Window::new(self.booked_bytes_per_second, current_mtu, now) })
    }
}

#[derive(Clone, Debug)]
struct Adapter {
    window: Window,
}

impl Controller for Adapter {
    fn on_ack(
        &mut self,
        now: Instant,
        sent: Instant,
        bytes: u64,
        app_limited: bool,
        rtt: &RttEstimator,
    ) {
        self.window.handle_ack(&Acked { sent, bytes, app_limited, smoothed: rtt.get() }, now);
    }

    fn on_congestion_event(
        &mut self,
        now: Instant,
        _sent: Instant,
        is_persistent_congestion: bool,
        lost_bytes: u64,
    ) {
        if is_persistent_congestion {
            self.window.handle_outage(now);
        } else if lost_bytes == 0 {
            // Quinn reports an ECN mark as a congestion event without loss.
            self.window.handle_mark();
        } else {
            self.window.handle_loss(lost_bytes);
        }
    }

    fn on_mtu_update(&mut self, new_mtu: u16) {
        self.window.handle_mtu(new_mtu);
    }

    fn window(&self) -> u64 {
        self.window.bytes()
    }

    fn clone_box(&self) -> Box<dyn Controller> {
        Box::new(self.clone())
    }

    fn initial_window(&self) -> u64 {
        self.window.initial_bytes()
    }

    fn into_any(self: Box<Self>) -> Box<dyn Any> {
        self
    }
}
