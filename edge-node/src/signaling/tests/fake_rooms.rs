//! Stands in for the room side: notes what it is asked, answers as it is told.

use std::collections::VecDeque;
use std::future::{pending, ready};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use stoa_protocol::ids::{ParticipantId, Role, RoomId};
use stoa_protocol::mesh::control::{
    self, Ask, BanInfo, BanPage, BlockInfo, BlockPage, CreateRoom, Done, Erased, LogEntry, LogPage,
    ParticipantInfo, ParticipantPage, Problem, RoomInfo, RoomPage, RoomSettings,
};
use tokio::sync::{Notify, mpsc};

use crate::media::PacketLength;
use crate::rooms::{
    Action, JoinAsk, Joined, OwnStanding, ParticipantEvent, Present, Reaction, Resume, Roster,
    RosterMember,
};
use crate::signaling::{Answer, Rooms};
use crate::webrtc::{Opened, Restarted, SessionId};

/// The answer to every offer; its first media line has a candidate.
pub(super) const ANSWER: &str = "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n\
    a=group:BUNDLE 0\r\na=ice-lite\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:0\r\n\
    a=ice-ufrag:ours1\r\na=candidate:1 1 udp 2130706431 198.51.100.1 3478 typ host\r\n";

/// What was asked.
#[derive(Clone, Debug)]
pub(super) enum Call {
    Create(CreateRoom),
    Ask(Ask),
    Join(JoinAsk),
    Resume(RoomId, String, String),
    Restart(SessionId, String),
    Leave(SessionId),
    SetMuted(SessionId, Option<ParticipantId>, bool),
    Act(SessionId, Action),
    ListPeople(SessionId, String, u32),
    React(SessionId, Reaction),
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
    /// Of everybody who wants them, in the order of their joins.
    events: Mutex<Vec<mpsc::Sender<ParticipantEvent>>>,
    /// Whether joins wait, that one does, and that it may go on.
    holds: AtomicBool,
    waits: Notify,
    released: Notify,
}

impl FakeRooms {
    /// The next call is refused.
    pub(super) fn refuse(&self, status: u32, code: &str, detail: &str) {
        let problem =
            Problem { status, code: code.into(), detail: detail.into(), ..Problem::default() };
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
        drop(self.events.lock().expect("events").pop().expect("nobody has joined"));
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
        events.last().expect("nobody has joined").try_send(event).expect("room in the queue");
    }

    fn present(&self, session: SessionId, role: Role, muted: bool, hears: bool) -> Present {
        let (sender, events) = mpsc::channel(8);
        if hears {
            self.events.lock().expect("events").push(sender);
        }
        let stage = vec![member("p_0", "Socrates", Role::Host, false)];
        Present {
            participant: ParticipantId::new("p_1").expect("participant"),
            session,
            standing: OwnStanding { role, muted, hand: false, invited: false },
            resume: Resume::parse(RESUME).expect("resume"),
            room: info(&agora()),
            roster: Arc::new(Roster { stage, listeners: 12 }),
            events: hears.then_some(events),
        }
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
        settings: Some(RoomSettings { topic: Some("Justice".into()), ..RoomSettings::default() }),
        hands: 2,
        tenant: String::new(),
        feeds_effective: Some(2),
    }
}

/// What everybody is given to come back with.
pub(super) const RESUME: &str = "p_1.0123456789abcdef0123456789abcdef";

/// What the owner says.
fn answer_to(ask: &Ask) -> control::Answer {
    match ask {
        Ask::ListRooms(_) => {
            let page = RoomPage { rooms: vec![info(&agora())], next: "agora".into() };
            control::Answer::Rooms(page)
        }
        Ask::Personal(personal) => {
            let inner = personal.request.as_ref().and_then(|request| request.ask.as_ref());
            answer_to(inner.expect("something is asked"))
        }
        Ask::EraseIdentity(_) => {
            let erased = Erased { rooms: 2, log_entries: 7, blocks: 3, ..Erased::default() };
            control::Answer::Erased(erased)
        }
        Ask::ReadRoom(_) | Ask::ChangeRoom(_) => control::Answer::Room(info(&agora())),
        Ask::ListParticipants(list) => control::Answer::Participants(people(list.identities)),
        Ask::ReadLog(_) => {
            let entry = LogEntry { number: 8, event: "room-created".into(), ..LogEntry::default() };
            control::Answer::Log(LogPage { entries: vec![entry], next: 8 })
        }
        Ask::ListBlocks(_) => {
            let block = BlockInfo { identity: "eve".into(), at_ms: 1_700_000_000_000 };
            control::Answer::Blocks(BlockPage { blocks: vec![block], next: "eve".into() })
        }
        Ask::ListBans(_) => {
            let ban = BanInfo { identity: "eve".into(), ..BanInfo::default() };
            control::Answer::Bans(BanPage { bans: vec![ban], next: "eve".into() })
        }
        _ => control::Answer::Done(Done {}),
    }
}

fn people(identities: bool) -> ParticipantPage {
    let plato = ParticipantInfo {
        participant: "p_2".into(),
        name: "Plato".into(),
        hand: true,
        identity: if identities { "plato".into() } else { String::new() },
        raised_ms: 1_700_000_000_500,
        ..ParticipantInfo::default()
    };
    ParticipantPage { participants: vec![plato], next: "p_2".into() }
}

/// A member of the stage.
pub(super) fn member(participant: &str, name: &str, role: Role, muted: bool) -> RosterMember {
    let participant = ParticipantId::new(participant).expect("participant");
    RosterMember { participant, name: name.into(), role, muted }
}

impl Rooms for FakeRooms {
    fn create(&self, create: CreateRoom) -> Answer<'_, RoomInfo> {
        let made = info(&RoomId::new(create.room.clone()).unwrap_or_else(|_| agora()));
        self.answer(Call::Create(create), || made)
    }

    fn ask(&self, ask: Ask) -> Answer<'_, control::Answer> {
        let answer = answer_to(&ask);
        self.answer(Call::Ask(ask), || answer)
    }

    fn join(&self, ask: JoinAsk) -> Answer<'_, Joined> {
        let session = SessionId(1 + self.calls().len() as u64);
        let (role, muted, wants_events) = (ask.role, ask.muted, ask.wants_events);
        let joined = self.answer(Call::Join(ask), || {
            let slot_mids = ["1", "2", "3"].map(str::to_owned).to_vec();
            let (answer, ice_ufrag) = (ANSWER.into(), "ours1".into());
            let opened = Opened { session, answer, slot_mids, ice_ufrag };
            Joined { opened, present: self.present(session, role, muted, wants_events) }
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

    fn resume(&self, room: RoomId, identity: String, resume: Resume) -> Answer<'_, Present> {
        let call = Call::Resume(room, identity, resume.to_text());
        self.answer(call, || self.present(SessionId(1), Role::Speaker, false, true))
    }

    fn act(&self, by: SessionId, action: Action) -> Answer<'_, ()> {
        self.answer(Call::Act(by, action), || ())
    }

    fn list_people(&self, by: SessionId, after: String, limit: u32) -> Answer<'_, ParticipantPage> {
        self.answer(Call::ListPeople(by, after, limit), || people(false))
    }

    fn react(&self, by: SessionId, reaction: Reaction) -> Answer<'_, ()> {
        self.answer(Call::React(by, reaction), || ())
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
