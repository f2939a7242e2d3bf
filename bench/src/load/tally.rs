//! What all listeners count together, and how far they are.

use std::sync::atomic::AtomicU64;

use crate::measure::histogram::Histogram;

/// How far the swarm is, for whoever watches.
#[derive(Debug, Default)]
pub(super) struct Gauges {
    /// Listeners that are connected.
    pub(super) connected: AtomicU64,
    /// Listeners that have heard audio.
    pub(super) hearing: AtomicU64,
    /// Listeners that failed to connect, or lost the edge.
    pub(super) failed: AtomicU64,
    /// Listeners to whom the edge said goodbye.
    pub(super) sent_away: AtomicU64,
    /// Frames that counted so far.
    pub(super) frames: AtomicU64,
}

/// Everything that all listeners counted.
#[derive(Clone, Debug, Default)]
pub(super) struct Tally {
    /// Frames of the window, each once per listener, in time.
    pub(super) frames: u64,
    /// RTP packets that brought a frame of the window.
    pub(super) packets: u64,
    /// Frames of the window that came again.
    pub(super) duplicates: u64,
    /// Frames of the window that came too late to be played.
    pub(super) late: u64,
    /// Frames that are not the speaker's (comfort frames).
    pub(super) foreign: u64,
    /// Datagrams that could not be opened or belong to nobody.
    pub(super) refused: u64,
    /// Sender reports.
    pub(super) reports: u64,
    /// Consent answers.
    pub(super) consents: u64,
    /// Speaker's socket to listener's socket, of the newest frame of each packet.
    pub(super) latency: Histogram,
    /// What each packet took longer than its own length demands.
    pub(super) added_delay: Histogram,
    /// Interarrival jitter of every listener, each time he reports it, from the window on.
    pub(super) jitter: Histogram,
    /// How long datagrams waited in the kernel until they were read, from the window on.
    pub(super) read_delay: Histogram,
    /// From the request on a warm connection to the first audio.
    pub(super) joins: Histogram,
}
