//! A greedy sender against a modelled bottleneck, under virtual time.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::{Acked, FLOOR_BYTES_MIN, WINDOW_BYTES_MAX, Window};

const PACKET: u64 = 1_200;
const BOOKED: u64 = 250_000;

#[test]
fn the_window_grows_to_fill_an_idle_path_without_a_standing_queue() {
    let mut path = Path::new(20_000_000, Duration::from_millis(100));
    let mut window = Window::new(BOOKED, 1_200, path.now);

    path.run(&mut window, Duration::from_secs(10));
    let measured = path.run(&mut window, Duration::from_secs(10));

    assert!(measured.utilisation > 0.8, "{measured:?}");
    assert!(measured.queue_mean < Duration::from_millis(60), "{measured:?}");
}

#[test]
fn isolated_loss_costs_no_more_than_itself() {
    for loss_percent in [1, 5, 10, 20] {
        let mut path = Path::new(20_000_000, Duration::from_millis(200));
        path.loss_percent = loss_percent;
        let mut window = Window::new(BOOKED, 1_200, path.now);

        path.run(&mut window, Duration::from_secs(10));
        let measured = path.run(&mut window, Duration::from_secs(10));

        assert!(measured.utilisation > 0.7, "{loss_percent} %: {measured:?}");
    }
}

#[test]
fn a_queue_makes_the_window_yield_until_it_is_gone() {
    let mut path = Path::new(50_000_000, Duration::from_millis(50));
    let mut window = Window::new(BOOKED, 1_200, path.now);
    path.run(&mut window, Duration::from_secs(5));
    let before = window.bytes();

    path.bytes_per_second /= 10;
    path.run(&mut window, Duration::from_secs(5));
    let measured = path.run(&mut window, Duration::from_secs(5));

    assert!(window.bytes() < before / 2, "{before} to {}", window.bytes());
    assert!(measured.queue_mean < QUEUE_AFTER_YIELDING_MAX, "{measured:?}");
}

/// The floor of 64 KiB alone holds 5 Mbit/s for 105 ms: 50 ms of path and 55 ms of queue.
const QUEUE_AFTER_YIELDING_MAX: Duration = Duration::from_millis(90);

#[test]
fn the_booked_rate_is_never_taken_away() {
    let start = Instant::now();
    let rtt = Duration::from_millis(400);
    let mut window = Window::new(BOOKED, 1_200, start);
    let mut now = start;
    for round in 0..200_u32 {
        // Half of everything is lost, everything is marked, and the queue grows without end.
        let sent = now;
        now += rtt + Duration::from_millis(20) * round;
        window.handle_mark();
        window.handle_loss(100 * PACKET);
        for _ in 0..100 {
            let acked = Acked { sent, bytes: PACKET, app_limited: false, smoothed: rtt };
            window.handle_ack(&acked, now);
        }
        let booked_at_rtt = BOOKED * 400 / 1_000;
        assert!(window.bytes() >= booked_at_rtt.max(FLOOR_BYTES_MIN), "{}", window.bytes());
    }
    window.handle_outage(now);
    assert!(window.bytes() >= FLOOR_BYTES_MIN);
}

#[test]
fn a_sender_with_little_to_say_earns_no_window() {
    let start = Instant::now();
    let rtt = Duration::from_millis(80);
    let mut window = Window::new(BOOKED, 1_200, start);
    let mut now = start;
    let mut largest = 0;
    for _ in 0..5_000 {
        now += Duration::from_millis(20);
        let acked = Acked { sent: now - rtt, bytes: 200, app_limited: true, smoothed: rtt };
        window.handle_ack(&acked, now);
        largest = largest.max(window.bytes());
    }
    // What it began with, before the first sample of the round-trip time.
    assert!(largest <= BOOKED * 333 / 800, "{largest}");
}

#[test]
fn a_longer_route_is_not_taken_for_a_queue_for_ever() {
    let mut path = Path::new(20_000_000, Duration::from_millis(40));
    let mut window = Window::new(BOOKED, 1_200, path.now);
    path.run(&mut window, Duration::from_secs(5));

    path.one_way = Duration::from_millis(90);
    path.run(&mut window, Duration::from_secs(80));
    let measured = path.run(&mut window, Duration::from_secs(10));

    assert!(measured.utilisation > 0.7, "{measured:?}");
}

#[test]
fn the_window_has_a_maximum() {
    let mut path = Path::new(100_000_000_000, Duration::from_millis(100));
    path.packets_per_step = 100_000;
    let mut window = Window::new(u64::MAX, 1_200, path.now);
    path.run(&mut window, Duration::from_millis(300));
    assert_eq!(window.bytes(), WINDOW_BYTES_MAX);
}

/// A bottleneck of one rate and an endless queue, with a propagation delay in each direction.
struct Path {
    now: Instant,
    bytes_per_second: u64,
    one_way: Duration,
    loss_percent: u64,
    packets_per_step: usize,
    /// When the bottleneck is done with everything queued so far.
    free_at: Instant,
    under_way: VecDeque<Packet>,
    in_flight: u64,
    smoothed: Option<Duration>,
    dice: u64,
}

struct Packet {
    sent: Instant,
    acked: Instant,
    queued: Duration,
    lost: bool,
}

#[derive(Debug)]
struct Measured {
    utilisation: f64,
    queue_mean: Duration,
}

impl Path {
    fn new(bits_per_second: u64, rtt: Duration) -> Self {
        let now = Instant::now();
        Self {
            now,
            bytes_per_second: bits_per_second / 8,
            one_way: rtt / 2,
            loss_percent: 0,
            packets_per_step: 1_000,
            free_at: now,
            under_way: VecDeque::new(),
            in_flight: 0,
            smoothed: None,
            dice: 7,
        }
    }

    fn run(&mut self, window: &mut Window, span: Duration) -> Measured {
        let end = self.now + span;
        let (mut delivered, mut queued, mut packets) = (0_u64, Duration::ZERO, 0_u32);
        while self.now < end {
            self.send(window);
            self.now += Duration::from_millis(1);
            while self.under_way.front().is_some_and(|packet| packet.acked <= self.now) {
                let Some(packet) = self.under_way.pop_front() else { break };
                self.in_flight -= PACKET;
                if packet.lost {
                    window.handle_loss(PACKET);
                    continue;
                }
                delivered += PACKET;
                queued += packet.queued;
                packets += 1;
                let sample = packet.acked - packet.sent;
                let smoothed = self.smoothed.map_or(sample, |old| (old * 7 + sample) / 8);
                self.smoothed = Some(smoothed);
                let acked =
                    Acked { sent: packet.sent, bytes: PACKET, app_limited: false, smoothed };
                window.handle_ack(&acked, packet.acked);
            }
        }
        let possible = self.bytes_per_second as f64 * span.as_secs_f64();
        let lossless = 1.0 - self.loss_percent as f64 / 100.0;
        Measured {
            utilisation: delivered as f64 / possible / lossless,
            queue_mean: queued / packets.max(1),
        }
    }

    fn send(&mut self, window: &Window) {
        for _ in 0..self.packets_per_step {
            if self.in_flight + PACKET > window.bytes() {
                return;
            }
            let start = self.free_at.max(self.now);
            let queued = start - self.now;
            let time = Duration::from_secs_f64(PACKET as f64 / self.bytes_per_second as f64);
            self.free_at = start + time;
            // A linear congruential generator is random enough for independent loss.
            self.dice = self.dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let lost = (self.dice >> 33) % 100 < self.loss_percent;
            let acked = self.free_at + self.one_way * 2;
            self.under_way.push_back(Packet { sent: self.now, acked, queued, lost });
            self.in_flight += PACKET;
        }
    }
}
