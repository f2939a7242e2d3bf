//! How somebody stands in a room: what the owner says of him holds at this edge at once.

use std::time::Instant;

use stoa_audio::frame::Epoch;
use stoa_link::LinkId;
use stoa_protocol::ids::{ParticipantId, Role};
use stoa_protocol::mesh::control::Standing;
use stoa_protocol::mesh::peer::TRACKS_PER_LINK_MAX;

use super::command::Command;
use super::ears::Place;
use super::hub::{Hub, Timer};
use super::joins::Departure;
use super::news::News;
use super::order::SeatId;
use super::roster::ParticipantEvent;
use super::seat::{Seat, role_of};
use crate::webrtc::Class;

impl Hub {
    pub(super) fn handle_standing(&mut self, link: LinkId, standing: &Standing, now: Instant) {
        let key = self.room_of_owner(link, &standing.room, Some(standing.epoch), now);
        let Some(room) = key.and_then(|key| self.directory.get_mut(key)) else { return };
        if !room.note_epoch(Epoch(standing.epoch)) {
            self.metrics.refused.stale.inc();
            return;
        }
        let key = room.key;
        let participant = ParticipantId::new(standing.participant.as_str()).ok();
        let seat = participant.and_then(|of| self.seats.of_participant(key, &of));
        let Some(id) = seat else {
            // He may have left while it was under way.
            self.metrics.refused.stale.inc();
            return;
        };
        if !standing.ended.is_empty() {
            match ended(&standing.ended) {
                "replaced" => self.note_moved(id, now),
                reason => self.remove_seat(id, Departure::Dismissed(reason), now),
            }
            return;
        }
        if let Some(seat) = self.seats.get_mut(id) {
            seat.hand = standing.hand;
            seat.invited = standing.invited;
        }
        // Mute comes first: who is to come to the stage muted is not heard for a moment.
        self.hear_mute(id, standing.muted, now);
        self.set_role(id, role_of(standing.role), now);
        self.tell_standing(id);
    }

    /// Tells somebody how he stands, unless he knows.
    pub(super) fn tell_standing(&mut self, id: SeatId) {
        let Some(seat) = self.seats.get_mut(id) else { return };
        let standing = seat.standing();
        // Until he is seated, the answer to his join tells.
        if seat.told.is_none_or(|told| told == standing) {
            return;
        }
        seat.told = Some(standing);
        self.owe(Command::Tell { seat: id, event: ParticipantEvent::Standing(standing) });
    }

    fn set_role(&mut self, id: SeatId, role: Role, now: Instant) {
        let Some(seat) = self.seats.get_mut(id) else { return };
        let before = seat.place();
        seat.role = role;
        if seat.only_publishes() && seat.joined() && !role.may_speak() {
            // Nobody could tell him, and he has nothing else here.
            return self.remove_seat(id, Departure::Ended("removed"), now);
        }
        let class = self.class_of(id);
        if class != before.class {
            self.move_to(id, class, now);
        }
        let Some(seat) = self.seats.get(id) else { return };
        let (key, place) = (seat.room, seat.place());
        if place == before || !seat.wants_events {
            return;
        }
        self.owe(Command::Regroup { seat: id, place });
        if place.class != before.class {
            let event = ParticipantEvent::Slots(self.slot_names(key, place.class));
            self.owe(Command::Tell { seat: id, event });
        }
        if place.moderates && !before.moderates {
            self.tell_at_once(id, key, News::Hands);
        }
    }

    /// Who may speak and has a line for it is on the stage, if the link to the owner carries his voice too.
    fn class_of(&mut self, id: SeatId) -> Class {
        let Some(seat) = self.seats.get(id).filter(|seat| seat.belongs_on_stage()) else {
            return Class::Audience;
        };
        if seat.class == Class::Audience && self.seats.stage_len() >= TRACKS_PER_LINK_MAX {
            self.metrics.limits.publishers.inc();
            self.voiceless.insert(id);
            return Class::Audience;
        }
        Class::Stage
    }

    fn move_to(&mut self, id: SeatId, class: Class, now: Instant) {
        let Some(before) = self.seats.set_class(id, class) else { return };
        let Some(seat) = self.seats.get(id).cloned() else { return };
        self.class_gauge(before).dec();
        self.class_gauge(class).inc();
        let owner = self.directory.get_mut(seat.room).and_then(|room| {
            if seat.listens() {
                room.count_listener(before, false);
                room.count_listener(class, true);
            }
            room.owner
        });
        if let Some(session) = seat.session() {
            self.owe(Command::SetStage { session, on: class == Class::Stage });
        }
        if class == Class::Stage {
            self.metrics.moves_on.inc();
            if seat.joined() {
                self.bind(owner, &seat);
                self.bind_at_standby(&seat);
                self.bind_in_lanes(&seat);
            }
        } else {
            self.metrics.moves_off.inc();
            self.silence(&seat, owner, now);
            self.free_voice(now);
        }
    }

    /// The link carries one voice less.
    pub(super) fn free_voice(&mut self, now: Instant) {
        if !self.voiceless.is_empty() {
            self.set_timer(now, Timer::Voices);
        }
    }

    /// Whoever waits for a voice comes to the stage while there is one, in the order in which they came to this edge.
    pub(super) fn give_voices(&mut self, now: Instant) {
        while self.seats.stage_len() < TRACKS_PER_LINK_MAX {
            let Some(id) = self.voiceless.pop_first() else { return };
            // He may speak no longer, or has gone.
            let role = self.seats.get(id).filter(|seat| seat.belongs_on_stage()).map(|s| s.role);
            if let Some(role) = role {
                self.set_role(id, role, now);
            }
        }
    }

    /// The seat's voice is heard no longer: its slot is free, and the owner gets nothing more of it.
    pub(super) fn silence(&mut self, seat: &Seat, owner: Option<LinkId>, now: Instant) {
        let Some(track) = seat.track else { return };
        let freed = self.directory.get_mut(seat.room).map(|room| room.forget(track, now));
        for (class, _) in freed.into_iter().flatten().filter(|(_, freed)| *freed) {
            self.note_slots(seat.room, class, now);
        }
        if let Some(link) = owner.filter(|_| seat.joined()) {
            self.owe(Command::Unbind { link, track });
        }
        if seat.joined() {
            self.silence_at_standby(seat.room, track);
            self.silence_in_lanes(seat.room, track);
        }
    }
}

/// Reasons are constants here; one of a newer owner reads as the gentlest.
fn ended(reason: &str) -> &'static str {
    match reason {
        "banned" => "banned",
        "replaced" => "replaced",
        _ => "removed",
    }
}

impl Seat {
    /// What he hears of announcements.
    pub(super) fn place(&self) -> Place {
        Place { class: self.class, moderates: self.role.may_moderate() }
    }
}
