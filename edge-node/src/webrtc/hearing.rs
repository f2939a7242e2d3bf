//! What a connected client says: audio, and reports. Both are opened here and never by str0m.

use std::time::Instant;

use stoa_audio::frame::Frame;

use super::Class;
use super::clock::Clock;
use super::microphone;
use super::reception::{Reception, Refused, Report, SenderReport};
use super::session::Session;
use crate::media::Outbox;
use crate::media::srtp::Masters;

impl Session {
    /// The handshake is done: from now on what the client says and reports can be opened. Says whether its
    /// keys are good.
    pub(super) fn take_keys(&mut self, masters: &Masters) -> bool {
        if let Some(microphone) = &mut self.microphone {
            microphone.set_masters(masters);
        }
        self.reception = Reception::new(&masters.remote, &self.streams);
        self.reception.is_some()
    }

    /// Takes a control packet, which is opened in place.
    pub(super) fn handle_report(&mut self, datagram: &mut [u8], clock: &Clock, now: Instant) {
        let Self { reception, microphone, counters, .. } = self;
        let Some(reception) = reception else { return };
        let hear = |SenderReport { ssrc, ntp }| {
            if let Some(microphone) = microphone {
                microphone.note_sender_report(ssrc, ntp, now);
            }
        };
        match reception.handle_packet(datagram, now, clock.ntp(now), hear) {
            Ok(()) => {}
            Err(Refused::Forged) => counters.forged_reports += 1,
            Err(Refused::Replayed) => counters.replayed_reports += 1,
            Err(Refused::Malformed) => counters.malformed_reports += 1,
        }
    }

    /// Takes audio, which is opened in place; what is let in is added to `frames`.
    pub(super) fn handle_rtp(
        &mut self,
        datagram: &mut [u8],
        now: Instant,
        frames: &mut Vec<Frame>,
        out: &mut impl Outbox,
    ) {
        let counters = &mut self.counters;
        let Some(microphone) = &mut self.microphone else {
            counters.unknown_stream += 1;
            return;
        };
        let on_stage = self.class == Class::Stage;
        let let_in = on_stage && !self.muted;
        match microphone.handle_packet(datagram, let_in, now, |frame| frames.push(frame)) {
            Ok(()) if !on_stage => counters.off_stage += 1,
            Ok(()) => counters.muted += u64::from(self.muted),
            Err(microphone::Refused::Early) => counters.early_packets += 1,
            Err(microphone::Refused::Forged) => counters.forged_packets += 1,
            Err(microphone::Refused::Replayed) => counters.replayed_packets += 1,
            Err(microphone::Refused::Malformed) => counters.malformed_packets += 1,
            Err(microphone::Refused::TooManySources) => counters.unknown_stream += 1,
        }
        if let Some(path) = self.path {
            microphone.report(path, now, out);
        }
    }

    /// The listener's last report, if it has not been taken yet.
    pub(super) fn take_report(&mut self) -> Option<Report> {
        self.reception.as_mut().and_then(Reception::take_news)
    }
}
