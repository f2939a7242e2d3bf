//! What a worker's sessions count; see `metrics` for what becomes of it.

use super::session::Session;
use super::uplink::UplinkCounters;

/// What happened to datagrams since the counters were last taken.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct SessionsCounters {
    pub unknown_kind: u64,
    pub unasked_stun: u64,
    pub unknown_source: u64,
    pub unknown_ufrag: u64,
    pub forwarded: u64,
    pub muted: u64,
    pub unknown_stream: u64,
    pub refused: u64,
    pub fenced: u64,
    pub panics: u64,
    pub uplink: UplinkCounters,
}

impl SessionsCounters {
    /// Adds what a session has counted since it was last asked.
    pub(super) fn count(&mut self, session: &mut Session) {
        let counters = session.take_counters();
        self.muted += counters.muted;
        self.unknown_stream += counters.unknown_stream;
        self.refused += counters.refused;
        self.fenced += counters.fenced;
        if let Some(uplink) = &mut session.uplink {
            let counters = uplink.take_counters();
            self.uplink += counters;
        }
    }
}
