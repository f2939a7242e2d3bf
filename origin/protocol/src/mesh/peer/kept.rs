//! Datagrams that we sent and may have to send again, and how much of that a peer may ask for.
//!
//! Whoever asks cannot make an amplifier of us: what is sent again is at most half of what was sent,
//! each datagram a few times, and questions come at a bounded rate.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use bytes::Bytes;

use super::statistics::Statistics;

/// Most datagrams that are kept: half a second of a thousand a second.
pub const KEPT_DATAGRAMS_MAX: usize = 512;
/// Most bytes of them.
pub const KEPT_BYTES_MAX: usize = 512 * 1_024;
/// No listener waits longer for a frame.
pub(super) const KEPT_AGE_MAX: Duration = Duration::from_millis(500);
/// How often one datagram is sent again.
pub(super) const AGAIN_MAX: u8 = 4;
/// For so many bytes sent one may be sent again.
const SENT_PER_AGAIN: usize = 2;
/// What may be sent again at once, however little was sent lately.
const ALLOWANCE_BYTES_MAX: usize = 64 * 1_024;
/// Questions a second, and at once: half more than a peer of this version asks at most, see `gaps`.
const NACKS_PER_SECOND_MAX: f64 = 300.0;

/// What there is of a datagram.
#[derive(Debug)]
pub(super) enum Found {
    /// It may be sent again.
    Again(Bytes),
    /// It held no frames.
    Nothing,
    /// It is forgotten, or would come too late.
    Late,
    /// It was sent again often enough, or too much was.
    Refused,
}

#[derive(Debug)]
struct Sent {
    sequence: u64,
    at: Instant,
    datagram: Bytes,
    again: u8,
}

/// The media datagrams of the last half second, oldest first.
#[derive(Debug, Default)]
pub(super) struct Kept {
    ring: VecDeque<Sent>,
    bytes: usize,
    allowance: usize,
    asked: f64,
    asked_at: Option<Instant>,
    /// The newest one that is no longer here.
    forgotten: Option<u64>,
}

impl Kept {
    /// Keeps a media datagram that was sent.
    pub(super) fn keep(
        &mut self,
        sequence: u64,
        datagram: Bytes,
        now: Instant,
        counters: &mut Statistics,
    ) {
        let length = datagram.len();
        while let Some(oldest) = self.ring.front() {
            let old = now.saturating_duration_since(oldest.at) > KEPT_AGE_MAX;
            let full =
                self.ring.len() >= KEPT_DATAGRAMS_MAX || self.bytes + length > KEPT_BYTES_MAX;
            if !old && !full {
                break;
            }
            counters.repairs_forgotten += u64::from(!old);
            self.forget();
        }
        self.bytes += length;
        self.allowance = (self.allowance + length / SENT_PER_AGAIN).min(ALLOWANCE_BYTES_MAX);
        self.ring.push_back(Sent { sequence, at: now, datagram, again: 0 });
    }

    /// Counts a question; gives whether the peer may ask it now.
    pub(super) fn may_ask(&mut self, now: Instant) -> bool {
        let elapsed = self.asked_at.map_or(Duration::ZERO, |at| now.saturating_duration_since(at));
        self.asked_at = Some(now);
        self.asked = (self.asked - elapsed.as_secs_f64() * NACKS_PER_SECOND_MAX).max(0.0);
        let may = self.asked + 1.0 <= NACKS_PER_SECOND_MAX;
        self.asked += f64::from(u8::from(may));
        may
    }

    /// What there is of datagram `sequence`, if it may still be of use `within` its sending. What is
    /// found counts as sent again.
    pub(super) fn take(&mut self, sequence: u64, within: Duration, now: Instant) -> Found {
        if self.forgotten.is_some_and(|forgotten| sequence <= forgotten) {
            return Found::Late;
        }
        let at = self.ring.partition_point(|sent| sent.sequence < sequence);
        let Some(sent) = self.ring.get_mut(at).filter(|sent| sent.sequence == sequence) else {
            return Found::Nothing;
        };
        if now.saturating_duration_since(sent.at) > within {
            return Found::Late;
        }
        let length = sent.datagram.len();
        if sent.again >= AGAIN_MAX || length > self.allowance {
            return Found::Refused;
        }
        sent.again += 1;
        self.allowance -= length;
        Found::Again(sent.datagram.clone())
    }

    /// Those after `highest` that were sent at least `age` ago, oldest first.
    pub(super) fn sent_after(
        &self,
        highest: u64,
        age: Duration,
        now: Instant,
    ) -> impl Iterator<Item = u64> {
        let from = self.ring.partition_point(|sent| sent.sequence <= highest);
        let old = move |sent: &&Sent| now.saturating_duration_since(sent.at) >= age;
        self.ring.range(from..).take_while(old).map(|sent| sent.sequence)
    }

    fn forget(&mut self) {
        if let Some(sent) = self.ring.pop_front() {
            self.bytes -= sent.datagram.len();
            self.forgotten = Some(sent.sequence);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WITHIN: Duration = Duration::from_millis(80);

    #[test]
    fn what_is_kept_is_bounded_in_number_and_bytes_and_age() {
        let (mut kept, mut counters, now) =
            (Kept::default(), Statistics::default(), Instant::now());
        for sequence in 0..600 {
            kept.keep(sequence, Bytes::from_static(&[0; 10]), now, &mut counters);
        }
        assert_eq!((kept.ring.len(), counters.repairs_forgotten), (KEPT_DATAGRAMS_MAX, 88));
        for sequence in 600..1_100 {
            kept.keep(sequence, Bytes::from(vec![0; 1_200]), now, &mut counters);
        }
        assert!(kept.bytes <= KEPT_BYTES_MAX && kept.ring.len() == KEPT_BYTES_MAX / 1_200);
        let forgotten = counters.repairs_forgotten;
        let later = now + KEPT_AGE_MAX + Duration::from_millis(1);
        kept.keep(1_100, Bytes::from_static(&[0; 10]), later, &mut counters);
        assert_eq!((kept.ring.len(), kept.bytes, counters.repairs_forgotten), (1, 10, forgotten));
        assert!(matches!(kept.take(1_099, WITHIN, later), Found::Late));
    }

    #[test]
    fn a_peer_gets_each_datagram_a_few_times_in_time_and_half_of_what_was_sent() {
        let (mut kept, mut counters, now) =
            (Kept::default(), Statistics::default(), Instant::now());
        for sequence in [1, 2, 4, 5] {
            kept.keep(sequence, Bytes::from(vec![0; 1_000]), now, &mut counters);
        }
        assert!(matches!(kept.take(3, WITHIN, now), Found::Nothing));
        let late = now + WITHIN + Duration::from_millis(1);
        assert!(matches!(kept.take(1, WITHIN, late), Found::Late));
        assert!(matches!(kept.take(2, WITHIN, now), Found::Again(_)));
        assert!(matches!(kept.take(2, WITHIN, now), Found::Again(_)));
        assert!(matches!(kept.take(4, WITHIN, now), Found::Refused));
        for sequence in 6..100 {
            kept.keep(sequence, Bytes::from(vec![0; 1_000]), now, &mut counters);
        }
        let again = (0..9).filter(|_| matches!(kept.take(4, WITHIN, now), Found::Again(_))).count();
        assert_eq!(again, usize::from(AGAIN_MAX));
    }

    #[test]
    fn only_what_should_have_arrived_is_sent_after_a_silence() {
        let (mut kept, mut counters, start) =
            (Kept::default(), Statistics::default(), Instant::now());
        for index in 0..5 {
            let at = start + Duration::from_millis(20) * u32::try_from(index).unwrap();
            kept.keep(index, Bytes::from_static(&[0; 10]), at, &mut counters);
        }
        let now = start + Duration::from_millis(80);
        let after: Vec<u64> = kept.sent_after(1, Duration::from_millis(30), now).collect();
        assert_eq!(after, [2]);
    }

    #[test]
    fn questions_beyond_the_rate_are_refused_and_taken_again_later() {
        let (mut kept, now) = (Kept::default(), Instant::now());
        let taken = (0..1_000).filter(|_| kept.may_ask(now)).count();
        assert_eq!(taken, 300);
        let later = now + Duration::from_secs(1);
        assert_eq!((0..1_000).filter(|_| kept.may_ask(later)).count(), 300);
    }
}
