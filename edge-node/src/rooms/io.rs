//! The hub's shell on the mesh thread: links, the media plane and the signaling side in, effects out.
//!
//! Sources have priorities, and each a share of a turn, so that a flood of one cannot starve those
//! below it.

use std::collections::BTreeMap;
use std::time::Duration;

use rand::rngs::StdRng;
use stoa_link::{Event, Inbox, InboxSender, Link, LinkId};
use stoa_protocol::mesh::control::Problem;
use stoa_runtime::metrics_page::Health;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, MissedTickBehavior};

use super::command::Command;
use super::ears::Ears;
use super::handle::{Asked, Orders};
use super::hub::Hub;
use super::metrics::RoomsMetrics;
use super::order::{Order, Reply, SeatId, Ticket};
use super::roster::ParticipantEvent;
use crate::metrics::LinkMetrics;
use crate::webrtc::{FromPlane, FromPlaneQueue, Plane, SessionEvent, SessionId};

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
/// Wishes of the composition root that may wait.
const WISHES_MAX: usize = 8;

/// What the composition root wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wish {
    Drain(Duration),
    End,
}

/// Steers a running [`Shell`]. When the last clone is dropped the shell ends.
#[derive(Clone, Debug)]
pub struct Steering {
    wishes: mpsc::Sender<Wish>,
    idle: watch::Receiver<bool>,
}

impl Steering {
    /// From now on nobody is taken in; parents and clients are told that this edge leaves within
    /// `limit`.
    pub async fn drain(&self, limit: Duration) {
        self.wish(Wish::Drain(limit)).await;
    }

    /// Takes everybody out, tells owners, and ends the shell.
    pub async fn end(&self) {
        self.wish(Wish::End).await;
    }

    /// Resolves once nobody is here, or the shell has ended.
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

/// Called with each session that has ended.
pub type OnEnded = Box<dyn Fn(SessionId) + Send>;

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
    /// Counts of rooms.
    pub metrics: RoomsMetrics,
    /// Hears of ended sessions.
    pub on_ended: OnEnded,
}

/// Drives a [`Hub`] between links, media plane and signaling.
pub struct Shell {
    hub: Hub,
    around: Surroundings,
    links: BTreeMap<LinkId, Link>,
    answers: BTreeMap<Ticket, oneshot::Sender<Result<Reply, Problem>>>,
    /// Senders of events, by the seat that is being attached or has been.
    attaching: BTreeMap<Ticket, mpsc::Sender<ParticipantEvent>>,
    senders: BTreeMap<SeatId, mpsc::Sender<ParticipantEvent>>,
    ears: Ears,
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
        let (wishes_sender, wishes) = mpsc::channel(WISHES_MAX);
        let (idle, idle_receiver) = watch::channel(true);
        let shell = Self {
            hub,
            around,
            links: BTreeMap::new(),
            answers: BTreeMap::new(),
            attaching: BTreeMap::new(),
            senders: BTreeMap::new(),
            ears: Ears::default(),
            last_ticket: 0,
            wishes,
            idle,
            rng: rand::make_rng(),
        };
        (shell, Steering { wishes: wishes_sender, idle: idle_receiver })
    }

    /// Runs until told to end, or until nobody can tell any more.
    pub async fn run(mut self) {
        let mut export = tokio::time::interval(EXPORT_INTERVAL);
        export.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut shares = Shares::FULL;
        let mut plane_lives = true;
        loop {
            let deadline = self.hub.poll_timeout().map(Instant::from_std);
            let telling = self.ears.is_waiting();
            let spent = shares != Shares::FULL;
            tokio::select! {
                biased;
                // 1. The composition root: rare, and must be heard in any flood.
                wish = self.wishes.recv() => match wish {
                    Some(Wish::Drain(limit)) => self.hub.handle_drain(limit),
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
                    self.tell_next();
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
                for delivery in [route.stage, route.audience].into_iter().flatten() {
                    self.around.plane.deliver(delivery);
                }
            }
            Event::Up { id, peer, link } => {
                tracing::debug!(link = id.0, node = %peer.node, "rooms may go this way");
                self.around.links.note(id, link.peer(), link.statistics());
                self.links.insert(id, link);
                self.hub.handle_link_up(id, peer, now());
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

    fn handle_plane(&mut self, said: FromPlane) {
        match said {
            FromPlane::Uplinked(uplinked) => {
                let Some(route) = self.hub.route_uplinked(uplinked, now()) else { return };
                if let Some(link) = route.owner.and_then(|owner| self.links.get(&owner)) {
                    link.send_frame(&route.frame);
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
            self.attaching.insert(ticket, events);
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
                Command::Mute { session, muted } => self.around.plane.set_muted(session, muted),
                Command::Close { session } => self.around.plane.close(session),
                Command::Answer { ticket, outcome } => self.answer(ticket, *outcome),
                Command::Tell { seat, event } => self.tell(seat, event),
                Command::Announce { room, class, event } => self.ears.announce(room, class, event),
                Command::End { seat, reason } => self.end(seat, reason),
            }
        }
    }

    fn answer(&mut self, ticket: Ticket, outcome: Result<Reply, Problem>) {
        let events = self.attaching.remove(&ticket);
        let seat = match &outcome {
            Ok(Reply::Prepared(prepared)) => Some(prepared.seat),
            Ok(Reply::Seated(seated)) => {
                if let Some(events) = events {
                    self.senders.insert(seated.seat, events);
                    self.ears.enter(seated.seat, seated.key, seated.class);
                }
                Some(seated.seat)
            }
            _ => None,
        };
        let heard = self.answers.remove(&ticket).is_some_and(|reply| reply.send(outcome).is_ok());
        if let Some(seat) = seat.filter(|_| !heard) {
            self.hub.handle_unclaimed(seat, now());
        }
    }

    fn tell_next(&mut self) {
        if let Some((seat, event)) = self.ears.next() {
            self.tell(seat, event);
        }
    }

    fn tell(&mut self, seat: SeatId, event: ParticipantEvent) {
        let Some(sender) = self.senders.get(&seat) else { return };
        if let Err(mpsc::error::TrySendError::Full(_)) = sender.try_send(event) {
            // A connection that takes nothing for so long cannot be told apart from a dead one; its
            // end lets the client come back with a fresh state.
            self.around.metrics.limits.events.inc();
            self.senders.remove(&seat);
            self.ears.leave(seat);
        }
    }

    fn end(&mut self, seat: SeatId, reason: Option<&'static str>) {
        if let Some(reason) = reason {
            self.tell(seat, ParticipantEvent::Closed { reason });
        }
        self.senders.remove(&seat);
        self.ears.leave(seat);
    }

    fn export(&mut self) {
        self.around.metrics.limits.announcements.inc_by(self.ears.take_lost());
        self.around.links.note_inbox(&self.around.sender);
        for (id, link) in &self.links {
            self.around.links.note(*id, link.peer(), link.statistics());
        }
    }

    fn note_idle(&self) {
        let idle = self.hub.is_idle();
        if *self.idle.borrow() != idle {
            self.idle.send_replace(idle);
        }
    }
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
