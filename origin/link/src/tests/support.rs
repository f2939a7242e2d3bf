//! Nodes on the loopback interface, and waiting for what they tell.

use std::future::Future;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use bytes::Bytes;
use stoa_audio::frame::{Epoch, Frame, FrameDuration, FrameNumber, Level, TrackId};
use stoa_protocol::ids::{NodeId, NodeRole, Region, RoomId};
use stoa_protocol::mesh::control::TrackKind;

use crate::config::{EndpointConfig, Identity, Limits};
use crate::endpoint::Endpoint;
use crate::event::{Event, LinkId, PeerName, TrackBinding};
use crate::handle::Link;
use crate::inbox::{Inbox, inbox};
use crate::statistics::EndpointStatistics;

/// No test takes so long; one that does has failed.
const TEST_MAX: Duration = Duration::from_secs(20);

/// Waits for what must happen.
pub(crate) async fn within<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(TEST_MAX, future).await.expect("it did not happen in time")
}

/// A directory that goes away with the test.
pub(crate) struct Directory(PathBuf);

impl Directory {
    pub(crate) fn new() -> Self {
        let path = std::env::temp_dir().join(format!("stoa-link-{:016x}", rand::random::<u64>()));
        std::fs::create_dir(&path).unwrap();
        Self(path)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    pub(crate) fn identity(&self) -> Identity {
        Identity::Development { directory: self.0.clone() }
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// An endpoint with its inbox.
pub(crate) struct TestNode {
    pub(crate) endpoint: Endpoint,
    pub(crate) inbox: Inbox,
}

impl TestNode {
    pub(crate) fn start(directory: &Directory, name: PeerName) -> Self {
        Self::start_at(directory, name, anywhere(), Limits::default())
    }

    pub(crate) fn start_at(
        directory: &Directory,
        name: PeerName,
        listen: SocketAddr,
        limits: Limits,
    ) -> Self {
        let (sender, inbox) = inbox();
        let config = EndpointConfig { listen, identity: directory.identity(), name, limits };
        Self { endpoint: Endpoint::bind(config, sender).unwrap(), inbox }
    }

    pub(crate) fn connect_to(&self, other: &Self) {
        self.endpoint.connect(other.endpoint.local_addr().to_string());
    }

    pub(crate) async fn next(&mut self) -> Event {
        within(self.inbox.recv()).await.unwrap()
    }

    pub(crate) async fn next_up(&mut self) -> (LinkId, PeerName, Link) {
        match self.next().await {
            Event::Up { id, peer, link } => (id, peer, link),
            other => panic!("expected Up, found {other:?}"),
        }
    }

    /// The next `Down`, whatever comes before it.
    pub(crate) async fn next_down(&mut self) -> (LinkId, String) {
        loop {
            if let Event::Down { id, reason } = self.next().await {
                return (id, reason);
            }
        }
    }

    /// Waits until the endpoint's counters are as wanted. Counters have no event, so they are asked
    /// for again and again, with a bound.
    pub(crate) async fn statistics_until(&self, wanted: impl Fn(&EndpointStatistics) -> bool) {
        within(async {
            while !wanted(&self.endpoint.statistics()) {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        })
        .await;
    }
}

pub(crate) fn anywhere() -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, 0))
}

pub(crate) fn edge(name: &str) -> PeerName {
    named(name, NodeRole::Edge)
}

pub(crate) fn origin(name: &str) -> PeerName {
    named(name, NodeRole::Origin)
}

fn named(name: &str, role: NodeRole) -> PeerName {
    let region = Region::new("ams").unwrap();
    PeerName { node: NodeId::new(name).unwrap(), role, region }
}

pub(crate) fn binding(track: u64) -> TrackBinding {
    TrackBinding {
        track: TrackId(track),
        epoch: Epoch(1),
        room: RoomId::new("agora").unwrap(),
        participant: "zeno".to_owned(),
        kind: TrackKind::Speaker,
        bitrate: 0,
    }
}

pub(crate) fn frame(track: u64, number: u64) -> Frame {
    Frame {
        track: TrackId(track),
        epoch: Epoch(1),
        number: FrameNumber(number),
        duration: FrameDuration::MS_20,
        level: Level::from_minus_dbov(30),
        voice: true,
        payload: Bytes::from(vec![0x78; 80]),
    }
}
