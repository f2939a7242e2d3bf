//! What is asked of the room's owner all the time, and must not be forgotten once it was acknowledged: a back end bans
//! one stranger after the other, through one edge after the other.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use rand::RngExt;
use stoa_edge::rooms::{Order, Reply, Ticket};
use stoa_protocol::mesh::control::{Act, Answer, Ask, Deed, ListBans, Problem, WireRole};

use super::people::ROOM;
use super::world::{Happening, World};

/// How often somebody is banned.
const INTERVAL: Duration = Duration::from_millis(700);

/// How soon it is asked again who is banned, if nobody has answered.
const AGAIN: Duration = Duration::from_millis(300);

/// Most that a page shows; runs make fewer.
const PAGE: u32 = 100;

/// What was asked, and what was acknowledged.
#[derive(Debug, Default)]
pub(super) struct Deeds {
    count: u64,
    asked: BTreeMap<(usize, Ticket), String>,
    /// Whom an answer says that he is banned.
    pub(super) acknowledged: BTreeSet<String>,
    /// Those of whom an owner has said so while nobody could keep it.
    pub(super) unkept: BTreeSet<String>,
    /// Who asks who is banned, and who had to be when it was asked.
    reading: Option<(usize, Ticket)>,
    due: BTreeSet<String>,
    /// Who is banned at the end.
    pub(super) banned: Option<BTreeSet<String>>,
}

impl Deeds {
    /// Whom everybody was told to be banned, and who is not.
    pub(super) fn forgotten(&self) -> Vec<&String> {
        let Some(banned) = &self.banned else { return Vec::new() };
        let kept = |identity: &&String| !self.unkept.contains(*identity);
        self.due.difference(banned).filter(kept).collect()
    }
}

impl World {
    /// Another stranger is banned.
    pub(super) fn ban(&mut self) {
        self.at(self.now + INTERVAL, Happening::Bans);
        let Some(edge) = self.any_edge() else { return };
        if !self.people.founded || self.deeds.banned.is_some() {
            return;
        }
        self.deeds.count += 1;
        let identity = format!("stranger-{}", self.deeds.count);
        let act = Act {
            room: ROOM.to_owned(),
            authority: i32::from(WireRole::Host),
            actor: "court".to_owned(),
            deed: i32::from(Deed::Ban),
            identity: identity.clone(),
            ..Act::default()
        };
        let ticket = self.order(edge, Order::Ask(Ask::Act(act)));
        self.deeds.asked.insert((edge, ticket), identity);
        self.carry_out(edge);
    }

    /// It is read who is banned.
    pub(super) fn read_bans(&mut self) {
        if self.deeds.banned.is_some() {
            return;
        }
        self.at(self.now + AGAIN, Happening::ReadsBans);
        let Some(edge) = self.any_edge() else { return };
        let list = ListBans { room: ROOM.to_owned(), limit: PAGE, ..ListBans::default() };
        let ticket = self.order(edge, Order::Ask(Ask::ListBans(list)));
        self.deeds.due = self.deeds.acknowledged.clone();
        self.deeds.reading = Some((edge, ticket));
        self.carry_out(edge);
    }

    /// What came of it; `false` for another order.
    pub(super) fn note_deed(
        &mut self,
        edge: usize,
        ticket: Ticket,
        outcome: &Result<Reply, Problem>,
    ) -> bool {
        let answer = match outcome {
            Ok(Reply::Answered(answer)) => Some(&**answer),
            _ => None,
        };
        if self.deeds.reading == Some((edge, ticket)) {
            self.deeds.reading = None;
            if let Some(Answer::Bans(page)) = answer {
                self.deeds.banned =
                    Some(page.bans.iter().map(|ban| ban.identity.clone()).collect());
            }
            return true;
        }
        let Some(identity) = self.deeds.asked.remove(&(edge, ticket)) else { return false };
        if let Some(Answer::Done(_)) = answer {
            self.deeds.acknowledged.insert(identity);
        }
        true
    }

    fn any_edge(&mut self) -> Option<usize> {
        let edges: Vec<usize> = (0..self.nodes.len())
            .filter(|index| !self.nodes[*index].is_origin() && self.nodes[*index].runs())
            .collect();
        if edges.is_empty() {
            return None;
        }
        Some(edges[self.rng.random_range(0..edges.len())])
    }
}
