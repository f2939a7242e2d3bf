//! The room side as the signaling server sees it: a trait, so that tests can stand in for it.

use std::future::Future;
use std::pin::Pin;

use stoa_protocol::ids::{ParticipantId, RoomId};
use stoa_protocol::mesh::control::{Problem, RoomInfo, RoomPage};

use crate::media::PacketLength;
use crate::rooms::{JoinAsk, Joined, RoomsHandle};
use crate::webrtc::{Restarted, SessionId};

/// What a call comes to, once the room side has answered.
pub type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T, Problem>> + Send + 'a>>;

/// What the server asks of the room side; see [`RoomsHandle`] for each call's meaning and errors.
pub trait Rooms: Send + Sync + 'static {
    /// Makes a room.
    fn create(&self, room: Option<RoomId>, name: String) -> Answer<'_, RoomInfo>;
    /// A page of rooms.
    fn list(&self, after: String, limit: u32) -> Answer<'_, RoomPage>;
    /// Reads a room.
    fn read(&self, room: RoomId) -> Answer<'_, RoomInfo>;
    /// Ends a room for everybody.
    fn close(&self, room: RoomId) -> Answer<'_, ()>;
    /// Takes a participant in.
    fn join(&self, ask: JoinAsk) -> Answer<'_, Joined>;
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
    /// Changes the length of a listener's packets.
    fn change_packets(&self, session: SessionId, length: PacketLength);
}

impl Rooms for RoomsHandle {
    fn create(&self, room: Option<RoomId>, name: String) -> Answer<'_, RoomInfo> {
        Box::pin(self.create(room, name))
    }

    fn list(&self, after: String, limit: u32) -> Answer<'_, RoomPage> {
        Box::pin(self.list(after, limit))
    }

    fn read(&self, room: RoomId) -> Answer<'_, RoomInfo> {
        Box::pin(self.read(room))
    }

    fn close(&self, room: RoomId) -> Answer<'_, ()> {
        Box::pin(self.close(room))
    }

    fn join(&self, ask: JoinAsk) -> Answer<'_, Joined> {
        Box::pin(self.join(ask))
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

    fn change_packets(&self, session: SessionId, length: PacketLength) {
        self.change_packets(session, length);
    }
}
