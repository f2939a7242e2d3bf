//! Requests to owners that wait for an answer: bounded, and none waits for ever.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use stoa_link::LinkId;
use stoa_protocol::ids::ParticipantId;
use stoa_protocol::mesh::control::Ask;

use super::order::{SeatId, Ticket};

/// Requests under way at a time; more are answered 503.
pub(super) const REQUESTS_MAX: usize = 10_000;

/// How long an owner has to answer.
pub(super) const ANSWER_WITHIN: Duration = Duration::from_secs(5);

/// How long a room whose owner was lost a moment ago is waited for: its standby takes over sooner.
pub(super) const ORPHAN_HOLD: Duration = Duration::from_secs(3);

/// What an answer is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// Passed on to whoever asked.
    Pass(Ticket),
    /// One origin's part of a list.
    List(u64),
    /// A join, asked for the first time.
    Join { seat: SeatId, ticket: Ticket },
    /// The same participant after a reconnect, told in so many messages.
    Rejoin { seat: SeatId, messages: usize },
    /// Somebody's mute state; the edge enforces it when it is granted.
    Mute { by: SeatId, ticket: Ticket, participant: ParticipantId, muted: bool },
    /// Somebody has muted himself; it holds here already.
    MuteSelf(SeatId),
    /// Somebody has left.
    Leave,
}

/// Something to be asked, and for what.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Errand {
    pub(super) purpose: Purpose,
    /// Kept for those that may have to be asked of another origin.
    pub(super) ask: Option<Ask>,
    /// How often an origin has named another one.
    pub(super) redirects: u8,
    /// When the one who is asked has had his time.
    pub(super) deadline: Instant,
    /// When whoever waits has waited long enough, whatever has happened meanwhile.
    pub(super) last_chance: Instant,
}

impl Errand {
    pub(super) fn new(purpose: Purpose, now: Instant) -> Self {
        let deadline = now + ANSWER_WITHIN;
        Self { purpose, ask: None, redirects: 0, deadline, last_chance: deadline + ORPHAN_HOLD }
    }

    /// One that can be carried to another origin.
    pub(super) fn with(purpose: Purpose, ask: Ask, now: Instant) -> Self {
        Self { ask: Some(ask), ..Self::new(purpose, now) }
    }

    /// Whether it may be asked again when nobody knows whether it was done: it either changes nothing
    /// the second time, or is refused clearly. A room whose id is drawn would be made twice.
    pub(super) fn is_repeatable(&self) -> bool {
        let asked_by_people =
            matches!(self.purpose, Purpose::Pass(_) | Purpose::Join { .. } | Purpose::Mute { .. });
        asked_by_people && !matches!(self.ask, None | Some(Ask::CreateRoom(_)))
    }

    /// Another is asked, who has his time too, as far as there is time.
    pub(super) fn renew(&mut self, now: Instant) {
        self.redirects = 0;
        self.deadline = (now + ANSWER_WITHIN).min(self.last_chance);
    }
}

#[derive(Debug)]
struct Pending {
    link: LinkId,
    errand: Errand,
}

/// The requests that wait.
#[derive(Debug, Default)]
pub(super) struct Requests {
    pending: BTreeMap<u64, Pending>,
    deadlines: BTreeSet<(Instant, u64)>,
    last: u64,
}

impl Requests {
    /// An id for a new request; the errand comes back when too many wait.
    pub(super) fn register(&mut self, link: LinkId, errand: Errand) -> Result<u64, Box<Errand>> {
        if self.pending.len() >= REQUESTS_MAX {
            return Err(Box::new(errand));
        }
        self.last += 1;
        self.deadlines.insert((errand.deadline, self.last));
        self.pending.insert(self.last, Pending { link, errand });
        Ok(self.last)
    }

    /// An id for a request whose answer nobody needs.
    pub(super) fn unregistered(&mut self) -> u64 {
        self.last += 1;
        self.last
    }

    /// What an answered request was for; nothing when it was not asked over this link.
    pub(super) fn answered(&mut self, link: LinkId, id: u64) -> Option<Errand> {
        if self.pending.get(&id)?.link != link {
            return None;
        }
        self.take(id)
    }

    /// The next request whose time is up.
    pub(super) fn next_expired(&mut self, now: Instant) -> Option<Errand> {
        let (_, id) = *self.deadlines.first().filter(|(deadline, _)| *deadline <= now)?;
        self.take(id)
    }

    /// Everything that was asked over a link that is gone, in this order.
    pub(super) fn take_of(&mut self, link: LinkId) -> Vec<Errand> {
        let ids: Vec<u64> =
            self.pending.iter().filter(|(_, p)| p.link == link).map(|(id, _)| *id).collect();
        ids.into_iter().filter_map(|id| self.take(id)).collect()
    }

    fn take(&mut self, id: u64) -> Option<Errand> {
        let pending = self.pending.remove(&id)?;
        self.deadlines.remove(&(pending.errand.deadline, id));
        Some(pending.errand)
    }

    /// When the next request expires.
    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        self.deadlines.first().map(|(deadline, _)| *deadline)
    }

    /// How many wait.
    pub(super) fn len(&self) -> usize {
        self.pending.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leave(now: Instant) -> Errand {
        Errand::new(Purpose::Leave, now)
    }

    #[test]
    fn an_answer_over_another_link_is_not_accepted() {
        let mut requests = Requests::default();
        let now = Instant::now();
        let id = requests.register(LinkId(1), leave(now)).unwrap();
        assert_eq!(requests.answered(LinkId(2), id), None);
        assert_eq!(requests.answered(LinkId(1), id), Some(leave(now)));
        assert_eq!(requests.answered(LinkId(1), id), None);
        assert_eq!(requests.poll_timeout(), None);
    }

    #[test]
    fn the_table_is_bounded_and_expires_in_order_of_deadlines() {
        let mut requests = Requests::default();
        let start = Instant::now();
        for index in 0..REQUESTS_MAX as u64 {
            let errand = Errand::new(Purpose::Pass(Ticket(index)), start);
            assert!(requests.register(LinkId(1), errand).is_ok());
        }
        assert_eq!(requests.register(LinkId(1), leave(start)), Err(Box::new(leave(start))));
        assert_eq!(requests.next_expired(start), None);
        let due = requests.poll_timeout().unwrap();
        let expired = requests.next_expired(due).map(|errand| errand.purpose);
        assert_eq!(expired, Some(Purpose::Pass(Ticket(0))));
        assert_eq!(requests.len(), REQUESTS_MAX - 1);
        // One that was redirected has a new id and its old deadline.
        let early = Errand { deadline: start, ..leave(start) };
        requests.register(LinkId(1), early.clone()).unwrap();
        assert_eq!(requests.next_expired(start), Some(early));
    }

    #[test]
    fn what_is_renewed_does_not_wait_beyond_its_last_chance() {
        let start = Instant::now();
        let mut errand = leave(start);
        errand.renew(start + Duration::from_secs(1));
        assert_eq!(errand.deadline, start + Duration::from_secs(6));
        errand.renew(start + Duration::from_secs(7));
        assert_eq!(errand.deadline, start + ANSWER_WITHIN + ORPHAN_HOLD);
    }
}
