//! Questions for datagrams that are missing, and the answers to the peer's.

use std::time::{Duration, Instant};

use super::gaps::{Path, repair_within};
use super::kept::Found;
use super::machine::{Peer, State};
use super::timers::Timer;
use crate::mesh::control::Hello;
use crate::mesh::repair::{Again, FEATURE, NACK_SEQUENCES_MAX, Nack, Repairs};

/// Whether a node that says this can ask and answer.
pub(super) fn can_repair(hello: &Hello) -> bool {
    hello.features.iter().any(|feature| feature == FEATURE)
}

/// A share of one in millionths.
pub(super) fn millionths(share: f64) -> u32 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a share times 1,000,000, clamped"
    )]
    let millionths = (share * 1e6).clamp(0.0, 1e6) as u32;
    millionths
}

impl Peer {
    /// Sets when to ask next. Nothing is asked of a peer that sends no track, that cannot answer, or
    /// whose round trip is not known yet.
    pub(super) fn follow_gaps(&mut self) {
        match self.path().and_then(|path| self.gaps.due(&path)) {
            Some(due) => self.wire.timers.set(Timer::Nack, due),
            None => self.wire.timers.stop(Timer::Nack),
        }
    }

    pub(super) fn ask(&mut self, now: Instant) {
        if let Some(nack) = self.path().and_then(|path| self.gaps.ask(&path, now)) {
            self.wire.nack(&nack, now);
        }
        self.follow_gaps();
    }

    /// Sends again what the peer misses, within bounds. Asking for what was never sent, or without
    /// end, is misbehaviour.
    pub(super) fn handle_nack(&mut self, nack: &Nack, now: Instant) {
        if !self.repairs || nack.highest >= self.wire.open_sequence() {
            return self.refuse_claim(now);
        }
        if !self.wire.kept.may_ask(now) {
            self.wire.counters.repairs_refused += nack.back.len() as u64 + u64::from(nack.open);
            return self.refuse_claim(now);
        }
        let rtt = self.timing.smoothed().unwrap_or(Duration::ZERO);
        let mut asked: Vec<u64> = nack.back.iter().rev().map(|back| nack.highest - back).collect();
        if let Some(rtt) = self.timing.min().filter(|_| nack.open) {
            let room = NACK_SEQUENCES_MAX - asked.len().min(NACK_SEQUENCES_MAX);
            asked.extend(self.wire.kept.sent_after(nack.highest, rtt, now).take(room));
        }
        let within = repair_within(rtt);
        let mut batch = Vec::with_capacity(asked.len());
        for sequence in asked {
            match self.wire.kept.take(sequence, within, now) {
                Found::Again(datagram) => {
                    self.wire.counters.repairs_out += 1;
                    batch.extend(Again::of(sequence, datagram));
                }
                Found::Nothing => batch.push(Again::nothing(sequence)),
                Found::Late => {
                    self.wire.counters.repairs_late += 1;
                    batch.push(Again::nothing(sequence));
                }
                Found::Refused => self.wire.counters.repairs_refused += 1,
            }
        }
        self.wire.repair(&batch, now);
    }

    pub(super) fn handle_repairs(&mut self, repairs: Repairs, sent_us: u32, now: Instant) {
        for repair in repairs {
            let repair = match repair {
                Ok(repair) => repair,
                Err(error) => return self.handle_datagram_error(error, now),
            };
            self.gaps.close(repair.sequence);
            let Some(records) = repair.records else { continue };
            self.wire.counters.repairs_in += 1;
            let before = self.wire.counters.frames_in;
            self.handle_records(records, sent_us, now);
            if self.state == State::Closed {
                return;
            }
            self.wire.counters.frames_repaired += self.wire.counters.frames_in - before;
        }
    }

    fn path(&self) -> Option<Path> {
        if !self.repairs || self.state != State::Up || self.incoming.len() == 0 {
            return None;
        }
        Some(Path {
            rtt: self.timing.smoothed()?,
            jitter: self.timing.jitter(),
            promised: self.liveness.promised(),
        })
    }
}
