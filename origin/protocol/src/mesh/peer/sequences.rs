//! Which of the peer's datagrams arrived: loss with tolerance for reordering, and duplicates.

/// A datagram counts as lost once this many later ones have come.
const REORDERING: u64 = 8;
/// How far back a late datagram is told from a duplicate.
const WINDOW: u64 = 64;
/// Weight of one datagram in the estimate that follows changes: about the last 32.
const FAST: f64 = 1.0 / 32.0;
/// Weight of one datagram in the estimate that is steady: about the last 256.
const SLOW: f64 = 1.0 / 256.0;
/// Weight of one datagram that follows a lost one, in the estimate of how bursty loss is; the first
/// ones weigh more, so that one burst is enough to be warned.
const BURST: f64 = 1.0 / 64.0;
const BURST_PRIOR: f64 = 4.0;
/// What a period weighs beside the one after it, in the figure that people see.
const RECENT: f64 = 0.9;
/// Assumed share of loss before anything is known.
const PRIOR: f64 = 0.05;

/// How a path loses datagrams; both figures 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Loss {
    /// The share that is lost: the worse of a fast and a steady estimate.
    pub(super) share: f64,
    /// The share that is lost right after a lost one; equal to `share` when losses are independent.
    pub(super) after_loss: f64,
}

/// What a sequence number says about its datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Arrival {
    /// Seen for the first time.
    New,
    /// Seen for the first time, after it had been counted as lost.
    Late,
    /// Seen before, or so old that it cannot be told.
    Duplicate,
}

/// The sequence numbers that were seen.
#[derive(Debug)]
pub(super) struct Sequences {
    highest: Option<u64>,
    /// The first that was seen; earlier ones may come late, but nobody knows whether they were sent.
    first: u64,
    /// Bit `i` says whether `highest - i` was seen.
    seen: u64,
    fast: f64,
    slow: f64,
    after_loss: f64,
    last_was_lost: bool,
    after_loss_seen: f64,
    lost: u64,
    received: u64,
    period_judged: u64,
    period_lost: u64,
    /// Judged and lost, each period counting a little less than the one after it.
    recent_judged: f64,
    recent_lost: f64,
}

impl Default for Sequences {
    fn default() -> Self {
        Self {
            highest: None,
            first: 0,
            seen: 0,
            fast: 0.0,
            slow: PRIOR,
            after_loss: 0.0,
            last_was_lost: false,
            after_loss_seen: 0.0,
            lost: 0,
            received: 0,
            period_judged: 0,
            period_lost: 0,
            recent_judged: 0.0,
            recent_lost: 0.0,
        }
    }
}

impl Sequences {
    /// Takes note of one datagram.
    pub(super) fn handle_sequence(&mut self, sequence: u64) -> Arrival {
        let Some(highest) = self.highest else {
            (self.first, self.highest, self.seen, self.received) = (sequence, Some(sequence), 1, 1);
            return Arrival::New;
        };
        if sequence <= highest {
            return self.handle_older(highest - sequence);
        }
        let steps = sequence - highest;
        for step in 0..steps.min(WINDOW) {
            let judged = (highest + step).checked_sub(REORDERING - 1);
            if judged.is_some_and(|judged| judged >= self.first) {
                self.judge(self.seen & 1 << (REORDERING - 1) != 0);
            }
            self.seen <<= 1;
        }
        self.judge_lost(steps.saturating_sub(WINDOW));
        self.seen |= 1;
        self.highest = Some(sequence);
        self.received += 1;
        Arrival::New
    }

    fn handle_older(&mut self, age: u64) -> Arrival {
        if age >= WINDOW || self.seen & 1 << age != 0 {
            return Arrival::Duplicate;
        }
        self.seen |= 1 << age;
        self.received += 1;
        if age < REORDERING || self.highest() - age < self.first {
            return Arrival::New;
        }
        self.lost = self.lost.saturating_sub(1);
        self.period_lost = self.period_lost.saturating_sub(1);
        Arrival::Late
    }

    fn judge(&mut self, arrived: bool) {
        let lost = if arrived { 0.0 } else { 1.0 };
        self.fast += (lost - self.fast) * FAST;
        self.slow += (lost - self.slow) * SLOW;
        if std::mem::replace(&mut self.last_was_lost, !arrived) {
            self.after_loss_seen += 1.0;
            let weight = (1.0 / (self.after_loss_seen + BURST_PRIOR)).max(BURST);
            self.after_loss += (lost - self.after_loss) * weight;
        }
        self.period_judged += 1;
        if !arrived {
            self.lost += 1;
            self.period_lost += 1;
        }
    }

    /// As `judge(false)`, `count` times; a hostile jump must not cost a loop.
    fn judge_lost(&mut self, count: u64) {
        if count == 0 {
            return;
        }
        let power = i32::try_from(count).unwrap_or(i32::MAX);
        self.fast = 1.0 - (1.0 - self.fast) * (1.0 - FAST).powi(power);
        self.slow = 1.0 - (1.0 - self.slow) * (1.0 - SLOW).powi(power);
        self.after_loss = 1.0 - (1.0 - self.after_loss) * (1.0 - BURST).powi(power);
        self.last_was_lost = true;
        self.period_judged = self.period_judged.saturating_add(count);
        self.period_lost = self.period_lost.saturating_add(count);
        self.lost = self.lost.saturating_add(count);
    }

    /// The loss to reckon with: cautious while little is known. For people, see
    /// [`Self::recent_permille`].
    pub(super) fn loss(&self) -> Loss {
        Loss { share: self.fast.max(self.slow), after_loss: self.after_loss }
    }

    /// Datagrams counted as lost and not seen since.
    pub(super) fn lost(&self) -> u64 {
        self.lost
    }

    /// Datagrams seen, each once.
    pub(super) fn received(&self) -> u64 {
        self.received
    }

    /// The highest number seen, 0 before the first.
    pub(super) fn highest(&self) -> u64 {
        self.highest.unwrap_or(0)
    }

    /// The loss since the last call in permille.
    pub(super) fn take_period_permille(&mut self) -> u32 {
        self.recent_judged = self.recent_judged * RECENT + approximate(self.period_judged);
        self.recent_lost = self.recent_lost * RECENT + approximate(self.period_lost);
        let (judged, lost) = (self.period_judged.max(1), self.period_lost);
        (self.period_judged, self.period_lost) = (0, 0);
        let permille = (u128::from(lost) * 1_000 + u128::from(judged / 2)) / u128::from(judged);
        u32::try_from(permille.min(1_000)).unwrap_or(1_000)
    }

    /// The loss that was measured in about the last ten periods, in permille; 0 before the first.
    pub(super) fn recent_permille(&self) -> u32 {
        if self.recent_judged < 1.0 {
            return 0;
        }
        let permille = (1_000.0 * self.recent_lost / self.recent_judged).round();
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a share times 1,000, clamped"
        )]
        let permille = permille.clamp(0.0, 1_000.0) as u32;
        permille
    }
}

#[expect(clippy::cast_precision_loss, reason = "an approximate count")]
fn approximate(count: u64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_see_what_was_measured_and_not_what_is_feared() {
        let mut sequences = Sequences::default();
        assert_eq!(sequences.recent_permille(), 0);
        for period in 0..20 {
            for sequence in (period * 50..(period + 1) * 50).filter(|s| s % 10 != 3) {
                sequences.handle_sequence(sequence);
            }
            sequences.take_period_permille();
            assert!(sequences.recent_permille().abs_diff(100) <= 15, "period {period}");
        }
        let mut clean = Sequences::default();
        for sequence in 0..20 {
            clean.handle_sequence(sequence);
        }
        clean.take_period_permille();
        assert_eq!(clean.recent_permille(), 0);
    }

    #[test]
    fn a_gap_counts_as_lost_once_eight_later_datagrams_have_come() {
        let mut sequences = Sequences::default();
        sequences.handle_sequence(100);
        for sequence in 102..109 {
            sequences.handle_sequence(sequence);
        }
        assert_eq!(sequences.lost(), 0);
        sequences.handle_sequence(109);
        assert_eq!(sequences.lost(), 1);
    }

    #[test]
    fn a_datagram_that_comes_after_all_is_no_longer_lost() {
        let mut sequences = Sequences::default();
        for sequence in (0..20).filter(|sequence| *sequence != 5) {
            assert_eq!(sequences.handle_sequence(sequence), Arrival::New);
        }
        assert_eq!(sequences.handle_sequence(5), Arrival::Late);
        assert_eq!(sequences.lost(), 0);
        assert_eq!(sequences.handle_sequence(5), Arrival::Duplicate);
    }

    #[test]
    fn reordering_within_the_tolerance_is_no_loss() {
        let mut sequences = Sequences::default();
        for group in 0..100 {
            for offset in [3, 1, 2, 0] {
                assert_eq!(sequences.handle_sequence(10 + 4 * group + offset), Arrival::New);
            }
        }
        assert_eq!(sequences.lost(), 0);
        assert_eq!(sequences.take_period_permille(), 0);
    }

    #[test]
    fn a_hostile_jump_costs_no_time_and_leaves_sane_figures() {
        let mut sequences = Sequences::default();
        sequences.handle_sequence(0);
        sequences.handle_sequence(u64::MAX >> 2);
        sequences.handle_sequence(u64::MAX);
        assert!((0.0..=1.0).contains(&sequences.loss().share));
        assert_eq!(sequences.take_period_permille(), 1_000);
    }

    #[test]
    fn a_steady_loss_of_one_in_five_is_found_and_told_from_bursts() {
        let (mut single, mut bursts) = (Sequences::default(), Sequences::default());
        for sequence in 0..5_000 {
            if sequence % 5 != 0 {
                single.handle_sequence(sequence);
            }
            if sequence % 50 >= 10 {
                bursts.handle_sequence(sequence);
            }
        }
        let (single_loss, burst_loss) = (single.loss(), bursts.loss());
        assert!((single_loss.share - 0.2).abs() < 0.03, "{single_loss:?}");
        assert!(single_loss.after_loss < 0.01, "{single_loss:?}");
        assert!((burst_loss.after_loss - 0.9).abs() < 0.03, "{burst_loss:?}");
        assert_eq!(single.take_period_permille(), 200);
    }
}
