//! The way of a frame through the hub: decided per frame, returned and not queued.

use std::collections::BTreeSet;
use std::time::Instant;

use stoa_audio::frame::Frame;
use stoa_link::LinkId;
use stoa_protocol::ids::ParticipantId;
use stoa_protocol::mesh::control::TrackKind;

use super::hub::Hub;
use super::joins::TRACK_EPOCH;
use super::lane::Unheard;
use super::order::SeatId;
use super::seat::{Seat, Seats};
use super::tracks::Heard;
use super::window::Verdict;
use crate::webrtc::{Class, Delivery, RoomKey, SessionId, Uplinked};

/// Where a frame of a local client goes.
#[derive(Clone, Debug)]
pub struct UplinkRoute {
    /// To the room's owner, over this link.
    pub owner: Option<LinkId>,
    /// To the owner's standby, over this one.
    pub standby: Option<LinkId>,
    /// To the stage at this edge, at once.
    pub stage: Option<Delivery>,
    /// The frame, as both get it.
    pub frame: Frame,
    /// Of which room it is.
    pub room: RoomKey,
    /// The frame as the stage's other edges get it, at once, over [`Hub::lanes`].
    pub lane: Option<Frame>,
}

/// Where a frame from the mesh goes.
#[derive(Clone, Debug, Default)]
pub struct TreeRoute {
    /// To the stage at this edge.
    pub stage: Option<Delivery>,
    /// To the audience at this edge.
    pub audience: Option<Delivery>,
    /// To whoever hangs from this edge; see [`Hub::children`].
    pub room: Option<RoomKey>,
}

impl TreeRoute {
    /// Whether anybody here hears the frame.
    #[must_use]
    pub fn is_heard(&self) -> bool {
        self.stage.is_some() || self.audience.is_some()
    }
}

impl Hub {
    /// Routes a frame of a local client; `None` when it goes nowhere.
    pub fn route_uplinked(&mut self, uplinked: Uplinked, now: Instant) -> Option<UplinkRoute> {
        let Uplinked { session, mut frame, .. } = uplinked;
        let dropped = &self.metrics.dropped;
        let Some((_, seat)) = self.seats.of_session(session) else {
            // Frames of a session that has just been closed are still under way.
            dropped.foreign.inc();
            return None;
        };
        if seat.track != Some(frame.track) {
            dropped.foreign.inc();
            return None;
        }
        if seat.class == Class::Audience {
            dropped.off_stage.inc();
            return None;
        }
        if seat.muted || seat.succeeded {
            dropped.muted.inc();
            return None;
        }
        frame.epoch = TRACK_EPOCH;
        let key = seat.room;
        let room = self.directory.get(key)?;
        let (owner, standby) = (room.owner, room.standby);
        match owner {
            Some(_) => self.metrics.frames_up.inc(),
            None => dropped.no_owner.inc(),
        }
        let stage = self.deliver(key, Class::Stage, &frame, Some(session), now);
        let lane = self.in_lane(key, &frame);
        Some(UplinkRoute { owner, standby, stage, frame, room: key, lane })
    }

    /// Routes a frame that came over a link.
    pub fn route_from_link(&mut self, link: LinkId, frame: &Frame, now: Instant) -> TreeRoute {
        let dropped = &self.metrics.dropped;
        let Some(bound) = self.bound.get(&link).and_then(|tracks| tracks.get(&frame.track)) else {
            dropped.unbound.inc();
            return TreeRoute::default();
        };
        match bound.kind {
            TrackKind::Speaker => {}
            TrackKind::Lane => {
                let room = bound.room.clone();
                return self.route_from_lane(link, &room, frame, now);
            }
            TrackKind::Programme => {
                dropped.programme.inc();
                return TreeRoute::default();
            }
        }
        let room = self.directory.key_of(&bound.room);
        let Some(room) = room.and_then(|key| self.directory.get_mut(key)) else {
            dropped.no_room.inc();
            return TreeRoute::default();
        };
        if !room.is_heard_over(link, &self.parents) {
            dropped.other_owner.inc();
            return TreeRoute::default();
        }
        let key = room.key;
        let local = self.seats.of_track(frame.track).map(|seat| seat.room);
        if local.is_some_and(|local| local != key) {
            dropped.foreign.inc();
            return TreeRoute::default();
        }
        let own =
            own_session(&self.movers, &mut self.seats, key, bound.participant.as_ref(), frame);
        let (verdict, forgot) =
            room.tracks.note(Heard::Tree, frame, bound.participant.as_ref(), now);
        if forgot {
            self.metrics.limits.tracks.inc();
        }
        match verdict {
            Verdict::Fresh => self.metrics.frames_down.inc(),
            Verdict::Duplicate => dropped.duplicate.inc(),
            Verdict::TooOld => dropped.too_old.inc(),
            Verdict::OldEpoch => dropped.old_epoch.inc(),
        }
        if verdict != Verdict::Fresh {
            return TreeRoute::default();
        }
        self.pass_on(key, frame, now);
        let audience = self.deliver(key, Class::Audience, frame, None, now);
        // The stage has heard a local voice already, without the detour through the owner.
        let stage = match local {
            Some(_) => None,
            None => self.route_to_stage(key, frame, own, now),
        };
        TreeRoute { stage, audience, room: Some(key) }
    }

    /// Places a frame in the lane of a class, if anybody is there to hear it.
    pub(super) fn deliver(
        &mut self,
        key: RoomKey,
        class: Class,
        frame: &Frame,
        except: Option<SessionId>,
        now: Instant,
    ) -> Option<Delivery> {
        let room = self.directory.get_mut(key)?;
        if room.listeners(class) == 0 {
            return None;
        }
        let heard = match room.lane(class).hear(frame, now) {
            Ok(heard) => heard,
            Err(Unheard::Unselected) => {
                self.metrics.dropped.unselected.inc();
                return None;
            }
            Err(Unheard::NoSlot) => {
                self.metrics.dropped.no_slot.inc();
                return None;
            }
        };
        match class {
            Class::Stage => self.metrics.deliveries_stage.inc(),
            Class::Audience => self.metrics.deliveries_audience.inc(),
        }
        if heard.placed.changed {
            self.note_slots(key, class, now);
        }
        let (slot, dominant) = (heard.placed.slot, heard.dominant);
        Some(Delivery { room: key, class, slot, dominant, except, frame: frame.clone() })
    }
}

/// The session here of somebody whose voice comes from another edge, because he is on the move between the two: he must
/// not hear himself. What he says through this edge is not wanted any more once it comes from the other.
pub(super) fn own_session(
    movers: &BTreeSet<SeatId>,
    seats: &mut Seats,
    key: RoomKey,
    of: Option<&ParticipantId>,
    frame: &Frame,
) -> Option<SessionId> {
    // Nearly always nobody moves, and nothing is looked up for a frame.
    let is_his = |seat: &Seat| seat.room == key && Some(&seat.participant) == of;
    let id = movers.iter().find(|id| seats.get(**id).is_some_and(is_his))?;
    let seat = seats.get_mut(*id)?;
    // As at the owner: a pause that comes from there succeeds nothing.
    seat.succeeded |= seat.moved && frame.voice && seat.track != Some(frame.track);
    seat.session()
}
