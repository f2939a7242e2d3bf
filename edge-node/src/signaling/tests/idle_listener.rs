//! What an idle listener's WebSocket costs in a large room where people come and go all the time.

use std::time::Duration;

use futures_util::StreamExt;
use prometheus::Registry;
use rand::SeedableRng;
use rand::rngs::StdRng;
use stoa_link::{LinkId, PeerName};
use stoa_protocol::ids::{NodeId, NodeRole, Region, Role, RoomId};
use stoa_protocol::mesh::control::{Answer, Ask, Body, Response, RoomInfo, RoomState, StageMember};
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::Message;

use super::Stage;
use super::websocket::joined;
use crate::rooms::{
    Circle, Command, Hub, Limits, Newcomer, Order, Reply, RoomsMetrics, SeatId, Ticket,
};
use crate::webrtc::{Class, Downlink, SessionEvent, SessionId};

const LINK: LinkId = LinkId(1);
/// How many of the room listen at this edge.
const HERE: u64 = 200;
/// How long it is watched.
const WATCHED: Duration = Duration::from_secs(120);

fn now() -> std::time::Instant {
    Instant::now().into_std()
}

fn hub() -> Hub {
    let metrics = RoomsMetrics::new(&Registry::new()).expect("metrics");
    let mut hub = Hub::new(Limits { participants_max: 1_000, rooms_max: 1 }, metrics);
    let (node, region) = (NodeId::new("origin-1"), Region::new("ams"));
    let (node, region) = (node.expect("node"), region.expect("region"));
    hub.handle_link_up(LINK, PeerName { node, role: NodeRole::Origin, region }, now());
    hub
}

fn newcomer() -> Newcomer {
    Newcomer {
        room: RoomId::new("agora").expect("room"),
        identity: "somebody".into(),
        name: "Somebody".into(),
        role: Role::Listener,
        named: true,
        tenant: String::new(),
        tenant_participants_max: None,
        publishes: true,
        downlink: Downlink::Slots,
        muted: false,
        resume: None,
    }
}

/// Takes a listener in, with the owner's consent.
fn join(hub: &mut Hub, rng: &mut StdRng, number: u64) -> SeatId {
    hub.handle_order(Ticket(number), Order::Prepare(newcomer()), rng, now());
    let mut seat = None;
    while let Some(command) = hub.next_command() {
        match command {
            Command::Send { body, .. } => {
                let Body::Request(request) = *body else { continue };
                let Some(Ask::Join(join)) = request.ask else { continue };
                let answer = Answer::Room(RoomInfo { room: join.room, ..RoomInfo::default() });
                let response = Response { id: request.id, answer: Some(answer) };
                hub.handle_control(LINK, Body::Response(response), now());
            }
            Command::Answer { outcome, .. } => {
                if let Ok(Reply::Prepared(prepared)) = *outcome {
                    seat = Some(prepared.seat);
                }
            }
            _ => {}
        }
    }
    let seat = seat.expect("prepared");
    let attach = Order::Attach { seat, session: SessionId(number), wants_events: true };
    hub.handle_order(Ticket(number), attach, rng, now());
    let remote = "192.0.2.1:9".parse().expect("address");
    let connected = SessionEvent::Connected { session: SessionId(number), remote };
    hub.handle_session(&connected, now());
    while hub.next_command().is_some() {}
    seat
}

/// The owner's view: fifty on the stage, ten thousand listen, and it is never the same number.
fn state(version: u64) -> RoomState {
    let member = |number: u64| StageMember {
        participant: format!("p_{number}"),
        name: format!("Speaker {number}"),
        role: 1,
        muted: false,
        track: number + 1,
    };
    let listeners = 10_000 + u32::try_from(version % 97).expect("few");
    let hands = u32::try_from(version % 13).expect("few");
    let info = RoomInfo { room: "agora".into(), listeners, hands, ..RoomInfo::default() };
    let stage = (0..50).map(member).collect();
    RoomState { info: Some(info), epoch: 1, version, stage, ..RoomState::default() }
}

/// Bytes of a frame on the wire (RFC 6455 section 5.2), as a server sends it.
fn wire_bytes(message: &Message) -> usize {
    let payload = message.len();
    payload + if payload > 125 { 4 } else { 2 }
}

#[tokio::test(start_paused = true)]
async fn an_idle_listener_of_ten_thousand_costs_less_than_fifty_bytes_a_second() {
    let stage = Stage::new();
    let (mut hub, mut rng) = (hub(), StdRng::seed_from_u64(1));
    let own = join(&mut hub, &mut rng, 1);
    for number in 2..=HERE {
        join(&mut hub, &mut rng, number);
    }
    let mut client = joined(&stage).await;
    let (begun, mut bytes, mut counts, mut version) = (Instant::now(), 0, 0, 0);
    let mut owner = tokio::time::interval(Duration::from_millis(100));
    while begun.elapsed() < WATCHED {
        tokio::select! {
            biased;
            message = client.next() => {
                let message = message.expect("open").expect("a frame");
                // The first roster comes with the room, whoever is idle in it.
                if version > 1 {
                    bytes += wire_bytes(&message);
                    counts += usize::from(message.to_text().is_ok_and(|text| text.contains("counts")));
                }
            }
            _ = owner.tick() => {
                version += 1;
                hub.handle_control(LINK, Body::RoomState(state(version)), now());
                hub.handle_timeout(now());
                while let Some(command) = hub.next_command() {
                    let event = match command {
                        Command::Announce { circle: Circle::Everybody | Circle::Class(Class::Audience), event, .. } => event,
                        Command::Tell { seat, event } if seat == own => event,
                        _ => continue,
                    };
                    stage.rooms.happen(event);
                }
            }
        }
    }
    let per_second = bytes as f64 / WATCHED.as_secs_f64();
    assert!(per_second < 50.0, "{per_second} bytes a second");
    assert!(counts >= 20, "the counts were told all the time, {counts} times");
}
