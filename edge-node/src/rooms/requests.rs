//! Requests to owners that wait for an answer: bounded, and none waits for ever.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use stoa_link::LinkId;
use stoa_protocol::ids::ParticipantId;

use super::order::{SeatId, Ticket};

/// Requests under way at a time; more are answered 503.
pub(super) const REQUESTS_MAX: usize = 10_000;

/// How long an owner has to answer.
pub(super) const ANSWER_WITHIN: Duration = Duration::from_secs(5);

/// What an answer is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// Passed on to whoever asked.
    Pass(Ticket),
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

#[derive(Debug)]
struct Pending {
    link: LinkId,
    purpose: Purpose,
    deadline: Instant,
}

/// The requests that wait.
#[derive(Debug, Default)]
pub(super) struct Requests {
    // Ids grow and every request has the same time, so the first is the first to expire.
    pending: BTreeMap<u64, Pending>,
    last: u64,
}

impl Requests {
    /// An id for a new request, or nothing when too many wait.
    pub(super) fn register(&mut self, link: LinkId, purpose: Purpose, now: Instant) -> Option<u64> {
        if self.pending.len() >= REQUESTS_MAX {
            return None;
        }
        self.last += 1;
        let deadline = now + ANSWER_WITHIN;
        self.pending.insert(self.last, Pending { link, purpose, deadline });
        Some(self.last)
    }

    /// An id for a request whose answer nobody needs.
    pub(super) fn unregistered(&mut self) -> u64 {
        self.last += 1;
        self.last
    }

    /// The purpose of an answered request; nothing when it was not asked over this link.
    pub(super) fn answered(&mut self, link: LinkId, id: u64) -> Option<Purpose> {
        if self.pending.get(&id)?.link != link {
            return None;
        }
        self.pending.remove(&id).map(|pending| pending.purpose)
    }

    /// The next request whose time is up.
    pub(super) fn next_expired(&mut self, now: Instant) -> Option<Purpose> {
        let first = self.pending.first_entry()?;
        (first.get().deadline <= now).then(|| first.remove().purpose)
    }

    /// Everything that was asked over a link that is gone.
    pub(super) fn take_of(&mut self, link: LinkId) -> Vec<Purpose> {
        let ids: Vec<u64> =
            self.pending.iter().filter(|(_, p)| p.link == link).map(|(id, _)| *id).collect();
        ids.iter().filter_map(|id| self.pending.remove(id)).map(|p| p.purpose).collect()
    }

    /// When the next request expires.
    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        self.pending.first_key_value().map(|(_, pending)| pending.deadline)
    }

    /// How many wait.
    pub(super) fn len(&self) -> usize {
        self.pending.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_over_another_link_is_not_accepted() {
        let mut requests = Requests::default();
        let now = Instant::now();
        let id = requests.register(LinkId(1), Purpose::Leave, now).unwrap();
        assert_eq!(requests.answered(LinkId(2), id), None);
        assert_eq!(requests.answered(LinkId(1), id), Some(Purpose::Leave));
        assert_eq!(requests.answered(LinkId(1), id), None);
    }

    #[test]
    fn the_table_is_bounded_and_expires_in_order() {
        let mut requests = Requests::default();
        let start = Instant::now();
        for index in 0..REQUESTS_MAX as u64 {
            let purpose = Purpose::Pass(Ticket(index));
            assert!(requests.register(LinkId(1), purpose, start).is_some());
        }
        assert_eq!(requests.register(LinkId(1), Purpose::Leave, start), None);
        assert_eq!(requests.next_expired(start), None);
        let due = requests.poll_timeout().unwrap();
        assert_eq!(requests.next_expired(due), Some(Purpose::Pass(Ticket(0))));
        assert_eq!(requests.len(), REQUESTS_MAX - 1);
    }
}
