//! Who is in the room: a host, some who have raised their hands and wait, and many who raise and lower theirs.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use futures_util::future::join_all;
use serde_json::{Value, json};
use stoa_protocol::ids::Role;

use crate::load::entrance::Entrance;
use crate::load::swarm::Swarm;
use crate::load::talk::Talk;

/// Pause before somebody who was refused tries again.
const AGAIN: Duration = Duration::from_millis(100);
/// How long somebody tries.
const PATIENCE: Duration = Duration::from_secs(20);
/// Pause between two things that somebody says who goes on and on.
const BREATH: Duration = Duration::from_millis(250);

/// Everybody in the room.
pub(super) struct People {
    pub(super) host: Talk,
    /// Raise their hands at the last moment, and say nothing afterwards.
    pub(super) waiting: Vec<Talk>,
    /// Say something as soon as it has happened.
    pub(super) busy: Vec<Talk>,
    next: u32,
    entrances: Vec<Entrance>,
    room: String,
}

/// What came of one thing that somebody said.
pub(super) struct Said {
    /// From the first try to the answer that it is done.
    pub(super) took: Duration,
    /// Tries that were refused.
    pub(super) refused: u32,
}

impl People {
    /// Lets everybody in, through one edge after the other.
    ///
    /// # Errors
    /// When an edge refuses somebody.
    pub(super) async fn enter(
        entrances: Vec<Entrance>,
        room: String,
        waiting: u32,
        busy: u32,
    ) -> Result<Self> {
        let first = entrances.first().context("no edge")?;
        let host = first.enter(0, &room, Role::Host).await?;
        let mut people =
            Self { host, waiting: Vec::new(), busy: Vec::new(), next: 1, entrances, room };
        for _ in 0..waiting {
            let talk = people.another().await?;
            people.waiting.push(talk);
        }
        for _ in 0..busy {
            let talk = people.another().await?;
            people.busy.push(talk);
        }
        Ok(people)
    }

    async fn another(&mut self) -> Result<Talk> {
        let (client, count) = (self.next, self.entrances.len());
        self.next += 1;
        let edge = usize::try_from(client).unwrap_or(0) % count;
        let entrance = self.entrances.get(edge).context("no edge")?;
        entrance.enter(client, &self.room, Role::Listener).await
    }

    /// How many have come in.
    pub(super) fn count(&self) -> u32 {
        self.next
    }

    /// All who wait lower their hands, so that they can be raised anew.
    ///
    /// # Errors
    /// When somebody is refused for good.
    pub(super) async fn begin(&mut self) -> Result<()> {
        for talk in self.waiting.iter_mut().chain(&mut self.busy) {
            insist(talk, &hand(false)).await?;
        }
        Ok(())
    }

    /// Those who wait raise their hands, all at a time, while `strike` happens after `after`. Says whose hands are up
    /// according to the room's owner: what was acknowledged must not be lost.
    ///
    /// # Errors
    /// When a connection breaks.
    pub(super) async fn raise_until(
        &mut self,
        after: Duration,
        strike: impl Future<Output = Result<()>>,
    ) -> Result<BTreeSet<String>> {
        let mut ids = Vec::new();
        for talk in &mut self.waiting {
            ids.push(talk.say(hand(true)).await?);
        }
        tokio::time::sleep(after).await;
        strike.await?;
        let mut raised = BTreeSet::new();
        for (talk, id) in self.waiting.iter_mut().zip(ids) {
            let answer = talk.wait_for(|message| message["id"] == id).await?;
            if answer["type"] == "ok" {
                raised.insert(talk.participant().to_owned());
            }
        }
        Ok(raised)
    }

    /// All the busy raise or lower their hands at once, again and again until it is done.
    ///
    /// # Errors
    /// When a connection breaks, or somebody is refused for too long.
    pub(super) async fn act(busy: &mut [Talk], raised: bool) -> Result<Vec<Said>> {
        let deed = hand(raised);
        let all = busy.iter_mut().map(|talk| insist(talk, &deed));
        join_all(all).await.into_iter().collect()
    }

    /// All the busy raise and lower their hands, one after the other each, until `done` is; also says what came of it.
    ///
    /// # Errors
    /// When `done` fails, a connection breaks, or somebody is refused for too long.
    pub(super) async fn act_until<T>(
        &mut self,
        done: impl Future<Output = Result<T>>,
    ) -> Result<(T, Vec<Said>)> {
        let is_done = AtomicBool::new(false);
        let all = self.busy.iter_mut().map(|talk| keep_acting(talk, &is_done));
        let done = async {
            let result = done.await;
            is_done.store(true, Ordering::Relaxed);
            result
        };
        let (result, said) = tokio::join!(done, join_all(all));
        let said: Result<Vec<Vec<Said>>> = said.into_iter().collect();
        Ok((result?, said?.into_iter().flatten().collect()))
    }

    /// Whose hands are up, as the room's owner says.
    ///
    /// # Errors
    /// When it does not answer.
    pub(super) async fn hands(&mut self) -> Result<BTreeSet<String>> {
        let ask = json!({ "type": "participants", "limit": 100 });
        let page = self.host.ask(ask).await?;
        let people = page["participants"].as_array().context("the owner tells nobody")?;
        let up = people.iter().filter(|one| one["hand"] == true);
        Ok(up.filter_map(|one| one["participant"].as_str()).map(ToOwned::to_owned).collect())
    }

    /// How many are still connected, asked one by one.
    pub(super) async fn connected(&mut self) -> u32 {
        let mut connected = 0;
        for talk in self.waiting.iter_mut().chain(&mut self.busy).chain([&mut self.host]) {
            connected += u32::from(talk.ask(json!({ "type": "ping" })).await.is_ok());
        }
        connected
    }
}

/// Everybody's entrance.
///
/// # Errors
/// When no certificate can be made.
pub(super) fn entrances(
    edges: &[std::net::SocketAddr],
    secret: &str,
    swarm: &Arc<Swarm>,
) -> Result<Vec<Entrance>> {
    edges.iter().map(|edge| Entrance::new(*edge, secret, swarm)).collect()
}

fn hand(raised: bool) -> Value {
    json!({ "type": "hand", "raised": raised })
}

/// Raises and lowers a hand until it is enough; the hand is up at the end.
async fn keep_acting(talk: &mut Talk, is_done: &AtomicBool) -> Result<Vec<Said>> {
    let (mut all, mut raised) = (Vec::new(), true);
    loop {
        all.push(insist(talk, &hand(raised)).await?);
        if raised && is_done.load(Ordering::Relaxed) {
            return Ok(all);
        }
        raised = !raised;
        tokio::time::sleep(BREATH).await;
    }
}

/// Says something until it is done; only what may pass (503) is said again.
async fn insist(talk: &mut Talk, deed: &Value) -> Result<Said> {
    let (began, mut refused) = (Instant::now(), 0);
    loop {
        let id = talk.say(deed.clone()).await?;
        let answer = talk.wait_for(|message| message["id"] == id).await?;
        if answer["type"] == "ok" {
            return Ok(Said { took: began.elapsed(), refused });
        }
        let problem = &answer["problem"];
        ensure!(problem["status"] == 503, "refused for good: {problem}");
        ensure!(began.elapsed() < PATIENCE, "still refused after {PATIENCE:?}: {problem}");
        refused += 1;
        tokio::time::sleep(AGAIN).await;
    }
}
