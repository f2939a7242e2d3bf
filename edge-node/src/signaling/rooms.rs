//! The room side as the signaling server sees it: a trait, so that tests can stand in for it.

use std::future::Future;
use std::pin::Pin;

use stoa_protocol::ids::{ParticipantId, RoomId};
use stoa_protocol::mesh::control::{self, Ask, CreateRoom, ParticipantPage, Problem, RoomInfo};

use crate::media::PacketLength;
use crate::rooms::{Action, JoinAsk, Joined, Present, Reaction, Resume, RoomsHandle};
use crate::webrtc::{Restarted, SessionId};

/// What a call comes to, once the room side has answered.
pub type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T, Problem>> + Send + 'a>>;

/// What the server asks of the room side; see [`RoomsHandle`] for each call's meaning and errors.
pub trait Rooms: Send + Sync + 'static {
    /// Makes a room.
    fn create(&self, create: CreateRoom) -> Answer<'_, RoomInfo>;
    /// Asks the owner anything that takes no part in a room.
    fn ask(&self, ask: Ask) -> Answer<'_, control::Answer>;
    /// Takes a participant in.
    fn join(&self, ask: JoinAsk) -> Answer<'_, Joined>;
    /// Takes up the seat of a lost connection.
    fn resume(&self, room: RoomId, identity: String, resume: Resume) -> Answer<'_, Present>;
    /// Restarts ICE of a session.
    fn restart(&self, session: SessionId, offer: String) -> Answer<'_, Restarted>;
    /// Hangs up.
    fn leave(&self, session: SessionId) -> Answer<'_, ()>;
    /// Mutes or unmutes.
    fn set_muted(
        &self,
        by: SessionId,
        participant: Option<ParticipantId>,
        muted: bool,
    ) -> Answer<'_, ()>;
    /// Does something in the room.
    fn act(&self, by: SessionId, action: Action) -> Answer<'_, ()>;
    /// A page of who is in the room.
    fn list_people(&self, by: SessionId, after: String, limit: u32) -> Answer<'_, ParticipantPage>;
    /// Gives a reaction.
    fn react(&self, by: SessionId, reaction: Reaction) -> Answer<'_, ()>;
    /// Changes the length of a listener's packets.
    fn change_packets(&self, session: SessionId, length: PacketLength);
}

impl Rooms for RoomsHandle {
    fn create(&self, create: CreateRoom) -> Answer<'_, RoomInfo> {
        Box::pin(self.create(create))
    }

    fn ask(&self, ask: Ask) -> Answer<'_, control::Answer> {
        Box::pin(self.ask_owner(ask))
    }

    fn join(&self, ask: JoinAsk) -> Answer<'_, Joined> {
        Box::pin(self.join(ask))
    }

    fn resume(&self, room: RoomId, identity: String, resume: Resume) -> Answer<'_, Present> {
        Box::pin(self.resume(room, identity, resume))
    }

    fn restart(&self, session: SessionId, offer: String) -> Answer<'_, Restarted> {
        Box::pin(self.restart(session, offer))
    }

    fn leave(&self, session: SessionId) -> Answer<'_, ()> {
        Box::pin(self.leave(session))
    }

    fn set_muted(
        &self,
        by: SessionId,
        participant: Option<ParticipantId>,
        muted: bool,
    ) -> Answer<'_, ()> {
        Box::pin(self.set_muted(by, participant, muted))
    }

    fn act(&self, by: SessionId, action: Action) -> Answer<'_, ()> {
        Box::pin(self.act(by, action))
    }

    fn list_people(&self, by: SessionId, after: String, limit: u32) -> Answer<'_, ParticipantPage> {
        Box::pin(self.list_people(by, after, limit))
    }

    fn react(&self, by: SessionId, reaction: Reaction) -> Answer<'_, ()> {
        Box::pin(self.react(by, reaction))
    }

    fn change_packets(&self, session: SessionId, length: PacketLength) {
        self.change_packets(session, length);
    }
}
