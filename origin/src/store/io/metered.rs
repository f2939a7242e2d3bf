//! A store whose operations are counted and timed.

use std::sync::Arc;
use std::time::Instant;

use crate::store::metrics::StoreMetrics;
use crate::store::operation::{Answering, Kind, Operation, Store};

#[derive(Clone, Debug)]
pub(super) struct Metered {
    store: Arc<dyn Store>,
    metrics: StoreMetrics,
}

impl Metered {
    pub(super) fn new(store: Arc<dyn Store>, metrics: StoreMetrics) -> Self {
        Self { store, metrics }
    }
}

impl Store for Metered {
    fn name(&self) -> &'static str {
        self.store.name()
    }

    fn keeps(&self, kind: Kind) -> bool {
        self.store.keeps(kind)
    }

    fn apply(&self, operation: Operation) -> Answering<'_> {
        Box::pin(async move {
            let (label, began) = (operation.label(), Instant::now());
            let outcome = self.store.apply(operation).await;
            let error = outcome.as_ref().err();
            self.metrics.note_operation(self.store.name(), label, error, began.elapsed());
            outcome
        })
    }
}
