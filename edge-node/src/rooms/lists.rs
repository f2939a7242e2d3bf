//! One list of the rooms of many origins: each is asked for its page, and pages are merged by id.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use stoa_protocol::mesh::control::{
    Answer, Ask, Body, ListRooms, Problem, Request, RoomInfo, RoomPage,
};

use super::hub::Hub;
use super::order::{Reply, Ticket};
use super::problem;
use super::requests::{Errand, Purpose};

/// How long an origin has for its page; a list without the rooms of one is better than none.
const PAGE_WITHIN: Duration = Duration::from_secs(2);

/// Lists that are being put together. Each has a request under way, so those bound them.
#[derive(Debug, Default)]
pub(super) struct Lists {
    open: BTreeMap<u64, Gathering>,
    last: u64,
}

#[derive(Debug)]
struct Gathering {
    ticket: Ticket,
    limit: usize,
    missing: usize,
    pages: Vec<RoomPage>,
    problem: Option<Problem>,
}

impl Hub {
    /// Asks every origin for its rooms.
    pub(super) fn gather(
        &mut self,
        ticket: Ticket,
        list: &ListRooms,
        now: Instant,
    ) -> Result<(), Problem> {
        self.lists.last += 1;
        let id = self.lists.last;
        let mut missing = 0;
        for link in self.parents.each().into_values() {
            let deadline = now + PAGE_WITHIN;
            let errand = Errand { deadline, ..Errand::new(Purpose::List(id), now) };
            let Ok(request) = self.requests.register(link, errand) else {
                self.metrics.limits.requests.inc();
                self.metrics.ownership.lists_incomplete.inc();
                continue;
            };
            missing += 1;
            let ask = Some(Ask::ListRooms(list.clone()));
            self.send(link, Body::Request(Request { id: request, ask }));
        }
        self.count_requests();
        if missing == 0 {
            return Err(problem::busy());
        }
        let limit = usize::try_from(list.limit).unwrap_or(usize::MAX).max(1);
        let gathering = Gathering { ticket, limit, missing, pages: Vec::new(), problem: None };
        self.lists.open.insert(id, gathering);
        Ok(())
    }

    /// An origin has told its page, or failed to.
    pub(super) fn note_page(&mut self, id: u64, page: Result<RoomPage, Problem>) {
        let Some(gathering) = self.lists.open.get_mut(&id) else { return };
        match page {
            Ok(page) => gathering.pages.push(page),
            Err(problem) => {
                self.metrics.ownership.lists_incomplete.inc();
                gathering.problem.get_or_insert(problem);
            }
        }
        gathering.missing -= 1;
        if gathering.missing > 0 {
            return;
        }
        let Some(Gathering { ticket, limit, pages, problem, .. }) = self.lists.open.remove(&id)
        else {
            return;
        };
        let outcome = match problem {
            Some(problem) if pages.is_empty() => Err(problem),
            _ => Ok(Reply::Answered(Box::new(Answer::Rooms(merge(pages, limit))))),
        };
        self.answer(ticket, outcome);
    }
}

/// The first `limit` rooms of all pages. Where a page ends with more to come, rooms of others beyond
/// it are left for the next one, or those to come would be missed.
fn merge(pages: Vec<RoomPage>, limit: usize) -> RoomPage {
    let horizon = pages.iter().map(|page| page.next.clone()).filter(|next| !next.is_empty()).min();
    let mut rooms: BTreeMap<String, RoomInfo> = BTreeMap::new();
    for info in pages.into_iter().flat_map(|page| page.rooms) {
        // A room that changes its owner at this moment is told by both.
        rooms.entry(info.room.clone()).or_insert(info);
    }
    if let Some(horizon) = &horizon {
        rooms.retain(|id, _| id <= horizon);
    }
    let cut = rooms.len() > limit;
    let rooms: Vec<RoomInfo> = rooms.into_values().take(limit).collect();
    let last = rooms.last().filter(|_| cut).map(|info| info.room.clone());
    RoomPage { next: last.or(horizon).unwrap_or_default(), rooms }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(rooms: &[&str], next: &str) -> RoomPage {
        let info = |room: &&str| RoomInfo { room: (*room).to_owned(), ..RoomInfo::default() };
        RoomPage { rooms: rooms.iter().map(info).collect(), next: next.to_owned() }
    }

    #[test]
    fn pages_are_merged_by_id_and_cut_to_the_limit() {
        let pages = || vec![page(&["a", "d"], "d"), page(&["b", "c"], ""), page(&["b"], "")];
        assert_eq!(merge(pages(), 2), page(&["a", "b"], "b"));
        assert_eq!(merge(pages(), 9), page(&["a", "b", "c", "d"], "d"));
        assert_eq!(merge(vec![page(&["a"], ""), page(&[], "")], 9), page(&["a"], ""));
    }

    #[test]
    fn nothing_is_skipped_where_a_page_ends_early() {
        let pages = vec![page(&["a", "c"], "c"), page(&["b", "x", "y"], "")];
        assert_eq!(merge(pages, 9), page(&["a", "b", "c"], "c"));
    }
}
