//! What Prometheus gets to know of webhooks. Endpoints are labelled by their place in the configuration,
//! because a URL may hold a secret.

use prometheus::{IntCounter, IntCounterVec, IntGauge, Opts, Registry};

use super::queue::Counts;

#[derive(Clone, Debug)]
pub(super) struct Metrics {
    attempts: IntCounterVec,
    dropped: IntCounterVec,
    inbox_full: IntCounter,
    waiting: IntGauge,
}

impl Metrics {
    pub(super) fn register(registry: &Registry) -> prometheus::Result<Self> {
        let dropped = IntCounterVec::new(
            Opts::new(
                "stoa_origin_webhooks_dropped_total",
                "Webhook messages that nobody was told of, by reason.",
            ),
            &["reason"],
        )?;
        let metrics = Self {
            attempts: IntCounterVec::new(
                Opts::new(
                    "stoa_origin_webhook_attempts_total",
                    "Attempts to deliver a webhook message, by endpoint and outcome.",
                ),
                &["endpoint", "outcome"],
            )?,
            inbox_full: dropped.with_label_values(&["inbox"]),
            dropped,
            waiting: IntGauge::new(
                "stoa_origin_webhooks_waiting",
                "Webhook messages that wait or are under way.",
            )?,
        };
        registry.register(Box::new(metrics.attempts.clone()))?;
        registry.register(Box::new(metrics.dropped.clone()))?;
        registry.register(Box::new(metrics.waiting.clone()))?;
        Ok(metrics)
    }

    pub(super) fn attempted(&self, endpoint: usize, outcome: &str) {
        self.attempts.with_label_values(&[&endpoint.to_string(), outcome]).inc();
    }

    /// The thread that delivers does not keep up with what happens.
    pub(super) fn inbox_full(&self) {
        self.inbox_full.inc();
    }

    pub(super) fn note(&self, waiting: usize, before: Counts, now: Counts) {
        self.waiting.set(i64::try_from(waiting).unwrap_or(i64::MAX));
        let grown = [
            ("full", now.full - before.full),
            ("dead", now.dead - before.dead),
            ("oversized", now.oversized - before.oversized),
        ];
        for (reason, count) in grown {
            if count > 0 {
                self.dropped.with_label_values(&[reason]).inc_by(count);
            }
        }
    }
}
