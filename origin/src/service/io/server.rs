//! The shell around [`Service`]: takes events of links from the inbox, carries out commands, keeps
//! time, and exports what happened as metrics. One task for all rooms.

use std::collections::BTreeMap;
use std::time::Duration;

use stoa_audio::frame::Frame;
use stoa_link::{Event, Inbox, InboxSender, Link, LinkId};
use stoa_protocol::mesh::control::{Body, Response};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior};

use super::super::core::Service;
use super::super::effects::Command;
use super::super::looks::Look;
use super::acknowledging::{Owed, Standbys, acknowledge, acknowledges};
use super::reading::{Reader, Reading};
use super::steering::{Order, Orders, Steering};
use crate::archive::{Archive, Retention};
use crate::cluster::Tidings;
use crate::keeping::{Opened, Promise, Scribe};
use crate::metrics::{LinkReport, Metrics};
use crate::status::{Asked, Query, Site, Survey};
use crate::store::{Fenced, Operation};
use crate::webhook;

/// Events taken from the inbox at a time, before timers are looked at again.
const EVENTS_PER_TURN: usize = 256;

/// How often metrics are brought up to date.
const EXPORT_INTERVAL: Duration = Duration::from_secs(1);

/// When what is too old is erased first, and how often after that.
const RETENTION_DELAY: Duration = Duration::from_secs(60);
const RETENTION_INTERVAL: Duration = Duration::from_secs(3_600);

/// Drives a [`Service`] behind real links.
#[derive(Debug)]
pub struct Server {
    service: Service,
    links: BTreeMap<LinkId, Link>,
    inbox: Inbox,
    /// Asked for what the inbox had to drop.
    sender: InboxSender,
    orders: Orders,
    vacant: watch::Sender<bool>,
    metrics: Metrics,
    scribe: Scribe,
    standbys: Standbys,
    reader: Reader,
    readings: mpsc::UnboundedReceiver<Reading>,
    opened: mpsc::UnboundedReceiver<Opened>,
    fenced: Fenced,
    /// What the keeper of the lease tells; never anything where there is none.
    tidings: mpsc::Receiver<Tidings>,
    /// Who tells back ends of what happens, if somebody wants to know.
    webhooks: Option<webhook::Sender>,
    /// What readers of the status page ask, and where it says that this is.
    surveys: Asked,
    site: Site,
    archive: Archive,
    /// What the archive is busy with; bounded by it.
    looks: JoinSet<()>,
    retention: Retention,
}

impl Server {
    /// Around `service`, which `scribe` writes down and `webhooks` tell of; `sender` is an end of `inbox`. What is kept
    /// longer than `retention` says is erased. Readers of the status page are answered as at `site`.
    #[must_use]
    pub fn new(
        service: Service,
        (mut scribe, retention): (Scribe, Retention),
        webhooks: Option<webhook::Sender>,
        (inbox, sender): (Inbox, InboxSender),
        metrics: Metrics,
        tidings: mpsc::Receiver<Tidings>,
        (site, surveys): (Site, Asked),
    ) -> (Self, Steering) {
        let (steering, orders, vacant) = Steering::new();
        let (reader, readings) = Reader::new(scribe.stores().clone());
        let opened = scribe.opened();
        let archive = Archive::new(scribe.clone());
        let server = Self {
            service,
            links: BTreeMap::new(),
            inbox,
            sender,
            orders,
            vacant,
            metrics,
            standbys: Standbys::default(),
            reader,
            readings,
            opened,
            fenced: scribe.stores().fenced(),
            tidings,
            scribe,
            webhooks,
            surveys,
            site,
            archive,
            looks: JoinSet::new(),
            retention,
        };
        (server, steering)
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
                    self.service.handle_timeout(now());
                    self.carry_out();
                }
                Ok(()) = found.changed() => {
                    tracing::info!("the store of who is here is back; it is told anew");
                    self.service.write_people_anew();
                    self.carry_out();
                }
                Some(tidings) = self.tidings.recv() => {
                    self.service.handle_tidings(tidings, now());
                    self.carry_out();
                }
                Some(opened) = self.opened.recv() => {
                    self.service.handle_opened(&opened.operation, &opened.outcome, now());
                    self.carry_out();
                }
                Some(reading) = self.readings.recv() => self.handle_reading(reading),
                rooms = self.fenced.taken() => {
                    rooms.into_iter().for_each(|room| self.service.handle_fenced(room));
                    self.carry_out();
                }
                // Before the inbox, which may never be empty.
                _ = export.tick() => self.export(),
                _ = retain.tick() => self.retain(),
                Some((query, answer)) = self.surveys.recv() => {
                    // Whoever asked may have stopped waiting.
                    let _ = answer.send(self.survey(&query));
                }
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

    fn handle_reading(&mut self, reading: Reading) {
        match reading {
            Reading::Room(room, kept) => {
                self.service.handle_loaded(&room, kept.map(|kept| *kept), now());
            }
            Reading::Record(room, record) => {
                self.service.handle_record(&room, record.as_deref(), now());
            }
        }
        self.carry_out();
    }

    /// Returns whether to go on.
    fn handle_order(&mut self, order: Order) -> bool {
        match order {
            Order::Drain(limit) => {
                self.service.handle_drain(limit, now());
                self.export();
            }
            Order::Undrain => self.service.handle_undrain(),
            Order::End => return false,
        }
        self.carry_out();
        true
    }

    fn handle_event(&mut self, event: Event) {
        let now = now();
        match event {
            Event::Frame { id, frame } => return self.handle_frame(id, &frame, now),
            Event::Up { id, peer, link } => {
                tracing::info!(link = id.0, node = %peer.node, region = %peer.region, "link up");
                self.links.insert(id, link);
                self.service.handle_up(id, peer, now);
            }
            Event::Control { id, body } => {
                match &*body {
                    Body::Replicated(replicated) => self.standbys.note(id, replicated.number),
                    Body::Superseded(told) => self.standbys.refuse(id, &told.room),
                    _ => {}
                }
                self.service.handle_control(id, *body, now);
            }
            Event::Bound { id, binding } => self.service.handle_bound(id, &binding, now),
            Event::Unbound { id, track } => self.service.handle_unbound(id, track, now),
            Event::Down { id, reason } => {
                if let Some(link) = self.links.remove(&id) {
                    tracing::info!(link = id.0, node = %link.peer().node, reason, "link down");
                    self.metrics.forget_link(id, link.peer());
                }
                self.service.handle_down(id, now);
                self.carry_out();
                // The store has been told that this standby is gone: whoever waits for it may look there.
                self.standbys.forget(id);
            }
        }
        self.carry_out();
    }

    fn handle_frame(&mut self, id: LinkId, frame: &Frame, now: std::time::Instant) {
        let route = self.service.handle_frame(id, frame, now);
        self.carry_out();
        let Some(route) = route else { return };
        for child in self.service.children(&route) {
            if let Some(link) = self.links.get(&child) {
                link.send_frame(frame);
            }
        }
    }

    fn carry_out(&mut self) {
        let mut written = self.write_down();
        let mut copied = Vec::new();
        while let Some(happened) = self.service.next_event() {
            if let Some(webhooks) = &self.webhooks {
                webhooks.note(happened.into());
            }
        }
        while let Some(command) = self.service.next_command() {
            match command {
                Command::Send { link, body } if matches!(*body, Body::Response(_)) => {
                    let kept =
                        written.extract_if(.., |(operation, _)| acknowledges(&body, operation));
                    let (written, apart) = split(kept);
                    let copied =
                        if written.is_empty() { Vec::new() } else { std::mem::take(&mut copied) };
                    self.answer(link, body, Owed { written, apart, copied });
                }
                Command::Replicate { link, number, room, body } => {
                    copied.push(self.standbys.expect(link, number, room));
                    self.send(link, body);
                }
                Command::Load { room } => self.reader.load(room),
                Command::Verify { room } => self.reader.verify(room),
                Command::Send { link, body } => self.send(link, body),
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
                Command::BackFill { link, frames } => {
                    if let Some(link) = self.links.get(&link) {
                        frames.iter().for_each(|frame| link.send_frame(frame));
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

    fn send(&self, link: LinkId, body: Box<Body>) {
        // After an error the link is over, and its `Down` is on the way.
        if let Some(link) = self.links.get(&link)
            && let Err(error) = link.send(*body)
        {
            tracing::debug!(link = link.id().0, %error, "a message was not sent");
        }
    }

    /// Sends an answer, after what it acknowledges is kept.
    fn answer(&self, link: LinkId, body: Box<Body>, owed: Owed) {
        if owed.is_empty() {
            self.send(link, body);
        } else if let Some(link) = self.links.get(&link) {
            let (scribe, node) = (self.scribe.clone(), self.service.node().clone());
            tokio::spawn(acknowledge(link.clone(), body, owed, scribe, node));
        }
    }

    /// Gives the stores what has changed.
    fn write_down(&mut self) -> Vec<(Operation, Promise)> {
        let mut written = Vec::new();
        while let Some(operation) = self.service.next_write() {
            let promise = self.scribe.write(operation.clone());
            written.push((operation, promise));
        }
        written
    }

    /// Begins to erase what is too old, in memory at once.
    fn retain(&mut self) {
        let now_ms = self.service.unix_ms(now());
        if let Some(before_ms) = self.retention.log_horizon_ms(now_ms) {
            self.service.trim_logs(before_ms);
        }
        let (archive, retention) = (self.archive.clone(), self.retention);
        self.looks.spawn(async move { archive.retain(retention, now_ms).await });
    }

    fn survey(&self, query: &Query) -> Survey {
        let figures = |id: LinkId| self.links.get(&id).map(Link::statistics).unwrap_or_default();
        self.service.survey(query, &self.site, &figures)
    }

    fn export(&mut self) {
        self.metrics.note_service(&self.service);
        self.metrics.note_lease(self.service.holds_lease(now()));
        self.metrics.note_archive(self.archive.tally());
        self.metrics.note_inbox(&self.sender);
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

fn now() -> std::time::Instant {
    Instant::now().into_std()
}

/// Sends the answer that takes the store.
async fn look_up(archive: Archive, link: Link, id: u64, look: Look) {
    let answer = Some(archive.answer(look).await);
    if let Err(error) = link.send(Body::Response(Response { id, answer })) {
        tracing::debug!(link = link.id().0, %error, "an answer was not sent");
    }
}

/// What is of a room, and what is of none.
fn split(kept: impl Iterator<Item = (Operation, Promise)>) -> (Vec<Promise>, Vec<Promise>) {
    let (mut of_rooms, mut of_none) = (Vec::new(), Vec::new());
    for (operation, promise) in kept {
        let side = if operation.room().is_some() { &mut of_rooms } else { &mut of_none };
        side.push(promise);
    }
    (of_rooms, of_none)
}

async fn sleep_until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}
