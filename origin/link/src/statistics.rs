//! Counters of links and endpoints, as plain snapshots: owners export them as metrics.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use stoa_protocol::mesh::peer::Statistics;

/// A link at one moment, at most about 100 ms ago. Counts are since the link came up.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct LinkStatistics {
    /// Smoothed round-trip time in milliseconds; 0 inside one process.
    pub rtt_ms: f64,
    /// Smallest round-trip time seen on the path, in milliseconds.
    pub rtt_min_ms: f64,
    /// How unevenly the peer's datagrams arrive, in milliseconds (RFC 3550 section A.8).
    pub jitter_ms: f64,
    /// How much longer the peer's datagrams take than the quickest lately, smoothed, in milliseconds.
    pub queueing_ms: f64,
    /// Share of the peer's datagrams that did not arrive here in the last period, 0 to 1,000 permille.
    pub loss_in_permille: u32,
    /// Share of our datagrams that did not arrive there in the last period, 0 to 1,000 permille.
    pub loss_out_permille: u32,
    /// Frames handed to the wire.
    pub frames_out: u64,
    /// Frames received of bound tracks.
    pub frames_in: u64,
    /// Of those, frames whose first sending was lost.
    pub frames_recovered: u64,
    /// Of those, frames that came because this node asked for them again.
    pub frames_repaired: u64,
    /// Frames sent again beside later ones.
    pub frames_redundant: u64,
    /// Frames that came again after they had come.
    pub frames_duplicate: u64,
    /// Earlier frames that ride along with each now.
    pub riding: u8,
    /// The peer's datagrams that it was asked for again.
    pub repairs_asked: u64,
    /// Of those, datagrams that never came.
    pub repairs_failed: u64,
    /// Our datagrams that were sent again because the peer asked.
    pub repairs_out: u64,
    /// Our datagrams that the peer asked for too late, or that were forgotten too early.
    pub repairs_late: u64,
    /// Our datagrams that the peer asked for too often or too many of.
    pub repairs_refused: u64,
    /// Media datagrams sent.
    pub datagrams_out: u64,
    /// Media datagrams received.
    pub datagrams_in: u64,
    /// The peer's datagrams that did not arrive and have not come since.
    pub datagrams_lost: u64,
    /// The peer's datagrams that came after they had counted as lost.
    pub datagrams_late: u64,
    /// The peer's datagrams that came twice.
    pub datagrams_duplicate: u64,
    /// Frames sent that tell what each hop has added.
    pub trails_out: u64,
    /// New frames received that do.
    pub trails_in: u64,
    /// Of those, frames that told impossible times.
    pub trails_clamped: u64,
    /// Frames that told what nobody wants to know.
    pub trails_refused: u64,
    /// UDP payload bytes sent, everything included; 0 inside one process.
    pub bytes_out: u64,
    /// UDP payload bytes received, everything included; 0 inside one process.
    pub bytes_in: u64,
    /// Bytes that congestion control lets be under way; 0 inside one process.
    pub window_bytes: u64,
    /// Frames not sent because their track is not bound, or is bound under another epoch.
    pub frames_unbound: u64,
    /// Frames not sent because the queue to the link was full.
    pub frames_queue_full: u64,
    /// Frames received but not delivered because the owner's inbox was full.
    pub frames_inbox_full: u64,
    /// Datagrams not sent because the network did not take them fast enough.
    pub datagrams_dropped: u64,
    /// What the peer sent and should not have: malformed, unbound, out of turn or not allowed; dropped.
    pub peer_mistakes: u64,
    /// Anything else dropped because a maximum of the link was reached.
    pub over_limit: u64,
    /// Times the peer was so silent that it was suspected to be dead.
    pub suspicions: u64,
}

/// The endpoint at one moment. Counts are since it was bound.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EndpointStatistics {
    /// Links that are up.
    pub links: u64,
    /// Links that came up.
    pub links_up: u64,
    /// Links that went down.
    pub links_down: u64,
    /// Links closed because a newer one from the same node came up.
    pub links_replaced: u64,
    /// Links closed because their queue of control messages was full.
    pub links_queue_full: u64,
    /// Connections refused because of too many links.
    pub refused_links: u64,
    /// Connections refused because of too many handshakes under way.
    pub refused_handshakes: u64,
    /// Connections refused because one address asked too often.
    pub refused_rate: u64,
    /// Connections asked to prove their address first.
    pub retries: u64,
    /// Attempts that failed because a certificate was missing, foreign or expired.
    pub failed_certificate: u64,
    /// Attempts that failed because no protocol version is spoken by both.
    pub failed_version: u64,
    /// Attempts that failed because a certificate names no node, or not the one the peer claims to be.
    pub failed_identity: u64,
    /// Attempts that the peer refused in words.
    pub failed_refused: u64,
    /// Attempts that took too long.
    pub failed_timeout: u64,
    /// Attempts that failed because a host name did not resolve.
    pub failed_resolution: u64,
    /// Attempts that failed otherwise.
    pub failed_other: u64,
    /// Targets not connected to because there were too many.
    pub targets_refused: u64,
}

/// What a QUIC link counts while it runs.
#[derive(Debug, Default)]
pub(crate) struct LinkCounters {
    pub(crate) frames_queue_full: AtomicU64,
    pub(crate) frames_inbox_full: AtomicU64,
    pub(crate) datagrams_dropped: AtomicU64,
    /// What the link's core and its connection counted, as of a moment ago. A copy, so that a handle
    /// kept after the link's end does not keep the connection and its port.
    noted: Mutex<(Statistics, quinn::ConnectionStats)>,
}

/// Adds one.
pub(crate) fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

fn milliseconds(span: Duration) -> f64 {
    span.as_secs_f64() * 1_000.0
}

impl LinkCounters {
    /// Takes over what the link's core and its connection count.
    pub(crate) fn note(&self, peer: Statistics, wire: quinn::ConnectionStats) {
        *self.noted.lock().unwrap_or_else(PoisonError::into_inner) = (peer, wire);
    }

    pub(crate) fn snapshot(&self) -> LinkStatistics {
        let (peer, wire) = *self.noted.lock().unwrap_or_else(PoisonError::into_inner);
        LinkStatistics {
            rtt_ms: milliseconds(peer.rtt_smoothed.unwrap_or(wire.path.rtt)),
            rtt_min_ms: milliseconds(peer.rtt_min.unwrap_or(wire.path.min_rtt)),
            jitter_ms: milliseconds(peer.jitter),
            queueing_ms: milliseconds(peer.queueing),
            loss_in_permille: peer.loss_in_permille,
            loss_out_permille: peer.loss_out_permille,
            frames_out: peer.frames_out,
            frames_in: peer.frames_in,
            frames_recovered: peer.frames_recovered,
            frames_repaired: peer.frames_repaired,
            frames_redundant: peer.redundant_out,
            frames_duplicate: peer.duplicates,
            riding: peer.redundancy,
            repairs_asked: peer.repairs_asked,
            repairs_failed: peer.repairs_failed,
            repairs_out: peer.repairs_out,
            repairs_late: peer.repairs_late + peer.repairs_forgotten,
            repairs_refused: peer.repairs_refused,
            datagrams_out: peer.datagrams_out,
            datagrams_in: peer.datagrams_in,
            datagrams_lost: peer.datagrams_lost,
            datagrams_late: peer.datagrams_late,
            datagrams_duplicate: peer.datagrams_duplicate,
            trails_out: peer.trails_out,
            trails_in: peer.trails_in,
            trails_clamped: peer.trails_clamped,
            trails_refused: peer.trails_refused,
            bytes_out: wire.udp_tx.bytes,
            bytes_in: wire.udp_rx.bytes,
            window_bytes: wire.path.cwnd,
            frames_unbound: peer.frames_refused,
            frames_queue_full: self.frames_queue_full.load(Ordering::Relaxed),
            frames_inbox_full: self.frames_inbox_full.load(Ordering::Relaxed),
            datagrams_dropped: self.datagrams_dropped.load(Ordering::Relaxed),
            peer_mistakes: peer.malformed + peer.refused,
            over_limit: peer.over_limit,
            suspicions: peer.suspicions,
        }
    }
}

macro_rules! endpoint_counters {
    ($($name:ident),* $(,)?) => {
        /// What an endpoint counts while it runs; see [`EndpointStatistics`].
        #[derive(Debug, Default)]
        pub(crate) struct EndpointCounters {
            $(pub(crate) $name: AtomicU64,)*
        }

        impl EndpointCounters {
            /// Everything but the number of links.
            pub(crate) fn snapshot(&self) -> EndpointStatistics {
                EndpointStatistics {
                    links: 0,
                    $($name: self.$name.load(Ordering::Relaxed),)*
                }
            }
        }
    };
}

endpoint_counters!(
    links_up,
    links_down,
    links_replaced,
    links_queue_full,
    refused_links,
    refused_handshakes,
    refused_rate,
    retries,
    failed_certificate,
    failed_version,
    failed_identity,
    failed_refused,
    failed_timeout,
    failed_resolution,
    failed_other,
    targets_refused,
);
