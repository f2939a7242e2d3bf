//! An embedded origin between two edges of the same process, over real links.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests fail the test"
)]

use std::time::Duration;

use bytes::Bytes;
use prometheus::{Registry, TextEncoder};
use stoa_audio::frame::{Epoch, Frame, FrameDuration, FrameNumber, Level, TrackId};
use stoa_link::{Event, Inbox, InboxSender, Link, PeerName, TrackBinding, inbox};
use stoa_origin::store::{DurableConfig, StoreConfig};
use stoa_origin::{Config, Embedded};
use stoa_protocol::ids::{NodeId, NodeRole, Region, RoomId};
use stoa_protocol::mesh::control::{
    Answer, Ask, Block, Body, CreateRoom, Feed, Join, Request, Subscribe, TrackKind, WireRole,
};

const VOICE: TrackId = TrackId(77);
const PATIENCE: Duration = Duration::from_secs(10);

#[tokio::test]
async fn a_voice_enters_at_one_edge_and_reaches_the_other_from_its_first_frame() {
    let registry = Registry::new();
    let origin = stoa_origin::embed(&forgetful(), &registry).await.unwrap();
    let mut ams = Edge::link("ams", &origin).await;
    let mut sin = Edge::link("sin", &origin).await;
    ams.prepare_to_speak().await;
    sin.subscribe();
    let empty = sin.wait_for(selection).await;
    assert!(empty.is_empty());

    for step in 0..10 {
        ams.link.send_frame(&frame(step));
    }

    let bound = sin.wait_for(|event| match event {
        Event::Bound { binding, .. } => Some(binding),
        _ => None,
    });
    assert_eq!(bound.await.participant, "ada");
    for step in 0..10 {
        let heard = sin.wait_for(|event| match event {
            Event::Frame { frame, .. } => Some(frame),
            _ => None,
        });
        assert_eq!(heard.await, frame(step));
    }
    origin.end().await;
    sin.wait_for(down).await;
    ams.wait_for(down).await;
    let page = TextEncoder::new().encode_to_string(&registry.gather()).unwrap();
    assert!(page.contains("\nstoa_origin_frames_in_total 10\n"), "{page}");
    assert!(page.contains("\nstoa_origin_frames_out_total 10\n"), "{page}");
}

#[tokio::test]
async fn the_loss_of_an_edge_ends_nothing_for_the_others() {
    let origin = stoa_origin::embed(&forgetful(), &Registry::new()).await.unwrap();
    let mut ams = Edge::link("ams", &origin).await;
    let mut sin = Edge::link("sin", &origin).await;
    let mut iad = Edge::link("iad", &origin).await;
    ams.prepare_to_speak().await;
    sin.subscribe();
    iad.subscribe();
    // The answer to a subscription says that it holds.
    sin.wait_for(selection).await;
    iad.wait_for(selection).await;

    iad.link.close("gone");
    iad.wait_for(down).await;
    ams.link.send_frame(&frame(0));

    let heard = sin.wait_for(|event| match event {
        Event::Frame { frame, .. } => Some(frame),
        _ => None,
    });
    assert_eq!(heard.await, frame(0));
}

#[tokio::test]
async fn a_drain_reaches_the_edges_and_is_over_when_nobody_is_left() {
    let origin = stoa_origin::embed(&forgetful(), &Registry::new()).await.unwrap();
    let mut ams = Edge::link("ams", &origin).await;

    origin.steering().drain(Duration::from_secs(30)).await;

    let drain = ams.wait_for(|event| match event {
        Event::Control { body, .. } => match *body {
            Body::Drain(drain) => Some(drain),
            _ => None,
        },
        _ => None,
    });
    // Less than the limit if the drain began before the origin had heard of the link.
    assert!((1..=30_000).contains(&drain.await.deadline_ms));
    let refused = ams
        .ask(Ask::CreateRoom(CreateRoom {
            room: "r".into(),
            name: "R".into(),
            ..CreateRoom::default()
        }))
        .await;
    assert!(matches!(refused, Answer::Problem(problem) if problem.status == 503));
    tokio::time::timeout(PATIENCE, origin.steering().vacant()).await.unwrap();
}

#[tokio::test]
async fn whom_the_host_has_blocked_does_not_come_in_even_after_the_origin_has_started_anew() {
    let folder = tempfile::tempdir().unwrap();
    let durable = DurableConfig::Embedded { file: folder.path().join("rooms.redb") };
    let store = StoreConfig { durable, ..StoreConfig::default() };
    let config = Config { store, ..Config::default() };
    let join = |who: &str, role: WireRole| {
        let (participant, identity, name) = (who.to_owned(), who.to_owned(), who.to_owned());
        let (room, role) = ("r".to_owned(), role.into());
        Ask::Join(Join { room, participant, identity, name, role, ..Join::default() })
    };
    let origin = stoa_origin::embed(&config, &Registry::new()).await.unwrap();
    let mut ams = Edge::link("ams", &origin).await;
    let mut sin = Edge::link("sin", &origin).await;
    let create = CreateRoom { room: "r".into(), name: "R".into(), ..CreateRoom::default() };
    assert!(matches!(ams.ask(Ask::CreateRoom(create)).await, Answer::Room(_)));
    assert!(matches!(ams.ask(join("hana", WireRole::Host)).await, Answer::Room(_)));
    assert!(matches!(sin.ask(join("leo", WireRole::Listener)).await, Answer::Room(_)));

    let (tenant, identity, other) = (String::new(), "hana".to_owned(), "leo".to_owned());
    let block = Ask::Block(Block { tenant, identity, other, blocked: true });
    assert!(matches!(ams.ask(block).await, Answer::Done(_)));

    let ended = sin.wait_for(|event| match event {
        Event::Control { body, .. } => match *body {
            Body::Standing(told) if !told.ended.is_empty() => Some((told.participant, told.ended)),
            _ => None,
        },
        _ => None,
    });
    assert_eq!(ended.await, ("leo".to_owned(), "removed".to_owned()));
    origin.end().await;

    let origin = embedded_anew(&config).await;
    let mut ams = Edge::link("ams", &origin).await;
    let mut sin = Edge::link("sin", &origin).await;
    assert!(matches!(ams.ask(join("hana", WireRole::Host)).await, Answer::Room(_)));
    match sin.ask(join("leo", WireRole::Listener)).await {
        Answer::Problem(problem) => assert_eq!(problem.code, "blocked-by-host"),
        other => panic!("he is in: {other:?}"),
    }
    assert!(matches!(sin.ask(join("lia", WireRole::Listener)).await, Answer::Room(_)));
}

fn forgetful() -> Config {
    let store = StoreConfig { durable: DurableConfig::Memory, ..StoreConfig::default() };
    Config { store, ..Config::default() }
}

/// The store's thread closes its file a moment after the origin has ended.
async fn embedded_anew(config: &Config) -> Embedded {
    let until = tokio::time::Instant::now() + PATIENCE;
    loop {
        match stoa_origin::embed(config, &Registry::new()).await {
            Ok(origin) => return origin,
            Err(error) => assert!(tokio::time::Instant::now() < until, "{error:#}"),
        }
        tokio::task::yield_now().await;
    }
}

struct Edge {
    link: Link,
    inbox: Inbox,
    _sender: InboxSender,
}

impl Edge {
    async fn link(node: &str, origin: &Embedded) -> Self {
        let (sender, mut inbox) = inbox();
        let name = PeerName {
            node: NodeId::new(node).unwrap(),
            role: NodeRole::Edge,
            region: Region::new("test").unwrap(),
        };
        stoa_link::in_process(name, sender.clone(), origin.name.clone(), origin.inbox.clone());
        let Some(Event::Up { peer, link, .. }) = inbox.recv().await else {
            panic!("the first event of a link is that it is up");
        };
        assert_eq!(peer, origin.name);
        Self { link, inbox, _sender: sender }
    }

    async fn prepare_to_speak(&mut self) {
        let create = CreateRoom { room: "r".into(), name: "R".into(), ..CreateRoom::default() };
        assert!(matches!(self.ask(Ask::CreateRoom(create)).await, Answer::Room(_)));
        let join = Join {
            room: "r".into(),
            participant: "ada".into(),
            identity: "ada".into(),
            name: "Ada".into(),
            role: WireRole::Speaker.into(),
            track: VOICE.0,
            ..Join::default()
        };
        assert!(matches!(self.ask(Ask::Join(join)).await, Answer::Room(_)));
        self.link.bind(TrackBinding {
            track: VOICE,
            epoch: Epoch(0),
            room: RoomId::new("r").unwrap(),
            participant: "ada".into(),
            kind: TrackKind::Speaker,
            bitrate: 0,
        });
    }

    fn subscribe(&self) {
        let (feed, kind) = (Feed::Red.into(), TrackKind::Speaker.into());
        let body =
            Subscribe { room: "r".into(), feed, kind, bitrate: 0, epoch: 0, back_fill: false };
        self.link.send(Body::Subscribe(body)).unwrap();
    }

    async fn ask(&mut self, ask: Ask) -> Answer {
        self.link.send(Body::Request(Request { id: 1, ask: Some(ask) })).unwrap();
        self.wait_for(|event| match event {
            Event::Control { body, .. } => match *body {
                Body::Response(response) => response.answer,
                _ => None,
            },
            _ => None,
        })
        .await
    }

    /// The first event that `pick` takes; others are passed over.
    async fn wait_for<T>(&mut self, pick: impl Fn(Event) -> Option<T>) -> T {
        let picked = async {
            loop {
                let event = self.inbox.recv().await.expect("the inbox stays open");
                if let Some(picked) = pick(event) {
                    return picked;
                }
            }
        };
        tokio::time::timeout(PATIENCE, picked).await.expect("the event comes in time")
    }
}

fn selection(event: Event) -> Option<Vec<u64>> {
    match event {
        Event::Control { body, .. } => match *body {
            Body::Selection(selection) => {
                Some(selection.selected.into_iter().map(|selected| selected.track).collect())
            }
            _ => None,
        },
        _ => None,
    }
}

fn down(event: Event) -> Option<String> {
    match event {
        Event::Down { reason, .. } => Some(reason),
        _ => None,
    }
}

fn frame(step: u64) -> Frame {
    Frame {
        track: VOICE,
        epoch: Epoch(0),
        number: FrameNumber(step * 8),
        duration: FrameDuration::MS_20,
        level: Level::from_minus_dbov(25),
        voice: true,
        payload: Bytes::from_static(&[0x78; 80]),
    }
}
