//! `bench fanout`: our fan-out, the floor and str0m in turns, in one thread.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use clap::{Args, ValueEnum};
use indicatif::ProgressBar;
use rand::SeedableRng;
use rand::rngs::StdRng;
use stoa_edge::media::PacketLength;
use stoa_edge::media::kernel::{Egress, Socket};
use stoa_edge::media::srtp::Profile;

use super::drain::Drain;
use super::ours::{self, Ours};
use super::report::{Report, Size};
use super::str0m_path::Str0mPath;
use crate::measure::floor::{median, thread_cpu, with_floor};
use crate::measure::machine::Machine;
use crate::screen::{self, Screen};

/// Sockets that the destinations share.
const SOCKETS: u32 = 8;
/// Rounds that are not counted: caches and branch predictors get to know the work.
const WARM_UP: usize = 5;

/// Measures what one packet costs our fan-out, beside a bare `sendmmsg` loop and beside str0m.
#[derive(Clone, Debug, Args)]
pub struct Arguments {
    /// How many listeners, one size after another
    #[arg(long, value_delimiter = ',', default_values_t = [1_000, 10_000], value_parser = clap::value_parser!(u32).range(1..=100_000))]
    listeners: Vec<u32>,
    /// Length of their packets
    #[arg(long, value_name = "MS", default_value_t = 60, value_parser = clap::value_parser!(u32).range(20..=120))]
    packet_ms: u32,
    /// How often each path sends to everybody
    #[arg(long, value_name = "N", default_value_t = 60, value_parser = clap::value_parser!(u32).range(3..=10_000))]
    rounds: u32,
    /// SRTP profile
    #[arg(long, value_enum, default_value_t = Cipher::Aes256Gcm)]
    profile: Cipher,
    /// Sessions of str0m at most: each costs a handshake first
    #[arg(long, value_name = "N", default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..=20_000))]
    str0m_sessions: u32,
    /// Write the figures to this file, as JSON; without a name, to standard output
    #[arg(long, value_name = "FILE", num_args = 0..=1, default_missing_value = "-")]
    json: Option<PathBuf>,
    /// No progress bar
    #[arg(long)]
    quiet: bool,
}

/// SRTP protection profiles.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Cipher {
    /// What Chromium and str0m settle on
    Aes256Gcm,
    Aes128Gcm,
    /// What every client knows
    Aes128CmSha1,
}

impl Cipher {
    fn profile(self) -> (Profile, &'static str) {
        match self {
            Self::Aes256Gcm => (Profile::AesGcm256, "AES-256-GCM"),
            Self::Aes128Gcm => (Profile::AesGcm128, "AES-128-GCM"),
            Self::Aes128CmSha1 => (Profile::AesCm128Sha1, "AES-128-CM with HMAC-SHA1-80"),
        }
    }
}

/// Runs it all.
///
/// # Errors
/// When the system gives no socket, or a path fails.
pub fn run(arguments: &Arguments) -> Result<()> {
    let output = screen::JsonOutput::open(arguments.json.as_deref())?;
    let mut sizes = Vec::new();
    for listeners in &arguments.listeners {
        sizes.push(measure(arguments, *listeners)?);
    }
    let last = sizes.last().cloned().context("at least one size of --listeners is needed")?;
    let (_, profile) = arguments.profile.profile();
    let report = Report { last, profile, sizes, machine: Machine::here() };
    if !output.is_standard_output() {
        Screen::default().draw(&report.rows()).context("cannot write the table")?;
    }
    output.write(&report)
}

fn measure(arguments: &Arguments, listeners: u32) -> Result<Size> {
    let length = PacketLength::at_most(arguments.packet_ms);
    let (profile, _) = arguments.profile.profile();
    let packet_bytes = ours::packet_bytes(length, profile);
    let drain = Drain::spawn(listeners, SOCKETS)?;
    let to = drain.destinations();
    let sessions = arguments.str0m_sessions.min(listeners);
    let rounds = arguments.rounds as usize;
    let bar = screen::bar(arguments.quiet, u64::from(sessions) + rounds as u64, "fan-out");
    let mut rng = StdRng::seed_from_u64(u64::from(listeners));
    let socket = Socket::bind(SocketAddr::from(([127, 0, 0, 1], 0))).context("no UDP port")?;
    let egress = Egress::new(Arc::new(socket), None);
    let mut ours = Ours::new(egress, to, length, profile, &mut rng)?;
    let opus_bytes = packet_bytes - 12 - profile.tag_bytes();
    let mut str0m = Str0mPath::new(&to[..sessions as usize], opus_bytes, || bar.inc(1))?;
    // With the options of a media socket, so that the kernel does the same for both.
    let floor = Socket::bind(SocketAddr::from(([127, 0, 0, 1], 0))).context("no UDP port")?;
    let figures = with_floor(&floor, to, packet_bytes, |floor| {
        let mut paths = Paths { ours: &mut ours, str0m: &mut str0m, floor, drain: &drain, sent: 0 };
        paths.run(rounds, listeners, &bar)
    })?;
    bar.finish_and_clear();
    let packets = u64::from(listeners);
    let allocations = allocation_counter::measure(|| ours.pass()).count_total;
    ensure!(ours.take_sent()?.packets == packets, "not every listener got a packet");
    let ns_per_packet = median(figures.ours.clone());
    let str0m_ns_per_packet = median(figures.str0m);
    let ratios = figures.ours.iter().zip(&figures.floor).map(|(ours, floor)| ours / floor);
    Ok(Size {
        listeners,
        packet_ms: length.ms(),
        packet_bytes,
        rounds,
        ns_per_packet,
        ratio_to_floor: median(ratios.collect()),
        floor_ns_per_packet: median(figures.floor),
        str0m_ns_per_packet,
        str0m_sessions: sessions,
        ratio_to_str0m: ns_per_packet / str0m_ns_per_packet,
        allocations_per_packet: allocations as f64 / packets as f64,
        delivered_ratio: figures.delivered_ratio,
    })
}

/// The paths that take turns.
struct Paths<'a> {
    ours: &'a mut Ours,
    str0m: &'a mut Str0mPath,
    floor: &'a mut dyn FnMut() -> Result<std::time::Duration>,
    drain: &'a Drain,
    sent: u64,
}

/// Nanoseconds per packet of each round.
#[derive(Default)]
struct Figures {
    ours: Vec<f64>,
    floor: Vec<f64>,
    str0m: Vec<f64>,
    delivered_ratio: f64,
}

impl Paths<'_> {
    fn run(&mut self, rounds: usize, listeners: u32, bar: &ProgressBar) -> Result<Figures> {
        let mut figures = Figures::default();
        for round in 0..rounds + WARM_UP {
            let began = thread_cpu();
            self.ours.pass();
            let ours = ns(thread_cpu().saturating_sub(began), u64::from(listeners));
            let sent = self.ours.take_sent()?.packets;
            // The first packets of a stream may be shorter, so that some listeners get two.
            ensure!(round < WARM_UP || sent == u64::from(listeners), "{sent} packets left");
            self.settle(sent);
            let floor = ns((self.floor)()?, u64::from(listeners));
            self.settle(u64::from(listeners));
            let began = thread_cpu();
            let sent = self.str0m.pass()?;
            let str0m = ns(thread_cpu().saturating_sub(began), sent);
            self.settle(sent);
            if round >= WARM_UP {
                figures.ours.push(ours);
                figures.floor.push(floor);
                figures.str0m.push(str0m);
                bar.inc(1);
            }
        }
        let received = self.drain.wait_for(self.sent);
        figures.delivered_ratio = received as f64 / self.sent as f64;
        Ok(figures)
    }

    /// Lets the receivers read everything, so that the next path finds the same calm.
    fn settle(&mut self, sent: u64) {
        self.sent += sent;
        self.drain.wait_for(self.sent);
    }
}

fn ns(time: std::time::Duration, packets: u64) -> f64 {
    time.as_secs_f64() * 1e9 / packets.max(1) as f64
}
