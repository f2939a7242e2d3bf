//! Which ways frames have from mouths to listeners, at every moment: read off what edges have asked for and who has
//! granted it, without nodes that do not run and links that are cut.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::time::{Duration, Instant};

/// A way counts for a frame if it stood for so long before that was spoken, because whoever has just been asked has yet
/// to send,
const BEFORE: Duration = Duration::from_secs(1);

/// and so long after, because that is how long the frame is on its way.
const AFTER: Duration = Duration::from_millis(500);

/// A place that a frame passes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Stop {
    /// It is spoken at this edge.
    Mouth(usize),
    /// This node passes it on, or plays it.
    Node(usize),
}

/// Steps from stop to stop.
pub(super) type Steps = BTreeSet<(Stop, Stop)>;

/// The owner alone decides who is heard: a voice whose edge has lost a living owner is heard by nobody until so long after
/// they are linked again, because everybody there has to be named anew.
const CUT_OFF: Duration = Duration::from_secs(2);

/// Which ways there were at every moment.
#[derive(Debug, Default)]
pub(super) struct Ways {
    /// What held from each moment on.
    history: Vec<(Instant, Rc<Steps>)>,
    /// When which edges could not reach an owner that runs.
    cut_off: BTreeMap<Instant, BTreeSet<usize>>,
    /// What stood all the time around a moment, as it was last asked.
    standing: BTreeMap<Instant, Rc<Steps>>,
}

impl Ways {
    pub(super) fn note(&mut self, now: Instant, steps: Steps, cut_off: BTreeSet<usize>) {
        if !cut_off.is_empty() {
            self.cut_off.insert(now, cut_off);
        }
        if self.history.last().is_none_or(|(_, last)| **last != steps) {
            self.history.push((now, Rc::new(steps)));
        }
    }

    /// Whether an edge could not reach the owner around this moment, although that runs.
    pub(super) fn was_cut_off(&self, mouth: usize, spoken: Instant) -> bool {
        let around = self.cut_off.range(spoken - CUT_OFF..=spoken + AFTER);
        around.into_iter().any(|(_, edges)| edges.contains(&mouth))
    }

    /// Whether a way from a mouth to a listener stood all the time around this moment.
    pub(super) fn stood(&mut self, mouth: usize, listener: usize, spoken: Instant) -> bool {
        let steps = self.standing_around(spoken);
        let (mut reached, mut next) = (BTreeSet::new(), vec![Stop::Mouth(mouth)]);
        while let Some(stop) = next.pop() {
            if stop == Stop::Node(listener) {
                return true;
            }
            if reached.insert(stop) {
                let from = steps.range((stop, Stop::Mouth(0))..);
                next.extend(from.take_while(|(at, _)| *at == stop).map(|(_, to)| *to));
            }
        }
        false
    }

    fn standing_around(&mut self, moment: Instant) -> Rc<Steps> {
        if let Some(known) = self.standing.get(&moment) {
            return Rc::clone(known);
        }
        let (from, until) = (moment - BEFORE, moment + AFTER);
        let first = self.history.partition_point(|(at, _)| *at <= from).saturating_sub(1);
        let within = self.history[first.min(self.history.len())..]
            .iter()
            .take_while(|(at, _)| *at <= until)
            .map(|(_, steps)| steps);
        let standing = within.cloned().reduce(|all, steps| {
            if Rc::ptr_eq(&all, &steps) { all } else { Rc::new(&*all & &*steps) }
        });
        let standing = standing.unwrap_or_default();
        self.standing.insert(moment, Rc::clone(&standing));
        standing
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn steps(steps: &[(Stop, Stop)]) -> Steps {
        steps.iter().copied().collect()
    }

    #[test]
    fn a_way_counts_only_if_all_of_it_stood_before_and_after() {
        use Stop::{Mouth, Node};
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        let (up, red, blue) = ((Mouth(5), Node(0)), (Node(0), Node(6)), (Node(0), Node(7)));
        let mut ways = Ways::default();
        ways.note(at(0), steps(&[up, red, (Node(6), Node(8))]), BTreeSet::new());
        ways.note(
            at(5_000),
            steps(&[up, red, (Node(6), Node(8)), blue, (Node(7), Node(8))]),
            BTreeSet::new(),
        );
        ways.note(at(7_000), steps(&[up, blue, (Node(7), Node(8))]), [5].into());
        assert!(ways.stood(5, 8, at(2_000)));
        assert!(ways.stood(5, 8, at(5_000)), "over 6");
        assert!(ways.stood(5, 8, at(7_000)), "over 7, which was asked two seconds ago");
        assert!(!ways.stood(5, 6, at(7_000)));
        assert!(!ways.stood(6, 8, at(2_000)), "nobody speaks there");
        assert!(ways.was_cut_off(5, at(9_000)) && ways.was_cut_off(5, at(6_500)));
        assert!(!ways.was_cut_off(5, at(9_001)) && !ways.was_cut_off(6, at(7_000)));
    }
}
