//! Answers that wait until what they say is kept: by the room's standby where it has one, by the store otherwise. A store
//! that is quick is waited for, too, so that not even the end of owner and standby takes anything back.

use std::collections::BTreeMap;
use std::time::Duration;

use stoa_link::{Link, LinkId};
use stoa_protocol::ids::{NodeId, RoomId};
use stoa_protocol::mesh::control::{Answer, Body, Response};
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::super::refusal::Refusal;
use crate::keeping::{ACKNOWLEDGED_WITHIN, Promise, Scribe};
use crate::store::{HotChange, Operation, RoomChange};

/// Pause between two looks whether the store has heard that a standby is gone.
const LOOK_AGAIN: Duration = Duration::from_millis(10);

/// How long an answer that a standby vouches for waits for the store as well: longer than a write takes, and too short
/// to be noticed while the store is away.
const STORED_WITHIN: Duration = Duration::from_millis(50);

/// Messages to standbys that are not acknowledged yet, and who waits for that.
#[derive(Debug, Default)]
pub(super) struct Standbys {
    waiting: BTreeMap<LinkId, BTreeMap<u64, (RoomId, oneshot::Sender<()>)>>,
}

/// A message that a standby has yet to acknowledge; ends in an error when it never will.
#[derive(Debug)]
pub(super) struct Copied {
    room: RoomId,
    held: oneshot::Receiver<()>,
}

impl Standbys {
    /// A message is on its way.
    pub(super) fn expect(&mut self, link: LinkId, number: u64, room: RoomId) -> Copied {
        let (told, held) = oneshot::channel();
        self.waiting.entry(link).or_default().insert(number, (room.clone(), told));
        Copied { room, held }
    }

    /// The standby holds everything up to this number.
    pub(super) fn note(&mut self, link: LinkId, number: u64) {
        let Some(waiting) = self.waiting.get_mut(&link) else { return };
        let later = waiting.split_off(&number.saturating_add(1));
        for (_, told) in std::mem::replace(waiting, later).into_values() {
            // Nobody may wait any more.
            let _ = told.send(());
        }
    }

    /// The standby will not acknowledge anything of this room.
    pub(super) fn refuse(&mut self, link: LinkId, room: &str) {
        if let Some(waiting) = self.waiting.get_mut(&link) {
            waiting.retain(|_, (of, _)| of.as_str() != room);
        }
    }

    /// The link is down.
    pub(super) fn forget(&mut self, link: LinkId) {
        self.waiting.remove(&link);
    }
}

/// What an answer has to wait for.
#[derive(Debug, Default)]
pub(super) struct Owed {
    /// In its store, unless the room's standby has it.
    pub(super) written: Vec<Promise>,
    /// In the store alone: what is of no room.
    pub(super) apart: Vec<Promise>,
    /// At its standby.
    pub(super) copied: Vec<Copied>,
}

impl Owed {
    pub(super) fn is_empty(&self) -> bool {
        [&self.written, &self.apart].iter().all(|owed| owed.is_empty()) && self.copied.is_empty()
    }
}

/// Whether `body` acknowledges a write. Who comes and goes is told again by his edge if it is forgotten, and the log is
/// about what was acknowledged.
pub(super) fn acknowledges(body: &Body, operation: &Operation) -> bool {
    let Body::Response(Response { answer: Some(answer), .. }) = body else { return false };
    match operation {
        Operation::Create(_)
        | Operation::Revoke(_)
        | Operation::Block(_)
        | Operation::Unblock(_) => true,
        Operation::Change { change, .. } => !matches!(change, RoomChange::Append(_)),
        Operation::Note { changes, .. } => {
            let leaves = changes.iter().all(|change| matches!(change, HotChange::Gone(_)));
            matches!(answer, Answer::Done(_)) && !leaves
        }
        _ => false,
    }
}

/// Sends an answer once what it acknowledges is kept, or its store counts as away.
pub(super) async fn acknowledge(
    link: Link,
    body: Box<Body>,
    owed: Owed,
    scribe: Scribe,
    node: NodeId,
) {
    let kept = kept(owed, &scribe, &node);
    let body = match tokio::time::timeout(ACKNOWLEDGED_WITHIN, kept).await {
        Ok(true) => body,
        Ok(false) => refused(body),
        Err(_) => {
            tracing::debug!("a change is acknowledged while its store is away");
            body
        }
    };
    if let Err(error) = link.send(*body) {
        tracing::debug!(link = link.id().0, %error, "an answer was not sent");
    }
}

/// Waits until everything is kept; `false` when it was refused for good.
async fn kept(owed: Owed, scribe: &Scribe, node: &NodeId) -> bool {
    if !stored(owed.apart).await {
        return false;
    }
    if owed.copied.is_empty() {
        return stored(owed.written).await;
    }
    let until = Instant::now() + STORED_WITHIN;
    for Copied { room, held } in owed.copied {
        if held.await.is_err() && !stored_without_standby(&room, scribe, node).await {
            return false;
        }
    }
    tokio::time::timeout_at(until, stored(owed.written)).await.unwrap_or(true)
}

/// Waits for the store alone.
async fn stored(written: Vec<Promise>) -> bool {
    for promise in written {
        if let Err(error) = promise.kept().await {
            tracing::error!(%error, "a change was not stored");
            return false;
        }
    }
    true
}

/// The standby is gone. What it does not hold counts once the store holds it and names it no longer.
async fn stored_without_standby(room: &RoomId, scribe: &Scribe, node: &NodeId) -> bool {
    loop {
        match scribe.ownership(room).await {
            Ok(Some(ownership)) if ownership.owner.as_ref() != Some(node) => return false,
            Ok(Some(ownership)) if ownership.standby.is_none() => return true,
            _ => tokio::time::sleep(LOOK_AGAIN).await,
        }
    }
}

fn refused(body: Box<Body>) -> Box<Body> {
    match *body {
        Body::Response(Response { id, .. }) => {
            let answer = Some(Answer::Problem(Refusal::NotKept.problem()));
            Box::new(Body::Response(Response { id, answer }))
        }
        other => Box::new(other),
    }
}
