//! What one worker can bear, learned from what it has borne: the CPU time that a packet and the upkeep of
//! sessions take, and what the machine let through when it was too much.
//!
//! Pure: it is fed what happened in each window of time, and says how many listeners are too many.

use std::time::Duration;

use super::SLOTS_MAX;

/// The share of a core that a worker plans with. Bursts and whatever else runs here need the rest.
const SHARE: f64 = 0.85;

/// Cost of a packet before any was measured, in seconds: dear rather than cheap, so that a machine which is
/// worse than most is not overrun before it is known.
const COST_AT_FIRST_S: f64 = 5e-6;

/// Bytes of a packet before any was sent: 60 ms of speech, sealed.
const BYTES_PER_PACKET_AT_FIRST: f64 = 270.0;

/// Packets in a window below which their cost is not looked at, because small batches are dearer, and nobody is sent
/// away for frames that are late.
const PACKETS_MIN: u64 = 500;

/// The weight of a new window: about two seconds' memory.
const WEIGHT: f64 = 0.1;

/// Windows of overload in a row before listeners are sent away: a moment's hiccup is not one, and that some have
/// left must show first before more go.
const STRIKES: u32 = 5;

/// A frame or a datagram that waited this long for its worker is a sign of overload.
const WAIT_MAX: Duration = Duration::from_millis(60);

/// How much of a limit that was run into is forgotten with each window: half of it within a minute.
const FORGET: f64 = 0.0025;

/// How fast it is forgotten that several talked at once: half of it within five minutes.
const CALM: f64 = 0.0005;

/// Listeners that are sent away at once, at most, as a share of all.
const SHED_MAX: f64 = 0.2;

/// What happened on a worker in a window of time.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Window {
    /// How long it was.
    pub elapsed: Duration,
    /// CPU time of the worker in it.
    pub busy: Duration,
    /// CPU time of those turns that played frames.
    pub playing: Duration,
    /// CPU time of handshakes, which wait until nothing else does, and so take no room from listeners.
    pub handshakes: Duration,
    /// Packets that left in those turns, and their bytes.
    pub packets: u64,
    pub bytes: u64,
    /// Packets that would have left if all listeners had heard one voice all the time.
    pub one_voice: u64,
    /// Packets that the socket did not take.
    pub refused: u64,
    /// Frames dropped for their age.
    pub late: u64,
    /// The longest that a frame or a datagram has waited.
    pub waited: Duration,
}

/// What one worker can bear.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Capacity {
    cost_s: f64,
    /// Share of a core for everything but playing.
    upkeep: f64,
    bytes_per_packet: f64,
    /// Packets that listeners get, over those of one voice; several may talk at once.
    voices: f64,
    /// Packets a second that were too many for the worker, and bytes that were for its socket.
    packets_max: f64,
    bytes_max: f64,
    /// Bytes a second that the operator allows.
    bytes_allowed: f64,
    strikes: u32,
}

impl Capacity {
    /// Of a worker that has not worked yet and may send at most `bytes_allowed` a second.
    pub(super) fn new(bytes_allowed: f64) -> Self {
        Self {
            cost_s: COST_AT_FIRST_S,
            upkeep: 0.0,
            bytes_per_packet: BYTES_PER_PACKET_AT_FIRST,
            voices: 1.0,
            packets_max: f64::MAX,
            bytes_max: f64::MAX,
            bytes_allowed,
            strikes: 0,
        }
    }

    /// Learns from a window; says how many of `listeners` must go so that the others hear everything.
    pub(super) fn handle_window(&mut self, window: &Window, listeners: usize) -> usize {
        let elapsed = window.elapsed.as_secs_f64();
        if elapsed <= 0.0 {
            return 0;
        }
        let other = window.playing + window.handshakes;
        let upkeep = window.busy.saturating_sub(other).as_secs_f64() / elapsed;
        self.upkeep += (upkeep - self.upkeep) * WEIGHT;
        if window.packets >= PACKETS_MIN {
            let packets = window.packets as f64;
            self.cost_s += (window.playing.as_secs_f64() / packets - self.cost_s) * WEIGHT;
            let bytes = window.bytes as f64 / packets;
            self.bytes_per_packet += (bytes.max(1.0) - self.bytes_per_packet) * WEIGHT;
        }
        let voices = window.packets as f64 / window.one_voice.max(1) as f64;
        if window.one_voice >= PACKETS_MIN {
            self.voices = voices.clamp(1.0, SLOTS_MAX as f64).max(self.voices * (1.0 - CALM));
        }
        self.packets_max = (self.packets_max * (1.0 + FORGET)).min(f64::MAX);
        self.bytes_max = (self.bytes_max * (1.0 + FORGET)).min(f64::MAX);
        self.judge(window, elapsed, listeners)
    }

    fn judge(&mut self, window: &Window, elapsed: f64, listeners: usize) -> usize {
        let late = window.late > 0 || window.waited > WAIT_MAX;
        // A few listeners are no load: whatever makes them wait stays when they go.
        let loaded = window.packets.max(window.one_voice) >= PACKETS_MIN;
        let overloaded = window.refused > 0 || (late && loaded);
        self.strikes = if overloaded { self.strikes + 1 } else { 0 };
        if self.strikes < STRIKES || listeners == 0 {
            return 0;
        }
        self.strikes = 0;
        // What got through, with the usual reserve, is what there is room for.
        let through = window.packets as f64 / elapsed * SHARE;
        if window.refused > 0 {
            self.bytes_max = self.bytes_max.min(window.bytes as f64 / elapsed * SHARE);
        } else {
            self.packets_max = self.packets_max.min(through);
        }
        // Sound that was too late left no packet to count: somebody talks, so it was one voice's at least.
        let wanted = (window.packets + window.refused).max(window.one_voice) as f64 / elapsed;
        let share = (1.0 - through / wanted.max(1.0)).clamp(0.0, SHED_MAX);
        usize::try_from(whole((listeners as f64 * share).ceil())).unwrap_or(listeners).max(1)
    }

    /// Packets a second that it can send.
    pub(super) fn packets_per_second(&self) -> f64 {
        let room = (SHARE - self.upkeep).max(0.0) / self.cost_s.max(1e-9);
        let bytes = self.bytes_max.min(self.bytes_allowed);
        room.min(self.packets_max).min(bytes / self.bytes_per_packet)
    }

    /// Bytes a second that it can send, at the usual size of packets.
    pub(super) fn bytes_per_second(&self) -> f64 {
        self.packets_per_second() * self.bytes_per_packet
    }

    /// Packets a second that may be promised to listeners, at one voice each.
    pub(super) fn bookable(&self) -> u64 {
        whole(self.packets_per_second() / self.voices)
    }
}

/// A figure as counters take it.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a rate that is no number, below zero or beyond the type becomes the nearest that is"
)]
pub(super) fn whole(rate: f64) -> u64 {
    rate as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const TICK: Duration = Duration::from_millis(200);

    fn window(packets: u64, ns_per_packet: u64, upkeep: f64) -> Window {
        let playing = Duration::from_nanos(packets * ns_per_packet);
        let bytes = packets * 270;
        let busy = playing + TICK.mul_f64(upkeep);
        Window { elapsed: TICK, busy, playing, packets, bytes, ..Window::default() }
    }

    fn after(windows: usize, window: &Window) -> Capacity {
        let mut capacity = Capacity::new(f64::MAX);
        for _ in 0..windows {
            assert_eq!(capacity.handle_window(window, 1_000), 0);
        }
        capacity
    }

    #[test]
    fn capacity_is_what_a_packet_costs_and_what_upkeep_leaves() {
        let unknown = Capacity::new(f64::MAX);
        assert!((unknown.packets_per_second() - 170_000.0).abs() < 1.0);
        let known = after(100, &window(20_000, 2_000, 0.05));
        assert!((known.packets_per_second() - 400_000.0).abs() < 2_000.0, "{known:?}");
        assert!((known.bytes_per_second() / known.packets_per_second() - 270.0).abs() < 1.0);
        assert_eq!(known.bookable(), whole(known.packets_per_second()));
        let quiet = after(100, &window(100, 9_000, 0.05));
        assert!(quiet.packets_per_second() < 165_000.0, "few packets say nothing of their cost");
        let drowned = after(100, &window(1_000, 2_000, 0.9));
        assert!(drowned.packets_per_second() < 100.0, "{drowned:?}");
        let storm = Window { handshakes: TICK.mul_f64(0.9), ..window(1_000, 2_000, 0.9) };
        assert!(after(100, &storm).packets_per_second() > 400_000.0, "handshakes give way");
    }

    #[test]
    fn overload_that_lasts_sends_listeners_away_and_is_remembered() {
        let mut capacity = after(50, &window(20_000, 2_000, 0.05));
        let overloaded = Window { refused: 5_000, ..window(20_000, 2_000, 0.05) };
        let shed: Vec<_> = (0..20).map(|_| capacity.handle_window(&overloaded, 10_000)).collect();
        assert_eq!(shed[..4], [0; 4], "not at the first sign");
        assert_eq!(shed[4], 2_000, "a fifth at most");
        assert_eq!(shed.iter().filter(|shed| **shed > 0).count(), 4, "and not again at once");
        let learned = capacity.packets_per_second();
        assert!((80_000.0..90_000.0).contains(&learned), "{learned}");
        for _ in 0..5 * 600 {
            capacity.handle_window(&window(10_000, 2_000, 0.05), 8_000);
        }
        assert!(
            capacity.packets_per_second() > 300_000.0,
            "ten minutes later it may be tried again"
        );
    }

    #[test]
    fn an_operators_limit_holds_from_the_first_packet_on() {
        let mut capacity = Capacity::new(27_000.0);
        assert_eq!((capacity.bookable(), whole(capacity.bytes_per_second())), (100, 27_000));
        for _ in 0..100 {
            capacity.handle_window(&window(20_000, 2_000, 0.05), 1_000);
        }
        assert_eq!(capacity.bookable(), 100);
    }

    #[test]
    fn several_voices_at_once_halve_what_may_be_promised_until_it_has_been_calm() {
        let duet = Window { one_voice: 10_000, ..window(20_000, 2_000, 0.05) };
        let mut capacity = after(10, &duet);
        assert!((capacity.packets_per_second() / capacity.bookable() as f64 - 2.0).abs() < 0.01);
        let solo = Window { one_voice: 10_000, ..window(10_000, 2_000, 0.05) };
        for _ in 0..5 * 60 * 20 {
            capacity.handle_window(&solo, 1_000);
        }
        assert!(capacity.packets_per_second() / (capacity.bookable() as f64) < 1.1);
    }

    #[test]
    fn late_frames_and_long_waits_are_overload_and_a_hiccup_is_not() {
        for sign in [
            Window { late: 1, ..window(10_000, 2_000, 0.1) },
            Window { waited: WAIT_MAX * 2, ..window(10_000, 2_000, 0.1) },
        ] {
            let mut capacity = Capacity::new(f64::MAX);
            let shed: usize = (0..5).map(|_| capacity.handle_window(&sign, 100)).sum();
            assert!((1..=20).contains(&shed), "{shed}");
            let mut capacity = Capacity::new(f64::MAX);
            for _ in 0..50 {
                let calm = window(10_000, 2_000, 0.1);
                let signs = [sign, sign, sign, sign, calm];
                assert!(signs.iter().all(|window| capacity.handle_window(window, 100) == 0));
            }
        }
        assert!((after(1, &Window::default()).packets_per_second() - 170_000.0).abs() < 1.0);
    }

    #[test]
    fn few_listeners_are_not_sent_away_for_what_else_the_machine_does() {
        let starved = Window { waited: WAIT_MAX * 4, late: 9, ..window(20, 9_000, 0.1) };
        assert_eq!(after(50, &starved).strikes, 0);
        let full = Window { refused: 1, ..starved };
        let mut capacity = Capacity::new(f64::MAX);
        assert!((0..5).map(|_| capacity.handle_window(&full, 3)).sum::<usize>() > 0);
    }

    proptest! {
        #[test]
        fn whatever_happens_the_figures_stay_figures(
            windows in proptest::collection::vec(
                (0u64..1_000_000, 0u64..100_000, 0u64..10, 0u64..1_000, 0u64..1_000, 0u64..1_000), 1..100),
        ) {
            let mut capacity = Capacity::new(f64::MAX);
            for (packets, refused, late, ms, busy_ms, playing_ms) in windows {
                let window = Window {
                    elapsed: Duration::from_millis(ms),
                    busy: Duration::from_millis(busy_ms),
                    playing: Duration::from_millis(playing_ms),
                    handshakes: Duration::from_millis(late),
                    packets,
                    bytes: packets * 100,
                    one_voice: playing_ms * 100,
                    refused,
                    late,
                    waited: Duration::from_millis(late),
                };
                prop_assert!(capacity.handle_window(&window, 500) <= 500);
                let packets = capacity.packets_per_second();
                prop_assert!(packets.is_finite() && packets >= 0.0);
            }
        }
    }
}
