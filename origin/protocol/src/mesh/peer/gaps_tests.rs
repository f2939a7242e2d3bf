//! When a gap is seen, asked about and given up.

use super::*;

const RTT_MS: u64 = 40;

#[test]
fn a_gap_is_asked_about_a_margin_after_its_datagram_was_expected() {
    let mut line = Line::new(RTT_MS);
    line.arrive(1, 0);
    line.arrive(3, 20);
    // Number 2 was expected after 10 ms; jitter is nil.
    assert_eq!(line.due_ms(), Some(13));
    assert_eq!(line.ask(20), Some((false, 3, vec![1])));
    // A second question would bring it too late; a silence from now on is the next thing to ask about.
    assert_eq!(line.due_ms(), Some(20 + 20 + 3));
}

#[test]
fn a_silence_longer_than_promised_is_asked_about_before_anything_else_comes() {
    let mut line = Line::new(RTT_MS);
    line.arrive(1, 0);
    assert_eq!(line.due_ms(), Some(23));
    assert_eq!(line.ask(22), None);
    assert_eq!(line.ask(23), Some((true, 1, vec![])));
    // What then turns out to be missing is asked about already.
    line.arrive(3, 40);
    assert_ne!(line.due_ms(), Some(40));
    assert_eq!(line.ask(41), None);
}

#[test]
fn nobody_is_asked_for_ever_about_one_silence() {
    let mut line = Line::new(RTT_MS);
    line.arrive(1, 0);
    let asked = (0..2_000).filter(|ms| line.ask(*ms).is_some()).count();
    assert_eq!(asked, usize::from(OPENS_MAX));
}

#[test]
fn beats_that_are_lost_in_a_pause_are_not_asked_about() {
    let mut line = Line::new(RTT_MS);
    line.arrive(1, 0);
    for beat in [2, 3, 4, 5] {
        line.gaps.handle_arrival(beat, false, line.at(20 * (beat - 1)));
    }
    line.gaps.handle_arrival(8, false, line.at(140));
    line.gaps.handle_media_newest(1, 8);
    assert_eq!(line.due_ms(), None);
    // The last frame before a pause is.
    line.gaps.handle_arrival(11, false, line.at(200));
    line.gaps.handle_media_newest(9, 11);
    assert_eq!(line.ask(210), Some((false, 11, vec![2])));
}

#[test]
fn reordering_within_the_jitter_is_waited_for() {
    let mut line = Line::new(RTT_MS);
    line.path.jitter = Duration::from_millis(5);
    line.arrive(1, 0);
    line.arrive(3, 2);
    assert_eq!(line.due_ms(), Some(1 + 3 + 15));
    line.arrive(2, 10);
    assert_ne!(line.due_ms(), Some(19));
}

#[test]
fn a_datagram_is_asked_for_again_only_while_a_repair_would_be_in_time() {
    let asks = |rtt_ms| {
        let mut line = Line::new(rtt_ms);
        line.path.promised = None;
        line.arrive(1, 0);
        line.arrive(3, 2);
        (0..1_000).filter(|ms| line.ask(*ms).is_some()).count()
    };
    assert_eq!([10, 20, 40, 100, 200, 400].map(asks), [4, 3, 1, 1, 1, 1]);
    assert_eq!(asks(600), 0);
}

#[test]
fn a_repair_and_a_late_arrival_close_their_gaps() {
    let mut line = Line::new(RTT_MS);
    line.path.promised = None;
    line.arrive(1, 0);
    line.arrive(4, 20);
    line.gaps.close(2);
    line.arrive(3, 21);
    assert_eq!(line.due_ms(), None);
    // One that comes after a silence was asked about may be ahead of everything.
    line.gaps.close(5);
    line.arrive(6, 60);
    assert_eq!(line.due_ms(), None);
}

#[test]
fn losses_in_a_row_are_asked_about_together_as_a_second_chance() {
    let mut line = Line::new(RTT_MS);
    line.arrive(1, 0);
    assert_eq!(line.ask(23), Some((true, 1, vec![])));
    line.arrive(3, 40);
    line.arrive(5, 80);
    assert_eq!(line.ask(80), Some((false, 5, vec![1])));
    line.arrive(7, 100);
    assert_eq!(line.ask(100), Some((false, 7, vec![1, 3])));
}

#[test]
fn a_hostile_jump_costs_no_more_than_the_maximum() {
    let mut line = Line::new(10);
    line.arrive(0, 0);
    line.arrive(1 << 61, 1);
    assert_eq!(line.gaps.gaps.len(), GAPS_MAX);
    let (_, _, back) = line.ask(10).unwrap();
    assert_eq!(back.len(), NACK_SEQUENCES_MAX);
    let given_up = line.gaps.handle_arrival((1 << 61) + 10, true, line.at(12));
    assert_eq!(given_up, 9);
}

struct Line {
    start: Instant,
    gaps: Gaps,
    path: Path,
}

impl Line {
    fn new(rtt_ms: u64) -> Self {
        let rtt = Duration::from_millis(rtt_ms);
        let promised = Some(Duration::from_millis(20));
        let path = Path { rtt, jitter: Duration::ZERO, promised };
        Self { start: Instant::now(), gaps: Gaps::default(), path }
    }

    fn at(&self, ms: u64) -> Instant {
        self.start + Duration::from_millis(ms)
    }

    /// A datagram with frames.
    fn arrive(&mut self, sequence: u64, ms: u64) {
        self.gaps.handle_arrival(sequence, true, self.at(ms));
    }

    fn due_ms(&self) -> Option<u128> {
        self.gaps.due(&self.path).map(|due| (due - self.start).as_millis())
    }

    fn ask(&mut self, ms: u64) -> Option<(bool, u64, Vec<u64>)> {
        let nack = self.gaps.ask(&self.path, self.at(ms))?;
        Some((nack.open, nack.highest, nack.back))
    }
}
