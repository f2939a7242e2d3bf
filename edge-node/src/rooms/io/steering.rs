//! What the composition root wants of a running shell.

use std::time::Duration;

use tokio::sync::{mpsc, watch};

/// Wishes that may wait.
const WISHES_MAX: usize = 8;

/// What the composition root wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wish {
    Drain(Duration),
    Undrain,
    Expel,
    End,
}

/// Steers a running [`super::Shell`]. When the last clone is dropped the shell ends.
#[derive(Clone, Debug)]
pub struct Steering {
    wishes: mpsc::Sender<Wish>,
    idle: watch::Receiver<bool>,
}

impl Steering {
    /// One that hears by `idle` whether anybody is here, and the end that hears its wishes.
    pub(super) fn new(idle: watch::Receiver<bool>) -> (Self, mpsc::Receiver<Wish>) {
        let (wishes, queue) = mpsc::channel(WISHES_MAX);
        (Self { wishes, idle }, queue)
    }

    /// From now on nobody is taken in; parents and clients are told that this edge leaves within
    /// `limit`.
    pub async fn drain(&self, limit: Duration) {
        self.wish(Wish::Drain(limit)).await;
    }

    /// This edge stays after all.
    pub async fn undrain(&self) {
        self.wish(Wish::Undrain).await;
    }

    /// Takes everybody out, and tells owners.
    pub async fn expel(&self) {
        self.wish(Wish::Expel).await;
    }

    /// Takes everybody out, tells owners, and ends the shell.
    pub async fn end(&self) {
        self.wish(Wish::End).await;
    }

    /// Resolves once nobody is here and nobody hangs from here, or the shell has ended.
    pub async fn idle(&self) {
        let mut idle = self.idle.clone();
        // An error means that the shell is gone, and with it everybody.
        let _ = idle.wait_for(|idle| *idle).await;
    }

    async fn wish(&self, wish: Wish) {
        if self.wishes.send(wish).await.is_err() {
            tracing::debug!(?wish, "the room side has ended already");
        }
    }
}
