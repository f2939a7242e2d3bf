//! What the stores tell Prometheus. The doc comment of a field is the metric's help text.

use std::time::Duration;

use prometheus::core::Collector;
use prometheus::{
    Gauge, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGaugeVec, Opts, Registry,
};

use crate::store::error::StoreError;
use crate::store::operation::Kind;

/// From a lookup in memory to the limit of a call and beyond.
const BUCKETS: [f64; 10] = [0.000_25, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.1, 0.5, 2.0, 4.0];

/// The families of all stores of this origin. Clones share them.
#[derive(Clone, Debug)]
pub struct StoreMetrics {
    operations: IntCounterVec,
    seconds: HistogramVec,
    journal_length: IntGaugeVec,
    journal_dropped: IntCounterVec,
    restorations: IntCounter,
    backups: IntCounterVec,
    backup_age: Gauge,
}

impl StoreMetrics {
    /// Registers every metric of the stores.
    ///
    /// # Errors
    /// When `registry` holds a metric of the same name already.
    pub fn register(registry: &Registry) -> prometheus::Result<Self> {
        let counters = |name: &str, help: &str, labels: &[&str]| {
            kept(registry, IntCounterVec::new(Opts::new(name, help), labels)?)
        };
        let seconds = HistogramOpts::new(
            "stoa_origin_store_operation_seconds",
            "How long a store took to answer, in seconds, by store and operation.",
        );
        Ok(Self {
            operations: counters(
                "stoa_origin_store_operations_total",
                "Operations of a store by outcome: done, or the kind of the error.",
                &["store", "operation", "outcome"],
            )?,
            seconds: kept(
                registry,
                HistogramVec::new(seconds.buckets(BUCKETS.to_vec()), &["store", "operation"])?,
            )?,
            journal_length: kept(
                registry,
                IntGaugeVec::new(
                    Opts::new(
                        "stoa_origin_store_journal_length",
                        "Writes that wait for their store or are on their way, by kind.",
                    ),
                    &["kind"],
                )?,
            )?,
            journal_dropped: counters(
                "stoa_origin_store_journal_dropped_total",
                "Writes lost by kind and reason: no place, or the error of the store that refused them.",
                &["kind", "reason"],
            )?,
            restorations: kept(
                registry,
                IntCounter::new(
                    "stoa_origin_store_restorations_total",
                    "How often hot state had to be found again in Redis, or restored there.",
                )?,
            )?,
            backups: counters(
                "stoa_origin_store_backups_total",
                "Rooms whose hot state was copied to the durable store, by outcome.",
                &["outcome"],
            )?,
            backup_age: kept(
                registry,
                Gauge::new(
                    "stoa_origin_store_backup_seconds",
                    "How long the newest round of copies to the durable store took, in seconds.",
                )?,
            )?,
        })
    }

    pub(crate) fn note_operation(
        &self,
        store: &str,
        operation: &str,
        error: Option<&StoreError>,
        took: Duration,
    ) {
        let outcome = error.map_or("done", StoreError::label);
        self.operations.with_label_values(&[store, operation, outcome]).inc();
        self.seconds.with_label_values(&[store, operation]).observe(took.as_secs_f64());
    }

    pub(crate) fn note_journal(&self, kind: Kind, change: i64) {
        self.journal_length.with_label_values(&[kind.label()]).add(change);
    }

    pub(crate) fn note_dropped(&self, kind: Kind, reason: &str) {
        self.journal_dropped.with_label_values(&[kind.label(), reason]).inc();
    }

    #[cfg_attr(
        not(feature = "redis"),
        expect(dead_code, reason = "only Redis is ever found or restored")
    )]
    pub(crate) fn note_restoration(&self) {
        self.restorations.inc();
    }

    pub(crate) fn note_backup(&self, error: Option<&StoreError>) {
        self.backups.with_label_values(&[error.map_or("done", StoreError::label)]).inc();
    }

    pub(crate) fn note_backup_round(&self, took: Duration) {
        self.backup_age.set(took.as_secs_f64());
    }
}

fn kept<C: Collector + Clone + 'static>(registry: &Registry, family: C) -> prometheus::Result<C> {
    registry.register(Box::new(family.clone()))?;
    Ok(family)
}
