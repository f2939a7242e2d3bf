//! One client's WebSocket from its first message to its last, in one task.
//!
//! A WebSocket that drops without `leave` does not end the session: audio lives as long as its
//! own path does, and ends within seconds of it (ICE consent, RFC 7675).

use std::future::pending;

use axum::extract::ws::Message;
use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{Sink, Stream, StreamExt};
use stoa_protocol::ids::RoomId;
use stoa_protocol::token::Trace;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};

use super::super::allowance::Allowance;
use super::super::app::Shared;
use super::super::client::Client;
use super::super::metrics::Limit;
use super::super::problem::Problem;
use super::super::sessions::restarts;
use super::ending::Ending;
use super::entering::Entrance;
use super::outbox::Outbox;
use super::pace::{Overdue, Watch, messages, reactions};
use super::said::{MessageId, Said, read};
use super::sending::{Written, write};
use super::told::Told;
use crate::rooms::ParticipantEvent;
use crate::webrtc::SessionId;

/// Anything that carries WebSocket messages both ways.
pub(super) trait Socket:
    Stream<Item = Result<Message, axum::Error>> + Sink<Message, Error = axum::Error> + Send + Unpin
{
}

impl<T> Socket for T where
    T: Stream<Item = Result<Message, axum::Error>>
        + Sink<Message, Error = axum::Error>
        + Send
        + Unpin
{
}

/// Serves one WebSocket until it ends.
pub(super) async fn converse(app: Shared, room: RoomId, client: Client, socket: impl Socket) {
    let now = Instant::now().into_std();
    let (sink, stream) = socket.split();
    let talk = Talk {
        app,
        room,
        client,
        trace: None,
        outbox: Outbox::default(),
        pace: messages(now),
        reactions: reactions(now),
        restarts: restarts(now),
        watch: Watch::new(now),
        session: None,
        draining: false,
        others_told: 0,
        readable: true,
    };
    talk.run(sink, stream).await;
}

/// Whether the task goes on.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Step {
    Continue,
    CutOff,
}

pub(super) struct Talk {
    pub(super) app: Shared,
    pub(super) room: RoomId,
    pub(super) client: Client,
    /// What a revocation can name of the session.
    pub(super) trace: Option<Trace>,
    pub(super) outbox: Outbox,
    pace: Allowance,
    pub(super) reactions: Allowance,
    pub(super) restarts: Allowance,
    pub(super) watch: Watch,
    pub(super) session: Option<SessionId>,
    /// Whether the client knows that the node will leave.
    pub(super) draining: bool,
    /// Which other edges the client knows of.
    pub(super) others_told: u64,
    /// Whether the stream may still give messages.
    readable: bool,
}

pub(super) type Events = Option<mpsc::Receiver<ParticipantEvent>>;

impl Talk {
    async fn run<S: Socket>(mut self, mut sink: SplitSink<S, Message>, mut stream: SplitStream<S>) {
        let app = self.app.clone();
        let mut events: Events = None;
        let mut unflushed = false;
        loop {
            let now = Instant::now().into_std();
            let waits = unflushed || !self.outbox.is_empty();
            self.watch.sending(waits, now);
            let step = tokio::select! {
                message = stream.next(), if self.readable => match message {
                    Some(Ok(message)) => {
                        self.hear(message, &mut events).await;
                        Step::Continue
                    }
                    Some(Err(error)) => self.broken(&error),
                    None => Step::CutOff,
                },
                written = write(&mut sink, &mut self.outbox, &app.roster_texts, &mut unflushed), if waits => {
                    self.wrote(&written)
                }
                event = next_event(&mut events) => {
                    self.note(event, &mut events);
                    Step::Continue
                }
                () = sleep_until(self.watch.poll_timeout().into()) => self.overdue(),
                () = app.stopped(), if !self.outbox.is_ending() => {
                    self.end("draining");
                    Step::Continue
                }
            };
            if step == Step::CutOff {
                return;
            }
        }
    }

    async fn hear(&mut self, message: Message, events: &mut Events) {
        let now = Instant::now().into_std();
        self.watch.heard(now);
        if let Message::Close(frame) = message {
            // The layer below answers it while it is read to its end.
            self.outbox.abandon();
            self.watch.closing(now);
            self.close(frame.map(|frame| frame.code)).await;
            return;
        }
        if self.outbox.is_ending() || !self.admit(now) {
            return;
        }
        match message {
            Message::Text(text) => {
                self.app.metrics.message_received();
                match read(&text) {
                    Ok((id, said)) => self.answer(id, said, events).await,
                    Err((id, sentence)) => self.refuse(id, &malformed(&sentence), true),
                }
                // The room side may have taken its time; that is not the client's slowness.
                self.watch.sent();
            }
            Message::Binary(_) => self.refuse(None, &malformed("Messages are text frames."), true),
            // Answered by the layer below, and a sign of life.
            _ => {}
        }
    }

    /// Counts any frame against the client's allowance; beyond it the conversation ends.
    fn admit(&mut self, now: std::time::Instant) -> bool {
        let admitted = self.pace.admit(now);
        if !admitted {
            self.app.metrics.reached(Limit::MessageRate);
            self.outbox.end(Ending::new(4400, "too many messages"));
        }
        admitted
    }

    async fn answer(&mut self, id: Option<MessageId>, said: Said, events: &mut Events) {
        match (said, self.session) {
            (Said::Join { .. } | Said::Resume { .. }, Some(_)) => {
                let problem =
                    Problem::bad_request("joined-already", "This connection is in the room.");
                self.refuse(id, &problem, false);
            }
            (Said::Join { token, name, sdp, muted, resume }, None) => {
                let entrance = Entrance { token, name, sdp, muted, resume };
                match self.join(id, entrance).await {
                    Ok(arrivals) => *events = arrivals,
                    Err(problem) => self.refuse(id, &problem, true),
                }
            }
            (Said::Resume { token, resume }, None) => {
                match self.resume(id, &token, &resume).await {
                    Ok(arrivals) => *events = arrivals,
                    // A client whose place is gone joins instead, on the same connection.
                    Err(problem) => {
                        let ends = problem.status.as_u16() != 404;
                        self.refuse(id, &problem, ends);
                    }
                }
            }
            (_, None) => {
                self.refuse(id, &malformed("The first message must be `join` or `resume`."), true);
            }
            (Said::Restart { sdp }, Some(session)) => match self.restart(session, &sdp).await {
                Ok(restarted) => self.tell(&Told::Restarted { id, sdp: &restarted.answer }),
                Err(problem) => self.refuse(id, &problem, false),
            },
            (Said::Mute { muted, participant }, Some(session)) => {
                self.mute(id, session, participant, muted).await;
            }
            (Said::Packets { ms }, Some(session)) => self.change_packets(id, session, ms),
            (Said::Hand { raised }, Some(session)) => self.raise_hand(id, session, raised).await,
            (Said::Stage(action), Some(session)) => self.act(id, session, action).await,
            (Said::React { reaction }, Some(session)) => self.react(id, session, &reaction).await,
            (Said::Participants { after, limit }, Some(session)) => {
                self.list_people(id, session, after, limit).await;
            }
            (Said::Leave, Some(session)) => self.leave(id, session).await,
            (Said::Ping, Some(_)) => self.answer_ping(id),
        }
    }

    /// A client that closes in order (RFC 6455 section 7.4.1: done, or a closed tab) has left. One whose
    /// connection was merely lost may still be there: its media says so.
    async fn close(&mut self, code: Option<u16>) {
        if !matches!(code, Some(1000 | 1001)) {
            return;
        }
        if let Some(session) = self.session.take() {
            // Nobody is left to hear of a refusal.
            let _ = self.app.ask(self.app.rooms.leave(session)).await;
        }
    }

    pub(super) fn tell(&mut self, told: &Told<'_>) {
        if self.outbox.answer(told).is_err() {
            self.app.metrics.reached(Limit::SlowReader);
            self.outbox.end(Ending::new(4408, "too slow"));
        }
    }

    pub(super) fn refuse(&mut self, id: Option<MessageId>, problem: &Problem, ends: bool) {
        self.tell(&Told::refusal(id, problem));
        if ends {
            self.outbox.end(Ending::after(problem));
        }
    }

    fn note(&mut self, event: Option<ParticipantEvent>, events: &mut Events) {
        match event {
            Some(ParticipantEvent::Roster(roster)) => self.outbox.set_roster(roster),
            Some(ParticipantEvent::Slots(slots)) => self.outbox.set_slots(slots),
            Some(ParticipantEvent::Counts(counts)) => self.outbox.set_counts(counts),
            Some(ParticipantEvent::Hands(hands)) => self.outbox.set_hands(hands),
            Some(ParticipantEvent::Standing(standing)) => self.outbox.set_standing(standing),
            Some(ParticipantEvent::Title(title)) => self.outbox.set_title(title),
            Some(ParticipantEvent::Reactions(counts)) => self.outbox.add_reactions(&counts),
            Some(ParticipantEvent::Draining { over }) => self.ask_to_move(over),
            Some(ParticipantEvent::Staying) => self.ask_to_stay(),
            Some(ParticipantEvent::Closed { reason }) => {
                *events = None;
                // Whether it is over or another connection's now: this one must not end it by closing.
                self.session = None;
                self.end(reason);
            }
            None => {
                *events = None;
                self.end(if self.draining { "draining" } else { "failed" });
            }
        }
    }

    /// The session or the server ends; what has been told already is not told again.
    fn end(&mut self, reason: &'static str) {
        let revoked = self.trace.as_ref().is_some_and(|trace| self.app.authority.is_revoked(trace));
        let reason = if revoked { "revoked" } else { reason };
        let ending = Ending::of_session(reason);
        let told = self.draining && reason == "draining";
        self.outbox.end(if told { Ending { closed: None, ..ending } } else { ending });
    }

    fn wrote(&mut self, written: &Result<Written, axum::Error>) -> Step {
        match written {
            Ok(Written::Queued) => {
                self.app.metrics.message_sent();
                if self.outbox.is_closed() {
                    self.watch.closing(Instant::now().into_std());
                }
            }
            Ok(Written::Flushed) => {
                self.watch.sent();
                if self.outbox.is_closed() && !self.readable {
                    return Step::CutOff;
                }
            }
            Err(_) => return Step::CutOff,
        }
        Step::Continue
    }

    /// The stream gives no more messages; at best the client still reads our closing frame.
    fn broken(&mut self, error: &axum::Error) -> Step {
        tracing::debug!(%error, "a WebSocket broke");
        self.readable = false;
        if self.outbox.is_ending() {
            return Step::CutOff;
        }
        self.app.metrics.reached(Limit::BodyBytes);
        self.outbox.end(Ending::new(4400, "message too large or malformed"));
        Step::Continue
    }

    fn overdue(&mut self) -> Step {
        let limit = match self.watch.handle_timeout(Instant::now().into_std()) {
            None => return Step::Continue,
            Some(Overdue::Ping) => {
                self.outbox.ping();
                return Step::Continue;
            }
            Some(Overdue::Join) => {
                self.app.metrics.reached(Limit::JoinTime);
                self.watch.joined();
                self.outbox.end(Ending::new(4408, "no join"));
                return Step::Continue;
            }
            Some(Overdue::Close) => return Step::CutOff,
            Some(Overdue::Send) => Limit::SlowReader,
            Some(Overdue::Silence) => Limit::Silence,
        };
        self.app.metrics.reached(limit);
        Step::CutOff
    }
}

async fn next_event(events: &mut Events) -> Option<ParticipantEvent> {
    match events {
        Some(events) => events.recv().await,
        None => pending().await,
    }
}

fn malformed(sentence: &str) -> Problem {
    Problem::bad_request("message-malformed", sentence)
}
