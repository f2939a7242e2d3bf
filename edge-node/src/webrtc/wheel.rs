//! A hierarchical timer wheel (Varghese and Lauck 1987, scheme 7): deadlines in and out at a fixed cost.
//!
//! Nothing is ever early: an item comes out at the first tick at or after its deadline. There is no
//! cancelling; who no longer wants an item ignores it when it comes.

use std::time::{Duration, Instant};

/// Slots of one level: as many as an occupancy word has bits.
const SLOTS: usize = 64;
const SLOT_BITS: u32 = 6;

/// Seven levels reach 2^42 ticks: 139 years of milliseconds. Deadlines beyond it come out then.
const LEVELS: usize = 7;
const TICK_MAX: u64 = (1 << (SLOT_BITS as usize * LEVELS)) - 1;

/// No node: the end of a list.
const NONE: u32 = u32::MAX;

/// Items with deadlines. It allocates only when it holds more items than ever before.
#[derive(Debug)]
pub(crate) struct Wheel<T> {
    start: Instant,
    tick_ns: u64,
    /// The tick up to which everything has come out.
    elapsed: u64,
    levels: [Level; LEVELS],
    nodes: Vec<Node<T>>,
    free: u32,
}

/// Lists of nodes; a slot of level `l` holds 64^l ticks.
#[derive(Clone, Copy, Debug)]
struct Level {
    /// One bit for each slot that is not empty.
    occupied: u64,
    slots: [List; SLOTS],
}

/// First in, first out, linked through the nodes.
#[derive(Clone, Copy, Debug)]
struct List {
    head: u32,
    tail: u32,
}

const EMPTY: List = List { head: NONE, tail: NONE };

#[derive(Debug)]
struct Node<T> {
    tick: u64,
    next: u32,
    /// `None` while the node is free.
    item: Option<T>,
}

impl<T> Wheel<T> {
    /// An empty wheel whose time is `start`. `tick` is how late an item may come out at most, from
    /// 1 µs up; a coarser one costs less when deadlines lie close together.
    #[must_use]
    pub(crate) fn new(start: Instant, tick: Duration) -> Self {
        Self {
            start,
            tick_ns: u64::try_from(tick.as_nanos()).unwrap_or(u64::MAX).max(1_000),
            elapsed: 0,
            levels: [Level { occupied: 0, slots: [EMPTY; SLOTS] }; LEVELS],
            nodes: Vec::new(),
            free: NONE,
        }
    }

    /// Puts an item in; what is due already comes out with the next [`Self::expire`]. Items of one
    /// tick come out in the order in which they were put in.
    pub(crate) fn insert(&mut self, at: Instant, item: T) {
        let since = self.since_start(at);
        let tick = since.div_ceil(self.tick_ns).clamp(self.elapsed, TICK_MAX);
        let node = Node { tick, next: NONE, item: Some(item) };
        let index = self.free;
        let index = match usize::try_from(index).ok().and_then(|i| self.nodes.get_mut(i)) {
            Some(free) => {
                self.free = free.next;
                *free = node;
                index
            }
            None => {
                // Memory ends long before the numbers do.
                let Ok(index) = u32::try_from(self.nodes.len()) else { return };
                self.nodes.push(node);
                index
            }
        };
        self.link(index, tick);
    }

    /// When to call [`Self::expire`]; `None` while it is empty. It may be earlier than the first
    /// deadline, when that is far away, and never later.
    #[must_use]
    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        let (_, _, tick) = self.next_slot()?;
        // An instant that cannot be told is centuries away.
        self.start.checked_add(Duration::from_nanos(tick.checked_mul(self.tick_ns)?))
    }

    /// Hands out everything that is due, in the order of ticks. It costs as much as there is to hand
    /// out, plus one move of each item for every level that it descends: seven in all at most.
    pub(crate) fn expire(&mut self, now: Instant, mut due: impl FnMut(T)) {
        let target = (self.since_start(now) / self.tick_ns).min(TICK_MAX);
        while let Some((level, slot, tick)) = self.next_slot()
            && tick <= target
        {
            self.elapsed = self.elapsed.max(tick);
            let level = &mut self.levels[level];
            level.occupied &= !(1 << slot);
            let mut next = std::mem::replace(&mut level.slots[slot], EMPTY).head;
            while let Some(node) = usize::try_from(next).ok().and_then(|i| self.nodes.get_mut(i)) {
                let (index, tick) = (next, node.tick);
                next = std::mem::replace(&mut node.next, NONE);
                if tick > self.elapsed {
                    self.link(index, tick);
                    continue;
                }
                let item = node.item.take();
                node.next = std::mem::replace(&mut self.free, index);
                if let Some(item) = item {
                    due(item);
                }
            }
        }
        self.elapsed = self.elapsed.max(target);
    }

    fn since_start(&self, at: Instant) -> u64 {
        let since = at.saturating_duration_since(self.start);
        u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
    }

    /// Appends a node to the list of its tick. Its level is that of the highest digit (to base 64) in
    /// which the tick differs from the time, so that the slots of each level lie ahead in order.
    fn link(&mut self, index: u32, tick: u64) {
        let differs = (self.elapsed ^ tick) | (SLOTS as u64 - 1);
        let level = (63 - differs.leading_zeros()) / SLOT_BITS;
        let slot = digit(tick, level);
        let Some(level) = usize::try_from(level).ok().and_then(|l| self.levels.get_mut(l)) else {
            return;
        };
        level.occupied |= 1 << slot;
        let list = &mut level.slots[slot];
        let last = std::mem::replace(&mut list.tail, index);
        match usize::try_from(last).ok().and_then(|last| self.nodes.get_mut(last)) {
            Some(last) => last.next = index,
            None => list.head = index,
        }
    }

    /// The first slot with something in it: its level, its place there, and the tick at which it
    /// begins.
    fn next_slot(&self) -> Option<(usize, usize, u64)> {
        (0u32..).zip(&self.levels).find_map(|(level, Level { occupied, .. })| {
            let now = digit(self.elapsed, level);
            // All slots lie ahead of the time within the round of their level, so that the lowest
            // level that has one has the first.
            let ahead = occupied & (u64::MAX << now);
            let slot = usize::try_from(ahead.trailing_zeros()).ok().filter(|slot| *slot < SLOTS)?;
            let round = self.elapsed >> (SLOT_BITS * level) >> SLOT_BITS << SLOT_BITS;
            let tick = (round | slot as u64) << (SLOT_BITS * level);
            Some((usize::try_from(level).ok()?, slot, tick))
        })
    }
}

/// One digit of a tick to base 64.
#[expect(clippy::cast_possible_truncation, reason = "a digit is below 64")]
const fn digit(tick: u64, level: u32) -> usize {
    (tick >> (SLOT_BITS * level)) as usize % SLOTS
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    const TICK: Duration = Duration::from_millis(4);

    fn len<T>(wheel: &Wheel<T>) -> usize {
        wheel.nodes.iter().filter(|node| node.item.is_some()).count()
    }

    fn due<T>(wheel: &mut Wheel<T>, now: Instant) -> Vec<T> {
        let mut out = Vec::new();
        wheel.expire(now, |item| out.push(item));
        out
    }

    #[test]
    fn an_item_comes_out_at_the_first_tick_after_its_deadline() {
        let start = Instant::now();
        let mut wheel = Wheel::new(start, TICK);
        wheel.insert(start + Duration::from_millis(5), "five");
        assert_eq!(wheel.poll_timeout(), Some(start + Duration::from_millis(8)));
        assert_eq!(due(&mut wheel, start + Duration::from_micros(7_999)), [""; 0]);
        assert_eq!(due(&mut wheel, start + Duration::from_millis(8)), ["five"]);
        assert_eq!((wheel.poll_timeout(), len(&wheel)), (None, 0));
    }

    #[test]
    fn what_is_late_already_comes_out_at_once() {
        let start = Instant::now();
        let mut wheel = Wheel::new(start, TICK);
        let now = start + Duration::from_secs(100);
        assert_eq!(due(&mut wheel, now), [""; 0]);
        wheel.insert(start + Duration::from_secs(1), "late");
        assert!(wheel.poll_timeout().is_some_and(|at| at <= now));
        assert_eq!(due(&mut wheel, now), ["late"]);
    }

    #[test]
    fn items_of_one_tick_keep_their_order() {
        let start = Instant::now();
        let mut wheel = Wheel::new(start, TICK);
        for number in 0..50 {
            // From several levels: the first are put in long before the last.
            due(&mut wheel, start + Duration::from_secs(2 * number));
            wheel.insert(start + Duration::from_secs(100), number);
        }
        let out = due(&mut wheel, start + Duration::from_secs(100));
        assert_eq!(out, (0..50).collect::<Vec<_>>());
    }

    #[test]
    fn deadlines_beyond_every_clock_do_no_harm() {
        let start = Instant::now();
        let mut wheel = Wheel::new(start, Duration::from_micros(1));
        let century = Duration::from_secs(100 * 365 * 86_400);
        wheel.insert(start + century, "far");
        wheel.insert(start + Duration::from_secs(1), "near");
        assert_eq!(due(&mut wheel, start + Duration::from_secs(1)), ["near"]);
        assert_eq!(due(&mut wheel, start + Duration::from_secs(86_400)), [""; 0]);
        assert_eq!(due(&mut wheel, start + century), ["far"]);
    }

    #[test]
    fn a_wheel_in_use_keeps_to_the_memory_that_it_has() {
        let start = Instant::now();
        let mut wheel = Wheel::new(start, TICK);
        for round in 0..1_000u64 {
            let now = start + Duration::from_millis(50 * round);
            due(&mut wheel, now);
            wheel.insert(now + Duration::from_millis(20), ());
        }
        assert_eq!((wheel.nodes.len(), len(&wheel)), (1, 1));
    }

    proptest! {
        /// Beside a sorted map: the same items come out at the same calls, whatever the clock does,
        /// and the promised time to call is never too late.
        #[test]
        fn it_does_what_a_sorted_map_does(
            steps in proptest::collection::vec(
                (0u64..400_000, proptest::collection::vec(0u64..40_000_000, 0..6)), 1..60),
            jumps in proptest::collection::vec(0u64..200_000_000, 1..4),
            tick_ms in 1u64..20,
        ) {
            let start = Instant::now();
            let tick = Duration::from_millis(tick_ms);
            let mut wheel = Wheel::new(start, tick);
            let mut model: BTreeMap<(u64, u64), u64> = BTreeMap::new();
            let (mut now_ms, mut number) = (0, 0);
            let mut steps: Vec<_> = steps;
            steps.extend(jumps.into_iter().map(|jump| (jump, vec![1, jump])));
            for (wait_ms, ahead) in steps {
                for ahead_ms in ahead {
                    let at_ms = now_ms + ahead_ms;
                    wheel.insert(start + Duration::from_millis(at_ms), number);
                    let ticks = at_ms.div_ceil(tick_ms).max(now_ms / tick_ms);
                    model.insert((ticks, number), number);
                    number += 1;
                }
                let first = model.keys().next().map(|(ticks, _)| *ticks * tick_ms);
                let promised = wheel.poll_timeout();
                prop_assert_eq!(promised.is_some(), first.is_some());
                if let (Some(promised), Some(first)) = (promised, first) {
                    prop_assert!(promised <= start + Duration::from_millis(first));
                }
                now_ms += wait_ms;
                let later = model.split_off(&(now_ms / tick_ms + 1, 0));
                let expected: Vec<u64> = std::mem::replace(&mut model, later).into_values().collect();
                prop_assert_eq!(due(&mut wheel, start + Duration::from_millis(now_ms)), expected);
                prop_assert_eq!(len(&wheel), model.len());
            }
        }

        /// Calling exactly when promised, again and again, takes a handful of calls per item.
        #[test]
        fn every_promise_leads_nearer_to_the_deadline(ahead_ms in 0u64..4_000_000_000) {
            let start = Instant::now();
            let mut wheel = Wheel::new(start, TICK);
            let deadline = start + Duration::from_millis(ahead_ms);
            wheel.insert(deadline, ());
            let mut calls = 0;
            while let Some(at) = wheel.poll_timeout() {
                calls += 1;
                prop_assert!(calls <= LEVELS);
                wheel.expire(at, |()| assert!(at >= deadline && at < deadline + TICK));
            }
        }
    }
}
