//! The paths that take turns: bare packets and a whole fan-out, each by the plain way and by the express path,
//! and the floor. Each turn waits until the audience has read everything, so that the next finds the same calm.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use stoa_edge::media::Outbox;
use stoa_edge::media::kernel::{Address, Egress};

use super::accounts::{cpu, datagrams, softirq_thread_pids, softirq_threads};
use super::report::Cost;
use crate::fanout::Ours;
use crate::measure::floor::thread_cpu;

/// How long the audience may take to read a turn's packets.
const PATIENCE: Duration = Duration::from_millis(500);
const LOOK: Duration = Duration::from_millis(2);

/// The same packet to everybody, as a fan-out without anything to do would send it.
pub(super) struct Bare {
    egress: Egress,
    to: Vec<Address>,
    packet: Vec<u8>,
}

impl Bare {
    pub(super) fn new(egress: Egress, to: &[SocketAddr], packet_bytes: usize) -> Self {
        let to = to.iter().map(|to| Address::new(*to, egress.dual_stack())).collect();
        Self { egress, to, packet: vec![0xff; packet_bytes] }
    }

    fn pass(&mut self) {
        for to in &self.to {
            if let Some(room) = self.egress.reserve(self.packet.len()) {
                room.copy_from_slice(&self.packet);
                self.egress.commit(self.packet.len(), to);
            }
        }
        self.egress.flush();
    }
}

/// Something that sends one packet to everybody.
pub(super) enum Path<'a> {
    Floor(&'a mut dyn FnMut() -> Result<Duration>),
    Bare(&'a mut Bare),
    Fanout(&'a mut Ours),
}

impl Path<'_> {
    /// Packets sent, those of them by the express path, and the CPU time of this thread that it took.
    fn pass(&mut self, packets: u64) -> Result<(u64, u64, Duration)> {
        let began = thread_cpu();
        let sent = match self {
            Self::Floor(pass) => return Ok((packets, 0, pass()?)),
            Self::Bare(bare) => {
                bare.pass();
                let spent = thread_cpu().saturating_sub(began);
                let sent = bare.egress.take_sent();
                let dropped = sent.dropped_full + sent.dropped_refused;
                ensure!(dropped == 0, "the kernel did not take {dropped} packets");
                return Ok((sent.packets, sent.express_packets, spent));
            }
            Self::Fanout(ours) => {
                ours.pass();
                let spent = thread_cpu().saturating_sub(began);
                (ours.take_sent()?, spent)
            }
        };
        Ok((sent.0.packets, sent.0.express_packets, sent.1))
    }
}

/// Whose work counts beside that of this thread.
pub(super) struct Turns {
    audience: u32,
    softirqs: Vec<u32>,
    pub(super) sent: u64,
    pub(super) express: u64,
}

impl Turns {
    pub(super) fn new(audience: u32) -> Self {
        Self { audience, softirqs: softirq_thread_pids(), sent: 0, express: 0 }
    }

    /// One turn of one path; what it cost a packet.
    ///
    /// # Errors
    /// When a packet does not leave.
    pub(super) fn take(&mut self, path: &mut Path<'_>, packets: u64) -> Result<Cost> {
        let read_before = datagrams(self.audience)?.read;
        let others_before = self.others();
        let (sent, express, spent) = path.pass(packets)?;
        self.sent += sent;
        self.express += express;
        let began = Instant::now();
        while datagrams(self.audience)?.read < read_before + sent && began.elapsed() < PATIENCE {
            std::thread::sleep(LOOK);
        }
        let others = self.others().saturating_sub(others_before);
        let per_packet = |time: Duration| time.as_secs_f64() * 1e9 / sent.max(1) as f64;
        Ok(Cost { sender: per_packet(spent), machine: per_packet(spent + others) })
    }

    fn others(&self) -> Duration {
        cpu(self.audience) + softirq_threads(&self.softirqs)
    }
}
