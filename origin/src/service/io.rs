//! The shell around [`Service`]: takes events of links from the inbox, carries out commands, keeps
//! time, and exports what happened as metrics. One task for all rooms.

use std::collections::BTreeMap;
use std::time::Duration;

use stoa_audio::frame::Frame;
use stoa_link::{Event, Inbox, InboxSender, Link, LinkId};
use stoa_protocol::mesh::control::{Body, Response};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior};

use super::core::{Command, Service};
use super::looks::Look;
use crate::archive::{Archive, Retention};
use crate::keeping::{ACKNOWLEDGED_WITHIN, Promise, Scribe};
use crate::metrics::{LinkReport, Metrics};
use crate::store::{HotChange, Operation, RoomChange};
use crate::webhook;

/// Events taken from the inbox at a time, before timers are looked at again.
const EVENTS_PER_TURN: usize = 256;

/// How often metrics are brought up to date.
const EXPORT_INTERVAL: Duration = Duration::from_secs(1);

/// When what is too old is erased first, and how often after that.
const RETENTION_DELAY: Duration = Duration::from_secs(60);
const RETENTION_INTERVAL: Duration = Duration::from_secs(3_600);

/// Orders that may wait.
const ORDERS_MAX: usize = 8;

/// What the composition root can ask of a running server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Order {
    /// Take nothing new, tell every edge, be gone after this long.
    Drain(Duration),
    /// Stay after all.
    Undrain,
    /// End every link in order, then return.
    End,
}

/// Steers a running [`Server`]. When the last clone is dropped the server ends.
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

    async fn order(&self, order: Order) {
        let (done, carried_out) = oneshot::channel();
        let sent = self.orders.send((order, done)).await;
        if sent.is_err() || carried_out.await.is_err() {
            tracing::debug!(?order, "the origin's server has ended already");
        }
    }
}

/// Drives a [`Service`] behind real links.
#[derive(Debug)]
pub struct Server {
    service: Service,
    links: BTreeMap<LinkId, Link>,
    inbox: Inbox,
    /// Asked for what the inbox had to drop.
    sender: InboxSender,
    /// Each with a word back once it is carried out.
    orders: mpsc::Receiver<(Order, oneshot::Sender<()>)>,
    vacant: watch::Sender<bool>,
    metrics: Metrics,
    scribe: Scribe,
    /// Who tells back ends of what happens, if somebody wants to know.
    webhooks: Option<webhook::Sender>,
    archive: Archive,
    /// What the archive is busy with; bounded by it.
    looks: JoinSet<()>,
    retention: Retention,
}

impl Server {
    /// Around `service`, which `scribe` writes down and `webhooks` tell of; `sender` is an end of `inbox`. What is kept
    /// longer than `retention` says is erased.
    #[must_use]
    pub fn new(
        service: Service,
        (scribe, retention): (Scribe, Retention),
        webhooks: Option<webhook::Sender>,
        inbox: Inbox,
        sender: InboxSender,
        metrics: Metrics,
    ) -> (Self, Steering) {
        let (orders_sender, orders) = mpsc::channel(ORDERS_MAX);
        let (vacant, vacant_receiver) = watch::channel(true);
        let links = BTreeMap::new();
        let archive = Archive::new(scribe.clone());
        let looks = JoinSet::new();
        let server = Self {
            service,
            links,
            inbox,
            sender,
            orders,
            vacant,
            metrics,
            scribe,
            webhooks,
            archive,
            looks,
            retention,
        };
        (server, Steering { orders: orders_sender, vacant: vacant_receiver })
    }

    /// Runs until told to end, or until nobody can tell any more.
    pub async fn run(mut self) {
        let mut events = Vec::with_capacity(EVENTS_PER_TURN);
        let mut export = tokio::time::interval(EXPORT_INTERVAL);
        export.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut found = self.scribe.found();
        let mut retain =
            tokio::time::interval_at(Instant::now() + RETENTION_DELAY, RETENTION_INTERVAL);
        retain.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let deadline = self.service.poll_timeout().map(Instant::from_std);
            tokio::select! {
                biased;
                order = self.orders.recv() => {
                    let Some((order, done)) = order else { break };
                    let goes_on = self.handle_order(order);
                    // Whoever asked may have stopped waiting.
                    let _ = done.send(());
                    if !goes_on {
                        break;
                    }
                }
                () = sleep_until(deadline) => {
                    self.service.handle_timeout(Instant::now().into_std());
                    self.carry_out();
                }
                Ok(()) = found.changed() => {
                    tracing::info!("the store of who is here is back; it is told anew");
                    self.service.write_people_anew();
                    self.carry_out();
                }
                // Before the inbox, which may never be empty.
                _ = export.tick() => self.export(),
                _ = retain.tick() => self.retain(),
                Some(_) = self.looks.join_next() => {}
                taken = self.inbox.recv_many(&mut events, EVENTS_PER_TURN) => {
                    if taken == 0 {
                        break;
                    }
                    for event in events.drain(..) {
                        self.handle_event(event);
                    }
                }
            }
        }
        self.export();
        // They hold the stores, which are about to end.
        self.looks.shutdown().await;
        for link in self.links.values() {
            link.close("this origin leaves");
        }
    }

    /// Returns whether to go on.
    fn handle_order(&mut self, order: Order) -> bool {
        match order {
            Order::Drain(limit) => {
                self.service.handle_drain(limit, Instant::now().into_std());
                self.export();
            }
            Order::Undrain => self.service.handle_undrain(),
            Order::End => return false,
        }
        self.carry_out();
        true
    }

    fn handle_event(&mut self, event: Event) {
        let now = Instant::now().into_std();
        match event {
            Event::Frame { id, frame } => return self.handle_frame(id, &frame, now),
            Event::Up { id, peer, link } => {
                tracing::info!(link = id.0, node = %peer.node, region = %peer.region, "link up");
                self.links.insert(id, link);
                self.service.handle_up(id, peer, now);
            }
            Event::Control { id, body } => self.service.handle_control(id, *body, now),
            Event::Bound { id, binding } => self.service.handle_bound(id, &binding, now),
            Event::Unbound { id, track } => self.service.handle_unbound(id, track, now),
            Event::Down { id, reason } => {
                if let Some(link) = self.links.remove(&id) {
                    tracing::info!(link = id.0, node = %link.peer().node, reason, "link down");
                    self.metrics.forget_link(id, link.peer());
                }
                self.service.handle_down(id, now);
            }
        }
        self.carry_out();
    }

    fn handle_frame(&mut self, id: LinkId, frame: &Frame, now: std::time::Instant) {
        let route = self.service.handle_frame(id, frame, now);
        self.carry_out();
        let Some(route) = route else { return };
        for child in self.service.children(route) {
            if let Some(link) = self.links.get(child) {
                link.send_frame(frame);
            }
        }
    }

    fn carry_out(&mut self) {
        let mut owed = self.write_down();
        while let Some(happened) = self.service.next_event() {
            if let Some(webhooks) = &self.webhooks {
                webhooks.note(happened.into());
            }
        }
        while let Some(command) = self.service.next_command() {
            match command {
                Command::Send { link, body }
                    if !owed.is_empty() && matches!(*body, Body::Response(_)) =>
                {
                    if let Some(link) = self.links.get(&link) {
                        tokio::spawn(acknowledge(link.clone(), body, std::mem::take(&mut owed)));
                    }
                }
                Command::Send { link, body } => {
                    // After an error the link is over, and its `Down` is on the way.
                    if let Some(link) = self.links.get(&link)
                        && let Err(error) = link.send(*body)
                    {
                        tracing::debug!(link = link.id().0, %error, "a message was not sent");
                    }
                }
                Command::Look { link, request, look } => {
                    if let Some(link) = self.links.get(&link).cloned() {
                        let archive = self.archive.clone();
                        self.looks.spawn(look_up(archive, link, request, *look));
                    }
                }
                Command::Bind { link, binding } => {
                    if let Some(link) = self.links.get(&link) {
                        link.bind(*binding);
                    }
                }
                Command::Unbind { link, track } => {
                    if let Some(link) = self.links.get(&link) {
                        link.unbind(track);
                    }
                }
                Command::Close { link, reason } => {
                    if let Some(link) = self.links.get(&link) {
                        tracing::warn!(link = link.id().0, node = %link.peer().node, reason, "closing a link");
                        link.close(&reason);
                    }
                }
            }
        }
    }

    /// Gives the stores what has changed; what an answer must wait for comes back.
    fn write_down(&mut self) -> Vec<Promise> {
        let mut owed = Vec::new();
        while let Some(operation) = self.service.next_write() {
            let awaited = is_awaited(&operation);
            let promise = self.scribe.write(operation);
            if awaited {
                owed.push(promise);
            }
        }
        owed
    }

    /// Begins to erase what is too old, in memory at once.
    fn retain(&mut self) {
        let now_ms = self.service.unix_ms(Instant::now().into_std());
        if let Some(before_ms) = self.retention.log_horizon_ms(now_ms) {
            self.service.trim_logs(before_ms);
        }
        let (archive, retention) = (self.archive.clone(), self.retention);
        self.looks.spawn(async move { archive.retain(retention, now_ms).await });
    }

    fn export(&mut self) {
        self.metrics.note_service(&self.service);
        self.metrics.note_archive(self.archive.tally());
        self.metrics.note_inbox(self.sender.frames_dropped(), self.sender.facts_waited());
        for (id, peer, load) in self.service.links() {
            if let Some(link) = self.links.get(&id) {
                let statistics = link.statistics();
                self.metrics.note_link(&LinkReport { id, peer, load, statistics });
            }
        }
        let vacant = self.service.participants_len() == (0, 0);
        self.vacant.send_if_modified(|before| std::mem::replace(before, vacant) != vacant);
    }
}

/// Whether an answer acknowledges this. Who comes and goes is told again by his edge if it is forgotten, and the log
/// is about what was acknowledged.
fn is_awaited(operation: &Operation) -> bool {
    match operation {
        Operation::Create(_) | Operation::Revoke(_) => true,
        Operation::Change { change, .. } => !matches!(change, RoomChange::Append(_)),
        Operation::Note { changes, .. } => changes
            .iter()
            .any(|change| matches!(change, HotChange::Raise { .. } | HotChange::Lower(_))),
        _ => false,
    }
}

/// Sends an answer once what it acknowledges is stored, or its store counts as away.
async fn acknowledge(link: Link, body: Box<Body>, owed: Vec<Promise>) {
    let stored = async {
        for promise in owed {
            if let Err(error) = promise.kept().await {
                tracing::error!(%error, "a change was not stored");
            }
        }
    };
    if tokio::time::timeout(ACKNOWLEDGED_WITHIN, stored).await.is_err() {
        tracing::debug!("a change is acknowledged while its store is away");
    }
    if let Err(error) = link.send(*body) {
        tracing::debug!(link = link.id().0, %error, "an answer was not sent");
    }
}

/// Sends the answer that takes the store.
async fn look_up(archive: Archive, link: Link, id: u64, look: Look) {
    let answer = Some(archive.answer(look).await);
    if let Err(error) = link.send(Body::Response(Response { id, answer })) {
        tracing::debug!(link = link.id().0, %error, "an answer was not sent");
    }
}

async fn sleep_until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}
