//! The thread with the queue, and the door to it. A thread of its own, so that no handshake of a receiver's
//! ever delays a frame.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::Context;
use prometheus::Registry;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;

use super::super::event::Event;
use super::super::metrics::Metrics;
use super::super::queue::{Attempt, Counts, Limits, Outcome, Queue};
use super::super::settings::Settings;
use super::post::{Failure, Receiver};

/// Events on their way to the queue; the room side never waits for it.
const INBOX_MAX: usize = 4_096;

/// The door: tells back ends of events.
#[derive(Clone, Debug)]
pub struct Sender {
    inbox: mpsc::Sender<Event>,
    metrics: Metrics,
}

impl Sender {
    /// Tells those who want to know. Never waits; what finds no place is counted.
    ///
    /// Events of one room arrive in the order of these calls.
    pub fn note(&self, event: Event) {
        if self.inbox.try_send(event).is_err() {
            self.metrics.inbox_full();
        }
    }
}

/// The running thread; dropping it ends it at once.
#[derive(Debug)]
pub struct Webhooks {
    sender: Sender,
    stop: oneshot::Sender<Instant>,
    ended: oneshot::Receiver<usize>,
}

impl Webhooks {
    /// The door.
    #[must_use]
    pub fn sender(&self) -> Sender {
        self.sender.clone()
    }

    /// Delivers what waits for at most `limit`, then ends. Returns how many messages were left.
    pub async fn end(self, limit: Duration) -> usize {
        // An error means that the thread has ended already.
        let _ = self.stop.send(Instant::now() + limit);
        self.ended.await.unwrap_or_default()
    }
}

/// Starts delivering to these endpoints; its metrics go to `registry`.
///
/// # Errors
/// When an endpoint is malformed, its authorities cannot be read, or the metrics are there already.
pub fn start(
    settings: &[Settings],
    limits: Limits,
    registry: &Registry,
) -> anyhow::Result<Webhooks> {
    let endpoints = Settings::check_all(settings)?;
    let receivers = endpoints.iter().map(|endpoint| Receiver::new(endpoint).map(Arc::new));
    let receivers = receivers.collect::<anyhow::Result<Vec<_>>>()?;
    let metrics = Metrics::register(registry).context("metrics of webhooks")?;
    let (inbox, events) = mpsc::channel(INBOX_MAX);
    let (stop, stopped) = oneshot::channel();
    let (tell_end, ended) = oneshot::channel();
    let worker = Worker {
        queue: Queue::new(endpoints, limits),
        receivers,
        metrics: metrics.clone(),
        under_way: JoinSet::new(),
        told: Counts::default(),
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    std::thread::Builder::new().name("webhooks".to_owned()).spawn(move || {
        let left = runtime.block_on(worker.run(events, stopped));
        // Nobody may be waiting for it.
        let _ = tell_end.send(left);
        // A name that is being looked up must not keep the process.
        runtime.shutdown_background();
    })?;
    Ok(Webhooks { sender: Sender { inbox, metrics }, stop, ended })
}

type Ended = (Attempt, Result<(), Failure>);

struct Worker {
    queue: Queue,
    receivers: Vec<Arc<Receiver>>,
    metrics: Metrics,
    under_way: JoinSet<Ended>,
    /// Counts as the metrics have them.
    told: Counts,
}

impl Worker {
    /// Until told to stop; then until all has arrived, or the deadline.
    async fn run(
        mut self,
        mut events: mpsc::Receiver<Event>,
        mut stopped: oneshot::Receiver<Instant>,
    ) -> usize {
        let mut deadline: Option<Instant> = None;
        loop {
            self.begin_attempts();
            if deadline.is_some() && events.is_empty() && self.queue.waiting() == 0 {
                return 0;
            }
            let timeout = self.queue.poll_timeout();
            tokio::select! {
                Some(event) = events.recv() => {
                    let id = format!("msg_{:032x}", rand::random::<u128>());
                    self.queue.handle_event(&id, &event, Instant::now());
                }
                Some(ended) = self.under_way.join_next() => {
                    // An attempt does not panic and is not aborted while the thread runs.
                    if let Ok((attempt, result)) = ended {
                        self.end_attempt(&attempt, result);
                    }
                }
                () = until(timeout) => {}
                () = until(deadline) => return self.queue.waiting(),
                stop = &mut stopped, if deadline.is_none() => match stop {
                    Ok(at) => deadline = Some(at),
                    Err(_) => return self.queue.waiting(),
                },
            }
        }
    }

    fn begin_attempts(&mut self) {
        while let Some(attempt) = self.queue.next_attempt(Instant::now()) {
            let Some(receiver) = self.receivers.get(attempt.endpoint).cloned() else { continue };
            self.under_way.spawn(async move {
                let result = receiver.post(&attempt.id, &attempt.body, now_unix_s()).await;
                (attempt, result)
            });
        }
        self.metrics.note(self.queue.waiting(), self.told, self.queue.counts());
        self.told = self.queue.counts();
    }

    fn end_attempt(&mut self, attempt: &Attempt, result: Result<(), Failure>) {
        let endpoint = attempt.endpoint;
        let before = self.queue.failures_in_row(endpoint);
        let outcome = match &result {
            Ok(()) => Outcome::Delivered,
            Err(failure) => Outcome::Failed { retry_after: failure.retry_after() },
        };
        self.queue.handle_outcome(attempt, outcome, rand::random(), Instant::now());
        match result {
            Ok(()) => {
                self.metrics.attempted(endpoint, "delivered");
                if before > 0 {
                    tracing::info!(endpoint, failures = before, "a webhook is heard again");
                }
            }
            Err(failure) => {
                self.metrics.attempted(endpoint, failure.name());
                // Once when the trouble begins; a metric counts the rest.
                if before == 0 {
                    tracing::warn!(endpoint, %failure, "a webhook was not heard; it is tried again");
                } else {
                    tracing::debug!(endpoint, %failure, number = attempt.number, "not heard");
                }
            }
        }
    }
}

async fn until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline.into()).await,
        None => std::future::pending().await,
    }
}

fn now_unix_s() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
