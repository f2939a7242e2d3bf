//! An edge with an origin of its own, and requests to it.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use hyper::Method;
use stoa_bench::load::{Answer, Connection, Room};
use stoa_bench::node::{Child, EdgeSettings, MeshSettings};
use stoa_protocol::ids::{Role, RoomId};
use stoa_protocol::token::{Claims, Grants, Keys};
use str0m::media::{Direction, MediaKind};
use str0m::{Candidate, RtcConfig};
use tempfile::TempDir;
use tokio::runtime::Runtime;

const SECRET: &str = "a secret that nobody else would ever guess";
pub(crate) const SDP: &str = "application/sdp";

/// A running edge; dropping it ends it.
pub(crate) struct Edge {
    node: Child,
    keys: Keys,
    runtime: Runtime,
    _folder: TempDir,
}

impl Edge {
    /// With room for many.
    pub(crate) fn standalone() -> Self {
        Self::start(1_000, 0)
    }

    /// For at most `participants`, who have `drain_s` seconds to go when it ends.
    pub(crate) fn start(participants: u32, drain_s: u32) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let settings = EdgeSettings {
            node: "loc-1".into(),
            http: any,
            media: any,
            advertise: Vec::new(),
            place: None,
            origin: None,
            mesh: MeshSettings::default(),
            secret: Some(SECRET.into()),
            workers: 1,
            participants,
            drain_s,
        };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let program = Path::new(env!("CARGO_BIN_EXE_bench"));
        let node = runtime.block_on(settings.start(program, folder.path())).unwrap();
        let keys = Keys::new([("bench".to_owned(), SECRET)]).unwrap();
        Self { node, keys, runtime, _folder: folder }
    }

    /// Where its pages are.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.node.http())
    }

    /// Asks it to drain and end.
    pub(crate) fn ask_to_end(&self) {
        self.node.ask_to_end();
    }

    /// Makes a room.
    pub(crate) fn room(&self) -> Room {
        self.runtime.block_on(async {
            let mut http = Connection::open(self.node.http()).await.unwrap();
            http.create_room("Agora").await.unwrap()
        })
    }

    /// Sends one request on a new connection.
    pub(crate) fn send(
        &self,
        method: Method,
        path: &str,
        token: Option<&str>,
        body: Option<(&str, String)>,
    ) -> Answer {
        self.runtime.block_on(async {
            let mut http = Connection::open(self.node.http()).await.unwrap();
            http.send(method, path, token, body).await.unwrap()
        })
    }

    /// A token that ends `seconds` from now; of the past when negative.
    pub(crate) fn token(&self, room: &str, role: Role, seconds: i64) -> String {
        self.token_of("tester", room, role, seconds)
    }

    /// The same for somebody whom an operator knows.
    pub(crate) fn token_of(&self, who: &str, room: &str, role: Role, seconds: i64) -> String {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        let claims = Claims {
            room: Some(RoomId::new(room).unwrap()),
            sub: who.into(),
            name: String::new(),
            role,
            grants: Grants::default(),
            iat: now - 3_600,
            nbf: None,
            exp: now.saturating_add_signed(seconds),
            jti: String::new(),
        };
        self.keys.mint(&claims).unwrap()
    }
}

/// An offer of one audio line, as a client makes it.
pub(crate) fn offer(direction: Direction) -> String {
    let now = std::time::Instant::now();
    let mut rtc = RtcConfig::new().clear_codecs().enable_opus(true, false).build(now);
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 9));
    rtc.add_local_candidate(Candidate::host(address, "udp").unwrap());
    let mut change = rtc.sdp_api();
    change.add_media(MediaKind::Audio, direction, None, None, None);
    change.apply().unwrap().0.to_sdp_string()
}
