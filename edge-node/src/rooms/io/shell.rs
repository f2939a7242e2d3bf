//! The loop on the mesh thread, and what becomes of the hub's commands.
//!
//! Sources have priorities, and each a share of a turn, so that a flood of one cannot starve those
//! below it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use rand::rngs::StdRng;
use stoa_audio::frame::Frame;
use stoa_link::{Event, Inbox, InboxSender, Link, LinkId, LinkMetrics, Trails};
use stoa_protocol::mesh::control::Problem;
use stoa_protocol::token::Revocation;
use stoa_runtime::metrics_page::Health;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, MissedTickBehavior};

use super::super::alternatives::OtherEdge;
use super::super::command::Command;
use super::super::ears::Place;
use super::super::handle::{Asked, Orders};
use super::super::hub::Hub;
use super::super::metrics::RoomsMetrics;
use super::super::order::{Order, Reply, Ticket};
use super::steering::{Steering, Wish};
use super::tellers::Tellers;
use crate::webrtc::{FromPlane, FromPlaneQueue, Plane, RoomKey, SessionEvent, SessionId};

/// Events of links taken in a turn.
const LINK_EVENTS_PER_TURN: u32 = 256;
/// Frames and events of the media plane taken in a turn.
const PLANE_EVENTS_PER_TURN: u32 = 256;
/// Orders taken in a turn.
const ORDERS_PER_TURN: u32 = 32;
/// Participants told of an announcement in a turn.
const TOLD_PER_TURN: u32 = 64;
/// How often metrics of links are brought up to date.
const EXPORT_INTERVAL: Duration = Duration::from_secs(1);

/// Called with each session that has ended.
pub type OnEnded = Box<dyn Fn(SessionId) + Send>;

/// Called with tokens that hold no longer; must not wait.
pub type OnRevoked = Box<dyn Fn(Vec<Revocation>) + Send>;

/// Called with all addresses that origins want linked, when that changes; must not wait.
pub type OnTargets = Box<dyn Fn(BTreeSet<String>) + Send>;

/// Called with all edges that clients may go to, nearest first, when that changes; must not wait.
pub type OnRecommended = Box<dyn Fn(Vec<OtherEdge>) + Send>;

/// What a shell works with.
pub struct Surroundings {
    /// All links of this node.
    pub inbox: Inbox,
    /// The other end of `inbox`, asked for what it had to drop.
    pub sender: InboxSender,
    /// Where frames go to be heard.
    pub plane: Plane,
    /// What clients say.
    pub from_plane: FromPlaneQueue,
    /// What the signaling side asks.
    pub orders: Orders,
    /// Becomes ready once an origin was reached.
    pub health: Health,
    /// Counts of links.
    pub links: LinkMetrics,
    /// Sampled frames on their way through this node, unless all links are inside this process.
    pub trails: Option<Trails>,
    /// Counts of rooms.
    pub metrics: RoomsMetrics,
    /// Hears of ended sessions.
    pub on_ended: OnEnded,
    /// Hears of tokens that hold no longer.
    pub on_revoked: OnRevoked,
    /// Hears of addresses to link to.
    pub on_targets: OnTargets,
    /// Hears where clients may go instead.
    pub on_recommended: OnRecommended,
}

/// Drives a [`Hub`] between links, media plane and signaling.
pub struct Shell {
    hub: Hub,
    around: Surroundings,
    links: BTreeMap<LinkId, Link>,
    answers: BTreeMap<Ticket, oneshot::Sender<Result<Reply, Problem>>>,
    tellers: Tellers,
    last_ticket: u64,
    wishes: mpsc::Receiver<Wish>,
    idle: watch::Sender<bool>,
    rng: StdRng,
}

/// What each source may still take in this turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Shares {
    links: u32,
    plane: u32,
    orders: u32,
    told: u32,
}

impl Shares {
    const FULL: Self = Self {
        links: LINK_EVENTS_PER_TURN,
        plane: PLANE_EVENTS_PER_TURN,
        orders: ORDERS_PER_TURN,
        told: TOLD_PER_TURN,
    };
}

impl Shell {
    /// Around `hub`.
    #[must_use]
    pub fn new(hub: Hub, around: Surroundings) -> (Self, Steering) {
        let (idle, idle_receiver) = watch::channel(true);
        let (steering, wishes) = Steering::new(idle_receiver);
        let tellers = Tellers::new(around.metrics.clone());
        let shell = Self {
            hub,
            around,
            links: BTreeMap::new(),
            answers: BTreeMap::new(),
            tellers,
            last_ticket: 0,
            wishes,
            idle,
            rng: rand::make_rng(),
        };
        (shell, steering)
    }

    /// Runs until told to end, or until nobody can tell any more.
    pub async fn run(mut self) {
        let mut export = tokio::time::interval(EXPORT_INTERVAL);
        export.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut shares = Shares::FULL;
        let mut plane_lives = true;
        loop {
            let deadline = self.hub.poll_timeout().map(Instant::from_std);
            let telling = self.tellers.is_waiting();
            let spent = shares != Shares::FULL;
            tokio::select! {
                biased;
                // 1. The composition root: rare, and must be heard in any flood.
                wish = self.wishes.recv() => match wish {
                    Some(Wish::Drain(limit)) => self.hub.handle_drain(limit, now()),
                    Some(Wish::Undrain) => self.hub.handle_undrain(),
                    Some(Wish::Expel) => self.hub.handle_end(now()),
                    Some(Wish::End) | None => break,
                },
                // 2. Deadlines: each bounds how long somebody waits.
                () = sleep_until(deadline) => self.hub.handle_timeout(now()),
                // 3. Links: frames for many ears, and the facts they depend on.
                event = self.around.inbox.recv(), if shares.links > 0 => match event {
                    Some(event) => {
                        shares.links -= 1;
                        self.handle_link(event);
                    }
                    None => break,
                },
                // 4. Clients' frames.
                said = self.around.from_plane.recv(), if shares.plane > 0 && plane_lives => {
                    shares.plane -= 1;
                    match said {
                        Some(said) => self.handle_plane(said),
                        None => plane_lives = false,
                    }
                }
                // 5. Signaling.
                asked = self.around.orders.0.recv(), if shares.orders > 0 => match asked {
                    Some(asked) => {
                        shares.orders -= 1;
                        self.handle_asked(asked);
                    }
                    None => break,
                },
                // 6. Announcements, in portions.
                () = std::future::ready(()), if telling && shares.told > 0 => {
                    shares.told -= 1;
                    self.tellers.tell_next();
                }
                // 7. Metrics.
                _ = export.tick() => self.export(),
                // 8. Nobody else has anything within his share: the next turn.
                () = tokio::task::yield_now(), if spent => shares = Shares::FULL,
            }
            self.carry_out();
            self.note_idle();
        }
        self.hub.handle_end(now());
        self.carry_out();
        self.export();
    }

    fn handle_link(&mut self, event: Event) {
        match event {
            Event::Frame { id, frame } => {
                let route = self.hub.route_from_link(id, &frame, now());
                if let (Some(trails), true) = (&self.around.trails, route.is_heard()) {
                    trails.note_heard(&frame, now());
                }
                for delivery in [route.stage, route.audience].into_iter().flatten() {
                    self.around.plane.deliver(delivery);
                }
                if let Some(room) = route.room {
                    self.pass_on(id, room, &frame);
                }
            }
            Event::Up { id, peer, link } => {
                tracing::debug!(link = id.0, node = %peer.node, "rooms may go this way");
                self.around.links.note(id, link.peer(), link.statistics());
                let round_trip = round_trip(&link);
                self.links.insert(id, link);
                self.hub.handle_link_up(id, peer, now());
                self.hub.handle_measured(id, round_trip, 0);
                if self.hub.has_parent() {
                    // Once is enough: a lost link is repaired, and local voices go on meanwhile.
                    self.around.health.set_ready(true, "");
                }
            }
            Event::Control { id, body } => self.hub.handle_control(id, *body, now()),
            Event::Bound { id, binding } => self.hub.handle_bound(id, *binding),
            Event::Unbound { id, track } => self.hub.handle_unbound(id, track),
            Event::Down { id, reason } => {
                if let Some(link) = self.links.remove(&id) {
                    tracing::debug!(link = id.0, node = %link.peer().node, reason, "no longer");
                    self.around.links.forget(id, link.peer());
                }
                self.hub.handle_link_down(id, now());
            }
        }
    }

    /// To whoever hangs from this edge; tracks are announced before their first frame.
    fn pass_on(&mut self, from: LinkId, room: RoomKey, frame: &Frame) {
        if self.hub.owes() {
            self.carry_out();
        }
        let mut sent = 0;
        for child in self.hub.children(room, frame.track, from) {
            if let Some(link) = self.links.get(&child) {
                link.send_frame(frame);
                sent += 1;
            }
        }
        self.hub.count_relayed(sent);
    }

    fn back_fill(&self, room: RoomKey, link: LinkId) {
        let Some(link) = self.links.get(&link) else { return };
        let mut sent = 0;
        for frame in self.hub.recent(room, now()) {
            link.send_frame(frame);
            sent += 1;
        }
        self.hub.count_back_filled(sent);
    }

    fn handle_plane(&mut self, said: FromPlane) {
        match said {
            FromPlane::Uplinked(uplinked) => {
                let Some(route) = self.hub.route_uplinked(uplinked, now()) else { return };
                if let Some(trails) = &self.around.trails {
                    trails.begin(&route.frame, now());
                }
                for link in [route.owner, route.standby].into_iter().flatten() {
                    if let Some(link) = self.links.get(&link) {
                        link.send_frame(&route.frame);
                    }
                }
                if let Some(frame) = &route.lane {
                    for link in self.hub.lanes(route.room).iter().filter_map(|l| self.links.get(l))
                    {
                        link.send_frame_at_once(frame);
                    }
                }
                if let Some(delivery) = route.stage {
                    self.around.plane.deliver(delivery);
                }
            }
            FromPlane::Session(event) => {
                if let SessionEvent::Closed { session, .. } = &event {
                    (self.around.on_ended)(*session);
                }
                self.hub.handle_session(&event, now());
            }
        }
    }

    fn handle_asked(&mut self, asked: Asked) {
        let Asked { order, reply, events } = asked;
        // Somebody who goes is let go even if nobody waits for the answer.
        let must = matches!(order, Order::Leave(_) | Order::Abandon(_) | Order::Attach { .. });
        if reply.is_closed() && !must {
            return;
        }
        self.last_ticket += 1;
        let ticket = Ticket(self.last_ticket);
        self.answers.insert(ticket, reply);
        if let Some(events) = events {
            self.tellers.expect(ticket, events);
        }
        self.hub.handle_order(ticket, order, &mut self.rng, now());
    }

    fn carry_out(&mut self) {
        while let Some(command) = self.hub.next_command() {
            match command {
                Command::Send { link, body } => {
                    // After an error the link is over, and its `Down` is on the way.
                    if let Some(link) = self.links.get(&link)
                        && let Err(error) = link.send(*body)
                    {
                        tracing::debug!(link = link.id().0, %error, "a message was not sent");
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
                Command::BackFill { room, link } => self.back_fill(room, link),
                Command::Dial { targets } => (self.around.on_targets)(targets),
                Command::Recommend { edges } => (self.around.on_recommended)(edges),
                Command::Revoke { revocations } => (self.around.on_revoked)(revocations),
                Command::Mute { session, muted } => self.around.plane.set_muted(session, muted),
                Command::SetStage { session, on } => self.around.plane.set_stage(session, on),
                Command::Close { session } => self.around.plane.close(session),
                Command::Answer { ticket, outcome } => self.answer(ticket, *outcome),
                Command::Tell { seat, event } => self.tellers.tell(seat, event),
                Command::Announce { room, circle, event } => {
                    self.tellers.announce(room, circle, event);
                }
                Command::Regroup { seat, place } => self.tellers.regroup(seat, place),
                Command::End { seat, reason } => self.tellers.end(seat, reason),
            }
        }
    }

    fn answer(&mut self, ticket: Ticket, outcome: Result<Reply, Problem>) {
        let claimed = match &outcome {
            Ok(Reply::Prepared(prepared)) => Some(prepared.seat),
            Ok(Reply::Seated(seated) | Reply::Resumed(seated)) => {
                let place = Place { class: seated.class, moderates: seated.standing.moderates() };
                self.tellers.seat(ticket, seated.seat, seated.key, place);
                // Who resumes and is gone again leaves the seat as it was: his audio goes on.
                matches!(outcome, Ok(Reply::Seated(_))).then_some(seated.seat)
            }
            _ => None,
        };
        self.tellers.forget(ticket);
        let heard = self.answers.remove(&ticket).is_some_and(|reply| reply.send(outcome).is_ok());
        if let Some(seat) = claimed.filter(|_| !heard) {
            self.hub.handle_unclaimed(seat, now());
        }
    }

    fn export(&mut self) {
        self.tellers.export();
        self.around.links.note_inbox(&self.around.sender);
        for (id, link) in &self.links {
            self.around.links.note(*id, link.peer(), link.statistics());
            let lost = link.statistics().loss_in_permille;
            self.hub.handle_measured(*id, round_trip(link), lost);
        }
    }

    fn note_idle(&self) {
        let idle = self.hub.is_idle();
        if *self.idle.borrow() != idle {
            self.idle.send_replace(idle);
        }
    }
}

fn round_trip(link: &Link) -> Duration {
    Duration::from_secs_f64((link.statistics().rtt_min_ms / 1_000.0).max(0.0))
}

fn now() -> std::time::Instant {
    Instant::now().into_std()
}

async fn sleep_until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}
