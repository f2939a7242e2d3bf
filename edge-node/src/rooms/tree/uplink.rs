//! A speaker's way to both roots: his frames go to the room's owner and to its standby.

use stoa_audio::frame::TrackId;
use stoa_link::LinkId;
use stoa_protocol::ids::NodeId;

use super::super::command::Command;
use super::super::hub::Hub;
use super::super::seat::Seat;
use crate::webrtc::{Class, RoomKey};

impl Hub {
    /// The owner says who its standby is: voices of this edge go there, too.
    pub(in crate::rooms) fn set_standby(&mut self, key: RoomKey, standby: Option<NodeId>) {
        let Some(room) = self.directory.get_mut(key) else { return };
        if room.standby_node == standby {
            return;
        }
        room.standby_node = standby;
        self.settle_standby(key);
    }

    /// Brings the link to the standby in line with who it is and whether it is linked; announces voices there.
    pub(in crate::rooms) fn settle_standby(&mut self, key: RoomKey) {
        let Some(room) = self.directory.get_mut(key) else { return };
        let link = room.standby_node.as_ref().and_then(|node| self.parents.link_of(node));
        let link = link.filter(|link| room.owner != Some(*link));
        let before = std::mem::replace(&mut room.standby, link);
        if before == link {
            return;
        }
        let owner = room.owner;
        let voices = self.voices_of(key);
        let still_there = |link: &LinkId| Some(*link) != owner && self.parents.contains(*link);
        if let Some(former) = before.filter(still_there) {
            for seat in &voices {
                let Some(track) = seat.track else { continue };
                self.owe(Command::Unbind { link: former, track });
            }
        }
        for seat in &voices {
            self.bind(link, seat);
        }
    }

    /// An origin has come or gone: it may be a room's standby.
    pub(in crate::rooms) fn settle_standbys(&mut self) {
        for key in self.directory.keys() {
            self.settle_standby(key);
        }
    }

    /// A voice is announced to the standby.
    pub(in crate::rooms) fn bind_at_standby(&mut self, seat: &Seat) {
        let standby = self.directory.get(seat.room).and_then(|room| room.standby);
        self.bind(standby, seat);
    }

    /// A voice is announced to the standby no longer.
    pub(in crate::rooms) fn silence_at_standby(&mut self, key: RoomKey, track: TrackId) {
        if let Some(link) = self.directory.get(key).and_then(|room| room.standby) {
            self.owe(Command::Unbind { link, track });
        }
    }

    /// Everybody of this edge who is on the stage of a room.
    pub(super) fn voices_of(&self, key: RoomKey) -> Vec<Seat> {
        let seats = self.directory.get(key).map(|room| &room.seats);
        seats
            .into_iter()
            .flatten()
            .filter_map(|id| self.seats.get(*id))
            .filter(|seat| seat.joined() && seat.class == Class::Stage)
            .cloned()
            .collect()
    }
}
