//! The sending side: proves that packets arrive and go the way they must, then measures.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use clap::Args;
use rand::SeedableRng;
use rand::rngs::StdRng;
use stoa_edge::media::PacketLength;
use stoa_edge::media::kernel::{Egress, Lane, Socket, lanes};
use stoa_edge::media::srtp::Profile;

use super::network::{INTERFACE, MEDIA_PORT, QUEUES, far};
use super::proof::{Proof, SECOND_PROOF};
use super::report::{Line, Told};
use super::turns::{Bare, Path, Turns};
use crate::fanout::{Ours, packet_bytes};
use crate::measure::floor::with_floor;

/// What Chromium and str0m settle on.
const PROFILE: Profile = Profile::AesGcm256;
/// Rounds that are not counted.
const WARM_UP: usize = 5;

/// What the command tells its child.
#[derive(Clone, Debug, Args)]
pub struct Arguments {
    #[arg(long)]
    listeners: u32,
    #[arg(long)]
    rounds: usize,
    #[arg(long)]
    packet_ms: u32,
    /// Process id of the audience
    #[arg(long)]
    audience: u32,
}

/// Runs it all and writes what it found to standard output.
///
/// # Errors
/// When a packet goes another way than it must, or the system gives no socket.
pub fn run(arguments: &Arguments) -> Result<()> {
    let local = SocketAddr::from((Ipv4Addr::UNSPECIFIED, MEDIA_PORT));
    // One worker more than the interface has queues: it must do without.
    let lanes = lanes(INTERFACE, local, QUEUES + 1).context("not possible here")?;
    ensure!(lanes.len() == QUEUES, "{} workers of {} have a queue", lanes.len(), QUEUES + 1);
    let mut lanes = lanes.into_iter();
    let mut express = egress(lanes.next())?;
    let (steps, expected) = Proof::new(&mut express).run()?;
    let measurement = Measurement {
        to: (0..arguments.listeners).map(far).collect(),
        length: PacketLength::at_most(arguments.packet_ms),
        rounds: arguments.rounds,
        turns: Turns::new(arguments.audience),
    };
    let packet_bytes = packet_bytes(measurement.length, PROFILE);
    let mut last = egress(lanes.next())?;
    let (turns, lines) = measurement.run(packet_bytes, express, egress(lanes.next())?)?;
    let expected = expected + Proof::new(&mut last).outlive(SECOND_PROOF)?;
    let told =
        Told { steps, expected, packet_bytes, measured: turns.sent, express: turns.express, lines };
    println!("{}", serde_json::to_string(&told).context("no JSON")?);
    Ok(())
}

fn socket() -> Result<Socket> {
    Socket::bind((Ipv4Addr::UNSPECIFIED, MEDIA_PORT).into()).context("no UDP port")
}

fn egress(lane: Option<Lane>) -> Result<Egress> {
    Ok(Egress::new(Arc::new(socket()?), lane))
}

struct Measurement {
    to: Vec<SocketAddr>,
    length: PacketLength,
    rounds: usize,
    turns: Turns,
}

impl Measurement {
    fn run(
        mut self,
        packet_bytes: usize,
        express: Egress,
        fanout_express: Egress,
    ) -> Result<(Turns, Vec<Line>)> {
        let rng = &mut StdRng::seed_from_u64(1);
        let (to, length) = (&self.to[..], self.length);
        let mut plain = Bare::new(egress(None)?, to, packet_bytes);
        let mut express = Bare::new(express, to, packet_bytes);
        let mut fanout_plain = Ours::new(egress(None)?, to, length, PROFILE, rng)?;
        let mut fanout_express = Ours::new(fanout_express, to, length, PROFILE, rng)?;
        let floor = socket()?;
        let packets = to.len() as u64;
        let mut costs: [Vec<_>; 5] = Default::default();
        let turns = &mut self.turns;
        with_floor(&floor, to, packet_bytes, |floor| {
            let mut paths = [
                Path::Floor(floor),
                Path::Bare(&mut plain),
                Path::Bare(&mut express),
                Path::Fanout(&mut fanout_plain),
                Path::Fanout(&mut fanout_express),
            ];
            for round in 0..self.rounds + WARM_UP {
                for (path, costs) in paths.iter_mut().zip(&mut costs) {
                    let cost = turns.take(path, packets)?;
                    if round >= WARM_UP {
                        costs.push(cost);
                    }
                }
            }
            Ok(())
        })?;
        let [floor, plain, express, fanout_plain, fanout_express] = costs;
        let lines = vec![
            Line::new("bare sendmmsg loop", &floor, &floor),
            Line::new("plain", &plain, &floor),
            Line::new("express", &express, &floor),
            Line::new("fan-out, plain", &fanout_plain, &fanout_plain),
            Line::new("fan-out, express", &fanout_express, &fanout_plain),
        ];
        Ok((self.turns, lines))
    }
}
