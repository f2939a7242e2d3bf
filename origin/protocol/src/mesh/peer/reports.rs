//! The loss of what we send, from what the peer reports each second.

use crate::mesh::control::Reception;

/// What a report weighs beside the one after it: about thirty seconds count.
const STEADY: f64 = 0.97;
/// The same of the figure that follows changes: about four seconds.
const FAST: f64 = 0.75;
/// So many standard deviations are taken off the fast figure, or chance would raise it all the time.
const DOUBT: f64 = 1.5;

/// Datagrams that were sent and lost, older ones counting less.
#[derive(Clone, Copy, Debug, Default)]
struct Faded {
    sent: f64,
    lost: f64,
}

impl Faded {
    fn add(&mut self, weight: f64, sent: f64, lost: f64) {
        self.sent = self.sent * weight + sent;
        self.lost = self.lost * weight + lost;
    }
}

/// What the peer has reported.
#[derive(Debug, Default)]
pub(super) struct Reports {
    last: Option<(u64, u64)>,
    steady: Faded,
    fast: Faded,
}

impl Reports {
    /// Takes a report; the peer may be wrong or ill-meaning, so figures stay in range.
    pub(super) fn handle_report(&mut self, report: &Reception) {
        let Some((highest, received)) = self.last.replace((report.highest, report.received)) else {
            return;
        };
        let sent = counted(report.highest.saturating_sub(highest));
        let arrived = counted(report.received.saturating_sub(received));
        let lost = (sent - arrived).max(0.0);
        self.steady.add(STEADY, sent, lost);
        self.fast.add(FAST, sent, lost);
    }

    /// The share that is lost, 0 to 1: the steady figure, or the fast one where it is clearly worse.
    pub(super) fn loss(&self) -> f64 {
        let steady = self.steady.lost / self.steady.sent.max(1.0);
        let surely = self.fast.lost - DOUBT * self.fast.lost.sqrt();
        let fast = surely.max(0.0) / self.fast.sent.max(1.0);
        steady.max(fast).clamp(0.0, 1.0)
    }
}

/// No more than a link carries in a second; a wild figure must not weigh for ever.
fn counted(datagrams: u64) -> f64 {
    u32::try_from(datagrams).map_or(0.0, f64::from).min(1e6)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_steady_loss_is_found_and_chance_does_not_raise_it() {
        let mut reports = Reports::default();
        // One of 100 is lost, in every fourth second two of 50.
        let losses = [0, 0, 0, 2].into_iter().cycle().take(80);
        let figures = follow(&mut reports, losses);
        let settled = &figures[20..];
        assert!(settled.iter().all(|loss| (0.007..=0.016).contains(loss)), "{settled:?}");
    }

    #[test]
    fn a_path_that_becomes_bad_is_known_within_two_seconds() {
        let mut reports = Reports::default();
        follow(&mut reports, [0; 60].into_iter());
        let figures = follow(&mut reports, [10; 3].into_iter());
        assert!(figures[1] > 0.05, "{figures:?}");
    }

    #[test]
    fn impossible_reports_leave_figures_in_range() {
        let mut reports = Reports::default();
        for (highest, received) in [(5, 9), (0, u64::MAX), (u64::MAX, 0), (10, 0), (400, 1)] {
            reports.handle_report(&Reception { highest, received, lost_permille: 9_999 });
            assert!((0.0..=1.0).contains(&reports.loss()));
        }
    }

    /// The figure after each second of 50 datagrams.
    fn follow(reports: &mut Reports, losses: impl Iterator<Item = u64>) -> Vec<f64> {
        let (mut highest, mut received) = reports.last.unwrap_or_default();
        let figures = losses.map(|lost| {
            highest += 50;
            received += 50 - lost;
            reports.handle_report(&Reception { highest, received, lost_permille: 0 });
            reports.loss()
        });
        figures.collect()
    }
}
