//! Counters of one link, for metrics and tests.

use std::time::Duration;

/// What a link has done since it began. Counts never go down, except `datagrams_lost`, by those that came late.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Statistics {
    /// Frames taken for sending.
    pub frames_out: u64,
    /// Frames sent again beside a later one.
    pub redundant_out: u64,
    /// Frames given to the owner.
    pub frames_in: u64,
    /// Of those, frames that only a redundant record brought.
    pub frames_recovered: u64,
    /// Of those, frames that only a repair brought.
    pub frames_repaired: u64,
    /// The peer's datagrams that it was asked for again, each time; a long silence counts as one.
    pub repairs_asked: u64,
    /// The peer's datagrams that it sent again.
    pub repairs_in: u64,
    /// Our datagrams that were sent again because the peer asked.
    pub repairs_out: u64,
    /// Bytes of datagrams that carried them.
    pub repair_bytes_out: u64,
    /// Our datagrams that the peer asked for too late.
    pub repairs_late: u64,
    /// Our datagrams that the peer asked for too often or too many of.
    pub repairs_refused: u64,
    /// Our datagrams that were forgotten before their time because too many were kept.
    pub repairs_forgotten: u64,
    /// The peer's datagrams that it was asked for again and that never came.
    pub repairs_failed: u64,
    /// Records whose frame had already come.
    pub duplicates: u64,
    /// Records too old to tell whether their frame had come; dropped.
    pub frames_late: u64,
    /// Datagrams sent, beats included.
    pub datagrams_out: u64,
    /// Datagrams received and understood, beats included.
    pub datagrams_in: u64,
    /// Bytes of sent datagrams.
    pub bytes_out: u64,
    /// Bytes of received datagrams.
    pub bytes_in: u64,
    /// Beats sent.
    pub beats_out: u64,
    /// Beats received.
    pub beats_in: u64,
    /// The peer's datagrams that did not arrive.
    pub datagrams_lost: u64,
    /// The peer's datagrams that arrived after they had been counted as lost.
    pub datagrams_late: u64,
    /// The peer's datagrams that came twice; dropped.
    pub datagrams_duplicate: u64,
    /// Control messages sent.
    pub control_out: u64,
    /// Control messages received.
    pub control_in: u64,
    /// Control messages without a body that this version knows; ignored.
    pub control_unknown: u64,
    /// Records of an alias that is not bound, or was bound too late.
    pub unknown_alias: u64,
    /// Datagrams of a version or kind that this version does not know; ignored.
    pub datagrams_unknown: u64,
    /// Datagrams and messages that came before the peer's hello.
    pub early: u64,
    /// Datagrams, records and messages with impossible contents.
    pub malformed: u64,
    /// Claims of the peer that its identity does not cover, or that contradict earlier ones.
    pub refused: u64,
    /// Own frames not sent: the track is not bound, the epoch is another, the link is not up.
    pub frames_refused: u64,
    /// Anything dropped because a named maximum was reached.
    pub over_limit: u64,
    /// Times this node itself was late to look at its clock and gave the peer a second chance.
    pub stalls: u64,
    /// Times the peer was suspected.
    pub suspicions: u64,
    /// Frames sent with a trail.
    pub trails_out: u64,
    /// Trails that came with new frames.
    pub trails_in: u64,
    /// Of those, trails with times that nothing takes; cut to the maximum.
    pub trails_clamped: u64,
    /// Trails that were not wanted: of frames that carry none, or of a peer that said it knows none; ignored.
    pub trails_refused: u64,
    /// Tracks we send.
    pub tracks_out: usize,
    /// Tracks we receive.
    pub tracks_in: usize,
    /// Newest round-trip time.
    pub rtt_latest: Option<Duration>,
    /// Smoothed round-trip time (RFC 9002 section 5.3: 7/8 old, 1/8 new).
    pub rtt_smoothed: Option<Duration>,
    /// Least round-trip time of the last one to two periods of 30 s.
    pub rtt_min: Option<Duration>,
    /// Interarrival jitter of the peer's datagrams (RFC 3550 section A.8).
    pub jitter: Duration,
    /// How much longer the peer's datagrams take now, smoothed, than the quickest of the last 10 to 20 seconds.
    pub queueing: Duration,
    /// Share of the peer's datagrams that was lost in about the last ten seconds, 0 to 1,000.
    pub loss_in_permille: u32,
    /// Share of our datagrams that the peer missed in its last report's period, 0 to 1,000.
    pub loss_out_permille: u32,
    /// Share of our datagrams that is lost, as redundancy reckons with it, 0 to 1,000,000.
    pub loss_out_ppm: u32,
    /// Previous frames that ride along with each now.
    pub redundancy: u8,
    /// The silence after which the peer is taken for dead, as of now.
    pub silence_max: Duration,
}
