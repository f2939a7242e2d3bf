//! After a change in a room: brings selection, bindings, snapshots and timers in line.

use std::collections::VecDeque;
use std::time::Instant;

use stoa_audio::frame::TrackId;
use stoa_link::TrackBinding;
use stoa_protocol::mesh::control::{Body, Reactions, TrackKind};

use super::core::Service;
use super::effects::{Command, Happened};
use super::hall::{Hall, RoomKey};
use super::tracks::Owner;
use crate::room::{self, Departed, Room};
use stoa_link::subscriptions::{Change, Interest};

impl Service {
    /// Carries out what follows from a change in a room; harmless when nothing changed. Returns
    /// whether a snapshot of the room went out.
    pub(super) fn settle(&mut self, key: RoomKey, now: Instant) -> bool {
        self.follow(key, now);
        self.count_people(key);
        let Some(hall) = self.halls.get_mut(&key) else { return false };
        let decided = hall.stage.take_change();
        if decided {
            let selected: Vec<TrackId> = hall.stage.selected().collect();
            hall.tree.handle_selection(Interest::SPEAKERS, &selected, now);
            self.counts.selections += 1;
            let selection = Body::Selection(hall.stage.selection(&hall.room));
            for link in hall.links() {
                let body = Box::new(selection.clone());
                self.commands.push_back(Command::Send { link, body });
            }
        }
        while let Some(change) = hall.tree.next_change() {
            let command = match change {
                Change::Unbind { child, track } => Some(Command::Unbind { link: child, track }),
                // Not from the publication: that may pause, while a track that was selected until a
                // moment ago is bound to a new child.
                Change::Bind { child, track } => self.owners.get(&track).map(|owner| {
                    Command::Bind { link: child, binding: binding(&hall.room, track, owner) }
                }),
            };
            self.commands.extend(command);
        }
        if let Some(counts) = hall.room.next_reactions(now) {
            let reactions = Reactions { room: hall.room.id().as_str().to_owned(), counts };
            for link in hall.links() {
                let body = Box::new(Body::Reactions(reactions.clone()));
                self.commands.push_back(Command::Send { link, body });
            }
        }
        let state = hall.room.next_state(now);
        let announced = state.is_some();
        if let Some(state) = state {
            self.counts.room_states += 1;
            for link in hall.links() {
                let body = Box::new(Body::RoomState(state.clone()));
                self.commands.push_back(Command::Send { link, body });
            }
        }
        self.tell_voices(key);
        self.tell_lanes(key);
        self.follow_members(key, now);
        self.reschedule(key, now);
        announced
    }

    /// Carries out what the room owes, and passes on what happened in it.
    fn follow(&mut self, key: RoomKey, now: Instant) {
        while let Some(command) = self.halls.get_mut(&key).and_then(|hall| hall.room.next_command())
        {
            match command {
                room::Command::Tell { link, standing } => {
                    self.send(link, Body::Standing(*standing));
                }
                room::Command::SetTrackMuted { track, muted } => {
                    self.end_handover(key, track, now);
                    self.set_track_muted(track, muted, now);
                }
                room::Command::EndTrack { track } => {
                    self.end_handover(key, track, now);
                    self.end_track(track, key, now);
                }
                room::Command::ClearUp(departed) => self.clear_up(key, &departed, now),
            }
        }
        self.write_changes(key);
        let Some(hall) = self.halls.get_mut(&key) else { return };
        pass_on(&mut hall.room, &mut self.events);
    }

    /// A track is heard no more; who it belongs to may announce it again. A settlement must follow.
    pub(super) fn end_track(&mut self, track: TrackId, key: RoomKey, now: Instant) {
        if let Some(publication) = self.publications.get(&track) {
            let link = publication.link;
            self.withdraw(track, link, now);
        }
        if let Some(hall) = self.halls.get_mut(&key) {
            hall.tree.handle_track_end(track);
        }
    }

    /// Keeps the room's timer no later than needed. It may fire early; that is cheaper than moving
    /// it with every frame.
    pub(super) fn reschedule(&mut self, key: RoomKey, now: Instant) {
        let Some(hall) = self.halls.get_mut(&key) else { return };
        let Some(at) = hall.poll_timeout(self.limits.empty_room_life, now) else { return };
        if hall.scheduled.is_none_or(|scheduled| at < scheduled) {
            if let Some(scheduled) = hall.scheduled.replace(at) {
                self.deadlines.remove(&(scheduled, key));
            }
            self.deadlines.insert((at, key));
        }
    }

    /// Carries out what is due in one room.
    pub(super) fn handle_room_timeout(&mut self, key: RoomKey, now: Instant) {
        let Some(hall) = self.halls.get_mut(&key) else { return };
        if let Some(scheduled) = hall.scheduled.take() {
            self.deadlines.remove(&(scheduled, key));
        }
        hall.stage.handle_timeout(now);
        hall.tree.handle_timeout(now);
        self.plan_due(key, now);
        self.end_handovers_due(key, now);
        while let Some(departed) =
            self.halls.get_mut(&key).and_then(|hall| hall.room.next_overdue(now))
        {
            self.counts.participants_lost += 1;
            self.clear_up(key, &departed, now);
        }
        let overdue = |hall: &Hall| hall.moving.as_ref().is_some_and(|moving| moving.until <= now);
        if self.halls.get(&key).is_some_and(overdue) {
            self.stay(key, now);
        }
        let life = self.limits.empty_room_life;
        let expired = |hall: &Hall| hall.expires_at(life).is_some_and(|at| at <= now);
        if self.halls.get(&key).is_some_and(expired) {
            self.counts.rooms_expired += 1;
            self.end_room(key, now);
        } else {
            self.settle(key, now);
        }
    }

    /// Takes down what somebody who has left leaves behind. A settlement must follow.
    pub(super) fn clear_up(&mut self, key: RoomKey, departed: &Departed, now: Instant) {
        if let Some(track) = departed.track {
            self.end_handover(key, track, now);
            self.forget_track(key, track, now);
        }
        if let Some(link) = departed.link {
            self.forget_if_absent(link, key);
        }
    }

    /// Ends a room for everybody: a last snapshot, tracks unbound, subscriptions gone.
    pub(super) fn end_room(&mut self, key: RoomKey, now: Instant) {
        self.end_room_by(key, "", now);
    }

    /// The same, by somebody of this identity.
    pub(super) fn end_room_by(&mut self, key: RoomKey, actor: &str, now: Instant) {
        let Some(mut hall) = self.take_down(key) else { return };
        hall.room.handle_close(actor, now);
        self.write_end(&mut hall.room);
        pass_on(&mut hall.room, &mut self.events);
        if let Some(standby) = hall.standby.take() {
            self.end_replica(&hall.room, &standby);
        }
        self.tell_ended(hall.room.id(), hall.room.epoch());
        for (link, request) in hall.moving.take().map(|moving| moving.held).unwrap_or_default() {
            self.handle_request(link, request, now);
        }
        self.counts.room_states += 1;
        let state = hall.room.state();
        for link in hall.links() {
            self.send(link, Body::RoomState(state.clone()));
        }
    }

    /// Takes a room out of everything: its tracks are unbound, and no link takes part in it.
    pub(super) fn take_down(&mut self, key: RoomKey) -> Option<Hall> {
        let mut hall = self.halls.remove(&key)?;
        if let Some(scheduled) = hall.scheduled {
            self.deadlines.remove(&(scheduled, key));
        }
        self.rooms.remove(hall.room.id());
        self.uncount_people(&hall);
        self.epoch_past = self.epoch_past.max(hall.room.epoch());
        let former =
            std::mem::take(&mut hall.handovers).into_values().map(|handover| handover.from);
        for track in hall.room.participants().filter_map(|p| p.track).chain(former) {
            self.owners.remove(&track);
            if let Some(publication) = self.publications.remove(&track)
                && let Some(neighbour) = self.links.get_mut(&publication.link)
            {
                neighbour.tracks.remove(&track);
            }
            hall.tree.handle_track_end(track);
        }
        while let Some(change) = hall.tree.next_change() {
            if let Change::Unbind { child, track } = change {
                self.commands.push_back(Command::Unbind { link: child, track });
            }
        }
        for link in hall.links() {
            if let Some(neighbour) = self.links.get_mut(&link) {
                neighbour.rooms.remove(&key);
            }
        }
        Some(hall)
    }
}

fn pass_on(room: &mut Room, events: &mut VecDeque<Happened>) {
    while let Some(event) = room.next_event() {
        let (room, tenant) = (room.id().clone(), room.tenant().to_owned());
        events.push_back(Happened { room, tenant, event });
    }
}

fn binding(room: &Room, track: TrackId, owner: &Owner) -> Box<TrackBinding> {
    Box::new(TrackBinding {
        track,
        epoch: owner.epoch,
        room: room.id().clone(),
        participant: owner.participant.as_str().to_owned(),
        kind: TrackKind::Speaker,
        bitrate: 0,
    })
}
