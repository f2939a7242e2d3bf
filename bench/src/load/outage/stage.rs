//! The room that goes through it: somebody speaks at one edge; a host, a listener and those who come meanwhile are at
//! the other.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use hyper::{Method, StatusCode};
use serde_json::{Value, json};
use stoa_protocol::ids::Role;

use super::report::Acted;
use crate::load::entrance::Entrance;
use crate::load::http::{Connection, Room};
use crate::load::joining::Scene;
use crate::load::network::Network;
use crate::load::speaker::Speaker;
use crate::load::swarm::Swarm;
use crate::load::talk::Talk;
use crate::node::StorePlace;

/// Packets of listeners.
const PACKET_MS: u32 = 20;
/// People who come over the whole run, at most.
const PEOPLE_MAX: u32 = 256;
const PARTICIPANTS: u32 = 1_000;
const LOOK: Duration = Duration::from_millis(5);
/// How long a newcomer may take to hear something.
const PATIENCE: Duration = Duration::from_secs(10);

/// A running network with its room.
pub(super) struct Stage {
    pub(super) network: Network,
    pub(super) speaker: Speaker,
    /// Of the listener whose frames are counted.
    pub(super) ears: Arc<Swarm>,
    pub(super) room: Room,
    entrance: Entrance,
    /// Of everybody else.
    newcomers: Arc<Swarm>,
    far: Scene,
}

/// Those with a WebSocket.
pub(super) struct Cast {
    pub(super) host: Talk,
    /// Clients of the swarm of newcomers so far.
    clients: u32,
    people: Vec<Talk>,
}

impl Stage {
    /// Starts nodes on a store, makes a room, and lets somebody speak and somebody listen.
    ///
    /// # Errors
    /// When a node does not start, or nobody is heard.
    pub(super) async fn open(store: StorePlace) -> Result<(Self, Cast)> {
        let network = Network::start(store, &["ams-1", "fra-1"], PARTICIPANTS, 1).await?;
        let [near, far] = &network.edges[..] else { anyhow::bail!("two edges are needed") };
        let (near, far) = (near.http(), far.http());
        let room = Connection::open(near).await?.create_room("Outage").await?;
        let scene = Scene::of(near, room.clone(), PACKET_MS)?;
        let (speaker, _) = scene.speak().await?;
        let far_scene = scene.beside(far);
        let length = Duration::from_millis(PACKET_MS.into());
        let ears = Arc::new(Swarm::spawn(1, 1, scene.epoch, length)?);
        let newcomers = Arc::new(Swarm::spawn(PEOPLE_MAX, 1, scene.epoch, length)?);
        far_scene.door(&ears).await?.join(0).await?;
        hearing(&ears, 0).await?;
        let entrance = Entrance::new(far, &network.secret, &newcomers)?;
        let host = entrance.enter(0, &room.room, Role::Host).await?;
        let stage = Self { network, speaker, ears, room, entrance, newcomers, far: far_scene };
        Ok((stage, Cast { host, clients: 1, people: Vec::new() }))
    }

    /// Somebody who may raise his hand.
    ///
    /// # Errors
    /// When the edge refuses him.
    pub(super) async fn guest(&self, cast: &mut Cast) -> Result<Talk> {
        let client = cast.clients;
        cast.clients += 1;
        ensure!(client < PEOPLE_MAX, "too many people in one run");
        self.entrance.enter(client, &self.room.room, Role::Listener).await
    }

    /// What people do while the store is away: one comes and hears, two come and raise their hands, one of whom is
    /// accepted; one leaves, and the host changes the topic. Each is timed until the edge has said that it is done.
    ///
    /// # Errors
    /// When something is refused, or is not done in time.
    pub(super) async fn act(&self, cast: &mut Cast, leaver: Talk, topic: &str) -> Result<Acted> {
        let mut acted = Acted::default();
        let began = Instant::now();
        let client = cast.clients;
        cast.clients += 1;
        let before = self.newcomers.gauges.hearing.load(Ordering::Relaxed);
        self.far.door(&self.newcomers).await?.join(client).await?;
        hearing(&self.newcomers, before).await?;
        acted.newcomer_hears_ms = ms(began);

        let began = Instant::now();
        let mut speaker = self.guest(cast).await?;
        acted.guest_joined_ms = ms(began);
        let mut waiting = self.guest(cast).await?;
        acted.hand_ms = timed(&mut speaker, json!({ "type": "hand", "raised": true })).await?;
        acted.second_hand_ms =
            timed(&mut waiting, json!({ "type": "hand", "raised": true })).await?;
        let who = speaker.participant().to_owned();
        let accept = json!({ "type": "stage", "action": "accept", "participant": who });
        acted.accepted_ms = timed(&mut cast.host, accept).await?;
        speaker
            .wait_for(|message| message["type"] == "standing" && message["role"] == "speaker")
            .await
            .context("an accepted hand does not lead to the stage")?;
        self.leave(leaver).await?;
        acted.topic_ms = self.rename(topic).await?;
        // They stay: who is in the room at the end is what must be stored.
        cast.people.extend([speaker, waiting]);
        Ok(acted)
    }

    /// Says goodbye, and has been heard when this returns.
    ///
    /// # Errors
    /// When the edge does not say so.
    pub(super) async fn leave(&self, mut talk: Talk) -> Result<()> {
        talk.ask(json!({ "type": "leave" })).await.map(drop)
    }

    async fn rename(&self, topic: &str) -> Result<f64> {
        let began = Instant::now();
        let edge = self.network.edges.first().context("a network without edges")?;
        let mut http = Connection::open(edge.http()).await?;
        let path = format!("/v1/rooms/{}", self.room.room);
        let token = self.entrance.token(&self.room.room, "back-end", Role::Host)?;
        let body = Some(("application/json", json!({ "topic": topic }).to_string()));
        let answer = http.send(Method::PATCH, &path, Some(&token), body).await?;
        answer.expect(StatusCode::OK, "a new topic")?;
        Ok(ms(began))
    }
}

/// Waits until one more of a swarm hears something.
async fn hearing(swarm: &Swarm, before: u64) -> Result<()> {
    let began = Instant::now();
    while swarm.gauges.hearing.load(Ordering::Relaxed) <= before {
        ensure!(began.elapsed() < PATIENCE, "a newcomer hears nothing for {PATIENCE:?}");
        tokio::time::sleep(LOOK).await;
    }
    Ok(())
}

async fn timed(talk: &mut Talk, deed: Value) -> Result<f64> {
    let began = Instant::now();
    talk.ask(deed).await?;
    Ok(ms(began))
}

fn ms(began: Instant) -> f64 {
    began.elapsed().as_secs_f64() * 1e3
}
