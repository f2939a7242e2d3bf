//! What each listener missed, frame by frame. No clock, no socket.

use std::collections::BTreeMap;
use std::ops::Range;
use std::time::Duration;

/// Time from frame to frame.
const FRAME: Duration = Duration::from_millis(20);
/// A frame that takes this much longer than the usual one would be missed by the jitter buffer of a browser.
const LATE: Duration = Duration::from_millis(40);

/// A frame that somebody has heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::load) struct Heard {
    pub(in crate::load) client: u32,
    /// Of the frame.
    pub(in crate::load) number: u32,
    /// When it was spoken and when it was heard, since the run began.
    pub(in crate::load) spoken: Duration,
    pub(in crate::load) at: Duration,
}

/// What became of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    OnTime,
    Late,
    Lost,
}

/// One listener's frames around an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Account {
    /// What usually passes from mouth to ear, before the event.
    pub(super) usual: Duration,
    /// Of each frame in turn.
    pub(super) fates: Vec<Fate>,
    /// Numbers of those that never came.
    pub(super) lost: Vec<u32>,
    /// Frames that came again.
    pub(super) again: usize,
    /// The longest time without a new frame, beyond the 20 ms from frame to frame.
    pub(super) gap: Duration,
    /// From the event to the first frame after which all come on time; zero when none was late or lost.
    pub(super) whole_after: Duration,
}

impl Account {
    /// Of one listener's frames, `counted` of them, with an event `struck` since the run began.
    pub(super) fn new(heard: &[Heard], counted: Range<u32>, struck: Duration) -> Self {
        let mut first: BTreeMap<u32, Heard> = BTreeMap::new();
        let mut again = 0;
        for frame in heard.iter().filter(|frame| counted.contains(&frame.number)) {
            if first.contains_key(&frame.number) {
                again += 1;
            } else {
                first.insert(frame.number, *frame);
            }
        }
        let usual = usual(first.values().filter(|frame| frame.spoken < struck));
        let fate = |number: u32| match first.get(&number) {
            None => Fate::Lost,
            Some(frame) if frame.at.saturating_sub(frame.spoken) > usual + LATE => Fate::Late,
            Some(_) => Fate::OnTime,
        };
        let fates: Vec<Fate> = counted.clone().map(fate).collect();
        let lost = counted.clone().filter(|number| !first.contains_key(number)).collect();
        let mut arrivals: Vec<Duration> = first.values().map(|frame| frame.at).collect();
        arrivals.sort_unstable();
        let silences = arrivals.windows(2).map(|pair| pair[1] - pair[0]);
        let gap = silences.max().unwrap_or_default().saturating_sub(FRAME);
        let whole = fates.iter().rposition(|fate| *fate != Fate::OnTime);
        let whole = whole.and_then(|at| u32::try_from(at).ok()).map(|at| counted.start + at + 1);
        let whole = whole.map(|number| first.get(&number).map_or(Duration::MAX, |frame| frame.at));
        let whole_after = whole.unwrap_or_default().saturating_sub(struck);
        Self { usual, fates, lost, again, gap, whole_after }
    }

    /// One sign a frame: `#` on time, `-` late, `.` lost.
    pub(super) fn strip(&self, part: Range<usize>) -> String {
        let signs = self.fates.get(part.start..part.end.min(self.fates.len())).unwrap_or_default();
        signs
            .iter()
            .map(|fate| match fate {
                Fate::OnTime => '#',
                Fate::Late => '-',
                Fate::Lost => '.',
            })
            .collect()
    }
}

fn usual<'a>(frames: impl Iterator<Item = &'a Heard>) -> Duration {
    let mut all: Vec<Duration> =
        frames.map(|frame| frame.at.saturating_sub(frame.spoken)).collect();
    all.sort_unstable();
    all.get(all.len() / 2).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    /// Frames 0 to 9 that take 100 ms each, but for what `delay` says of the number; `None` is lost.
    fn heard(delay: impl Fn(u32) -> Option<u64>) -> Vec<Heard> {
        let frame = |number: u32| {
            let spoken = FRAME * number;
            delay(number).map(|delay| Heard { client: 0, number, spoken, at: spoken + ms(delay) })
        };
        (0..10).filter_map(frame).collect()
    }

    #[test]
    fn who_hears_everything_has_no_gap() {
        let account = Account::new(&heard(|_| Some(100)), 0..10, ms(100));
        assert_eq!((account.usual, account.gap, account.whole_after), (ms(100), ms(0), ms(0)));
        assert!(account.lost.is_empty() && account.again == 0);
        assert_eq!(account.strip(0..99), "##########");
    }

    #[test]
    fn lost_and_late_frames_are_told_apart_and_the_gap_lasts_until_the_first_whole_one() {
        let delay = |number| match number {
            5 => None,
            6 => Some(180),
            _ => Some(100),
        };
        let account = Account::new(&heard(delay), 0..10, ms(90));
        assert_eq!(account.strip(2..9), "###.-##");
        assert_eq!(account.lost, [5]);
        // Frame 7 is the next to come after 4, 60 ms later.
        assert_eq!(account.gap, ms(40));
        assert_eq!(account.whole_after, ms(240 - 90));
    }

    #[test]
    fn what_comes_twice_is_counted_once_and_said() {
        let mut twice = heard(|_| Some(100));
        twice.extend(heard(|number| (number == 3).then_some(300)));
        let account = Account::new(&twice, 0..10, ms(100));
        assert_eq!((account.again, account.lost.len()), (1, 0));
        assert_eq!(account.strip(0..10), "##########");
    }

    #[test]
    fn who_hears_nothing_any_more_is_never_whole() {
        let account = Account::new(&heard(|number| (number < 5).then_some(100)), 0..10, ms(100));
        assert_eq!(account.whole_after, Duration::MAX.saturating_sub(ms(100)));
        assert_eq!(account.lost.len(), 5);
    }
}
