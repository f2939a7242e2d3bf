//! What origins write down and read: the store takes its time, answers wait until what they say is kept, and leases run
//! out by the store's clock, all as the real shell and its keepers do it.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use stoa_link::LinkId;
use stoa_origin::cluster::{LiveOrigin, Tidings};
use stoa_origin::keeping::ACKNOWLEDGED_WITHIN;
use stoa_origin::service::{self, Refusal};
use stoa_origin::store::{Home, HotChange, LEASE_LIFE, Operation, RoomChange, StoreError};
use stoa_protocol::ids::RoomId;
use stoa_protocol::mesh::control::{Answer, Body, Response};

use super::world::{Happening, TIDINGS_INTERVAL, World};

/// How long the store takes for what is written or read at one time.
const STORE_TAKES: Duration = Duration::from_millis(5);

/// How long an answer that a standby vouches for waits for the store as well.
const STORED_WITHIN: Duration = Duration::from_millis(50);

/// How often it is looked whether an answer may go.
const LOOK_INTERVAL: Duration = Duration::from_millis(10);

/// So much earlier than the store an origin takes its lease for over.
pub(super) const MARGIN: Duration = Duration::from_millis(300);

/// A write of an origin.
pub(super) type Written = (u64, Operation);

/// How far a message to a standby is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Told {
    Waits,
    Holds,
    Never,
}

/// A message to a standby that an answer waits for.
#[derive(Debug)]
pub(super) struct Copied {
    link: LinkId,
    number: u64,
    room: RoomId,
    told: Told,
}

/// An answer that waits until what it says is kept.
#[derive(Debug)]
pub(super) struct Held {
    link: LinkId,
    body: Box<Body>,
    writes: BTreeSet<u64>,
    copied: Vec<Copied>,
    /// Identities that it says are banned.
    bans: Vec<String>,
    since: Instant,
}

/// What becomes of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Waits,
    Kept,
    /// The store counts as away.
    Unkept,
    Refused,
}

impl World {
    /// Gives the store what an origin has to write.
    pub(super) fn write_down(&mut self, index: usize) -> Vec<Written> {
        let Some(service) = self.nodes[index].service() else { return Vec::new() };
        let owed: Vec<Operation> = std::iter::from_fn(|| service.next_write()).collect();
        let written: Vec<Written> = owed
            .into_iter()
            .map(|operation| {
                self.promises += 1;
                (self.promises, operation)
            })
            .collect();
        self.nodes[index].journal.extend(written.iter().cloned());
        self.write_soon(index);
        written
    }

    pub(super) fn write_soon(&mut self, index: usize) {
        let node = &mut self.nodes[index];
        if !node.journal.is_empty() && !std::mem::replace(&mut node.writes, true) {
            self.at(self.now + STORE_TAKES, Happening::Stores(index));
        }
    }

    /// The store does what an origin has written.
    pub(super) fn store(&mut self, index: usize) {
        self.nodes[index].writes = false;
        if !self.store_is_up || !self.nodes[index].runs() {
            return;
        }
        let now = self.local(index);
        for (promise, operation) in std::mem::take(&mut self.nodes[index].journal) {
            let outcome = self.shelf.apply(operation.clone()).map(|_| ());
            self.nodes[index].settled.insert(promise, outcome.is_ok());
            let Some(service) = self.nodes[index].service() else { return };
            if operation.opens() {
                service.handle_opened(&operation, &outcome, now);
            } else if let (Err(StoreError::Fenced { .. }), Some(room)) = (outcome, operation.room())
            {
                service.handle_fenced(room.clone());
            }
        }
        self.carry_out(index);
    }

    /// An origin wants to know something of the store.
    pub(super) fn look_up(&mut self, index: usize, command: service::Command) {
        if matches!(command, service::Command::Load { .. } | service::Command::Verify { .. }) {
            self.at(self.now + STORE_TAKES, Happening::Reads(index, Box::new(command)));
        }
    }

    /// The store tells it; that it is away is told, too, to who would take a room.
    pub(super) fn read(&mut self, index: usize, command: &service::Command) {
        let (now, up) = (self.local(index), self.store_is_up);
        if !self.nodes[index].runs() {
            return;
        }
        match command {
            service::Command::Load { room } => {
                let kept = if up { self.shelf.kept(room) } else { None };
                if let Some(service) = self.nodes[index].service() {
                    service.handle_loaded(room, kept, now);
                }
            }
            service::Command::Verify { room } if up => {
                let record = self.shelf.record(room);
                if let Some(service) = self.nodes[index].service() {
                    service.handle_record(room, record.as_ref(), now);
                }
            }
            _ => {}
        }
        self.carry_out(index);
    }

    /// An origin has told a standby something; gives what an answer has to wait for.
    pub(super) fn copy(link: LinkId, number: u64, room: RoomId) -> Copied {
        Copied { link, number, room, told: Told::Waits }
    }

    /// An origin answers, once what it says is kept.
    pub(super) fn hold(
        &mut self,
        index: usize,
        link: LinkId,
        body: Box<Body>,
        written: &mut Vec<Written>,
        copied: &mut Vec<Copied>,
    ) {
        let (acknowledged, rest): (Vec<Written>, Vec<Written>) = std::mem::take(written)
            .into_iter()
            .partition(|(_, operation)| acknowledges(&body, operation));
        *written = rest;
        if acknowledged.is_empty() {
            return self.say(index, link, *body);
        }
        let bans = acknowledged.iter().filter_map(|(_, operation)| match operation {
            Operation::Change { change: RoomChange::Ban(ban), .. } => Some(ban.identity.clone()),
            _ => None,
        });
        let held = Held {
            link,
            body,
            bans: bans.collect(),
            writes: acknowledged.iter().map(|(promise, _)| *promise).collect(),
            copied: std::mem::take(copied),
            since: self.now,
        };
        let node = &mut self.nodes[index];
        node.held.push(held);
        if !std::mem::replace(&mut node.answers, true) {
            self.at(self.now + LOOK_INTERVAL, Happening::Answers(index));
        }
    }

    /// Lets answers go whose time has come.
    pub(super) fn answer_what_is_kept(&mut self, index: usize) {
        self.nodes[index].answers = false;
        if !self.nodes[index].alive {
            return;
        }
        let held = if self.nodes[index].runs() {
            std::mem::take(&mut self.nodes[index].held)
        } else {
            Vec::new()
        };
        for answer in held {
            match self.judge_answer(index, &answer) {
                Verdict::Waits => self.nodes[index].held.push(answer),
                Verdict::Refused => self.say(index, answer.link, refused(*answer.body)),
                verdict => {
                    if verdict == Verdict::Unkept {
                        self.deeds.unkept.extend(answer.bans);
                    }
                    self.say(index, answer.link, *answer.body);
                }
            }
        }
        if self.nodes[index].held.is_empty() {
            self.nodes[index].settled.clear();
        } else {
            self.nodes[index].answers = true;
            self.at(self.now + LOOK_INTERVAL, Happening::Answers(index));
        }
    }

    fn judge_answer(&self, index: usize, answer: &Held) -> Verdict {
        let node = &self.nodes[index];
        let age = self.now.saturating_duration_since(answer.since);
        let stored = |promise: &u64| node.settled.get(promise).copied();
        let refused = answer.writes.iter().any(|promise| stored(promise) == Some(false));
        let all_stored = answer.writes.iter().all(|promise| stored(promise) == Some(true));
        let verdict = if answer.copied.is_empty() {
            if refused {
                Verdict::Refused
            } else if all_stored {
                Verdict::Kept
            } else {
                Verdict::Waits
            }
        } else {
            let copies: Vec<Verdict> =
                answer.copied.iter().map(|copied| self.judge_copy(index, copied)).collect();
            if copies.contains(&Verdict::Refused) {
                Verdict::Refused
            } else if copies.contains(&Verdict::Waits) {
                Verdict::Waits
            } else if refused {
                Verdict::Refused
            } else if all_stored || age >= STORED_WITHIN {
                Verdict::Kept
            } else {
                Verdict::Waits
            }
        };
        if verdict == Verdict::Waits && age >= ACKNOWLEDGED_WITHIN {
            Verdict::Unkept
        } else {
            verdict
        }
    }

    /// A standby that is gone must be out of the record before the store alone counts.
    fn judge_copy(&self, index: usize, copied: &Copied) -> Verdict {
        match copied.told {
            Told::Holds => Verdict::Kept,
            Told::Waits => Verdict::Waits,
            Told::Never if !self.store_is_up => Verdict::Waits,
            Told::Never => {
                let record = self.shelf.record(&copied.room);
                match record.map(|record| record.ownership) {
                    Some(ownership)
                        if ownership.owner.as_ref() != Some(&self.nodes[index].identity.node) =>
                    {
                        Verdict::Refused
                    }
                    Some(ownership) if ownership.standby.is_none() => Verdict::Kept,
                    _ => Verdict::Waits,
                }
            }
        }
    }

    /// What standbys say of copies, before the core hears it.
    pub(super) fn note_copies(&mut self, index: usize, link: LinkId, body: &Body) {
        let copies = self.nodes[index].held.iter_mut().flat_map(|held| &mut held.copied);
        for copied in copies.filter(|copied| copied.link == link && copied.told == Told::Waits) {
            match body {
                Body::Replicated(told) if copied.number <= told.number => copied.told = Told::Holds,
                Body::Superseded(told) if copied.room.as_str() == told.room => {
                    copied.told = Told::Never;
                }
                _ => {}
            }
        }
    }

    /// A link of an origin is down.
    pub(super) fn forget_copies(&mut self, index: usize, link: LinkId) {
        let copies = self.nodes[index].held.iter_mut().flat_map(|held| &mut held.copied);
        for copied in copies.filter(|copied| copied.link == link && copied.told == Told::Waits) {
            copied.told = Told::Never;
        }
    }

    /// Keepers of leases renew them and tell who is alive.
    pub(super) fn tell_tidings(&mut self) {
        self.at(self.now + TIDINGS_INTERVAL, Happening::Tidings);
        let origins: Vec<usize> = (0..self.nodes.len())
            .filter(|index| self.nodes[*index].is_origin() && self.nodes[*index].runs())
            .collect();
        if self.store_is_up {
            for index in &origins {
                let over = self.nodes[*index].leased_until.is_none_or(|until| until <= self.now);
                self.nodes[*index].lease_lost |= over;
                self.nodes[*index].leased_until = Some(self.now + LEASE_LIFE);
            }
        }
        let live: Vec<LiveOrigin> = (0..self.nodes.len())
            .filter(|index| self.nodes[*index].leased_until.is_some_and(|until| until > self.now))
            .map(|index| LiveOrigin {
                node: self.nodes[index].identity.node.clone(),
                home: Home {
                    address: format!("{}:1", self.nodes[index].identity.node),
                    domain: self.nodes[index].place.code.to_owned(),
                },
            })
            .collect();
        for index in origins {
            let (now, up) = (self.local(index), self.store_is_up);
            let lost = up && std::mem::take(&mut self.nodes[index].lease_lost);
            let told = Tidings {
                until: up.then(|| now + LEASE_LIFE - MARGIN),
                live: up.then(|| live.clone()),
                records: lost.then(|| self.shelf.records()),
            };
            if let Some(service) = self.nodes[index].service() {
                service.handle_tidings(told, now);
                self.carry_out(index);
            }
        }
    }
}

/// Whether an answer says that something was written, as the shell has it.
fn acknowledges(body: &Body, operation: &Operation) -> bool {
    let Body::Response(Response { answer: Some(answer), .. }) = body else { return false };
    match operation {
        Operation::Create(_) => true,
        Operation::Change { change, .. } => !matches!(change, RoomChange::Append(_)),
        Operation::Note { changes, .. } => {
            let leaves = changes.iter().all(|change| matches!(change, HotChange::Gone(_)));
            matches!(answer, Answer::Done(_)) && !leaves
        }
        _ => false,
    }
}

fn refused(body: Body) -> Body {
    match body {
        Body::Response(Response { id, .. }) => {
            let answer = Some(Answer::Problem(Refusal::NotKept.problem()));
            Body::Response(Response { id, answer })
        }
        other => other,
    }
}
