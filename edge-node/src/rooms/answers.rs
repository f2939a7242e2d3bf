//! What becomes of requests: answers of owners, and of those who own a room no longer.

use std::time::Instant;

use stoa_link::LinkId;
use stoa_protocol::ids::{NodeId, RoomId};
use stoa_protocol::mesh::control::{Answer, Problem, Response};

use super::hub::Hub;
use super::joins::Departure;
use super::order::{Reply, Ticket};
use super::owners::Cause;
use super::problem;
use super::requests::{Errand, Purpose};
use super::ways::room_of;
use crate::webrtc::RoomKey;

/// Status of a problem that says "no such room" (RFC 9110 section 15.5.5).
const NOT_FOUND: u32 = 404;

/// Status of a problem that says "not he" (RFC 9110 section 15.5.4).
const FORBIDDEN: u32 = 403;

/// Code of a problem that says that somebody is here through another edge.
const TAKEN: &str = "participant-taken";

/// Status of a problem that says "not I" (RFC 9110 section 15.5.20).
const MISDIRECTED: u32 = 421;

/// How often one request may be sent on; origins that disagree for longer are not to be asked now.
const REDIRECTS_MAX: u8 = 2;

/// Why a request came to nothing.
#[derive(Debug)]
pub(super) enum Failure {
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

    pub(super) fn into_problem(self) -> Problem {
        match self {
            Self::Refused(problem) => problem,
            Self::Silent => problem::owner_silent(),
            Self::LinkLost => problem::owner_unreachable(),
        }
    }
}

impl Hub {
    /// Requests whose time is up have failed.
    pub(super) fn expire_requests(&mut self, now: Instant) {
        while let Some(errand) = self.requests.next_expired(now) {
            self.metrics.refused.timed_out.inc();
            self.fail(&errand.purpose, Failure::Silent, now);
        }
        self.count_requests();
    }

    /// A link is down, and nobody knows what was done of what was asked over it.
    pub(super) fn handle_unanswered(&mut self, link: LinkId, now: Instant) {
        for errand in self.requests.take_of(link) {
            if errand.is_repeatable() {
                self.ask_again(errand, now);
            } else {
                self.fail(&errand.purpose, Failure::LinkLost, now);
            }
        }
        self.count_requests();
    }

    pub(super) fn handle_response(&mut self, link: LinkId, response: Response, now: Instant) {
        let Some(errand) = self.requests.answered(link, response.id) else {
            // Too late, or the leave of a crowded moment.
            self.metrics.refused.stale.inc();
            return;
        };
        self.count_requests();
        match response.answer {
            Some(Answer::Problem(problem)) if problem.status == MISDIRECTED => {
                self.redirect(link, errand, &problem, now);
            }
            Some(Answer::Problem(problem)) => self.refuse(link, errand, problem, now),
            Some(answer) => self.succeed(link, errand, answer, now),
            None => self.fail(&errand.purpose, Failure::Refused(problem::owner_confused()), now),
        }
    }

    /// Somebody else owns the room: he is asked the same, and nobody notices.
    fn redirect(&mut self, link: LinkId, mut errand: Errand, problem: &Problem, now: Instant) {
        let named = NodeId::new(problem.owner.as_str()).ok();
        let named = named.filter(|node| self.parents.node_of(link) != Some(node));
        let Some(node) = named else {
            self.metrics.refused.malformed.inc();
            return self.fail(&errand.purpose, Failure::Refused(problem::owner_confused()), now);
        };
        // A room that has ended here meanwhile needs nobody.
        let Some(room) = self.room_of_errand(&errand) else {
            return self.fail(&errand.purpose, Failure::Silent, now);
        };
        self.metrics.ownership.redirects.inc();
        self.note_elsewhere(link, &room, &node, now);
        if let Purpose::Rejoin { seat, messages } = errand.purpose {
            self.rejoins.note_end(messages);
            // Unless the room has another owner now, with whom everybody has his turn anyway.
            if self.asked_of_owner(&errand, link) {
                self.rejoin_later(seat, now);
            }
            return self.pump_rejoins(now);
        }
        errand.redirects += 1;
        if errand.redirects > REDIRECTS_MAX {
            self.metrics.limits.redirects.inc();
            return self.fail(&errand.purpose, Failure::LinkLost, now);
        }
        let known = self.directory.key_of(&room).and_then(|key| self.directory.get(key));
        if known.is_some_and(|room| room.owner != Some(link)) {
            // Its owner is the one that was named, or one of whom this edge has heard since.
            return self.carry_on(errand, now);
        }
        let sent = match self.parents.link_of(&node) {
            Some(direct) => self.dispatch(direct, errand),
            None => self.hold(errand, now).map_err(|errand| (errand, Failure::LinkLost)),
        };
        if let Err((errand, failure)) = sent {
            self.fail(&errand.purpose, failure, now);
        }
    }

    /// The owner refuses. Who owns the room no longer need not know any more what is in it.
    fn refuse(&mut self, link: LinkId, mut errand: Errand, problem: Problem, now: Instant) {
        let outdated = self.room_of_errand(&errand).is_some_and(|room| {
            let room = self.directory.key_of(&room).and_then(|key| self.directory.get(key));
            room.and_then(|room| room.owner).is_some_and(|owner| owner != link)
        });
        match errand.purpose {
            Purpose::Rejoin { messages, .. } if outdated => {
                self.rejoins.note_end(messages);
                self.pump_rejoins(now);
            }
            Purpose::Leave | Purpose::List(_) | Purpose::Rejoin { .. } => {
                self.fail(&errand.purpose, Failure::Refused(problem), now);
            }
            _ if outdated && problem.status == NOT_FOUND && errand.redirects < REDIRECTS_MAX => {
                errand.redirects += 1;
                self.carry_on(errand, now);
            }
            _ => self.fail(&errand.purpose, Failure::Refused(problem), now),
        }
    }

    /// Whether the room of this errand is still believed to belong to who was asked over `link`.
    fn asked_of_owner(&self, errand: &Errand, link: LinkId) -> bool {
        let key = self.room_of_errand(errand).and_then(|room| self.directory.key_of(&room));
        key.and_then(|key| self.directory.get(key)).is_some_and(|room| room.owner == Some(link))
    }

    fn room_of_errand(&self, errand: &Errand) -> Option<RoomId> {
        if let Purpose::Rejoin { seat, .. } = errand.purpose {
            let key: RoomKey = self.seats.get(seat)?.room;
            return self.directory.get(key).map(|room| room.id.clone());
        }
        errand.ask.as_ref().and_then(room_of).and_then(|room| RoomId::new(room).ok())
    }

    /// An origin says whose a room is.
    fn note_elsewhere(&mut self, link: LinkId, room: &RoomId, node: &NodeId, now: Instant) {
        self.memory.note_owner(room, node.clone());
        let Some(key) = self.directory.key_of(room) else { return };
        if self.directory.get(key).is_some_and(|room| room.may_be_moved_by(link, now))
            && let Some(key) = self.change_owner(key, node, Cause::Redirected, now)
        {
            self.follow_owners(&[key], now);
        }
    }

    fn succeed(&mut self, link: LinkId, errand: Errand, answer: Answer, now: Instant) {
        match errand.purpose {
            Purpose::Pass(ticket) => {
                if let Answer::Room(info) = &answer {
                    self.remember_owner(link, &info.room);
                }
                self.pass_answer(ticket, answer);
            }
            Purpose::List(list) => {
                let page = if let Answer::Rooms(page) = answer { Some(page) } else { None };
                self.note_page(list, page.ok_or_else(problem::owner_confused));
            }
            Purpose::Join { seat, ticket } => {
                let info = if let Answer::Room(info) = answer { Some(info) } else { None };
                self.joined(link, seat, ticket, info, now);
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

    /// Whoever has just made a room, or knows it, is asked about it first.
    fn remember_owner(&mut self, link: LinkId, room: &str) {
        let Ok(room) = RoomId::new(room) else { return };
        if let Some(node) = self.parents.node_of(link).cloned()
            && (self.parents.any() != Some(link) || self.memory.owner_of(&room).is_some())
        {
            self.memory.note_owner(&room, node);
        }
    }

    fn pass_answer(&mut self, ticket: Ticket, answer: Answer) {
        let outcome = match answer {
            Answer::Problem(problem) => Err(problem),
            answer => Ok(Reply::Answered(Box::new(answer))),
        };
        self.answer(ticket, outcome);
    }

    pub(super) fn fail(&mut self, purpose: &Purpose, failure: Failure, now: Instant) {
        match *purpose {
            Purpose::Pass(ticket) => self.answer(ticket, Err(failure.into_problem())),
            Purpose::List(list) => self.note_page(list, Err(failure.into_problem())),
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
            Purpose::Rejoin { .. } => self.fail_rejoin(purpose, failure, now),
            Purpose::MuteSelf(seat) => {
                self.own_mute_told(seat, failure.says_not_found());
                if matches!(failure, Failure::Silent) {
                    self.tell_own_mute(seat, now);
                }
            }
            Purpose::Leave => {}
        }
    }

    fn fail_rejoin(&mut self, purpose: &Purpose, failure: Failure, now: Instant) {
        let Purpose::Rejoin { seat, messages } = *purpose else { return };
        let gone = failure.says_not_found();
        self.rejoins.note_end(messages);
        match failure {
            Failure::Refused(problem) if problem.status == FORBIDDEN => {
                // He was sent out while nobody could tell this edge.
                self.remove_seat(seat, Departure::Dismissed("removed"), now);
            }
            // He has gone elsewhere while this edge was cut off.
            Failure::Refused(problem) if problem.code == TAKEN => self.note_moved(seat, now),
            Failure::Refused(_) if gone => self.close_room_of(seat, now),
            Failure::Refused(_) | Failure::Silent => self.rejoin_later(seat, now),
            // Whoever is here is reminded of when the room has an owner again.
            Failure::LinkLost => return,
        }
        self.pump_rejoins(now);
    }
}
