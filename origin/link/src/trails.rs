//! Sampled frames on their way through a node: what was added to their delay before they came, and when they came.
//!
//! Kept beside the frames, because few frames have it: the link that brings one puts it here, the links that pass it on
//! find it here. See `stoa_protocol::mesh::trail`.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use prometheus::{Histogram, HistogramOpts, HistogramVec, IntCounterVec, Opts, Registry};
use stoa_audio::frame::{Epoch, Frame, FrameNumber, TrackId};
use stoa_protocol::ids::{NodeId, NodeRole};
use stoa_protocol::mesh::trail::{HOPS_MAX, Hop, Trail, is_sampled};

use crate::event::PeerName;
use crate::metrics::{OTHER, Peers, prefix};

/// Frames that are kept; with more voices the oldest give way.
pub const KEPT_MAX: usize = 512;
/// Nobody passes a frame on after this time.
const AGE_MAX: Duration = Duration::from_secs(1);
/// What gives way earlier was perhaps still needed, and is counted.
const NEEDED: Duration = Duration::from_millis(100);

/// In seconds: a node takes far less than a link.
const PART_BUCKETS: [f64; 15] =
    [0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.5];
const AGE_BUCKETS: [f64; 12] =
    [0.002, 0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.5, 1.0];

/// Which frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sample {
    pub(crate) track: TrackId,
    pub(crate) epoch: Epoch,
    pub(crate) number: FrameNumber,
}

impl Sample {
    /// Of a frame that is one.
    fn of(frame: &Frame) -> Option<Self> {
        let Frame { track, epoch, number, .. } = *frame;
        is_sampled(track, number).then_some(Self { track, epoch, number })
    }
}

#[derive(Debug)]
struct Kept {
    sample: Sample,
    trail: Trail,
    since: Instant,
}

/// Sampled frames on their way through a node, and what is told of them; cheap to clone.
#[derive(Clone)]
pub struct Trails(Arc<Inner>);

struct Inner {
    kept: Mutex<VecDeque<Kept>>,
    peers: Mutex<Peers>,
    hops: HistogramVec,
    samples: IntCounterVec,
    /// At edges alone, where frames are heard.
    age: Histogram,
    length: Histogram,
    role: NodeRole,
}

/// Where the hops from one peer are counted.
#[derive(Clone, Debug)]
pub(crate) struct HopSeries {
    node: Histogram,
    link: Histogram,
}

impl HopSeries {
    pub(crate) fn observe(&self, hop: &Hop) {
        self.node.observe(f64::from(hop.node_us) / 1e6);
        self.link.observe(f64::from(hop.link_us) / 1e6);
    }
}

impl Trails {
    /// Of a node of this role.
    ///
    /// # Errors
    /// Never, as long as the names of its metrics are valid.
    pub(crate) fn new(role: NodeRole) -> prometheus::Result<Self> {
        let histogram = |name: &str, help: &str, buckets: &[f64]| {
            let name = format!("{}_{name}", prefix(role));
            HistogramOpts::new(name, help).buckets(buckets.to_vec())
        };
        let hops = histogram(
            "hop_seconds",
            "What one hop of sampled frames added: part=node, in the peer, by its own clock; part=link, from there to here, estimated as half of the least round trip, what the datagram took beyond the quickest one, and how long the frame waited for company or was repeated.",
            &PART_BUCKETS,
        );
        let age = histogram(
            "frame_age_seconds",
            "How old sampled frames are when they are given to listeners here, since their speaker's edge had them: the sum of their hops.",
            &AGE_BUCKETS,
        );
        let length = histogram(
            "frame_hops",
            "Over how many links sampled frames have come that are given to listeners here.",
            &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, HOPS_MAX as f64],
        );
        let samples = Opts::new(
            format!("{}_hop_samples_total", prefix(role)),
            "Sampled frames that came by (kept), and those of them that gave way too early because there were too many (crowded).",
        );
        Ok(Self(Arc::new(Inner {
            kept: Mutex::new(VecDeque::with_capacity(KEPT_MAX)),
            peers: Mutex::default(),
            hops: HistogramVec::new(hops, &["peer", "part"])?,
            samples: IntCounterVec::new(samples, &["outcome"])?,
            age: Histogram::with_opts(age)?,
            length: Histogram::with_opts(length)?,
            role,
        })))
    }

    /// Shows on this page what is known.
    ///
    /// # Errors
    /// When `registry` holds a metric of the same name already.
    pub fn register(&self, registry: &Registry) -> prometheus::Result<()> {
        registry.register(Box::new(self.0.hops.clone()))?;
        registry.register(Box::new(self.0.samples.clone()))?;
        if self.0.role == NodeRole::Edge {
            registry.register(Box::new(self.0.age.clone()))?;
            registry.register(Box::new(self.0.length.clone()))?;
        }
        Ok(())
    }

    /// A frame of a client of this node is about to be sent: its trail begins here.
    pub fn begin(&self, frame: &Frame, now: Instant) {
        if let Some(sample) = Sample::of(frame) {
            self.keep(sample, Trail::default(), now);
        }
    }

    /// A frame is given to listeners of this node.
    pub fn note_heard(&self, frame: &Frame, now: Instant) {
        let Some((trail, waited)) = self.find(frame, now) else { return };
        self.0.age.observe((trail.total() + waited).as_secs_f64());
        if !trail.hops().is_empty() {
            self.0.length.observe(trail.hops().len() as f64);
        }
    }

    /// A link has brought a frame. What comes first counts: the other feed brings it again. A frame that has begun here
    /// and comes back along a tree is one that came.
    pub(crate) fn keep(&self, sample: Sample, trail: Trail, now: Instant) {
        let mut kept = self.kept();
        let known = recent(&mut kept, now).find(|kept| kept.sample == sample);
        if let Some(known) = known {
            if known.trail.hops().is_empty() && !trail.hops().is_empty() {
                (known.trail, known.since) = (trail, now);
            }
            return;
        }
        if kept.len() >= KEPT_MAX
            && let Some(oldest) = kept.pop_front()
            && now.saturating_duration_since(oldest.since) < NEEDED
        {
            self.0.samples.with_label_values(&["crowded"]).inc();
        }
        kept.push_back(Kept { sample, trail, since: now });
        self.0.samples.with_label_values(&["kept"]).inc();
    }

    /// What was before a frame came here, and how long it has been here; nothing for most frames.
    pub(crate) fn find(&self, frame: &Frame, now: Instant) -> Option<(Trail, Duration)> {
        let sample = Sample::of(frame)?;
        let mut kept = self.kept();
        let kept = recent(&mut kept, now).find(|kept| kept.sample == sample)?;
        Some((kept.trail, now.saturating_duration_since(kept.since)))
    }

    /// A link to a peer is up; says where its hops are counted.
    pub(crate) fn enter(&self, peer: &PeerName) -> HopSeries {
        let entered = self.peers().enter(peer);
        if let Some((node, _)) = entered.dropped.filter(|(node, _)| *node != peer.node) {
            for part in ["node", "link"] {
                // Removing what was never exported is an error that means nothing.
                let _ = self.0.hops.remove_label_values(&[node.as_str(), part]);
            }
        }
        let shown = if entered.shown { peer.node.as_str() } else { OTHER };
        let of = |part: &str| self.0.hops.with_label_values(&[shown, part]);
        HopSeries { node: of("node"), link: of("link") }
    }

    /// It is down.
    pub(crate) fn leave(&self, node: &NodeId) {
        self.peers().leave(node);
    }

    // Both are whole between any two statements, so a panic elsewhere does not spoil them.

    fn kept(&self) -> MutexGuard<'_, VecDeque<Kept>> {
        self.0.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn peers(&self) -> MutexGuard<'_, Peers> {
        self.0.peers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Trails {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Trails").field("kept", &self.kept().len()).finish_non_exhaustive()
    }
}

/// The newest first: whoever looks for a frame has just got it.
fn recent(kept: &mut VecDeque<Kept>, now: Instant) -> impl Iterator<Item = &mut Kept> {
    let young = move |kept: &&mut Kept| now.saturating_duration_since(kept.since) <= AGE_MAX;
    kept.iter_mut().rev().take_while(young)
}

#[cfg(test)]
#[path = "trails_tests.rs"]
mod tests;
