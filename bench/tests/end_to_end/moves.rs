//! Edges leave, are killed and fall silent while people speak and listen in browsers.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use stoa_bench::load::{Connection, Room};
use stoa_bench::measure::comparison::{Comparison, compare};
use stoa_bench::measure::wav;
use stoa_bench::node::{Child, EdgeSettings, MeshSettings, OriginSettings, StorePlace};
use stoa_protocol::ids::Role;
use stoa_protocol::token::{Claims, Grant, Grants, Keys};
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::browser;
use crate::speech::{STORY_S, story};
use crate::turn;

const SECRET: &str = "a secret that nobody else would ever guess";
/// Longest hole in what anybody hears when an edge leaves.
const HOLE_MS_MAX: u32 = 60;
/// Longest silence when one's own edge dies or is cut off.
const DEATH_MS_MAX: u32 = 2_000;
/// What belongs to an event: from so many seconds before it to so many after.
const BEFORE_S: f64 = 0.5;
const AFTER_S: f64 = 6.0;
/// Mean similarity of what was heard with the story; on a machine of its own it is above 0.95.
const SIMILARITY_MIN: f32 = 0.6;
/// Seconds of the story that are compared: neither its first words, at which jitter buffers find their length, nor its
/// end.
const COMPARED: std::ops::Range<usize> = 5..37;

/// An origin and three edges that clients are told of.
struct Network {
    // In the order in which they must go.
    edges: Vec<Child>,
    _origin: Child,
    room: Room,
    _runtime: Runtime,
    _folder: TempDir,
}

impl Network {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let program = Path::new(env!("CARGO_BIN_EXE_bench"));
        let (origin, edges, room) = runtime.block_on(async {
            let origin = OriginSettings {
                node: "fra-origin".into(),
                place: Some((50.1, 8.7)),
                mesh: MeshSettings::default(),
                store: StorePlace::default(),
                drain_s: 0,
            };
            let origin = origin.start(program, folder.path()).await.unwrap();
            let mut edges = Vec::new();
            for (name, place) in
                [("ams-edge", (52.4, 4.9)), ("lhr-edge", (51.5, -0.5)), ("cdg-edge", (49.0, 2.5))]
            {
                let settings = EdgeSettings {
                    node: name.into(),
                    http: free_address(),
                    media: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
                    advertise: Vec::new(),
                    place: Some(place),
                    origin: origin.mesh(),
                    mesh: MeshSettings::default(),
                    secret: Some(SECRET.into()),
                    workers: 1,
                    participants: 100,
                    drain_s: 30,
                };
                edges.push(settings.start(program, folder.path()).await.unwrap());
            }
            let mut http = Connection::open(edges[0].http()).await.unwrap();
            let room = http.create_room("Agora").await.unwrap();
            (origin, edges, room)
        });
        Self { edges, _origin: origin, room, _runtime: runtime, _folder: folder }
    }

    fn host(&self, edge: usize) -> String {
        self.edges[edge].http().to_string()
    }

    fn play(&self, scenario: &str, speech: &Path) -> Value {
        let edges = self
            .edges
            .iter()
            .map(|edge| json!({ "origin": format!("http://{}", edge.http()), "pid": edge.pid() }));
        let wish = json!({
            "scenario": scenario,
            "speech": speech,
            "seconds": STORY_S,
            "room": self.room.room,
            "speaker": self.room.tokens.speaker,
            "listener": self.room.tokens.listener,
            "operator": operator(),
            "edges": edges.collect::<Vec<_>>(),
            "recordings": { "near": recording("near"), "far": recording("far") },
        });
        browser::tell("moves.mjs", &wish)
    }
}

/// An address that nobody listens at.
fn free_address() -> SocketAddr {
    let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    TcpListener::bind(any).unwrap().local_addr().unwrap()
}

/// A token that may have edges leave.
fn operator() -> String {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    let claims = Claims {
        room: None,
        sub: "operator".into(),
        name: String::new(),
        role: Role::Listener,
        grants: Grants::default().with(Grant::Operate),
        iat: now,
        nbf: None,
        exp: now + 600,
        jti: String::new(),
    };
    Keys::new([("bench".to_owned(), SECRET)]).unwrap().mint(&claims).unwrap()
}

fn recording(who: &str) -> PathBuf {
    turn::folder().join(format!("moves-{who}.wav"))
}

/// The longest hole around the moment at which something happened, in ms. What a busy machine does to a browser's sound at
/// other times is not looked at; that most of the story was heard is.
fn hole_ms(speech: &Path, who: &str, seen: &Value) -> u32 {
    let (source, heard) = (wav::read(speech).unwrap(), wav::read(&recording(who)).unwrap());
    let found: Comparison = compare(&source, &heard, COMPARED).unwrap();
    assert!(found.similarity_mean > SIMILARITY_MIN, "{who} did not hear the story: {found:?}");
    let at_s = seen["at"][who].as_f64().unwrap();
    let around = at_s - BEFORE_S..at_s + AFTER_S;
    println!(
        "{who}: {at_s} s, similarity {:.3}, all holes {:?}",
        found.similarity_mean, found.holes
    );
    let holes = found.holes.iter().filter(|(at_s, _)| around.contains(at_s));
    holes.map(|(_, lasts_ms)| *lasts_ms).max().unwrap_or(0)
}

#[test]
fn an_edge_leaves_and_neither_its_listener_nor_those_who_hear_its_speaker_notice() {
    let _turn = turn::take();
    let (network, speech) = (Network::start(), story());
    let seen = network.play("drain", &speech);
    let (near, far) = (hole_ms(&speech, "near", &seen), hole_ms(&speech, "far", &seen));
    println!(
        "longest hole: {near} ms at the listener who moved, {far} ms at the one who heard a speaker move; \
         the edge was gone after {} ms of {}",
        seen["goneAfterMs"], seen["deadlineMs"]
    );
    assert!(near <= HOLE_MS_MAX && far <= HOLE_MS_MAX, "{seen}");
    assert_eq!(seen["asked"], 202, "{seen}");
    assert!(seen["goneAfterMs"].as_u64() < seen["deadlineMs"].as_u64(), "{seen}");
    for (who, before) in [("near", "before"), ("mouth", "mouthBefore")] {
        let joins = seen[who]["joins"].as_array().unwrap();
        assert_eq!(joins.len(), 2, "{who} moved once: {seen}");
        assert!(joins[0] == network.host(0) && joins[1] != network.host(0), "{who}: {seen}");
        for same in ["participant", "role", "states"] {
            assert_eq!(seen[who][same], seen[before][same], "{who} noticed: {seen}");
        }
    }
    assert_eq!(seen["far"]["joins"], json!([network.host(1)]), "{seen}");
}

#[test]
fn a_drain_is_undone_by_the_api_whether_the_api_or_a_signal_asked_for_it() {
    let _turn = turn::take();
    let (network, speech) = (Network::start(), story());
    let seen = network.play("undo", &speech);
    assert_eq!(
        (&seen["asked"], &seen["readyWhileDraining"]),
        (&json!(202), &json!(false)),
        "{seen}"
    );
    assert_ne!(seen["refused"], network.host(0), "a draining edge takes somebody in: {seen}");
    assert_eq!(seen["undone"], json!({ "draining": false }), "{seen}");
    assert_eq!(seen["readyAgain"], true, "{seen}");
    assert_eq!(
        (&seen["readyAfterSignal"], &seen["readyAtLast"]),
        (&json!(false), &json!(true)),
        "{seen}"
    );
    let joins = &seen["moved"]["after"]["joins"];
    assert_eq!(joins.as_array().unwrap().len(), 2, "somebody moved back: {seen}");
    assert_eq!(seen["playing"], "connected", "a player was sent away: {seen}");
    assert_eq!(seen["late"]["joins"], json!([network.host(0)]), "nobody is let in again: {seen}");
    assert_eq!(seen["playerTransport"], "closed", "a player was not hung up: {seen}");
    let gone = seen["goneAfterMs"].as_u64().unwrap();
    println!(
        "with a deadline of 1 s and a player who cannot be told, the edge was gone after {gone} ms"
    );
    assert!(gone < 4_000, "{seen}");
}

#[test]
fn whose_edge_is_killed_hears_again_within_two_seconds_from_another() {
    let _turn = turn::take();
    loses_his_edge("kill");
}

#[test]
fn whose_edge_falls_silent_without_a_word_hears_again_within_two_seconds_from_another() {
    let _turn = turn::take();
    loses_his_edge("freeze");
}

fn loses_his_edge(scenario: &str) {
    let (network, speech) = (Network::start(), story());
    let seen = network.play(scenario, &speech);
    let (near, far) = (hole_ms(&speech, "near", &seen), hole_ms(&speech, "far", &seen));
    println!("{scenario}: longest silence {near} ms at whose edge it was, {far} ms elsewhere");
    assert!(near <= DEATH_MS_MAX && far <= HOLE_MS_MAX, "{seen}");
    let joins = seen["near"]["joins"].as_array().unwrap();
    assert!(joins.last().unwrap() != &network.host(0), "{seen}");
    for same in ["participant", "role"] {
        assert_eq!(seen["near"][same], seen["before"][same], "{seen}");
    }
}
