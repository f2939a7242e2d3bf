//! The hub as the signaling side sees it: an async call each, from any thread.
//!
//! A join has two halves, so that the millisecond of SDP and ICE work is spent on the caller's
//! thread and never on the mesh thread.

use std::sync::Arc;

use stoa_protocol::ids::{ParticipantId, Role, RoomId};
use stoa_protocol::mesh::control::{Answer, Ask, CreateRoom, ParticipantPage, Problem, RoomInfo};
use tokio::sync::{mpsc, oneshot};

use super::deeds::Action;
use super::order::{Newcomer, Order, Prepared, Reply, Seated};
use super::problem;
use super::reactions::Reaction;
use super::resume::Resume;
use super::roster::{OwnStanding, ParticipantEvent, Roster};
use crate::media::PacketLength;
use crate::webrtc::{Downlink, OpenSession, Opened, Plane, Restarted, SessionId};

/// Events that may wait for one participant's connection; a slower one loses the oldest news, not
/// the newest: the hub tells the whole state again.
pub const EVENTS_QUEUED_MAX: usize = 32;

/// Orders that may wait for the mesh thread; more are answered 503.
pub const ORDERS_QUEUED_MAX: usize = 4_096;

/// An order on its way to the hub.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) order: Order,
    pub(super) reply: oneshot::Sender<Result<Reply, Problem>>,
    pub(super) events: Option<mpsc::Sender<ParticipantEvent>>,
}

/// Who wants to join, and with what.
#[derive(Clone, Debug)]
pub struct JoinAsk {
    /// The room.
    pub room: RoomId,
    /// Who the token says this is.
    pub identity: String,
    /// What people read.
    pub name: String,
    /// What the token allows.
    pub role: Role,
    /// Whether the token names this room.
    pub named: bool,
    /// Whose the token is; empty for the default tenant.
    pub tenant: String,
    /// Most participants that the tenant may have; the room's owner counts them.
    pub tenant_participants_max: Option<u32>,
    /// Whether the offer has an uplink; it is let in while he is on the stage.
    pub publishes: bool,
    /// Which downlink lines to use.
    pub downlink: Downlink,
    /// Whether to start muted.
    pub muted: bool,
    /// The SDP offer.
    pub offer: String,
    /// Whether [`Present::events`] is wanted.
    pub wants_events: bool,
    /// A former life, whose role, hand and mute he keeps.
    pub resume: Option<Resume>,
}

/// A participant who is in.
#[derive(Debug)]
pub struct Joined {
    /// The SDP answer and what goes with it.
    pub opened: Opened,
    /// Who he is, and what there is.
    pub present: Present,
}

/// Somebody who has a place and a session in a room.
#[derive(Debug)]
pub struct Present {
    /// His id in the room.
    pub participant: ParticipantId,
    /// His session; ends by [`RoomsHandle::leave`], or by itself.
    pub session: SessionId,
    /// How he stands.
    pub standing: OwnStanding,
    /// What he may come back with.
    pub resume: Resume,
    /// The room.
    pub room: RoomInfo,
    /// Who is there, as far as this edge knows; the first join of a room may find it empty.
    pub roster: Arc<Roster>,
    /// What happens; ends after `Closed`. The first event is `Slots`.
    pub events: Option<mpsc::Receiver<ParticipantEvent>>,
}

/// Asks the hub. Every call answers within about five seconds.
#[derive(Clone)]
pub struct RoomsHandle {
    orders: mpsc::Sender<Asked>,
    plane: Plane,
}

/// The hub's end of all [`RoomsHandle`]s.
#[derive(Debug)]
pub struct Orders(pub(super) mpsc::Receiver<Asked>);

impl RoomsHandle {
    /// A handle, and the queue that [`super::Shell`] serves.
    #[must_use]
    pub fn new(plane: Plane) -> (Self, Orders) {
        let (orders, queue) = mpsc::channel(ORDERS_QUEUED_MAX);
        (Self { orders, plane }, Orders(queue))
    }

    /// Makes a room; the owner draws an id when it names none.
    ///
    /// # Errors
    /// The owner's problem (409 when it exists), or 503.
    pub async fn create(&self, create: CreateRoom) -> Result<RoomInfo, Problem> {
        match self.ask(Order::Create(create), None).await? {
            Reply::Answered(answer) => match *answer {
                Answer::Room(info) => Ok(info),
                _ => Err(problem::owner_confused()),
            },
            _ => Err(problem::owner_confused()),
        }
    }

    /// Asks the owner anything that takes no part in a room.
    ///
    /// # Errors
    /// The owner's problem, or 503.
    pub async fn ask_owner(&self, ask: Ask) -> Result<Answer, Problem> {
        match self.ask(Order::Ask(ask), None).await? {
            Reply::Answered(answer) => Ok(*answer),
            _ => Err(problem::owner_confused()),
        }
    }

    /// Takes a participant in: the owner is asked first, then the session opened, on this thread.
    ///
    /// Dropping the future at any point leaves nothing behind for longer than 15 s.
    ///
    /// # Errors
    /// 400 for a bad offer, 403 for publishing without a role for it, 404 for an unknown room,
    /// 503 when full, draining or cut off.
    pub async fn join(&self, ask: JoinAsk) -> Result<Joined, Problem> {
        let (downlink, wants_events) = (ask.downlink, ask.wants_events);
        let (newcomer, offer) = newcomer(ask);
        let prepared = match self.ask(Order::Prepare(newcomer), None).await? {
            Reply::Prepared(prepared) => prepared,
            _ => return Err(problem::owner_confused()),
        };
        let opened = match self.plane.open(&session_of(&prepared, downlink, offer)) {
            Ok(opened) => opened,
            Err(error) => {
                let _ = self.ask(Order::Abandon(prepared.seat), None).await;
                return Err(problem::offer(&error));
            }
        };
        self.attach(prepared, opened, wants_events).await
    }

    async fn attach(
        &self,
        prepared: Prepared,
        opened: Opened,
        wants_events: bool,
    ) -> Result<Joined, Problem> {
        let session = opened.session;
        let (sender, events) = queue(wants_events);
        let order = Order::Attach { seat: prepared.seat, session, wants_events };
        match self.ask(order, sender).await {
            Ok(Reply::Seated(seated)) => Ok(Joined { opened, present: present(seated, events) }),
            Ok(_) => Err(problem::owner_confused()),
            Err(problem) => {
                self.plane.close(session);
                Err(problem)
            }
        }
    }

    /// Takes up the seat of a lost connection; the connection that had it hears that it is replaced.
    ///
    /// # Errors
    /// 404 when there is no such seat, or the proof is wrong.
    pub async fn resume(
        &self,
        room: RoomId,
        identity: String,
        resume: Resume,
    ) -> Result<Present, Problem> {
        let (sender, events) = queue(true);
        match self.ask(Order::Resume { room, identity, resume }, sender).await? {
            Reply::Resumed(seated) => Ok(present(seated, events)),
            _ => Err(problem::owner_confused()),
        }
    }

    /// A participant does something in his room; the owner decides whether he may.
    ///
    /// # Errors
    /// The owner's problem, 404 for an unknown session, 503 when cut off.
    pub async fn act(&self, by: SessionId, action: Action) -> Result<(), Problem> {
        self.ask(Order::Act { by, action }, None).await.map(|_| ())
    }

    /// A page of who is in the room of a participant, at most `limit` (1 to 100), by id.
    ///
    /// # Errors
    /// As [`Self::act`].
    pub async fn list_people(
        &self,
        by: SessionId,
        after: String,
        limit: u32,
    ) -> Result<ParticipantPage, Problem> {
        match self.ask(Order::ListPeople { by, after, limit }, None).await? {
            Reply::Answered(answer) => match *answer {
                Answer::Participants(page) => Ok(page),
                _ => Err(problem::owner_confused()),
            },
            _ => Err(problem::owner_confused()),
        }
    }

    /// A participant gives a reaction.
    ///
    /// # Errors
    /// 404 for an unknown session.
    pub async fn react(&self, by: SessionId, reaction: Reaction) -> Result<(), Problem> {
        self.ask(Order::React { by, reaction }, None).await.map(|_| ())
    }

    /// Restarts ICE of a session, after a change of network.
    ///
    /// # Errors
    /// 400 for a bad offer, 404 when the session has ended.
    pub async fn restart(&self, session: SessionId, offer: String) -> Result<Restarted, Problem> {
        self.plane.restart(session, offer).await.map_err(|error| problem::offer(&error))
    }

    /// Hangs up.
    ///
    /// # Errors
    /// 404 when the session has ended already.
    pub async fn leave(&self, session: SessionId) -> Result<(), Problem> {
        self.ask(Order::Leave(session), None).await.map(|_| ())
    }

    /// Mutes or unmutes `participant`, or the asker himself when it is `None`.
    ///
    /// Muting oneself holds at once, whether or not the owner can be reached.
    ///
    /// # Errors
    /// 403 without the role for it, 404 for an unknown session or participant, 503 when cut off.
    pub async fn set_muted(
        &self,
        by: SessionId,
        participant: Option<ParticipantId>,
        muted: bool,
    ) -> Result<(), Problem> {
        self.ask(Order::SetMuted { by, participant, muted }, None).await.map(|_| ())
    }

    /// From now on the packets that a listener gets have another length; nothing is lost or repeated. The stage
    /// keeps hearing the shortest ones.
    pub fn change_packets(&self, session: SessionId, length: PacketLength) {
        self.plane.change_length(session, length);
    }

    async fn ask(
        &self,
        order: Order,
        events: Option<mpsc::Sender<ParticipantEvent>>,
    ) -> Result<Reply, Problem> {
        let (reply, answer) = oneshot::channel();
        let asked = Asked { order, reply, events };
        if matches!(asked.order, Order::Leave(_) | Order::Abandon(_)) {
            // Somebody who goes must not be kept because the queue was full.
            self.orders.send(asked).await.map_err(|_| problem::stopped())?;
        } else {
            self.orders.try_send(asked).map_err(|error| match error {
                mpsc::error::TrySendError::Full(_) => problem::busy(),
                mpsc::error::TrySendError::Closed(_) => problem::stopped(),
            })?;
        }
        answer.await.map_err(|_| problem::stopped())?
    }
}

type Events = mpsc::Receiver<ParticipantEvent>;

fn queue(wanted: bool) -> (Option<mpsc::Sender<ParticipantEvent>>, Option<Events>) {
    if !wanted {
        return (None, None);
    }
    let (sender, events) = mpsc::channel(EVENTS_QUEUED_MAX);
    (Some(sender), Some(events))
}

fn newcomer(ask: JoinAsk) -> (Newcomer, String) {
    let JoinAsk { room, identity, name, role, named, tenant, .. } = ask;
    let JoinAsk { publishes, downlink, muted, offer, resume, tenant_participants_max, .. } = ask;
    let who = Newcomer {
        room,
        identity,
        name,
        role,
        named,
        tenant,
        tenant_participants_max,
        publishes,
        downlink,
        muted,
        resume,
    };
    (who, offer)
}

fn present(seated: Seated, events: Option<Events>) -> Present {
    let Seated { participant, session, standing, resume, room, roster, .. } = seated;
    Present { participant, session, standing, resume, room, roster, events }
}

fn session_of(prepared: &Prepared, downlink: Downlink, offer: String) -> OpenSession {
    OpenSession {
        room: prepared.key,
        class: prepared.class,
        downlink,
        track: prepared.track,
        muted: prepared.muted,
        offer,
    }
}
