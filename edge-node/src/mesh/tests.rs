//! The mesh thread with an origin of its own: rooms and joins across the real queues, with a real
//! media plane beside it.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use futures_util::FutureExt;
use prometheus::Registry;
use stoa_link::{Endpoint, EndpointConfig, Event, Identity, Inbox, Link, PeerName};
use stoa_protocol::ids::{NodeId, NodeRole, Region, Role, RoomId};
use stoa_protocol::mesh::control::{
    Answer, Ask, Body, CloseRoom, CreateRoom, ListRooms, OriginInfo, Origins, Problem, ReadRoom,
    Response, RoomInfo,
};
use stoa_runtime::metrics_page::Health;
use str0m::media::{Direction, MediaKind};
use tokio::sync::mpsc;

use super::{Mesh, Start};
use crate::config::{Certificates, MeshConfig, OwnOrigin};
use crate::rooms::{JoinAsk, Limits, ParticipantEvent, RoomsHandle, Roster};
use crate::webrtc::{Downlink, Plane, PlaneConfig, PlaneMetrics};

const PATIENCE: Duration = Duration::from_secs(20);

struct Node {
    rooms: RoomsHandle,
    mesh: Mesh,
    plane: Plane,
    health: Health,
}

#[tokio::test]
async fn a_standalone_node_makes_rooms_and_takes_people_in() {
    let node = start().await;
    let room = RoomId::new("agora").unwrap();
    let made = node.rooms.create(named(&room, "Agora")).await.unwrap();
    assert_eq!((made.room.as_str(), made.name.as_str()), ("agora", "Agora"));
    assert!(node.health.is_ready());
    assert_eq!(node.rooms.create(named(&room, "Again")).await.unwrap_err().status, 409);

    let mut joined = node.rooms.join(ask(&room, offer())).await.unwrap();
    assert!(joined.opened.answer.starts_with("v=0"));
    let mut events = joined.present.events.take().unwrap();
    assert!(matches!(events.recv().await, Some(ParticipantEvent::Slots([None, None, None]))));
    let here =
        |roster: &Roster| roster.stage.iter().any(|m| m.participant == joined.present.participant);
    if !here(&joined.present.roster) {
        until(&mut events, here).await;
    }
    assert_eq!(speakers(&node, &room).await, 1);

    node.rooms.set_muted(joined.present.session, None, true).await.unwrap();
    until(&mut events, |roster| roster.stage.iter().any(|member| member.muted)).await;

    node.rooms.leave(joined.present.session).await.unwrap();
    while let Some(event) = events.recv().await {
        assert!(!matches!(event, ParticipantEvent::Closed { .. }));
    }
    assert_eq!(speakers(&node, &room).await, 0);
    node.end().await;
}

#[tokio::test]
async fn a_bad_offer_leaves_nobody_in_the_room_and_an_unknown_room_is_a_404() {
    let node = start().await;
    let room = RoomId::new("agora").unwrap();
    let unknown = node.rooms.join(ask(&room, offer())).await.unwrap_err();
    assert_eq!(unknown.status, 404);
    node.rooms.create(named(&room, "Agora")).await.unwrap();
    let bad = node.rooms.join(ask(&room, "no sdp".to_owned())).await.unwrap_err();
    assert_eq!(bad.status, 400);
    assert_eq!(speakers(&node, &room).await, 0);
    node.end().await;
}

#[tokio::test]
async fn somebody_who_gives_up_while_joining_does_not_stay_in_the_room() {
    let node = start().await;
    let room = RoomId::new("agora").unwrap();
    node.rooms.create(named(&room, "Agora")).await.unwrap();
    // The mesh thread may be quicker than one poll; then nobody has given up yet.
    while let Some(joined) = node.rooms.join(ask(&room, offer())).now_or_never() {
        node.rooms.leave(joined.unwrap().present.session).await.unwrap();
    }
    // The owner answers this after the join, and the leave follows the join's answer.
    speakers(&node, &room).await;
    assert_eq!(speakers(&node, &room).await, 0);
    node.end().await;
}

#[tokio::test]
async fn the_node_is_idle_only_when_the_last_session_has_closed() {
    let node = start().await;
    let room = RoomId::new("agora").unwrap();
    node.rooms.create(named(&room, "Agora")).await.unwrap();
    let joined = node.rooms.join(ask(&room, offer())).await.unwrap();
    speakers(&node, &room).await;
    assert!(node.mesh.steering().idle().now_or_never().is_none());
    node.rooms.leave(joined.present.session).await.unwrap();
    node.mesh.steering().idle().await;
    node.end().await;
}

#[tokio::test]
async fn closing_a_room_ends_its_sessions() {
    let node = start().await;
    let room = RoomId::new("agora").unwrap();
    node.rooms.create(named(&room, "Agora")).await.unwrap();
    let mut joined = node.rooms.join(ask(&room, offer())).await.unwrap();
    node.rooms
        .ask_owner(Ask::CloseRoom(CloseRoom { room: room.into(), ..CloseRoom::default() }))
        .await
        .unwrap();
    let mut events = joined.present.events.take().unwrap();
    loop {
        let event = events.recv().await.expect("a reason comes before the end");
        if let ParticipantEvent::Closed { reason } = event {
            break assert_eq!(reason, "room-closed");
        }
    }
    node.end().await;
}

/// An origin that says what a test wants.
struct Teller {
    endpoint: Endpoint,
    inbox: Inbox,
    name: PeerName,
    link: Option<Link>,
}

impl Teller {
    fn start(node: &str, directory: &Path) -> Self {
        let (sender, inbox) = stoa_link::inbox();
        let name = named_node(node, NodeRole::Origin);
        let identity = Identity::Development { directory: directory.to_owned() };
        let listen = SocketAddr::from(([127, 0, 0, 1], 0));
        let limits = stoa_link::Limits::default();
        let config = EndpointConfig { listen, identity, name: name.clone(), limits };
        Self { endpoint: Endpoint::bind(config, sender).unwrap(), inbox, name, link: None }
    }

    /// As it is told to edges; `localhost` is another name of where it listens.
    fn info(&self, host: &str) -> OriginInfo {
        OriginInfo {
            node: self.name.node.as_str().to_owned(),
            address: format!("{host}:{}", self.endpoint.local_addr().port()),
            domain: String::new(),
        }
    }

    async fn next_up(&mut self) -> Link {
        let up = async {
            loop {
                if let Some(Event::Up { link, .. }) = self.inbox.recv().await {
                    return link;
                }
            }
        };
        let link = tokio::time::timeout(PATIENCE, up).await.unwrap();
        self.link = Some(link.clone());
        link
    }

    async fn next_request(&mut self) -> (Link, u64) {
        let request = async {
            loop {
                if let Some(Event::Control { body, .. }) = self.inbox.recv().await
                    && let Body::Request(request) = *body
                {
                    return request.id;
                }
            }
        };
        let id = tokio::time::timeout(PATIENCE, request).await.unwrap();
        (self.link.clone().unwrap(), id)
    }
}

#[tokio::test]
async fn an_edge_links_to_the_origins_that_others_name_and_once_to_each() {
    let directory = Directory::new();
    let mut first = Teller::start("origin-1", &directory.0);
    let mut second = Teller::start("origin-2", &directory.0);
    let config = MeshConfig {
        listen: SocketAddr::from(([127, 0, 0, 1], 0)),
        origins: vec![first.endpoint.local_addr().to_string()],
        certificates: Certificates { directory: directory.0.clone(), ..Certificates::default() },
        ..MeshConfig::default()
    };
    let node = start_with(config).await;
    let link = first.next_up().await;
    let origins = vec![first.info("localhost"), second.info("localhost")];
    link.send(Body::Origins(Origins { origins: origins.clone() })).unwrap();
    let other = second.next_up().await;
    other.send(Body::Origins(Origins { origins })).unwrap();
    // What is said after the list is answered after the list was heard.
    let read = Ask::ReadRoom(ReadRoom { room: "agora".into(), ..ReadRoom::default() });
    let rooms = node.rooms.clone();
    let asked = tokio::spawn(async move { rooms.ask_owner(read).await });
    let (link, id) = first.next_request().await;
    let (status, owner) = (421, "origin-2".to_owned());
    let elsewhere = Answer::Problem(Problem { status, owner, ..Problem::default() });
    link.send(Body::Response(Response { id, answer: Some(elsewhere) })).unwrap();
    let (link, id) = second.next_request().await;
    let room = Answer::Room(RoomInfo { room: "agora".into(), ..RoomInfo::default() });
    link.send(Body::Response(Response { id, answer: Some(room.clone()) })).unwrap();
    assert_eq!(asked.await.unwrap().unwrap(), room);
    assert_eq!(first.endpoint.statistics().links_up, 1);
    node.end().await;
    first.endpoint.close("over").await;
    second.endpoint.close("over").await;
}

/// A directory that goes away with the test.
struct Directory(PathBuf);

impl Directory {
    fn new() -> Self {
        let path = std::env::temp_dir().join(format!("stoa-mesh-{:016x}", rand::random::<u64>()));
        std::fs::create_dir(&path).unwrap();
        Self(path)
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn named_node(node: &str, role: NodeRole) -> PeerName {
    PeerName { node: NodeId::new(node).unwrap(), role, region: Region::new("local").unwrap() }
}

async fn until(events: &mut mpsc::Receiver<ParticipantEvent>, wanted: impl Fn(&Roster) -> bool) {
    loop {
        match events.recv().await {
            Some(ParticipantEvent::Roster(roster)) if wanted(&roster) => return,
            None | Some(ParticipantEvent::Closed { .. }) => panic!("ended too soon"),
            Some(_) => {}
        }
    }
}

impl Node {
    async fn end(self) {
        self.mesh.end().await;
        assert_eq!(
            self.rooms.ask_owner(Ask::ListRooms(ListRooms::default())).await.unwrap_err().code,
            "edge-stopped"
        );
        self.plane.stop();
    }
}

async fn start() -> Node {
    start_with(MeshConfig { rooms_file: PathBuf::new(), ..MeshConfig::default() }).await
}

async fn start_with(config: MeshConfig) -> Node {
    let registry = Registry::new();
    let health = Health::new();
    let listen = SocketAddr::from(([127, 0, 0, 1], 0));
    let media = PlaneConfig { listen, workers: 1, ..PlaneConfig::default() };
    let metrics = PlaneMetrics::new(&registry).unwrap();
    let (plane, from_plane) = Plane::start(&media, metrics).unwrap();
    let (rooms, orders) = RoomsHandle::new(plane.clone());
    let name = named_node("edge-1", NodeRole::Edge);
    let mesh = Mesh::start(Start {
        coordinates: None,
        public_url: None,
        name,
        own: OwnOrigin::default(),
        config,
        limits: Limits { participants_max: 10, rooms_max: 10 },
        registry,
        health: health.clone(),
        plane: plane.clone(),
        from_plane,
        orders,
        on_ended: Box::new(|_| {}),
        on_revoked: Box::new(|_| {}),
        on_recommended: Box::new(|_| {}),
    })
    .await
    .unwrap();
    Node { rooms, mesh, plane, health }
}

fn named(room: &RoomId, name: &str) -> CreateRoom {
    CreateRoom { room: room.as_str().into(), name: name.into(), ..CreateRoom::default() }
}

async fn speakers(node: &Node, room: &RoomId) -> u32 {
    let read = ReadRoom { room: room.as_str().into(), ..ReadRoom::default() };
    match node.rooms.ask_owner(Ask::ReadRoom(read)).await {
        Ok(Answer::Room(info)) => info.speakers,
        other => panic!("{other:?}"),
    }
}

fn ask(room: &RoomId, offer: String) -> JoinAsk {
    JoinAsk {
        room: room.clone(),
        identity: "somebody".to_owned(),
        name: "Somebody".to_owned(),
        role: Role::Speaker,
        publishes: true,
        downlink: Downlink::Slots,
        muted: false,
        offer,
        wants_events: true,
        resume: None,
        named: true,
        tenant: String::new(),
        tenant_participants_max: None,
    }
}

/// What a browser would offer: one line up, three down.
fn offer() -> String {
    let mut rtc = str0m::Rtc::new(std::time::Instant::now());
    let mut changes = rtc.sdp_api();
    changes.add_media(MediaKind::Audio, Direction::SendOnly, None, None, None);
    for _ in 0..3 {
        changes.add_media(MediaKind::Audio, Direction::RecvOnly, None, None, None);
    }
    changes.apply().unwrap().0.to_sdp_string()
}
