//! When something was wrong: nothing is excused at other times.

use std::time::{Duration, Instant};

use super::faults::Fault;

/// Something that was wrong, from its beginning to its end.
#[derive(Clone, Debug)]
struct Trouble {
    kind: &'static str,
    /// Whether it takes datagrams from every path.
    takes: bool,
    from: Instant,
    until: Option<Instant>,
}

/// Everything that was wrong.
#[derive(Debug, Default)]
pub(super) struct Troubles(Vec<Trouble>);

impl Troubles {
    /// A fault happens. What dies, freezes or is cut is wrong at that moment, and the network has to find another way
    /// however long it stays so; what lasts for everybody is wrong until it ends.
    pub(super) fn note(&mut self, fault: &Fault, now: Instant) {
        if !fault.is_wrong() {
            return;
        }
        if let Some(ended) = fault.ends() {
            for trouble in self.0.iter_mut().filter(|t| t.kind == ended && t.until.is_none()) {
                trouble.until = Some(now);
            }
        }
        let until = (!fault.lasts()).then_some(now);
        let takes = matches!(fault, Fault::Loss(_) | Fault::Reorder(_));
        self.0.push(Trouble { kind: fault.kind(), takes, from: now, until });
    }

    /// Whether anything was wrong at this moment, or less than so long before.
    pub(super) fn within(&self, at: Instant, span: Duration) -> bool {
        self.0.iter().any(|trouble| covers(trouble, at, span))
    }

    /// Whether paths took what they should have carried.
    pub(super) fn takes(&self, at: Instant, span: Duration) -> bool {
        self.0.iter().any(|trouble| trouble.takes && covers(trouble, at, span))
    }

    /// When the last of it was over.
    pub(super) fn last(&self) -> Option<Instant> {
        self.0.iter().map(|trouble| trouble.until.unwrap_or(trouble.from)).max()
    }
}

/// A frame that is on its way when something happens may be caught by it.
const FLIGHT: Duration = Duration::from_millis(500);

fn covers(trouble: &Trouble, at: Instant, span: Duration) -> bool {
    trouble.from <= at + FLIGHT && trouble.until.is_none_or(|until| at < until + span)
}
