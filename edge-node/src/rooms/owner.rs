//! What comes over links: who owns, what owners say, which tracks they send. And what owners are
//! told again after a link was lost.

use std::time::{Duration, Instant};

use stoa_audio::frame::TrackId;
use stoa_link::{LinkId, PeerName, TrackBinding};
use stoa_protocol::ids::{NodeRole, ParticipantId};
use stoa_protocol::mesh::control::{
    self, Answer, Ask, Body, Feed, Problem, Response, RoomState, Selection, TrackKind,
};

use super::hub::{Bound, Hub, Timer};
use super::joins::Departure;
use super::order::{Reply, SeatId, Ticket};
use super::problem;
use super::requests::Purpose;
use super::room::Subscription;
use super::seat::Seat;
use crate::webrtc::RoomKey;

/// Participants that owners are reminded of at a time, so that a reconnect with ten thousand
/// listeners does not drown a link's control stream.
pub(super) const REJOINS_MAX: usize = 128;

/// Tracks that a link may announce; more are not heard, and counted.
pub(super) const TRACKS_PER_LINK_MAX: usize = 16_384;

/// When to remind an owner again that refused for a passing reason.
const REJOIN_AFTER: Duration = Duration::from_secs(1);

/// Status of a problem that says "no such room" (RFC 9110 section 15.5.5).
const NOT_FOUND: u32 = 404;

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
        let first = (link, TrackId(0));
        let tracks: Vec<_> =
            self.bound.range(first..=(link, TrackId(u64::MAX))).map(|(key, _)| *key).collect();
        for key in tracks {
            self.bound.remove(&key);
        }
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
            Body::Selection(selection) => self.handle_selection(link, &selection),
            Body::Drain(_) => self.parents.set_draining(link, true),
            Body::Undrain(_) => self.parents.set_draining(link, false),
            Body::Goodbye(_) | Body::Load(_) => {}
            _ => self.metrics.refused.unexpected.inc(),
        }
    }

    /// A peer will send this track.
    pub fn handle_bound(&mut self, link: LinkId, binding: TrackBinding) {
        if !self.parents.contains(link) {
            self.metrics.refused.unexpected.inc();
            return;
        }
        let first = (link, TrackId(0));
        let known = self.bound.contains_key(&(link, binding.track));
        if !known
            && self.bound.range(first..=(link, TrackId(u64::MAX))).count() >= TRACKS_PER_LINK_MAX
        {
            self.metrics.limits.tracks.inc();
            return;
        }
        let participant = ParticipantId::new(binding.participant).ok();
        let bound = Bound { room: binding.room, participant, kind: binding.kind };
        self.bound.insert((link, binding.track), bound);
    }

    /// A peer will send this track no longer. Its slot stays until another needs it: it may only
    /// have been quieter than others for a while.
    pub fn handle_unbound(&mut self, link: LinkId, track: TrackId) {
        self.bound.remove(&(link, track));
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

    /// Reminds owners of participants, as many at a time as are allowed.
    pub(super) fn pump_rejoins(&mut self, now: Instant) {
        while self.rejoins_under_way < REJOINS_MAX {
            let Some(id) = self.rejoins.pop_first() else { return };
            let Some(seat) = self.seats.get(id).filter(|seat| seat.joined()).cloned() else {
                continue;
            };
            let owner = self.directory.get(seat.room).and_then(|room| room.owner);
            let (Some(link), Some(join)) = (owner, self.join_of(id)) else { continue };
            if self.request(link, Ask::Join(join), Purpose::Rejoin(id), now).is_err() {
                self.rejoin_later(id, now);
                return;
            }
            self.rejoins_under_way += 1;
            self.after_rejoin(link, id, &seat, now);
        }
    }

    fn rejoin_later(&mut self, id: SeatId, now: Instant) {
        if self.rejoins_later.is_empty() {
            self.set_timer(now + REJOIN_AFTER, Timer::Rejoin);
        }
        self.rejoins_later.insert(id);
    }

    /// It is time to try again.
    pub(super) fn retry_rejoins(&mut self, now: Instant) {
        let later = std::mem::take(&mut self.rejoins_later);
        self.rejoins.extend(later);
        self.pump_rejoins(now);
    }

    /// Messages of a link keep their order, so nothing needs to wait for the owner's consent.
    fn after_rejoin(&mut self, link: LinkId, id: SeatId, seat: &Seat, now: Instant) {
        self.bind(Some(link), seat);
        let room = self.directory.get(seat.room);
        if room.is_some_and(|room| room.subscription == Subscription::Wanted) {
            self.subscribe(seat.room);
        }
        self.tell_own_mute(id, now);
    }

    /// Gives rooms without an owner the one that is linked, and reminds it of who is here.
    fn adopt_orphans(&mut self, now: Instant) {
        let Some(link) = self.parents.owner() else { return };
        for key in self.directory.keys() {
            let Some(room) = self.directory.get_mut(key).filter(|room| room.owner.is_none()) else {
                continue;
            };
            room.adopt(Some(link));
            self.rejoins.extend(room.seats.iter().copied());
        }
        self.pump_rejoins(now);
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
            Purpose::Rejoin(_) => {
                self.rejoins_under_way = self.rejoins_under_way.saturating_sub(1);
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
        let reply = match answer {
            Answer::Done(_) => Reply::Done,
            Answer::Room(info) => Reply::Room(info),
            Answer::Rooms(page) => Reply::Rooms(page),
            Answer::Problem(problem) => return self.answer(ticket, Err(problem)),
        };
        self.answer(ticket, Ok(reply));
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
                let refused = matches!(failure, Failure::Refused(_));
                let departure = if refused { Departure::Unknown } else { Departure::Left };
                self.remove_seat(seat, departure, now);
                self.answer(ticket, Err(failure.into_problem()));
            }
            Purpose::Rejoin(seat) => {
                self.rejoins_under_way = self.rejoins_under_way.saturating_sub(1);
                match failure {
                    Failure::Refused(_) if gone => self.close_room_of(seat, now),
                    Failure::Refused(_) | Failure::Silent => self.rejoin_later(seat, now),
                    // Whoever is here is reminded of when a link is up again.
                    Failure::LinkLost => {}
                }
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
        if change.roster {
            self.note_roster(key, now);
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
