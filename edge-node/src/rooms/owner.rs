//! What comes over links: what owners say, which tracks they send.

use std::time::Instant;

use stoa_audio::frame::TrackId;
use stoa_link::{LinkId, TrackBinding};
use stoa_protocol::ids::ParticipantId;
use stoa_protocol::mesh::control::{
    Body, REVOCATIONS_PER_MESSAGE_MAX, Revocations, RoomState, Selection, TrackKind,
};
use stoa_protocol::mesh::peer::TRACKS_PER_LINK_MAX;
use stoa_protocol::token::Revocation;

use super::command::Command;
use super::hub::{Bound, Hub};
use super::joins::Departure;
use super::news::News;
use super::order::SeatId;
use super::room::Subscription;
use crate::webrtc::RoomKey;

impl Hub {
    /// A peer says something.
    pub fn handle_control(&mut self, link: LinkId, body: Body, now: Instant) {
        if self.edges.contains(link) {
            return self.handle_edge_control(link, body, now);
        }
        if !self.parents.contains(link) {
            self.metrics.refused.unexpected.inc();
            return;
        }
        match body {
            Body::Response(response) => self.handle_response(link, response, now),
            Body::RoomState(state) => self.handle_state(link, state, now),
            Body::Standing(standing) => self.handle_standing(link, &standing, now),
            Body::Reactions(reactions) => self.handle_reactions(link, &reactions, now),
            Body::Revocations(told) => self.handle_revocations(told),
            Body::Selection(selection) => self.handle_selection(link, &selection, now),
            Body::Origins(origins) => self.handle_origins(link, origins),
            Body::Owns(owns) => self.handle_owns(link, owns, now),
            Body::Branch(branch) => self.handle_branch(link, branch, now),
            Body::Lane(lane) => self.handle_lane(link, lane, now),
            Body::Neighbours(told) => self.handle_neighbours(link, told),
            Body::Alternatives(told) => self.handle_alternatives(link, told),
            Body::Drain(_) => self.parents.set_draining(link, true),
            Body::Undrain(_) => self.parents.set_draining(link, false),
            Body::Goodbye(_) | Body::Load(_) => {}
            _ => self.metrics.refused.unexpected.inc(),
        }
    }

    fn handle_revocations(&mut self, told: Revocations) {
        let told = told.revocations.into_iter().take(REVOCATIONS_PER_MESSAGE_MAX);
        let mut revocations = Vec::new();
        for wire in told {
            match Revocation::try_from(wire) {
                Ok(revocation) => revocations.push(revocation),
                // Of a newer version, perhaps; the others hold all the same.
                Err(_) => self.metrics.refused.unexpected.inc(),
            }
        }
        self.owe(Command::Revoke { revocations });
    }

    /// A peer will send this track.
    pub fn handle_bound(&mut self, link: LinkId, binding: TrackBinding) {
        // Of another edge only what was asked of it is believed.
        let key = self.directory.key_of(&binding.room);
        let asked = || {
            key.and_then(|key| self.directory.get(key))
                .is_some_and(|room| room.feeds.is_asked(link))
        };
        // Whose voice it is the owner says, perhaps a moment later: that is looked at frame by frame.
        let believed = match binding.kind {
            TrackKind::Lane => self.edges.contains(link),
            TrackKind::Speaker | TrackKind::Programme => self.parents.contains(link) || asked(),
        };
        if !believed {
            self.metrics.refused.unexpected.inc();
            return;
        }
        let tracks = self.bound.entry(link).or_default();
        if tracks.len() >= TRACKS_PER_LINK_MAX && !tracks.contains_key(&binding.track) {
            self.metrics.limits.tracks.inc();
            return;
        }
        let participant = ParticipantId::new(binding.participant).ok();
        let bound = Bound { room: binding.room, participant, kind: binding.kind };
        tracks.insert(binding.track, bound);
    }

    /// A peer will send this track no longer. Its slot stays until another needs it: it may only
    /// have been quieter than others for a while.
    pub fn handle_unbound(&mut self, link: LinkId, track: TrackId) {
        if let Some(tracks) = self.bound.get_mut(&link) {
            tracks.remove(&track);
        }
    }

    /// Somebody here listens: asks for the room's frames, unless they come already.
    pub(super) fn subscribe(&mut self, key: RoomKey, now: Instant) {
        if let Some(room) = self.directory.get_mut(key) {
            room.subscription = Subscription::Wanted;
        }
        self.settle_feeds(key, now);
    }

    /// Nobody has listened for long enough.
    pub(super) fn unsubscribe(&mut self, key: RoomKey, now: Instant) {
        let Some(room) = self.directory.get_mut(key) else { return };
        // A room may have been heard again since, or another has its key.
        if !matches!(room.subscription, Subscription::Lingering { until } if until <= now) {
            return;
        }
        room.subscription = Subscription::Off;
        self.settle_feeds(key, now);
        self.drop_room_if_over(key);
    }

    fn handle_state(&mut self, link: LinkId, state: RoomState, now: Instant) {
        let named = state.info.as_ref().map_or("", |info| info.room.as_str());
        let key = self.room_of_owner(link, named, Some(state.epoch), now);
        let Some((key, room)) = key.and_then(|key| Some((key, self.directory.get_mut(key)?)))
        else {
            return;
        };
        if state.stage.len() > super::room::STAGE_MAX {
            self.metrics.limits.stage.inc();
        }
        let Some(change) = room.apply_state(state) else {
            self.metrics.refused.stale.inc();
            return;
        };
        if change.malformed > 0 {
            self.metrics.refused.malformed.inc();
        }
        if change.closed {
            self.close_room(key, now);
            return;
        }
        for track in change.gone {
            let freed = self.directory.get_mut(key).map(|room| room.forget(track, now));
            for (class, _) in freed.into_iter().flatten().filter(|(_, freed)| *freed) {
                self.note_slots(key, class, now);
            }
        }
        self.enforce_stage(key, now);
        let kinds = [
            (change.roster, News::Roster),
            (change.counts, News::Counts),
            (change.hands, News::Hands),
            (change.title, News::Title),
        ];
        for (_, news) in kinds.into_iter().filter(|(changed, _)| *changed) {
            self.note(key, news, now);
        }
    }

    fn handle_selection(&mut self, link: LinkId, selection: &Selection, now: Instant) {
        let key = self.room_of_owner(link, &selection.room, Some(selection.epoch), now);
        let Some(room) = key.and_then(|key| self.directory.get_mut(key)) else { return };
        if !room.apply_selection(selection) {
            self.metrics.refused.stale.inc();
        }
    }

    pub(super) fn close_room_of(&mut self, seat: SeatId, now: Instant) {
        if let Some(key) = self.seats.get(seat).map(|seat| seat.room) {
            self.close_room(key, now);
        }
    }

    /// The room has ended for everybody.
    fn close_room(&mut self, key: RoomKey, now: Instant) {
        let Some(room) = self.directory.get_mut(key) else { return };
        // The owner knows; it needs no leave of each.
        room.end();
        let seats = room.seats.clone();
        self.end_lanes(key);
        self.end_tree(key);
        self.orphans_may_change(now);
        for seat in seats {
            self.remove_seat(seat, Departure::Ended("room-closed"), now);
        }
        self.drop_room_if_over(key);
    }
}
