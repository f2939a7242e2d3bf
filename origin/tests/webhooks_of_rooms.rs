//! An embedded origin tells a back end what happens in its rooms, signed and in order.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests fail the test"
)]

use std::time::Duration;

use prometheus::Registry;
use serde_json::Value;
use stoa_link::{Event, Inbox, Link, PeerName, inbox};
use stoa_origin::store::{DurableConfig, StoreConfig};
use stoa_origin::webhook::{Settings, SigningSecret};
use stoa_origin::{Config, Embedded};
use stoa_protocol::ids::{NodeId, NodeRole, Region};
use stoa_protocol::mesh::control::{
    Act, Answer, Ask, Body, CloseRoom, CreateRoom, Deed, Join, Request, WireRole,
};
use stoa_runtime::configuration::Secret;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

const SECRET: &str = "a secret that only two know";
const PATIENCE: Duration = Duration::from_secs(20);

/// A message whose signature was good.
#[derive(Debug)]
struct Heard(Value);

impl Heard {
    fn line(&self) -> [&str; 5] {
        let text = |value: &'_ Value| value.as_str().map(str::len);
        assert!(text(&self.0["timestamp"]).is_some_and(|length| length == 24), "{self:?}");
        let data = &self.0["data"];
        [&self.0["type"], &self.0["tenant"], &self.0["room"], &data["actor"], &data["subject"]]
            .map(|value| value.as_str().expect("text"))
    }
}

#[tokio::test]
async fn a_room_that_is_made_and_a_hand_that_is_raised_are_told_in_order_to_their_tenant() {
    let (url, mut heard) = receiver().await;
    let hook = Settings {
        url: Secret::new(url),
        secret: Secret::new(SECRET),
        events: Vec::new(),
        tenant: Some("acme".parse().unwrap()),
        authority: None,
        networks: vec!["127.0.0.0/8".to_owned()],
    };
    let store = StoreConfig { durable: DurableConfig::Memory, ..StoreConfig::default() };
    let config = Config { store, webhooks: vec![hook], ..Config::default() };
    let origin = stoa_origin::embed(&config, &Registry::new()).await.unwrap();
    let mut edge = Edge::link(&origin).await;

    // Another tenant's room is nobody's business here.
    edge.create("elsewhere", "").await;
    edge.create("agora", "acme").await;
    let (room, tenant) = ("agora".to_owned(), "acme".to_owned());
    let join = Join {
        room: room.clone(),
        participant: "p_1".into(),
        identity: "ada".into(),
        name: "Ada".into(),
        role: WireRole::Listener.into(),
        tenant: tenant.clone(),
        ..Join::default()
    };
    assert!(matches!(edge.ask(Ask::Join(join)).await, Answer::Room(_)));
    let hand = Act {
        room: room.clone(),
        by: "p_1".into(),
        participant: "p_1".into(),
        deed: Deed::RaiseHand.into(),
        tenant: tenant.clone(),
        ..Act::default()
    };
    assert!(matches!(edge.ask(Ask::Act(hand)).await, Answer::Done(_)));
    assert!(matches!(edge.ask(Ask::CloseRoom(CloseRoom { room, tenant })).await, Answer::Done(_)));
    // What has not been told yet is told before the origin has ended.
    origin.end().await;

    let mut all = Vec::new();
    while let Ok(message) = heard.try_recv() {
        all.push(message);
    }
    let lines: Vec<[&str; 5]> = all.iter().map(Heard::line).collect();
    assert_eq!(
        lines,
        [
            ["room.created", "acme", "agora", "back-end", ""],
            ["participant.joined", "acme", "agora", "", "ada"],
            ["hand.raised", "acme", "agora", "ada", "ada"],
            ["room.closed", "acme", "agora", "", ""],
        ]
    );
}

/// A back end that checks each signature.
async fn receiver() -> (String, mpsc::UnboundedReceiver<Heard>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hook", listener.local_addr().unwrap());
    let (tell, heard) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            tell.send(serve(stream).await).unwrap();
        }
    });
    (url, heard)
}

async fn serve(mut stream: TcpStream) -> Heard {
    let mut bytes = Vec::new();
    let (head, body) = loop {
        assert!(stream.read_buf(&mut bytes).await.unwrap() > 0, "the request broke off");
        let text = String::from_utf8(bytes.clone()).unwrap();
        if let Some((head, body)) = text.split_once("\r\n\r\n")
            && body.len() == header(head, "content-length").parse::<usize>().unwrap()
        {
            break (head.to_owned(), body.to_owned());
        }
    };
    let timestamp = header(&head, "webhook-timestamp").parse().unwrap();
    let secret = SigningSecret::new(SECRET).unwrap();
    let expected = secret.sign(header(&head, "webhook-id"), timestamp, body.as_bytes());
    assert_eq!(header(&head, "webhook-signature"), expected);
    stream.write_all(b"HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n").await.unwrap();
    Heard(serde_json::from_str(&body).unwrap())
}

fn header<'a>(head: &'a str, name: &str) -> &'a str {
    let lines = head.lines().filter_map(|line| line.split_once(": "));
    let mut found = lines.filter(|(key, _)| key.eq_ignore_ascii_case(name));
    found.next().map_or("", |(_, value)| value)
}

struct Edge {
    link: Link,
    inbox: Inbox,
}

impl Edge {
    async fn link(origin: &Embedded) -> Self {
        let (sender, mut inbox) = inbox();
        let name = PeerName {
            node: NodeId::new("edge-1").unwrap(),
            role: NodeRole::Edge,
            region: Region::new("test").unwrap(),
        };
        stoa_link::in_process(name, sender, origin.name.clone(), origin.inbox.clone());
        let Some(Event::Up { link, .. }) = inbox.recv().await else {
            panic!("the first event of a link is that it is up");
        };
        Self { link, inbox }
    }

    async fn create(&mut self, room: &str, tenant: &str) {
        let create = CreateRoom {
            room: room.into(),
            name: "R".into(),
            tenant: tenant.into(),
            actor: "back-end".into(),
            ..CreateRoom::default()
        };
        assert!(matches!(self.ask(Ask::CreateRoom(create)).await, Answer::Room(_)));
    }

    async fn ask(&mut self, ask: Ask) -> Answer {
        self.link.send(Body::Request(Request { id: 1, ask: Some(ask) })).unwrap();
        let answer = async {
            loop {
                let event = self.inbox.recv().await.expect("the inbox stays open");
                if let Event::Control { body, .. } = event
                    && let Body::Response(response) = *body
                {
                    return response.answer.expect("an answer");
                }
            }
        };
        tokio::time::timeout(PATIENCE, answer).await.expect("the answer comes in time")
    }
}
