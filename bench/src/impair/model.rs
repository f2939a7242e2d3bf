//! One direction of a path: decides for each packet whether it arrives, and when. No clock, no socket.

use std::time::{Duration, Instant};

use rand::{Rng, RngExt};

use super::profile::{Loss, Profile, ProfileError};

/// IPv4 and UDP headers, in bytes: they take time on a link too.
const HEADER_BYTES: usize = 28;

/// What becomes of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It arrives then.
    DeliverAt(Instant),
    /// It does not arrive.
    Drop(Cause),
}

/// Why a packet does not arrive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// Lost on the way.
    Loss,
    /// The queue before the narrowest link was full.
    Queue,
    /// The path was cut.
    Cut,
}

/// One direction of a path.
#[derive(Clone, Debug)]
pub struct Model {
    profile: Profile,
    started: Instant,
    /// Whether the channel is in its bad state (`Loss::Bursty`).
    bad: bool,
    /// When the narrowest link will have sent all it has accepted.
    link_free: Instant,
    /// The latest arrival so far; with `reorder` off none arrives before it.
    newest_arrival: Instant,
}

impl Model {
    /// A path that is fresh at `now`; cuts count from here.
    ///
    /// # Errors
    /// A [`ProfileError`] when the rate is zero.
    pub fn new(profile: Profile, now: Instant) -> Result<Self, ProfileError> {
        if profile.rate_kbit == Some(0) {
            return Err(ProfileError::Rate);
        }
        Ok(Self { profile, started: now, bad: false, link_free: now, newest_arrival: now })
    }

    /// Decides on a packet of `length` bytes (UDP payload) that enters the path at `now`.
    pub fn handle_packet(&mut self, now: Instant, rng: &mut impl Rng, length: usize) -> Verdict {
        if self.is_cut(now) {
            return Verdict::Drop(Cause::Cut);
        }
        let Some(departure) = self.pass_link(now, length) else {
            return Verdict::Drop(Cause::Queue);
        };
        // Lost packets have used the link: loss happens behind the queue, as on a radio.
        if self.is_lost(rng) {
            return Verdict::Drop(Cause::Loss);
        }
        let mut arrival = departure + self.delay(rng);
        if !self.profile.reorder {
            arrival = arrival.max(self.newest_arrival);
            self.newest_arrival = arrival;
        }
        Verdict::DeliverAt(arrival)
    }

    fn is_cut(&self, now: Instant) -> bool {
        let Some(cut) = self.profile.cut else { return false };
        let age = now.saturating_duration_since(self.started);
        age >= cut.after && age < cut.after + cut.lasts
    }

    /// When the packet has left the narrowest link, or `None` when it would wait too long.
    fn pass_link(&mut self, now: Instant, length: usize) -> Option<Instant> {
        let Some(rate_kbit) = self.profile.rate_kbit else { return Some(now) };
        let begin = self.link_free.max(now);
        if begin - now > self.profile.queue {
            return None;
        }
        let bits = (length + HEADER_BYTES) as u64 * 8;
        self.link_free = begin + Duration::from_nanos(bits * 1_000_000 / u64::from(rate_kbit));
        Some(self.link_free)
    }

    fn is_lost(&mut self, rng: &mut impl Rng) -> bool {
        match self.profile.loss {
            Loss::None => false,
            Loss::Independent { share } => rng.random::<f64>() < share,
            Loss::Bursty { share, mean_burst } => {
                let leave_bad = 1.0 / mean_burst;
                // From the balance of the two states: share = enter / (enter + leave).
                let enter_bad = leave_bad * share / (1.0 - share);
                let draw = rng.random::<f64>();
                self.bad = if self.bad { draw >= leave_bad } else { draw < enter_bad };
                self.bad
            }
        }
    }

    fn delay(&self, rng: &mut impl Rng) -> Duration {
        if self.profile.jitter.is_zero() {
            return self.profile.delay;
        }
        let swing = self.profile.jitter.as_secs_f64() * (rng.random::<f64>() * 2.0 - 1.0);
        Duration::from_secs_f64((self.profile.delay.as_secs_f64() + swing).max(0.0))
    }
}

#[cfg(test)]
mod tests;
