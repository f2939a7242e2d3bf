//! How many events each place in the code may write, so that a flood cannot fill a disk. What is
//! suppressed is counted in a metric and reported once a period by a thread of its own.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{LazyLock, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tracing::callsite::Identifier;
use tracing::{Event, Level, Metadata, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;

/// How long a limit counts before it starts again.
pub const PERIOD: Duration = Duration::from_secs(10);

/// Events that one place in the code may write in a [`PERIOD`].
pub const EVENTS_PER_CALLSITE_MAX: u32 = 10;

/// Events that all places together may write in a [`PERIOD`].
pub const EVENTS_PER_PERIOD_MAX: u32 = 1_000;

/// Places that are named in one report; the rest is summed up in one line.
const REPORTED_CALLSITES_MAX: usize = 10;

/// Target of the reports themselves, which are never limited.
const REPORT_TARGET: &str = "stoa_runtime::flood";

static SUPPRESSED: AtomicU64 = AtomicU64::new(0);

static LIMIT: LazyLock<Mutex<Limit<Identifier, &'static Metadata<'static>>>> =
    LazyLock::new(|| Mutex::new(Limit::new(Instant::now())));

/// Log events that were not written since the start of the process.
#[must_use]
pub fn suppressed_events() -> u64 {
    SUPPRESSED.load(Ordering::Relaxed)
}

/// The layer that holds back floods of INFO, WARN and ERROR. DEBUG and TRACE are written in full:
/// somebody asked for them and watches.
pub(super) struct FloodLimit;

impl<S: Subscriber> Layer<S> for FloodLimit {
    fn event_enabled(&self, event: &Event<'_>, _: Context<'_, S>) -> bool {
        let metadata = event.metadata();
        if *metadata.level() > Level::INFO || metadata.target() == REPORT_TARGET {
            return true;
        }
        let mut limit = LIMIT.lock().unwrap_or_else(PoisonError::into_inner);
        let admitted = limit.admit(metadata.callsite(), metadata, Instant::now());
        if !admitted {
            SUPPRESSED.fetch_add(1, Ordering::Relaxed);
        }
        admitted
    }
}

/// Starts the thread that reports, once a period, what was suppressed.
pub(super) fn report_in_background() -> std::io::Result<()> {
    std::thread::Builder::new().name("log-flood".to_owned()).spawn(|| {
        loop {
            std::thread::sleep(PERIOD);
            report();
        }
    })?;
    Ok(())
}

fn report() {
    // The lock is given back before anything is logged: logging takes it.
    let mut suppressed =
        LIMIT.lock().unwrap_or_else(PoisonError::into_inner).take_suppressed(Instant::now());
    suppressed.sort_by_key(|(metadata, count)| {
        (std::cmp::Reverse(*count), metadata.file(), metadata.line())
    });
    let rest: u64 = suppressed.iter().skip(REPORTED_CALLSITES_MAX).map(|(_, count)| count).sum();
    for (metadata, count) in suppressed.iter().take(REPORTED_CALLSITES_MAX) {
        tracing::warn!(
            target: REPORT_TARGET,
            suppressed = count,
            file = metadata.file(),
            line = metadata.line(),
            level = %metadata.level(),
            "more of the same was not logged"
        );
    }
    if rest > 0 {
        tracing::warn!(target: REPORT_TARGET, suppressed = rest, "others were not logged either");
    }
}

/// Counts events by place within a period. `P` is what a report says about the place.
///
/// The number of places is that of log statements in the program, so the map is bounded by it.
struct Limit<K, P> {
    period_start: Instant,
    written: u32,
    places: HashMap<K, Count<P>>,
}

struct Count<P> {
    place: P,
    written: u32,
    suppressed: u64,
}

impl<K: Eq + Hash, P: Clone> Limit<K, P> {
    fn new(now: Instant) -> Self {
        Self { period_start: now, written: 0, places: HashMap::new() }
    }

    /// Whether an event of this place may be written.
    fn admit(&mut self, key: K, place: P, now: Instant) -> bool {
        self.turn_period(now);
        let count = self.places.entry(key).or_insert(Count { place, written: 0, suppressed: 0 });
        if count.written >= EVENTS_PER_CALLSITE_MAX || self.written >= EVENTS_PER_PERIOD_MAX {
            count.suppressed += 1;
            return false;
        }
        count.written += 1;
        self.written += 1;
        true
    }

    /// What was suppressed since the last call, by place.
    fn take_suppressed(&mut self, now: Instant) -> Vec<(P, u64)> {
        self.turn_period(now);
        let mut taken = Vec::new();
        for count in self.places.values_mut().filter(|count| count.suppressed > 0) {
            taken.push((count.place.clone(), std::mem::take(&mut count.suppressed)));
        }
        taken
    }

    fn turn_period(&mut self, now: Instant) {
        if now.saturating_duration_since(self.period_start) < PERIOD {
            return;
        }
        self.period_start = now;
        self.written = 0;
        for count in self.places.values_mut() {
            count.written = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_from_one_place_is_cut_and_counted_and_others_still_write() {
        let now = Instant::now();
        let mut limit = Limit::new(now);
        let written = (0..1_000).filter(|_| limit.admit(1, "packet", now)).count();
        assert_eq!(written, EVENTS_PER_CALLSITE_MAX as usize);
        assert!(limit.admit(2, "join", now));
        assert_eq!(limit.take_suppressed(now), [("packet", 1_000 - written as u64)]);
        assert_eq!(limit.take_suppressed(now), []);
    }

    #[test]
    fn a_new_period_lets_the_place_write_again() {
        let now = Instant::now();
        let mut limit = Limit::new(now);
        while limit.admit(1, "packet", now) {}
        assert!(!limit.admit(1, "packet", now + PERIOD / 2));
        assert!(limit.admit(1, "packet", now + PERIOD));
    }

    #[test]
    fn many_places_together_stay_under_the_common_limit() {
        let now = Instant::now();
        let mut limit = Limit::new(now);
        let written = (0..100_000).filter(|event| limit.admit(event % 500, "", now)).count();
        assert_eq!(written, EVENTS_PER_PERIOD_MAX as usize);
    }

    #[test]
    fn the_layer_counts_what_it_holds_back() {
        use tracing_subscriber::layer::SubscriberExt;
        let before = suppressed_events();
        let subscriber = tracing_subscriber::registry().with(FloodLimit);
        tracing::subscriber::with_default(subscriber, || {
            for _ in 0..EVENTS_PER_CALLSITE_MAX * 3 {
                tracing::warn!("a hostile packet");
                tracing::debug!("in detail");
            }
        });
        // Two periods at most can pass within the loop, so at least one limit's worth was held back.
        let held_back = suppressed_events() - before;
        assert!(held_back >= u64::from(EVENTS_PER_CALLSITE_MAX), "{held_back}");
        assert!(held_back <= u64::from(EVENTS_PER_CALLSITE_MAX) * 2, "{held_back}");
    }
}
