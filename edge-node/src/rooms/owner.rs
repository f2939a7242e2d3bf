//! What comes over links: who owns, what owners say, which tracks they send.

use std::time::Instant;

use stoa_audio::frame::TrackId;
use stoa_link::{LinkId, PeerName, TrackBinding};
use stoa_protocol::ids::{NodeRole, ParticipantId};
use stoa_protocol::mesh::control::{
    self, Answer, Body, Feed, Problem, REVOCATIONS_PER_MESSAGE_MAX, Response, Revocations,
    RoomState, Selection, TrackKind,
};
use stoa_protocol::mesh::peer::TRACKS_PER_LINK_MAX;
use stoa_protocol::token::Revocation;

use super::command::Command;
use super::hub::{Bound, Hub};
use super::joins::Departure;
use super::news::News;
use super::order::{Reply, SeatId, Ticket};
use super::problem;
use super::requests::Purpose;
use super::room::Subscription;
use crate::webrtc::RoomKey;

/// Status of a problem that says "no such room" (RFC 9110 section 15.5.5).
const NOT_FOUND: u32 = 404;

/// Status of a problem that says "not he" (RFC 9110 section 15.5.4).
const FORBIDDEN: u32 = 403;

/// Why a request came to nothing.
#[derive(Debug)]
enum Failure {
    /// The owner says so.
    Refused(Problem),
    /// The owner did not answer; it may have heard all the same.
    Silent,
    /// There is nobody to answer.
    LinkLost,
}

impl Failure {
    fn says_not_found(&self) -> bool {
        matches!(self, Self::Refused(problem) if problem.status == NOT_FOUND)
    }

    fn into_problem(self) -> Problem {
        match self {
            Self::Refused(problem) => problem,
            Self::Silent => problem::owner_silent(),
            Self::LinkLost => problem::owner_unreachable(),
        }
    }
}

impl Hub {
    /// A link is up. Only origins matter; edges are not parents yet.
    pub fn handle_link_up(&mut self, link: LinkId, peer: PeerName, now: Instant) {
        if peer.role != NodeRole::Origin {
            return;
        }
        self.parents.insert(link, peer.node);
        self.start_load(now);
        self.adopt_orphans(now);
    }

    /// A link has ended. What was asked over it has failed; who is here stays.
    pub fn handle_link_down(&mut self, link: LinkId, now: Instant) {
        if !self.parents.remove(link) {
            return;
        }
        self.bound.remove(&link);
        for key in self.directory.keys() {
            if let Some(room) = self.directory.get_mut(key).filter(|room| room.owner == Some(link))
            {
                room.adopt(None);
            }
        }
        for purpose in self.requests.take_of(link) {
            self.fail(&purpose, Failure::LinkLost, now);
        }
        self.count_requests();
        self.adopt_orphans(now);
    }

    /// A peer says something.
    pub fn handle_control(&mut self, link: LinkId, body: Body, now: Instant) {
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
            Body::Selection(selection) => self.handle_selection(link, &selection),
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
        if !self.parents.contains(link) {
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

    /// Asks the owner for the room's tracks, unless it sends them already.
    pub(super) fn subscribe(&mut self, key: RoomKey) {
        let Some(room) = self.directory.get_mut(key) else { return };
        room.subscription = Subscription::Wanted;
        let Some(link) = room.owner.filter(|link| room.subscribed_over != Some(*link)) else {
            return;
        };
        room.subscribed_over = Some(link);
        let subscribe = control::Subscribe {
            room: room.id.as_str().to_owned(),
            feed: i32::from(Feed::Red),
            kind: i32::from(TrackKind::Speaker),
            bitrate: 0,
            epoch: room.epoch().0,
        };
        self.send(link, Body::Subscribe(subscribe));
    }

    /// Nobody has listened for long enough.
    pub(super) fn unsubscribe(&mut self, key: RoomKey, now: Instant) {
        let Some(room) = self.directory.get_mut(key) else { return };
        // A room may have been heard again since, or another has its key.
        if !matches!(room.subscription, Subscription::Lingering { until } if until <= now) {
            return;
        }
        room.subscription = Subscription::Off;
        let told = room.subscribed_over.take();
        let unsubscribe = control::Unsubscribe {
            room: room.id.as_str().to_owned(),
            feed: i32::from(Feed::Red),
            kind: i32::from(TrackKind::Speaker),
            bitrate: 0,
        };
        if let Some(link) = told {
            self.send(link, Body::Unsubscribe(unsubscribe));
        }
        self.drop_room_if_over(key);
    }

    /// Requests whose time is up have failed.
    pub(super) fn expire_requests(&mut self, now: Instant) {
        while let Some(purpose) = self.requests.next_expired(now) {
            self.metrics.refused.timed_out.inc();
            self.fail(&purpose, Failure::Silent, now);
        }
        self.count_requests();
    }

    fn handle_response(&mut self, link: LinkId, response: Response, now: Instant) {
        let Some(purpose) = self.requests.answered(link, response.id) else {
            // Too late, or the leave of a crowded moment.
            self.metrics.refused.stale.inc();
            return;
        };
        self.count_requests();
        match response.answer {
            Some(Answer::Problem(problem)) => self.fail(&purpose, Failure::Refused(problem), now),
            Some(answer) => self.succeed(purpose, answer, now),
            None => self.fail(&purpose, Failure::Refused(problem::owner_confused()), now),
        }
    }

    fn succeed(&mut self, purpose: Purpose, answer: Answer, now: Instant) {
        match purpose {
            Purpose::Pass(ticket) => self.pass_answer(ticket, answer),
            Purpose::Join { seat, ticket } => {
                let info = if let Answer::Room(info) = answer { Some(info) } else { None };
                self.joined(seat, ticket, info, now);
            }
            Purpose::Rejoin { messages, .. } => {
                self.rejoins.note_end(messages);
                self.pump_rejoins(now);
            }
            Purpose::Mute { by, ticket, participant, muted } => {
                self.mute_granted(by, &participant, muted);
                self.answer(ticket, Ok(Reply::Done));
            }
            Purpose::MuteSelf(seat) => self.own_mute_told(seat, true),
            Purpose::Leave => {}
        }
    }

    fn pass_answer(&mut self, ticket: Ticket, answer: Answer) {
        let outcome = match answer {
            Answer::Problem(problem) => Err(problem),
            answer => Ok(Reply::Answered(Box::new(answer))),
        };
        self.answer(ticket, outcome);
    }

    fn fail(&mut self, purpose: &Purpose, failure: Failure, now: Instant) {
        let gone = failure.says_not_found();
        match *purpose {
            Purpose::Pass(ticket) => self.answer(ticket, Err(failure.into_problem())),
            Purpose::Mute { by, ticket, ref participant, muted } => {
                self.answer(ticket, Err(failure.into_problem()));
                if !muted {
                    self.unmute_failed(by, participant, now);
                }
            }
            Purpose::Join { seat, ticket } => {
                let replaces = self.seats.get(seat).is_some_and(|seat| seat.replaces);
                let unknown = matches!(failure, Failure::Refused(_)) && !replaces;
                let departure = if unknown { Departure::Unknown } else { Departure::Left };
                self.remove_seat(seat, departure, now);
                self.answer(ticket, Err(failure.into_problem()));
            }
            Purpose::Rejoin { seat, messages } => {
                self.rejoins.note_end(messages);
                match failure {
                    Failure::Refused(problem) if problem.status == FORBIDDEN => {
                        // He was sent out while nobody could tell this edge.
                        self.remove_seat(seat, Departure::Dismissed("removed"), now);
                    }
                    Failure::Refused(_) if gone => self.close_room_of(seat, now),
                    Failure::Refused(_) | Failure::Silent => self.rejoin_later(seat, now),
                    // Whoever is here is reminded of when a link is up again.
                    Failure::LinkLost => return,
                }
                self.pump_rejoins(now);
            }
            Purpose::MuteSelf(seat) => {
                self.own_mute_told(seat, gone);
                if matches!(failure, Failure::Silent) {
                    self.tell_own_mute(seat, now);
                }
            }
            Purpose::Leave => {}
        }
    }

    fn handle_state(&mut self, link: LinkId, state: RoomState, now: Instant) {
        let named = state.info.as_ref().and_then(|info| self.directory.key_of_text(&info.room));
        let Some(key) = named else {
            self.metrics.refused.unexpected.inc();
            return;
        };
        let Some(room) = self.directory.get_mut(key).filter(|room| room.owner == Some(link)) else {
            self.metrics.refused.unexpected.inc();
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

    fn handle_selection(&mut self, link: LinkId, selection: &Selection) {
        let key = self.directory.key_of_text(&selection.room);
        let room = key.and_then(|key| self.directory.get_mut(key));
        let Some(room) = room.filter(|room| room.owner == Some(link)) else {
            self.metrics.refused.unexpected.inc();
            return;
        };
        if !room.apply_selection(selection) {
            self.metrics.refused.stale.inc();
        }
    }

    fn close_room_of(&mut self, seat: SeatId, now: Instant) {
        if let Some(key) = self.seats.get(seat).map(|seat| seat.room) {
            self.close_room(key, now);
        }
    }

    /// The room has ended for everybody.
    fn close_room(&mut self, key: RoomKey, now: Instant) {
        let Some(room) = self.directory.get_mut(key) else { return };
        // The owner knows; it needs no leave of each.
        room.end();
        for seat in room.seats.clone() {
            self.remove_seat(seat, Departure::Ended("room-closed"), now);
        }
        self.drop_room_if_over(key);
    }
}
