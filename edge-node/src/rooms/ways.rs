//! Whom to ask about a room: its owner, whoever was named last, or anybody.

use std::collections::BTreeMap;
use std::time::Instant;

use stoa_link::LinkId;
use stoa_protocol::ids::{NodeId, RoomId};
use stoa_protocol::mesh::control::{self, Ask, Body, ORIGINS_MAX, Problem, Request};

use super::answers::Failure;
use super::hub::Hub;
use super::problem;
use super::requests::{Errand, Purpose};
use crate::webrtc::RoomKey;

/// Rooms without anybody here whose owner is remembered.
const OWNERS_REMEMBERED_MAX: usize = 4_096;

/// Whom to ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    Open(LinkId),
    /// The owner is known, or nobody is linked.
    Lost,
}

/// What is remembered of origins that are not linked now, and of rooms that have nobody here.
#[derive(Debug, Default)]
pub(super) struct Memory {
    owners: BTreeMap<RoomId, (NodeId, u64)>,
    by_age: BTreeMap<u64, RoomId>,
    last: u64,
    lost: BTreeMap<NodeId, Instant>,
}

impl Memory {
    /// A room is where somebody says.
    pub(super) fn note_owner(&mut self, room: &RoomId, node: NodeId) {
        self.last += 1;
        if let Some((_, age)) = self.owners.insert(room.clone(), (node, self.last)) {
            self.by_age.remove(&age);
        }
        self.by_age.insert(self.last, room.clone());
        if self.owners.len() > OWNERS_REMEMBERED_MAX
            && let Some((_, oldest)) = self.by_age.pop_first()
        {
            self.owners.remove(&oldest);
        }
    }

    pub(super) fn owner_of(&self, room: &RoomId) -> Option<&NodeId> {
        self.owners.get(room).map(|(node, _)| node)
    }

    /// The last link to an origin is down.
    pub(super) fn note_lost(&mut self, node: NodeId, now: Instant) {
        self.lost.insert(node, now);
        if self.lost.len() > ORIGINS_MAX
            && let Some(oldest) = self.lost.iter().min_by_key(|(_, at)| **at)
        {
            let oldest = oldest.0.clone();
            self.lost.remove(&oldest);
        }
    }

    /// Since when an origin is not linked, if it was and is not any more.
    pub(super) fn lost_at(&self, node: &NodeId) -> Option<Instant> {
        self.lost.get(node).copied()
    }

    pub(super) fn note_found(&mut self, node: &NodeId) {
        self.lost.remove(node);
    }
}

impl Hub {
    /// Whom to ask this. A room whose owner is lost is nobody else's: one who does not know it would
    /// say that it does not exist.
    pub(super) fn way_of(&self, ask: &Ask) -> Way {
        let room = room_of(ask).and_then(|room| RoomId::new(room).ok());
        let makes = matches!(ask, Ask::CreateRoom(_));
        room.map_or_else(|| self.way_anywhere(makes), |room| self.way_to(&room, makes))
    }

    /// Whom to ask about a room; `makes` when it is to be made.
    pub(super) fn way_to(&self, id: &RoomId, makes: bool) -> Way {
        let room = self.directory.key_of(id).and_then(|key| self.directory.get(key));
        match room.map(|room| (room.owner, &room.owner_node)) {
            Some((Some(owner), _)) => Way::Open(owner),
            Some((None, Some(_))) => Way::Lost,
            Some((None, None)) | None => {
                let remembered = self.memory.owner_of(id);
                let link = remembered.and_then(|node| self.parents.link_of(node));
                link.map_or_else(|| self.way_anywhere(makes), Way::Open)
            }
        }
    }

    fn way_anywhere(&self, makes: bool) -> Way {
        let link = if makes { self.parents.nearest() } else { self.parents.any() };
        link.map_or(Way::Lost, Way::Open)
    }

    /// Asks whoever is to be asked, at once or as soon as a lost owner has a successor.
    pub(super) fn ask(&mut self, ask: Ask, purpose: Purpose, now: Instant) -> Result<(), Problem> {
        let placed = self.place(Errand::with(purpose, ask, now), now);
        placed.map_err(|(_, failure)| failure.into_problem())
    }

    /// The same for what was asked before, in vain.
    pub(super) fn ask_again(&mut self, mut errand: Errand, now: Instant) {
        errand.renew(now);
        if now >= errand.last_chance {
            return self.fail(&errand.purpose, Failure::LinkLost, now);
        }
        self.carry_on(errand, now);
    }

    /// Asks, or tells those who wait that it came to nothing.
    pub(super) fn carry_on(&mut self, errand: Errand, now: Instant) {
        if let Purpose::Join { seat, ticket } = errand.purpose
            && self.seats.get(seat).is_none()
        {
            // The room has ended meanwhile.
            return self.answer(ticket, Err(problem::seat_lost()));
        }
        if let Err((errand, failure)) = self.place(errand, now) {
            self.fail(&errand.purpose, failure, now);
        }
    }

    fn place(&mut self, errand: Errand, now: Instant) -> Result<(), (Box<Errand>, Failure)> {
        let Some(ask) = &errand.ask else { return Err((Box::new(errand), Failure::LinkLost)) };
        match self.way_of(ask) {
            Way::Open(link) => {
                if let Ask::Join(control::Join { room, .. }) = ask
                    && let Some(key) = self.directory.key_of_text(room)
                {
                    self.guess(key, link);
                }
                self.dispatch(link, errand)
            }
            Way::Lost => self.hold(errand, now).map_err(|errand| (errand, Failure::LinkLost)),
        }
    }

    /// A room of which nobody has said whose it is may be that of whoever is asked.
    pub(super) fn guess(&mut self, key: RoomKey, link: LinkId) {
        let unknown =
            |room: &&mut super::room::Room| room.owner.is_none() && room.owner_node.is_none();
        if let Some(room) = self.directory.get_mut(key).filter(unknown) {
            room.adopt(Some(link));
        }
    }

    /// Asks over this link.
    pub(super) fn dispatch(
        &mut self,
        link: LinkId,
        errand: Errand,
    ) -> Result<(), (Box<Errand>, Failure)> {
        let ask = errand.ask.clone();
        match self.requests.register(link, errand) {
            Ok(id) => {
                self.count_requests();
                self.send(link, Body::Request(Request { id, ask }));
                Ok(())
            }
            Err(errand) => {
                self.metrics.limits.requests.inc();
                Err((errand, Failure::Refused(problem::busy())))
            }
        }
    }
}

/// The room that a question is about.
pub(super) fn room_of(ask: &Ask) -> Option<&str> {
    let room = match ask {
        Ask::CreateRoom(control::CreateRoom { room, .. })
        | Ask::ReadRoom(control::ReadRoom { room, .. })
        | Ask::CloseRoom(control::CloseRoom { room, .. })
        | Ask::Join(control::Join { room, .. })
        | Ask::Leave(control::Leave { room, .. })
        | Ask::SetMuted(control::SetMuted { room, .. })
        | Ask::ChangeRoom(control::ChangeRoom { room, .. })
        | Ask::Act(control::Act { room, .. })
        | Ask::ListParticipants(control::ListParticipants { room, .. })
        | Ask::ReadLog(control::ReadLog { room, .. })
        | Ask::ListBans(control::ListBans { room, .. }) => room,
        Ask::Personal(control::Personal { request, .. }) => {
            return room_of(request.as_ref()?.ask.as_ref()?);
        }
        Ask::ListRooms(_)
        | Ask::Revoke(_)
        | Ask::EraseIdentity(_)
        | Ask::Block(_)
        | Ask::ListBlocks(_) => return None,
    };
    Some(room).filter(|room| !room.is_empty()).map(String::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn room(index: usize) -> RoomId {
        RoomId::new(format!("room-{index}")).unwrap()
    }

    fn node(index: usize) -> NodeId {
        NodeId::new(format!("origin-{index}")).unwrap()
    }

    #[test]
    fn the_longest_unnamed_of_too_many_rooms_is_forgotten() {
        let mut memory = Memory::default();
        for index in 0..OWNERS_REMEMBERED_MAX {
            memory.note_owner(&room(index), node(1));
        }
        memory.note_owner(&room(0), node(2));
        memory.note_owner(&room(OWNERS_REMEMBERED_MAX), node(1));
        assert_eq!(memory.owner_of(&room(0)), Some(&node(2)));
        assert_eq!(memory.owner_of(&room(1)), None);
        assert_eq!(
            (memory.owners.len(), memory.by_age.len()),
            (OWNERS_REMEMBERED_MAX, OWNERS_REMEMBERED_MAX)
        );
    }

    #[test]
    fn lost_origins_are_remembered_within_a_bound() {
        let mut memory = Memory::default();
        let start = Instant::now();
        for index in 0..=ORIGINS_MAX {
            memory.note_lost(node(index), start + std::time::Duration::from_secs(index as u64));
        }
        assert_eq!(memory.lost_at(&node(0)), None);
        assert_eq!(memory.lost.len(), ORIGINS_MAX);
        memory.note_found(&node(1));
        assert_eq!(memory.lost_at(&node(1)), None);
    }
}
