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
    pub off_stage: u64,
    pub unknown_stream: u64,
    pub early_packets: u64,
    pub forged_packets: u64,
    pub replayed_packets: u64,
    pub malformed_packets: u64,
    pub refused: u64,
    pub fenced: u64,
    pub forged_reports: u64,
    pub replayed_reports: u64,
    pub malformed_reports: u64,
    /// Good ones that came faster than they are published.
    pub untold_reports: u64,
    pub panics: u64,
    pub uplink: UplinkCounters,
}

/// What happened to a session's packets since last taken.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct SessionCounters {
    /// Uplink packets of a muted participant.
    pub muted: u64,
    /// Uplink packets of somebody who is not on the stage.
    pub off_stage: u64,
    /// RTP of somebody who may not send, or of more streams than anybody needs.
    pub unknown_stream: u64,
    /// RTP from before the end of the handshake.
    pub early_packets: u64,
    /// RTP whose seal is wrong.
    pub forged_packets: u64,
    /// RTP that was seen before, or is too old to know.
    pub replayed_packets: u64,
    /// RTP that is sealed well and says nonsense.
    pub malformed_packets: u64,
    /// Datagrams that were refused: checks without the password, broken ones.
    pub refused: u64,
    /// Control packets of str0m on an SSRC of ours, which must never leave.
    pub fenced: u64,
    /// Listeners' control packets whose seal is wrong.
    pub forged_reports: u64,
    /// Those that were seen before.
    pub replayed_reports: u64,
    /// Those that are sealed well and say nonsense.
    pub malformed_reports: u64,
}

impl SessionsCounters {
    /// Adds what a session has counted since it was last asked.
    pub(super) fn count(&mut self, session: &mut Session) {
        let counters = session.take_counters();
        self.muted += counters.muted;
        self.off_stage += counters.off_stage;
        self.unknown_stream += counters.unknown_stream;
        self.early_packets += counters.early_packets;
        self.forged_packets += counters.forged_packets;
        self.replayed_packets += counters.replayed_packets;
        self.malformed_packets += counters.malformed_packets;
        self.refused += counters.refused;
        self.fenced += counters.fenced;
        self.forged_reports += counters.forged_reports;
        self.replayed_reports += counters.replayed_reports;
        self.malformed_reports += counters.malformed_reports;
        if let Some(microphone) = &mut session.microphone {
            self.uplink += microphone.take_counters();
        }
    }
}
