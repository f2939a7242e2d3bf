//! What the composition root asks of a running server.

use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};

/// Orders that may wait.
const ORDERS_MAX: usize = 8;

/// What the composition root can ask of a running server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    /// Take nothing new, tell every edge, be gone after this long.
    Drain(Duration),
    /// Stay after all.
    Undrain,
    /// End every link in order, then return.
    End,
}

/// Steers a running [`super::Server`]. When the last clone is dropped the server ends.
#[derive(Clone, Debug)]
pub struct Steering {
    orders: mpsc::Sender<(Order, oneshot::Sender<()>)>,
    vacant: watch::Receiver<bool>,
}

impl Steering {
    /// From now on no new room and nobody new; every edge is told that this origin leaves within
    /// `limit`.
    pub async fn drain(&self, limit: Duration) {
        self.order(Order::Drain(limit)).await;
    }

    /// Takes a drain back.
    pub async fn undrain(&self) {
        self.order(Order::Undrain).await;
    }

    /// Ends every link in order and the server with them.
    pub async fn end(&self) {
        self.order(Order::End).await;
    }

    /// Resolves once nobody is in any room, or the server has ended.
    pub async fn vacant(&self) {
        let mut vacant = self.vacant.clone();
        // An error means that the server is gone, and with it everybody.
        let _ = vacant.wait_for(|vacant| *vacant).await;
    }

    /// With the other ends: what is ordered, each with a word back once it is carried out, and where to say whether
    /// nobody is here.
    pub(super) fn new() -> (Self, Orders, watch::Sender<bool>) {
        let (orders_sender, orders) = mpsc::channel(ORDERS_MAX);
        let (vacant, vacant_receiver) = watch::channel(true);
        (Self { orders: orders_sender, vacant: vacant_receiver }, orders, vacant)
    }

    async fn order(&self, order: Order) {
        let (done, carried_out) = oneshot::channel();
        let sent = self.orders.send((order, done)).await;
        if sent.is_err() || carried_out.await.is_err() {
            tracing::debug!(?order, "the origin's server has ended already");
        }
    }
}

/// Orders, each with a word back once it is carried out.
pub(super) type Orders = mpsc::Receiver<(Order, oneshot::Sender<()>)>;
