//! What other edges ask of this one: to pass rooms on to them.

use std::collections::BTreeMap;
use std::time::Instant;

use stoa_audio::frame::{Epoch, Frame, TrackId};
use stoa_link::subscriptions::Change;
use stoa_link::{LinkId, TrackBinding};
use stoa_protocol::ids::RoomId;
use stoa_protocol::mesh::control::{Body, Feed, Subscribe, TrackKind, Unsubscribe};

use super::super::command::Command;
use super::super::hub::{Hub, Timer};
use crate::webrtc::RoomKey;

/// Edges that one room is passed on to; a plan needs fewer, and whoever has lost his parent may come, too.
pub(in crate::rooms) const CHILDREN_MAX: usize = 64;

impl Hub {
    /// Another edge says something.
    pub(in crate::rooms) fn handle_edge_control(&mut self, link: LinkId, body: Body, now: Instant) {
        match body {
            Body::Subscribe(subscribe) => self.handle_subscribe(link, &subscribe, now),
            Body::Unsubscribe(unsubscribe) => self.handle_unsubscribe(link, &unsubscribe, now),
            Body::Goodbye(_) | Body::Load(_) | Body::Drain(_) | Body::Undrain(_) => {}
            _ => self.metrics.refused.unexpected.inc(),
        }
    }

    /// The room need not be known here yet: the owner's word to this edge may be slower than its word to the child.
    fn handle_subscribe(&mut self, link: LinkId, wire: &Subscribe, now: Instant) {
        let (Ok(id), Ok(feed)) = (RoomId::new(wire.room.as_str()), Feed::try_from(wire.feed))
        else {
            self.metrics.refused.malformed.inc();
            return;
        };
        if wire.kind != i32::from(TrackKind::Speaker) || wire.bitrate != 0 {
            self.metrics.refused.malformed.inc();
            return;
        }
        if self.directory.key_of(&id).is_none() && self.directory.len() >= self.limits.rooms_max {
            self.metrics.limits.rooms.inc();
            return;
        }
        let key = self.directory.open(&id);
        self.count_rooms();
        let Some(room) = self.directory.get_mut(key) else { return };
        let known = room.children.contains(link);
        if !known && room.children.len() >= CHILDREN_MAX {
            self.metrics.tree.refused_children.inc();
            return self.drop_room_if_over(key);
        }
        room.children.insert(link, feed);
        if !known {
            self.metrics.tree.children.inc();
        }
        if wire.back_fill {
            let recent: BTreeMap<TrackId, Epoch> =
                room.recent.since(now).map(|frame| (frame.track, frame.epoch)).collect();
            let recent: Vec<_> = recent.into_iter().collect();
            self.note_passed(key, &recent, now);
        }
        self.tell_children(key);
        self.settle_feeds(key, now);
        if wire.back_fill {
            self.owe(Command::BackFill { room: key, link });
        }
    }

    fn handle_unsubscribe(&mut self, link: LinkId, wire: &Unsubscribe, now: Instant) {
        let feed = Feed::try_from(wire.feed).ok();
        let key = self.directory.key_of_text(&wire.room);
        let (Some(feed), Some(key)) = (feed, key) else {
            self.metrics.refused.stale.inc();
            return;
        };
        let Some(room) = self.directory.get_mut(key) else { return };
        let before = room.children.len();
        room.children.remove(link, feed);
        if room.children.len() < before {
            self.metrics.tree.children.dec();
        }
        self.tell_children(key);
        self.settle_feeds(key, now);
        self.drop_room_if_over(key);
    }

    /// A new frame of a room goes on to whoever hangs from here. Call before [`Self::children`].
    pub(in crate::rooms) fn pass_on(&mut self, key: RoomKey, frame: &Frame, now: Instant) {
        let Some(room) = self.directory.get_mut(key) else { return };
        room.recent.push(frame, now);
        if !room.children.is_empty() {
            self.note_passed(key, &[(frame.track, frame.epoch)], now);
        }
    }

    /// Tracks of a room are about to be passed on.
    fn note_passed(&mut self, key: RoomKey, tracks: &[(TrackId, Epoch)], now: Instant) {
        let Some(room) = self.directory.get_mut(key) else { return };
        let looked = room.children.looks_at().is_some();
        for (track, epoch) in tracks {
            room.children.note(*track, *epoch, now);
        }
        let look_at = room.children.looks_at().filter(|_| !looked);
        self.tell_children(key);
        if let Some(at) = look_at {
            self.set_timer(at, Timer::Silence(key));
        }
    }

    /// Who gets the frames of a track that come over `link`, prepared.
    pub fn children(
        &self,
        key: RoomKey,
        track: TrackId,
        except: LinkId,
    ) -> impl Iterator<Item = LinkId> {
        let room = self.directory.get(key);
        let children = room.map_or(&[][..], |room| room.children.of(track));
        children.iter().copied().filter(move |child| *child != except)
    }

    /// Frames of the last moments, oldest first, for an edge that has lost its parent.
    pub fn recent(&self, key: RoomKey, now: Instant) -> impl Iterator<Item = &Frame> {
        self.directory.get(key).into_iter().flat_map(move |room| room.recent.since(now))
    }

    /// So many frames were passed on.
    pub fn count_relayed(&self, frames: u64) {
        self.metrics.tree.relayed.inc_by(frames);
    }

    /// So many frames were sent again.
    pub fn count_back_filled(&self, frames: u64) {
        self.metrics.tree.back_filled.inc_by(frames);
    }

    /// It is time to look for tracks that are silent.
    pub(in crate::rooms) fn fire_silence(&mut self, key: RoomKey, now: Instant) {
        let Some(room) = self.directory.get_mut(key) else { return };
        let again = room.children.handle_timeout(now);
        self.tell_children(key);
        if let Some(at) = again {
            self.set_timer(at, Timer::Silence(key));
        }
    }

    /// Announces tracks to children, and takes them back.
    pub(in crate::rooms) fn tell_children(&mut self, key: RoomKey) {
        while let Some(room) = self.directory.get_mut(key) {
            let Some((change, epoch)) = room.children.next_change() else { return };
            let id = room.id.clone();
            match change {
                Change::Unbind { child, track } => {
                    self.owe(Command::Unbind { link: child, track });
                }
                Change::Bind { child, track } => {
                    let participant = self.bound_as(track).unwrap_or_default();
                    let kind = TrackKind::Speaker;
                    let binding =
                        TrackBinding { track, epoch, room: id, participant, kind, bitrate: 0 };
                    self.owe(Command::Bind { link: child, binding: Box::new(binding) });
                }
            }
        }
    }

    /// Whose microphone a track is, as whoever sends it has said.
    fn bound_as(&self, track: TrackId) -> Option<String> {
        let bound = self.bound.values().find_map(|tracks| tracks.get(&track))?;
        bound.participant.as_ref().map(|participant| participant.as_str().to_owned())
    }
}
