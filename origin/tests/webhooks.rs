//! Webhooks against a receiver on this machine that fails, stalls, redirects and recovers.

#![expect(clippy::unwrap_used, reason = "a test that cannot start its receiver has failed")]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use prometheus::Registry;
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use stoa_origin::webhook::{Event, Facts, Kind, Limits, Settings, SigningSecret, Webhooks, start};
use stoa_protocol::ids::{RoomId, TenantId};
use stoa_runtime::configuration::Secret;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio_rustls::TlsAcceptor;

const SECRET: &str = "a secret that only two know";
/// Long enough for a loaded machine; nothing waits for it unless it fails.
const PATIENCE: Duration = Duration::from_secs(60);

/// A request as it arrived.
#[derive(Clone, Debug)]
struct Heard {
    headers: BTreeMap<String, String>,
    body: String,
}

impl Heard {
    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }

    fn id(&self) -> &str {
        self.header("webhook-id")
    }

    fn room(&self) -> String {
        let after = self.body.split("\"room\":\"").nth(1).unwrap();
        after.split('"').next().unwrap().to_owned()
    }

    fn name(&self) -> String {
        let after = self.body.split("\"detail\":\"").nth(1).unwrap();
        after.split('"').next().unwrap().to_owned()
    }
}

/// How a request is answered.
#[derive(Clone, Copy, Debug)]
enum Answer {
    Status(&'static str),
    /// The connection ends without an answer.
    HangUp,
    /// The answer comes late.
    Late(Duration),
}

/// A receiver; the n-th request is answered as `plan(n)` says.
struct Receiver {
    port: u16,
    heard: mpsc::UnboundedReceiver<(Heard, bool)>,
}

impl Receiver {
    async fn start(plan: impl Fn(usize) -> Answer + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (tell, heard) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            for number in 0.. {
                let (stream, _) = listener.accept().await.unwrap();
                let (tell, answer) = (tell.clone(), plan(number));
                tokio::spawn(async move {
                    if let Some(heard) = serve(stream, answer).await {
                        // The test may have ended.
                        let _ = tell.send((heard, !matches!(answer, Answer::HangUp | Answer::Status(_))
                            || matches!(answer, Answer::Status(status) if status.starts_with('2'))));
                    }
                });
            }
        });
        Self { port, heard }
    }

    /// The next request, and whether it was answered with success.
    async fn next(&mut self) -> (Heard, bool) {
        tokio::time::timeout(PATIENCE, self.heard.recv()).await.unwrap().unwrap()
    }

    /// Requests until so many different messages were taken.
    async fn taken(&mut self, count: usize) -> Vec<(Heard, bool)> {
        let (mut all, mut ids) = (Vec::new(), BTreeSet::new());
        while ids.len() < count {
            let (heard, taken) = self.next().await;
            if taken {
                ids.insert(heard.id().to_owned());
            }
            all.push((heard, taken));
        }
        all
    }
}

async fn serve<S>(mut stream: S, answer: Answer) -> Option<Heard>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut bytes = Vec::new();
    let (head, body_at) = loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, _)) = text.split_once("\r\n\r\n") {
            break (head.to_owned(), head.len() + 4);
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    };
    let headers: BTreeMap<String, String> = head
        .lines()
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_lowercase(), value.to_owned()))
        .collect();
    let length: usize = headers["content-length"].parse().unwrap();
    while bytes.len() < body_at + length {
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
    let body = String::from_utf8(bytes[body_at..].to_vec()).unwrap();
    let status = match answer {
        Answer::Status(status) => status,
        Answer::HangUp => return Some(Heard { headers, body }),
        Answer::Late(delay) => {
            tokio::time::sleep(delay).await;
            "204 No Content"
        }
    };
    let answer = format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n");
    stream.write_all(answer.as_bytes()).await.ok()?;
    Some(Heard { headers, body })
}

fn settings(port: u16, networks: &[&str]) -> Settings {
    Settings {
        url: Secret::new(format!("http://localhost:{port}/hook?key=1")),
        secret: Secret::new(SECRET),
        events: Vec::new(),
        tenant: None,
        authority: None,
        networks: networks.iter().map(|text| (*text).to_owned()).collect(),
    }
}

fn webhooks(port: u16, registry: &Registry) -> Webhooks {
    let limits = Limits {
        first_delay: Duration::from_millis(5),
        longest_delay: Duration::from_millis(50),
        ..Limits::default()
    };
    start(&[settings(port, &["127.0.0.0/8", "::1"])], limits, registry).unwrap()
}

fn event(room: &str, name: &str) -> Event {
    Event {
        tenant: TenantId::default(),
        room: RoomId::new(room).unwrap(),
        at_unix_ms: 1_700_000_000_000,
        kind: Kind::RoomChanged,
        facts: Facts { detail: name.to_owned(), ..Facts::default() },
    }
}

fn count(registry: &Registry, name: &str, label: &str) -> f64 {
    let families = registry.gather();
    let family = families.iter().find(|family| family.name() == name);
    let metrics = family.map(|family| family.get_metric()).unwrap_or_default();
    let labelled =
        metrics.iter().filter(|metric| metric.get_label().iter().any(|pair| pair.value() == label));
    labelled.map(|metric| metric.get_counter().get_value()).sum()
}

#[tokio::test]
async fn a_message_arrives_signed_and_says_what_happened() {
    let mut receiver = Receiver::start(|_| Answer::Status("200 OK")).await;
    let webhooks = webhooks(receiver.port, &Registry::new());
    webhooks.sender().note(event("agora", "The Agora"));
    let (heard, _) = receiver.next().await;
    assert_eq!(heard.header("content-type"), "application/json");
    assert_eq!(heard.header("host"), format!("localhost:{}", receiver.port));
    assert!(heard.body.contains(r#""type":"room.changed""#), "{}", heard.body);
    assert!(heard.body.contains(&format!(r#""id":"{}""#, heard.id())));
    let timestamp = heard.header("webhook-timestamp").parse().unwrap();
    let secret = SigningSecret::new(SECRET).unwrap();
    let expected = secret.sign(heard.id(), timestamp, heard.body.as_bytes());
    assert_eq!(heard.header("webhook-signature"), expected);
    assert_eq!(webhooks.end(PATIENCE).await, 0);
}

#[tokio::test]
async fn a_receiver_that_fails_stalls_and_recovers_hears_everything_in_the_order_of_each_room() {
    const ROOMS: usize = 5;
    const EVENTS: usize = 12;
    let mut receiver = Receiver::start(|number| match number {
        0..20 => Answer::Status("500 Internal Server Error"),
        20..30 => Answer::HangUp,
        30..35 => Answer::Status("302 Found\r\nLocation: http://127.0.0.1:1/"),
        _ if number % 7 == 0 => Answer::Status("503 Service Unavailable\r\nRetry-After: 0"),
        _ if number % 5 == 0 => Answer::Late(Duration::from_millis(20)),
        _ => Answer::Status("204 No Content"),
    })
    .await;
    let registry = Registry::new();
    let webhooks = webhooks(receiver.port, &registry);
    for number in 0..EVENTS {
        for room in 0..ROOMS {
            webhooks.sender().note(event(&format!("room-{room}"), &number.to_string()));
        }
    }
    let all = receiver.taken(ROOMS * EVENTS).await;
    let mut bodies: BTreeMap<String, String> = BTreeMap::new();
    let mut order: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    let secret = SigningSecret::new(SECRET).unwrap();
    for (heard, taken) in &all {
        let body = bodies.entry(heard.id().to_owned()).or_insert_with(|| heard.body.clone());
        assert_eq!(*body, heard.body, "the same at every attempt");
        let timestamp = heard.header("webhook-timestamp").parse().unwrap();
        let signature = secret.sign(heard.id(), timestamp, heard.body.as_bytes());
        assert_eq!(heard.header("webhook-signature"), signature);
        if *taken {
            order.entry(heard.room()).or_default().push(heard.name().parse().unwrap());
        }
    }
    assert!(all.len() > ROOMS * EVENTS + 30, "the receiver failed as planned: {}", all.len());
    for (room, mut numbers) in order {
        assert!(numbers.is_sorted(), "{room}: {numbers:?}");
        numbers.dedup();
        assert_eq!(numbers, (0..EVENTS).collect::<Vec<_>>(), "{room}");
    }
    assert_eq!(webhooks.end(PATIENCE).await, 0);
    let attempts = "stoa_origin_webhook_attempts_total";
    assert_eq!(count(&registry, attempts, "redirect"), 5.0);
    assert!(count(&registry, attempts, "delivered") >= 60.0);
}

#[tokio::test]
async fn an_address_that_was_not_allowed_is_never_connected() {
    let mut receiver = Receiver::start(|_| Answer::Status("200 OK")).await;
    let registry = Registry::new();
    let forbidden = settings(receiver.port, &["10.0.0.0/8"]);
    let webhooks = start(&[forbidden], Limits::default(), &registry).unwrap();
    webhooks.sender().note(event("agora", "x"));
    attempted(&registry, "forbidden-address").await;
    assert_eq!(webhooks.end(Duration::ZERO).await, 1, "it still waits");
    assert!(receiver.heard.try_recv().is_err());
}

/// Waits until so many attempts had this outcome.
async fn attempted(registry: &Registry, outcome: &str) {
    let attempts = "stoa_origin_webhook_attempts_total";
    let tried = async {
        while count(registry, attempts, outcome) < 1.0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(PATIENCE, tried).await.unwrap();
}

#[tokio::test]
async fn over_https_only_a_certificate_of_the_configured_authority_is_believed() {
    let folder = std::env::temp_dir().join(format!("stoa-webhooks-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let certified = || rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let (own, other) = (certified(), certified());
    let authority = |name: &str, certificate: &rcgen::Certificate| {
        let file = folder.join(name);
        std::fs::write(&file, certificate.pem()).unwrap();
        Some(file)
    };
    let key = PrivateKeyDer::Pkcs8(own.signing_key.serialize_der().into());
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![own.cert.der().clone()], key)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let (tell, mut heard) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            // Who does not believe the certificate ends the handshake.
            let Ok(stream) = acceptor.accept(stream).await else { continue };
            if let Some(message) = serve(stream, Answer::Status("204 No Content")).await {
                tell.send(message).unwrap();
            }
        }
    });
    let https = |authority| Settings {
        url: Secret::new(format!("https://localhost:{port}/")),
        authority,
        ..settings(port, &["127.0.0.1", "::1"])
    };

    let registry = Registry::new();
    let doubting = https(authority("other.pem", &other.cert));
    let webhooks = start(&[doubting], Limits::default(), &registry).unwrap();
    webhooks.sender().note(event("agora", "x"));
    attempted(&registry, "connect").await;
    assert_eq!(webhooks.end(Duration::ZERO).await, 1);
    assert!(heard.try_recv().is_err(), "nothing was said to a stranger");

    let believing = https(authority("own.pem", &own.cert));
    let webhooks = start(&[believing], Limits::default(), &Registry::new()).unwrap();
    webhooks.sender().note(event("agora", "x"));
    let message: Heard = tokio::time::timeout(PATIENCE, heard.recv()).await.unwrap().unwrap();
    assert_eq!(message.room(), "agora");
    assert_eq!(webhooks.end(PATIENCE).await, 0);
    std::fs::remove_dir_all(&folder).unwrap();
}

#[tokio::test]
async fn ending_gives_up_at_its_deadline_and_says_how_many_are_left() {
    let receiver = Receiver::start(|_| Answer::Status("500 Internal Server Error")).await;
    let webhooks = webhooks(receiver.port, &Registry::new());
    for name in ["1", "2", "3"] {
        webhooks.sender().note(event("agora", name));
    }
    assert_eq!(webhooks.end(Duration::from_millis(200)).await, 3);
}

#[tokio::test]
async fn without_authorities_to_believe_https_does_not_start() {
    let https = Settings { url: Secret::new("https://hooks.example/"), ..settings(1, &[]) };
    let error =
        start(std::slice::from_ref(&https), Limits::default(), &Registry::new()).unwrap_err();
    assert!(error.to_string().contains("ca-certificates.crt"), "{error}");
    let missing = Settings { authority: Some("/nonexistent/ca.pem".into()), ..https };
    let error = start(&[missing], Limits::default(), &Registry::new()).unwrap_err();
    assert!(format!("{error:#}").contains("/nonexistent/ca.pem"), "{error:#}");
}
