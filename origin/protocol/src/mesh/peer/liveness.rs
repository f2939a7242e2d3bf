//! How long a peer's silence may last before it is taken for dead.
//!
//! A peer promises in each beat when its next datagram comes. While it promises one each 20 ms, the
//! limit is `k` missed beats, the least `k` with `loss^k < 1e-9`; bursts count by their own odds, and
//! twice the longest silence survived lately. A path whose very first burst is long is a false alarm.

use std::time::{Duration, Instant};

use super::sequences::Loss;

/// Shortest silence that takes an active peer for dead: six beats.
pub const SILENCE_ACTIVE_MIN: Duration = Duration::from_millis(120);
/// Longest silence that is tolerated from an active peer, however bad the path.
pub const SILENCE_ACTIVE_MAX: Duration = Duration::from_millis(600);
/// Silence that takes an idle peer for dead. From 1.5 promised intervals on it is asked for a sign of
/// life each 50 ms, so that loss alone does not reach this.
pub const SILENCE_IDLE: Duration = Duration::from_millis(1_800);
/// How often a silent idle peer is asked.
pub(super) const PROBE_INTERVAL: Duration = Duration::from_millis(50);
/// A late look at the clock by this much means that this node itself stood still.
pub(super) const STALL: Duration = Duration::from_millis(15);
/// What a peer gets after such a standstill, so that its datagrams can be read first.
pub(super) const STALL_GRACE: Duration = Duration::from_millis(40);

/// A promise up to this makes the peer active.
const ACTIVE_INTERVAL_MAX: Duration = Duration::from_millis(100);
const INTERVAL_MS_MIN: u64 = 5;
const FALSE_ALARM: f64 = 1e-9;
/// Loss below this is not believed: six beats are the least anyway.
const LOSS_MIN: f64 = 0.01;
const LOSS_MAX: f64 = 0.95;

/// What is known of a peer's signs of life.
#[derive(Debug)]
pub(super) struct Liveness {
    silence_min: Duration,
    promised: Duration,
    arrived: Option<Instant>,
    /// Mean time between two datagrams that the peer sends while active.
    spacing: Duration,
    /// Longest silence survived while active; fades by an eighth a second.
    longest: Duration,
    pub(super) suspected: bool,
    pub(super) grace_given: bool,
}

impl Liveness {
    pub(super) fn new(silence_min: Duration, promised: Duration) -> Self {
        Self {
            silence_min: silence_min.min(SILENCE_ACTIVE_MAX),
            promised,
            arrived: None,
            spacing: promised,
            longest: Duration::ZERO,
            suspected: false,
            grace_given: false,
        }
    }

    /// Takes note of a datagram, the `steps`th after the last one that arrived (0 for one out of
    /// order); gives whether the peer had been suspected.
    pub(super) fn handle_arrival(&mut self, steps: u32, now: Instant) -> bool {
        if let Some(arrived) = self.arrived.replace(now)
            && self.is_active()
        {
            let silence = now.saturating_duration_since(arrived);
            self.longest = self.longest.max(silence);
            if let Some(spacing) = silence.checked_div(steps) {
                self.spacing = self.spacing.min(self.promised) * 15 / 16 + spacing / 16;
            }
        }
        self.grace_given = false;
        std::mem::take(&mut self.suspected)
    }

    /// Takes a beat's promise. A wild one is brought into range.
    pub(super) fn handle_promise(&mut self, interval_ms: u64, idle: Duration) {
        let was_active = self.is_active();
        let ceiling = u64::try_from(idle.as_millis()).unwrap_or(u64::MAX);
        self.promised = Duration::from_millis(interval_ms.clamp(INTERVAL_MS_MIN, ceiling));
        if !was_active {
            self.longest = Duration::ZERO;
            self.spacing = self.promised;
        }
    }

    /// Whether the peer has promised the pace of a link that carries tracks.
    pub(super) fn is_active(&self) -> bool {
        self.promised <= ACTIVE_INTERVAL_MAX
    }

    /// The pace that an active peer has promised.
    pub(super) fn promised(&self) -> Option<Duration> {
        self.is_active().then_some(self.promised)
    }

    /// Lets the longest silence fade; called once a second.
    pub(super) fn fade(&mut self) {
        self.longest = self.longest * 7 / 8;
    }

    /// The silence after which the peer is dead. A silence of `n` datagrams happens by independent
    /// loss with odds `share^n`, by bursts with `share * after_loss^(n - 1)`; beats count at the
    /// promised pace, for frames may stop at any time, bursts at the pace at which they were seen.
    pub(super) fn silence_max(&self, loss: Loss, jitter: Duration) -> Duration {
        if !self.is_active() {
            return SILENCE_IDLE;
        }
        let share = loss.share.clamp(LOSS_MIN, LOSS_MAX);
        let beats = FALSE_ALARM.ln() / share.ln();
        let missed = self.promised.mul_f64(beats.ceil() + 0.5) + jitter * 4;
        let burst =
            1.0 + (FALSE_ALARM / share).ln() / loss.after_loss.clamp(LOSS_MIN, LOSS_MAX).ln();
        let burst = self.spacing.min(self.promised).mul_f64(burst);
        missed.max(burst).max(self.longest * 2).max(self.silence_min).min(SILENCE_ACTIVE_MAX)
    }

    /// When to ask a silent peer, counted from its last datagram; `None` while beats come fast enough.
    pub(super) fn probe_after(&self) -> Option<Duration> {
        (!self.is_active()).then(|| self.promised * 3 / 2)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BEAT_MS: u64 = 20;

    #[test]
    fn the_limit_is_120_ms_without_loss_and_grows_with_it() {
        let limit = |share| active().silence_max(independent(share), Duration::ZERO).as_millis();
        assert_eq!(limit(0.0), 120);
        assert_eq!(limit(0.05), 150);
        assert_eq!(limit(0.2), 270);
        assert_eq!(limit(0.9), 600);
    }

    #[test]
    fn a_silence_that_ended_well_doubles_the_limit_for_a_while() {
        let (mut liveness, start) = (active(), Instant::now());
        liveness.handle_arrival(1, start);
        liveness.handle_arrival(1, start + Duration::from_millis(110));
        assert_eq!(
            liveness.silence_max(independent(0.0), Duration::ZERO),
            Duration::from_millis(220)
        );
        for _ in 0..30 {
            liveness.fade();
        }
        assert_eq!(liveness.silence_max(independent(0.0), Duration::ZERO), SILENCE_ACTIVE_MIN);
    }

    #[test]
    fn an_idle_peer_has_1_8_seconds_and_no_promise_makes_it_more() {
        let mut liveness = active();
        liveness.handle_promise(u64::MAX, Duration::from_millis(500));
        assert_eq!(liveness.silence_max(independent(0.2), Duration::ZERO), SILENCE_IDLE);
        assert_eq!(liveness.probe_after(), Some(Duration::from_millis(750)));
    }

    #[test]
    fn the_pace_of_an_idle_link_is_no_silence_of_an_active_one() {
        let (mut liveness, start) =
            (Liveness::new(SILENCE_ACTIVE_MIN, Duration::from_secs(1)), Instant::now());
        liveness.handle_arrival(1, start);
        liveness.handle_arrival(1, start + Duration::from_secs(1));
        liveness.handle_promise(BEAT_MS, Duration::from_secs(1));
        assert_eq!(liveness.silence_max(independent(0.0), Duration::ZERO), SILENCE_ACTIVE_MIN);
    }

    #[test]
    fn bursts_at_the_pace_of_beats_raise_the_limit_and_short_ones_between_frames_do_not() {
        let bursty = Loss { share: 0.05, after_loss: 0.5 };
        let limit = |spacing_ms| {
            let (mut liveness, mut now) = (active(), Instant::now());
            for _ in 0..200 {
                now += Duration::from_millis(spacing_ms);
                liveness.handle_arrival(1, now);
            }
            liveness.silence_max(bursty, Duration::ZERO).as_millis()
        };
        assert_eq!(limit(20), 531);
        assert_eq!(limit(1), 150);
    }

    fn independent(share: f64) -> Loss {
        Loss { share, after_loss: share }
    }

    fn active() -> Liveness {
        Liveness::new(SILENCE_ACTIVE_MIN, Duration::from_millis(BEAT_MS))
    }
}
