//! Stands in for the room side: notes what it is asked, answers as it is told.

use std::collections::VecDeque;
use std::future::{pending, ready};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use stoa_protocol::ids::{ParticipantId, Role, RoomId};
use stoa_protocol::mesh::control::{Problem, RoomInfo, RoomPage};
use tokio::sync::{Notify, mpsc};

use crate::media::PacketLength;
use crate::rooms::{JoinAsk, Joined, ParticipantEvent, Roster, RosterMember};
use crate::signaling::{Answer, Rooms};
use crate::webrtc::{Opened, Restarted, SessionId};

/// The answer to every offer; its first media line has a candidate.
pub(super) const ANSWER: &str = "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n\
    a=group:BUNDLE 0\r\na=ice-lite\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:0\r\n\
    a=ice-ufrag:ours1\r\na=candidate:1 1 udp 2130706431 198.51.100.1 3478 typ host\r\n";

/// What was asked.
#[derive(Clone, Debug)]
pub(super) enum Call {
    Create(Option<RoomId>, String),
    List(String, u32),
    Read(RoomId),
    Close(RoomId),
    Join(JoinAsk),
    Restart(SessionId, String),
    Leave(SessionId),
    SetMuted(SessionId, Option<ParticipantId>, bool),
    ChangePackets(SessionId, PacketLength),
}

/// How the next call ends, if not well.
pub(super) enum Fate {
    Refused(Problem),
    Silent,
}

/// See the module.
#[derive(Default)]
pub(super) struct FakeRooms {
    calls: Mutex<Vec<Call>>,
    fates: Mutex<VecDeque<Fate>>,
    events: Mutex<Option<mpsc::Sender<ParticipantEvent>>>,
    /// Whether joins wait, that one does, and that it may go on.
    holds: AtomicBool,
    waits: Notify,
    released: Notify,
}

impl FakeRooms {
    /// The next call is refused.
    pub(super) fn refuse(&self, status: u32, code: &str, detail: &str) {
        let problem =
            Problem { status, code: code.into(), detail: detail.into(), retry_after_s: 0 };
        self.fates.lock().expect("fates").push_back(Fate::Refused(problem));
    }

    /// The next call gets no answer.
    pub(super) fn fall_silent(&self) {
        self.fates.lock().expect("fates").push_back(Fate::Silent);
    }

    /// The next join waits until [`Self::release`].
    pub(super) fn hold(&self) {
        self.holds.store(true, Ordering::SeqCst);
    }

    /// Until a join waits.
    pub(super) async fn held(&self) {
        self.waits.notified().await;
    }

    /// The join that waits goes on.
    pub(super) fn release(&self) {
        self.released.notify_one();
    }

    /// The session of the one who joined last ends without a word.
    pub(super) fn hang_up(&self) {
        self.events.lock().expect("events").take().expect("nobody has joined");
    }

    /// What was asked so far.
    pub(super) fn calls(&self) -> Vec<Call> {
        self.calls.lock().expect("calls").clone()
    }

    /// The last join.
    pub(super) fn last_join(&self) -> JoinAsk {
        let last = self.calls().into_iter().rev().find_map(|call| match call {
            Call::Join(ask) => Some(ask),
            _ => None,
        });
        last.expect("a join")
    }

    /// Something happens in the room of the one who joined last.
    pub(super) fn happen(&self, event: ParticipantEvent) {
        let events = self.events.lock().expect("events");
        events.as_ref().expect("nobody has joined").try_send(event).expect("room in the queue");
    }

    fn answer<T: Send + 'static>(&self, call: Call, well: impl FnOnce() -> T) -> Answer<'_, T> {
        self.calls.lock().expect("calls").push(call);
        match self.fates.lock().expect("fates").pop_front() {
            None => Box::pin(ready(Ok(well()))),
            Some(Fate::Refused(problem)) => Box::pin(ready(Err(problem))),
            Some(Fate::Silent) => Box::pin(pending()),
        }
    }
}

/// The room of all tests.
pub(super) fn agora() -> RoomId {
    RoomId::new("agora").expect("room")
}

fn info(room: &RoomId) -> RoomInfo {
    RoomInfo {
        room: room.to_string(),
        name: "The Agora".into(),
        created_ms: 1_700_000_000_000,
        speakers: 1,
        listeners: 12,
    }
}

/// A member of the stage.
pub(super) fn member(participant: &str, name: &str, role: Role, muted: bool) -> RosterMember {
    let participant = ParticipantId::new(participant).expect("participant");
    RosterMember { participant, name: name.into(), role, muted }
}

impl Rooms for FakeRooms {
    fn create(&self, room: Option<RoomId>, name: String) -> Answer<'_, RoomInfo> {
        let made = info(&room.clone().unwrap_or_else(agora));
        self.answer(Call::Create(room, name), || made)
    }

    fn list(&self, after: String, limit: u32) -> Answer<'_, RoomPage> {
        let page = RoomPage { rooms: vec![info(&agora())], next: "agora".into() };
        self.answer(Call::List(after, limit), || page)
    }

    fn read(&self, room: RoomId) -> Answer<'_, RoomInfo> {
        let read = info(&room);
        self.answer(Call::Read(room), || read)
    }

    fn close(&self, room: RoomId) -> Answer<'_, ()> {
        self.answer(Call::Close(room), || ())
    }

    fn join(&self, ask: JoinAsk) -> Answer<'_, Joined> {
        let session = SessionId(1 + self.calls().len() as u64);
        let room = info(&ask.room);
        let wants_events = ask.wants_events;
        let joined = self.answer(Call::Join(ask), move || {
            let (sender, events) = mpsc::channel(8);
            *self.events.lock().expect("events") = Some(sender);
            let stage = vec![member("p_0", "Socrates", Role::Host, false)];
            let slot_mids = ["1", "2", "3"].map(str::to_owned).to_vec();
            Joined {
                participant: ParticipantId::new("p_1").expect("participant"),
                session,
                opened: Opened {
                    session,
                    answer: ANSWER.into(),
                    slot_mids,
                    ice_ufrag: "ours1".into(),
                },
                room,
                roster: Arc::new(Roster { stage, listeners: 12 }),
                events: wants_events.then_some(events),
            }
        });
        if !self.holds.swap(false, Ordering::SeqCst) {
            return joined;
        }
        Box::pin(async move {
            self.waits.notify_one();
            self.released.notified().await;
            joined.await
        })
    }

    fn restart(&self, session: SessionId, offer: String) -> Answer<'_, Restarted> {
        self.answer(Call::Restart(session, offer), || Restarted {
            answer: ANSWER.into(),
            ice_ufrag: "ours2".into(),
            ice_pwd: "0123456789012345678901".into(),
        })
    }

    fn leave(&self, session: SessionId) -> Answer<'_, ()> {
        self.answer(Call::Leave(session), || ())
    }

    fn set_muted(
        &self,
        by: SessionId,
        participant: Option<ParticipantId>,
        muted: bool,
    ) -> Answer<'_, ()> {
        self.answer(Call::SetMuted(by, participant, muted), || ())
    }

    fn change_packets(&self, session: SessionId, length: PacketLength) {
        self.calls.lock().expect("calls").push(Call::ChangePackets(session, length));
    }
}
