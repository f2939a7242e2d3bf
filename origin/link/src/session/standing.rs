//! The link as its owner sees it: it comes up, tells what happens, and goes down exactly once.

use std::sync::Arc;
use std::time::{Duration, Instant};

use quinn::{ConnectionError, VarInt};
use stoa_protocol::mesh::peer::{Event as PeerEvent, TrackParams};
use tokio::sync::watch;

use crate::event::{Event, LinkId, PeerName, TrackBinding};
use crate::failure::code;
use crate::handle::{Link, QuicHalf, next_id};
use crate::inbox::{Place, Undelivered};
use crate::node::Node;
use crate::queue::{Queue, QueueSender, queue};
use crate::registry::{Claim, Entered, Entry, wait_until_gone};
use crate::statistics::{LinkCounters, count};
use crate::trails::{HopSeries, Sample};

/// How long a new link waits for the one it replaces to go down first.
const REPLACE_MAX: Duration = Duration::from_secs(1);

/// Why a link ends.
#[derive(Debug)]
pub(super) enum End {
    /// The core has ended it; its last messages are to be delivered.
    Said { reason: String },
    /// It is closed at once.
    Cut { code: VarInt, reason: String },
    /// The connection is no more.
    Lost(ConnectionError),
}

impl End {
    /// The peer broke the rules of the stream itself.
    pub(super) fn broken(reason: &str) -> Self {
        Self::Cut { code: code::PROTOCOL, reason: reason.to_owned() }
    }

    pub(super) fn owner_gone() -> Self {
        Self::Cut { code: code::CUT, reason: "the node is going away".to_owned() }
    }
}

impl From<Undelivered> for End {
    fn from(_: Undelivered) -> Self {
        Self::owner_gone()
    }
}

/// The link as its owner sees it.
pub(super) struct Standing {
    pub(super) name: PeerName,
    pub(super) queue: Queue,
    pub(super) counters: Arc<LinkCounters>,
    node: Arc<Node>,
    id: LinkId,
    /// For the handle; taken when the link comes up.
    sender: Option<QueueSender>,
    /// Until the link comes up.
    claim: Option<Claim>,
    /// Kept for the last event; taken when the link goes down.
    down: Option<Place>,
    up: Option<Instant>,
    /// Where the hops from there are counted, while the link is up.
    hops: Option<HopSeries>,
    gone: watch::Sender<()>,
}

impl Standing {
    pub(super) fn new(node: Arc<Node>, name: PeerName, claim: Claim) -> Self {
        let (sender, queue) = queue();
        Self {
            name,
            queue,
            counters: Arc::default(),
            node,
            id: next_id(),
            sender: Some(sender),
            claim: Some(claim),
            down: None,
            up: None,
            hops: None,
            gone: watch::Sender::new(()),
        }
    }

    pub(super) fn is_up(&self) -> bool {
        self.up.is_some()
    }

    /// Since when the link stands, or stood.
    pub(super) fn up(&self) -> Option<Instant> {
        self.up
    }

    /// Takes its place among the node's links and tells the owner. An older link to the same node
    /// goes down first, so that the owner never has two.
    pub(super) async fn come_up(&mut self) -> Result<(), End> {
        let Some(sender) = self.sender.take() else { return Ok(()) };
        self.down = Some(self.node.inbox.keep_place().await.ok_or_else(End::owner_gone)?);
        let half = QuicHalf { queue: sender, counters: Arc::clone(&self.counters) };
        let link = Link::over_quic(self.id, self.name.clone(), half);
        let Some(claim) = self.claim.take() else { return Ok(()) };
        let (gone, since) = (self.gone.subscribe(), Instant::now());
        let entry = Entry { link: link.clone(), gone, dialler: claim.dialler(), since };
        let entered = self.node.registry.enter(entry, self.node.limits.links_max);
        drop(claim);
        match entered {
            Entered::Full => {
                count(&self.node.counters.refused_links);
                let reason = "too many links".to_owned();
                return Err(End::Cut { code: code::REFUSED, reason });
            }
            Entered::Stands { older: Some(older) } => {
                count(&self.node.counters.links_replaced);
                older.link.cut("replaced by a newer link of the same node");
                let gone = tokio::time::timeout(REPLACE_MAX, wait_until_gone(older.gone)).await;
                if gone.is_err() {
                    tracing::warn!(peer = %self.name.node, "the replaced link is slow to end");
                }
            }
            Entered::Stands { older: None } => {}
        }
        self.up = Some(Instant::now());
        self.hops = Some(self.node.trails.enter(&self.name));
        count(&self.node.counters.links_up);
        tracing::info!(peer = %self.name.node, role = ?self.name.role, region = %self.name.region, link = self.id.0, "link up");
        // An endpoint that began to close just now has not seen this link.
        if let Some(reason) = self.node.closing.borrow().as_deref() {
            link.close(reason);
        }
        self.node.inbox.tell(Event::Up { id: self.id, peer: self.name.clone(), link }).await?;
        Ok(())
    }

    /// Passes on what the core says.
    pub(super) async fn tell(&mut self, event: PeerEvent) -> Result<(), End> {
        let id = self.id;
        let event = match event {
            PeerEvent::Frame(frame) => {
                if !self.node.inbox.try_frame(id, frame) {
                    count(&self.counters.frames_inbox_full);
                }
                return Ok(());
            }
            PeerEvent::Trail { track, epoch, number, trail } => {
                if let Some((hops, last)) = self.hops.as_ref().zip(trail.hops().last()) {
                    hops.observe(last);
                }
                let sample = Sample { track, epoch, number };
                self.node.trails.keep(sample, trail, Instant::now());
                return Ok(());
            }
            PeerEvent::Control(body) => Event::Control { id, body },
            PeerEvent::Bound(params) => Event::Bound { id, binding: Box::new(binding_of(*params)) },
            PeerEvent::Unbound(track) => Event::Unbound { id, track },
            PeerEvent::Suspect => {
                tracing::debug!(peer = %self.name.node, "the peer is silent");
                return Ok(());
            }
            PeerEvent::Trusted => {
                tracing::debug!(peer = %self.name.node, "the peer is heard again");
                return Ok(());
            }
            // `Up` is handled before; `Down` is told with the connection's end.
            PeerEvent::Up { .. } | PeerEvent::Down { .. } => return Ok(()),
        };
        Ok(self.node.inbox.tell(event).await?)
    }

    /// Tells the owner that the link has ended; later calls do nothing.
    pub(super) fn go_down(&mut self, reason: &str) {
        self.node.registry.leave(&self.name.node, self.id);
        let Some(place) = self.down.take() else { return };
        if self.hops.take().is_some() {
            self.node.trails.leave(&self.name.node);
        }
        if self.up.is_some() {
            count(&self.node.counters.links_down);
            tracing::info!(peer = %self.name.node, link = self.id.0, reason, "link down");
            place.send(Event::Down { id: self.id, reason: reason.to_owned() });
        }
        // Dropping the only sender tells whoever waits for this link to be gone.
        self.gone = watch::Sender::new(());
        self.queue.orders.close();
    }
}

/// The same in the core's words.
pub(super) fn params_of(binding: TrackBinding) -> TrackParams {
    let TrackBinding { track, epoch, room, participant, kind, bitrate } = binding;
    TrackParams { track, epoch, room, participant, kind, bitrate }
}

fn binding_of(params: TrackParams) -> TrackBinding {
    let TrackParams { track, epoch, room, participant, kind, bitrate } = params;
    TrackBinding { track, epoch, room, participant, kind, bitrate }
}
