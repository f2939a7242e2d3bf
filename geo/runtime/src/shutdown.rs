//! Signals as a future, and a drain with a deadline. The first SIGTERM or SIGINT asks for a drain, the
//! second ends it at once, the third ends the process even if its runtime is stuck on something.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{mpsc, watch};

/// Exit code after a third signal: 128 plus the number of SIGINT.
const EXIT_CODE_IMPATIENT: i32 = 130;

/// Tells when the process was asked to end. Clones see the same request.
#[derive(Clone, Debug)]
pub struct Shutdown {
    requests: watch::Receiver<u32>,
    /// How many of them were taken back.
    forgotten: Arc<AtomicU32>,
}

/// Asks for the end from inside the process: tests, demo networks.
#[derive(Clone, Debug)]
pub struct Trigger {
    requests: watch::Sender<u32>,
}

impl Trigger {
    /// As one signal: the first call asks for a drain, the second ends it.
    pub fn request(&self) {
        self.requests.send_modify(|count| *count = count.saturating_add(1));
    }
}

impl Shutdown {
    /// Listens for SIGTERM and SIGINT from now on. Must be called inside a tokio runtime.
    ///
    /// # Errors
    /// When the system refuses to install a signal receiver.
    pub fn on_signals() -> std::io::Result<Self> {
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        let (trigger, shutdown) = Self::manual();
        let asked = shutdown.clone();
        tokio::spawn(async move {
            loop {
                tokio::select! {
                    _ = terminate.recv() => {}
                    _ = interrupt.recv() => {}
                }
                trigger.request();
                match asked.count(*trigger.requests.borrow()) {
                    1 => tracing::info!("shutting down in order; a second signal ends at once"),
                    2 => tracing::warn!("ending at once"),
                    _ => std::process::exit(EXIT_CODE_IMPATIENT),
                }
            }
        });
        Ok(shutdown)
    }

    /// One without signals, asked by its [`Trigger`].
    #[must_use]
    pub fn manual() -> (Trigger, Self) {
        let (sender, requests) = watch::channel(0);
        (Trigger { requests: sender }, Self { requests, forgotten: Arc::default() })
    }

    /// Resolves once the end was asked for, also if that was earlier.
    pub async fn requested(&self) {
        self.reached(1).await;
    }

    /// Resolves once the end was asked for twice.
    pub async fn immediate(&self) {
        self.reached(2).await;
    }

    /// Whether the end was asked for.
    #[must_use]
    pub fn is_requested(&self) -> bool {
        self.count(*self.requests.borrow()) >= 1
    }

    /// Forgets what was asked for until now, because the process stays after all: the next signal counts as the first.
    pub fn take_back(&self) {
        self.forgotten.store(*self.requests.borrow(), Ordering::Relaxed);
    }

    fn count(&self, requests: u32) -> u32 {
        requests.saturating_sub(self.forgotten.load(Ordering::Relaxed))
    }

    async fn reached(&self, count: u32) {
        let mut requests = self.requests.clone();
        if requests.wait_for(|seen| self.count(*seen) >= count).await.is_err() {
            // The trigger is gone: nobody can ask any more.
            std::future::pending::<()>().await;
        }
    }
}

/// How a drain ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DrainEnd {
    /// All work was done.
    Complete,
    /// Time ran out first.
    DeadlinePassed,
    /// A second signal came.
    Interrupted,
}

/// Waits for work that should be finished before the process ends.
#[derive(Debug)]
pub struct Drain {
    limit: Duration,
    work: mpsc::Sender<()>,
    ended: mpsc::Receiver<()>,
}

/// Work that a [`Drain`] waits for, until it is dropped.
#[derive(Clone, Debug)]
pub struct DrainGuard {
    _work: mpsc::Sender<()>,
}

impl Drain {
    /// A drain that takes at most `limit`.
    #[must_use]
    pub fn new(limit: Duration) -> Self {
        let (work, ended) = mpsc::channel(1);
        Self { limit, work, ended }
    }

    /// The longest this drain takes.
    #[must_use]
    pub fn limit(&self) -> Duration {
        self.limit
    }

    /// A mark for one piece of work. Clones count as well.
    #[must_use]
    pub fn guard(&self) -> DrainGuard {
        DrainGuard { _work: self.work.clone() }
    }

    /// Waits until every guard is dropped, the limit has passed or a second signal comes.
    pub async fn finish(self, shutdown: &Shutdown) -> DrainEnd {
        let Self { limit, work, mut ended } = self;
        drop(work);
        let work = async move { while ended.recv().await.is_some() {} };
        within(limit, shutdown, work).await
    }
}

/// Runs `work` until it is done, `limit` has passed or a second signal comes.
pub async fn within(
    limit: Duration,
    shutdown: &Shutdown,
    work: impl Future<Output = ()>,
) -> DrainEnd {
    tokio::select! {
        biased;
        () = work => DrainEnd::Complete,
        () = shutdown.immediate() => DrainEnd::Interrupted,
        () = tokio::time::sleep(limit) => DrainEnd::DeadlinePassed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_secs(3_600);

    #[tokio::test]
    async fn a_request_is_seen_by_every_clone_also_afterwards() {
        let (trigger, shutdown) = Shutdown::manual();
        let clone = shutdown.clone();
        assert!(!clone.is_requested());
        trigger.request();
        shutdown.requested().await;
        clone.requested().await;
        assert!(clone.is_requested());
    }

    #[tokio::test]
    async fn a_drain_ends_when_the_last_guard_is_dropped() {
        let (_trigger, shutdown) = Shutdown::manual();
        let drain = Drain::new(LONG);
        let guard = drain.guard();
        let second = guard.clone();
        tokio::spawn(async move {
            drop(guard);
            tokio::task::yield_now().await;
            drop(second);
        });
        assert_eq!(drain.finish(&shutdown).await, DrainEnd::Complete);
    }

    #[tokio::test]
    async fn a_drain_ends_at_its_deadline() {
        let (_trigger, shutdown) = Shutdown::manual();
        let drain = Drain::new(Duration::from_millis(1));
        let _guard = drain.guard();
        assert_eq!(drain.finish(&shutdown).await, DrainEnd::DeadlinePassed);
    }

    #[tokio::test]
    async fn a_second_signal_interrupts_a_drain_and_the_first_does_not() {
        let (trigger, shutdown) = Shutdown::manual();
        trigger.request();
        let done = within(LONG, &shutdown, std::future::ready(())).await;
        assert_eq!(done, DrainEnd::Complete);
        trigger.request();
        let interrupted = within(LONG, &shutdown, std::future::pending()).await;
        assert_eq!(interrupted, DrainEnd::Interrupted);
    }

    #[tokio::test]
    async fn after_a_drain_is_taken_back_a_signal_asks_for_one_again_and_ends_nothing_at_once() {
        let (trigger, shutdown) = Shutdown::manual();
        trigger.request();
        shutdown.requested().await;
        shutdown.take_back();
        assert!(!shutdown.is_requested());
        trigger.request();
        shutdown.requested().await;
        let done = within(LONG, &shutdown, tokio::task::yield_now()).await;
        assert_eq!(done, DrainEnd::Complete);
        trigger.request();
        shutdown.immediate().await;
    }

    #[tokio::test]
    async fn a_real_signal_asks_for_the_end() {
        let shutdown = Shutdown::on_signals().unwrap();
        let id = std::process::id().to_string();
        let sent = std::process::Command::new("kill").args(["-TERM", &id]).status().unwrap();
        assert!(sent.success());
        tokio::time::timeout(Duration::from_secs(10), shutdown.requested()).await.unwrap();
    }
}
