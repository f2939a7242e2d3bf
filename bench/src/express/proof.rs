//! That packets arrive intact, and which way they went: our own counts, and beside them the kernel's count of
//! what left through UDP sockets, where the express path does not show.

use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use serde::{Deserialize, Serialize};
use stoa_edge::media::Outbox;
use stoa_edge::media::kernel::{Address, Egress};

use super::accounts::datagrams;
use super::network::{CHECKED_PORT, GATEWAY, INTERFACE, NEIGHBOUR, NOBODY, SENDER, far, ip};

/// How long a change of neighbours may go unnoticed, and then some.
const PATIENCE: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_millis(50);
/// Longer than the express path takes to notice that a neighbour is gone.
const NOTICED: Duration = Duration::from_millis(2_500);

/// Packets of the largest step.
const MANY: u32 = 2_000;
/// Of the others: as few as the kernel keeps while it looks for a neighbour.
const FEW: u32 = 50;
/// Frames of the express path, and more packets than that.
const FRAMES: u32 = 2_048;
const OVERFLOW: u32 = 3_000;
/// Numbers of the first proof stay below this.
pub(super) const SECOND_PROOF: u32 = 10_000;
/// Packets sent before the audience gets time to read.
const CHUNK: u32 = 250;

/// Number and length come first; the rest follows from the number.
const PREFIX: usize = 6;
/// Lengths are spread from the prefix up to this.
const LENGTHS: u32 = 1_400;

/// A kind of destination, and what became of packets to it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Step {
    pub(super) what: String,
    pub(super) packets: u64,
    /// Those that took the express path.
    pub(super) express: u64,
}

/// What way packets must have gone.
#[derive(Clone, Copy)]
enum Way {
    Plain,
    /// All but those by which the kernel is made to look for a neighbour, one in two seconds.
    Express,
}

/// Writes a packet that [`number_of`] knows again, at least six bytes long.
pub(super) fn fill(packet: &mut [u8], number: u32) {
    let length = u16::try_from(packet.len()).unwrap_or(0);
    for (at, byte) in packet.iter_mut().enumerate() {
        *byte = content(number, at);
    }
    if let Some((prefix, _)) = packet.split_first_chunk_mut::<PREFIX>() {
        prefix[..4].copy_from_slice(&number.to_be_bytes());
        prefix[4..].copy_from_slice(&length.to_be_bytes());
    }
}

/// Which packet this is, if it is one of ours and whole.
pub(super) fn number_of(packet: &[u8]) -> Option<usize> {
    let (prefix, rest) = packet.split_first_chunk::<PREFIX>()?;
    let number = u32::from_be_bytes([prefix[0], prefix[1], prefix[2], prefix[3]]);
    let length = usize::from(u16::from_be_bytes([prefix[4], prefix[5]]));
    let intact = rest.iter().enumerate().all(|(at, byte)| *byte == content(number, PREFIX + at));
    (intact && length == packet.len()).then_some(number as usize)
}

#[expect(clippy::cast_possible_truncation, reason = "any byte will do")]
fn content(number: u32, at: usize) -> u8 {
    (number.wrapping_mul(31) as usize + at * 7) as u8
}

/// Sends packets of every kind, and knows how many the audience must have got.
pub(super) struct Proof<'a> {
    egress: &'a mut Egress,
    number: u32,
    steps: Vec<Step>,
    /// Packets for the audience.
    expected: u64,
}

impl<'a> Proof<'a> {
    pub(super) fn new(egress: &'a mut Egress) -> Self {
        Self { egress, number: 0, steps: Vec::new(), expected: 0 }
    }

    /// All steps.
    ///
    /// # Errors
    /// A sentence that says what went another way than it must.
    pub(super) fn run(mut self) -> Result<(Vec<Step>, u64)> {
        let gateway = |number| SocketAddr::from((far(number).ip(), CHECKED_PORT));
        let neighbour = |_| SocketAddr::from((NEIGHBOUR, CHECKED_PORT));
        self.step("a gateway not yet known", FEW, Way::Plain, true, gateway)?;
        self.wait_until_express(gateway(0))?;
        self.step("far addresses", MANY, Way::Express, true, gateway)?;
        self.here("this host by its loopback address", Ipv4Addr::LOCALHOST)?;
        self.here("this host by its own address", SENDER)?;
        let nobody = |_| SocketAddr::from((NOBODY, CHECKED_PORT));
        self.step("a neighbour that is not there", FEW, Way::Plain, false, nobody)?;
        self.step("a neighbour not yet known", FEW, Way::Plain, true, neighbour)?;
        self.wait_until_express(neighbour(0))?;
        self.step("a neighbour", FEW, Way::Express, true, neighbour)?;
        ip(&["neigh", "del", &GATEWAY.to_string(), "dev", INTERFACE])?;
        std::thread::sleep(NOTICED);
        self.step("a gateway no longer known", FEW, Way::Plain, true, gateway)?;
        self.wait_until_express(gateway(0))?;
        self.step("a gateway known again", FEW, Way::Express, true, gateway)?;
        self.outage(gateway)?;
        Ok((self.steps, self.expected))
    }

    /// More packets than there are frames, while the link is down: those that fit wait, all others are dropped
    /// and counted, and nothing stands still. Those that waited arrive when the link is up again.
    fn outage(&mut self, to: impl Fn(u32) -> SocketAddr) -> Result<()> {
        ip(&["link", "set", INTERFACE, "down"])?;
        for number in 0..OVERFLOW {
            self.send(to(number));
        }
        self.egress.flush();
        let sent = self.egress.take_sent();
        let dropped = sent.dropped_full + sent.dropped_refused;
        ensure!(
            sent.packets == 0 && dropped >= u64::from(OVERFLOW - FRAMES),
            "a link that is down: {sent:?}"
        );
        ip(&["link", "set", INTERFACE, "up"])?;
        ip(&["route", "add", "default", "via", &GATEWAY.to_string()])?;
        self.expected += u64::from(OVERFLOW) - dropped;
        self.wait_until_express(to(0))
    }

    /// The interface goes for good: nothing stands still, and every packet is counted. Returns how many packets
    /// the audience must have got before.
    ///
    /// # Errors
    /// When it does not end so.
    pub(super) fn outlive(mut self, first: u32) -> Result<u64> {
        let to = SocketAddr::from((far(0).ip(), CHECKED_PORT));
        self.number = first;
        self.egress.flush();
        self.wait_until_express(to)?;
        ip(&["link", "del", INTERFACE])?;
        for round in 0..3 {
            for _ in 0..FEW {
                self.send(to);
            }
            self.egress.flush();
            let sent = self.egress.take_sent();
            ensure!(
                sent.packets == 0 && sent.dropped_refused == u64::from(FEW),
                "an interface that is gone, round {round}: {sent:?}"
            );
        }
        Ok(self.expected)
    }

    fn step(
        &mut self,
        what: &str,
        count: u32,
        way: Way,
        arrives: bool,
        to: impl Fn(u32) -> SocketAddr,
    ) -> Result<()> {
        // Workers do so all the time; it is what makes them look at the newest table.
        self.egress.flush();
        let before = datagrams(std::process::id())?.sent;
        for number in 0..count {
            self.send(to(number));
            if number % CHUNK == CHUNK - 1 || number + 1 == count {
                self.egress.flush();
                std::thread::sleep(PAUSE);
            }
        }
        let sent = self.egress.take_sent();
        let express = sent.express_packets;
        let plain = datagrams(std::process::id())?.sent - before;
        let count = u64::from(count);
        ensure!(
            sent.packets == count,
            "{what}: {} of {count} packets left: {sent:?}",
            sent.packets
        );
        ensure!(
            express + plain == count,
            "{what}: {express} packets of {count} took the express path, but {plain} left by sockets"
        );
        let right = match way {
            Way::Plain => express == 0,
            Way::Express => plain <= 2,
        };
        ensure!(right, "{what}: {express} of {count} packets took the express path");
        self.expected += if arrives { count } else { 0 };
        self.steps.push(Step { what: what.to_owned(), packets: count, express });
        Ok(())
    }

    /// To this host itself, where no interface's driver can bring a packet.
    fn here(&mut self, what: &str, address: Ipv4Addr) -> Result<()> {
        let socket = UdpSocket::bind((address, 0)).context("no UDP port")?;
        socket.set_read_timeout(Some(PATIENCE)).context("a socket without timeout")?;
        let to = socket.local_addr().context("a socket without address")?;
        self.step(what, FEW, Way::Plain, false, |_| to)?;
        let mut buffer = [0; 2_048];
        for _ in 0..FEW {
            let length = socket.recv(&mut buffer).with_context(|| format!("{what}: a packet"))?;
            ensure!(number_of(&buffer[..length]).is_some(), "{what}: a packet is not as it was");
        }
        Ok(())
    }

    /// Sends one packet after the other until one takes the express path.
    fn wait_until_express(&mut self, to: SocketAddr) -> Result<()> {
        let began = Instant::now();
        while began.elapsed() < PATIENCE {
            self.send(to);
            self.egress.flush();
            self.expected += 1;
            if self.egress.take_sent().express_packets > 0 {
                return Ok(());
            }
            std::thread::sleep(PAUSE);
        }
        bail!("no packet to {to} took the express path within {PATIENCE:?}");
    }

    fn send(&mut self, to: SocketAddr) {
        let length = PREFIX + (self.number * 97 % LENGTHS) as usize;
        let to = Address::new(to, self.egress.dual_stack());
        if let Some(packet) = self.egress.reserve(length) {
            fill(packet, self.number);
            self.egress.commit(length, &to);
        }
        self.number += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::{PREFIX, fill, number_of};

    #[test]
    fn a_packet_is_known_again_and_no_byte_of_it_may_change() {
        for length in [PREFIX, 7, 1_400] {
            let mut packet = vec![0; length];
            fill(&mut packet, 77_777);
            assert_eq!(number_of(&packet), Some(77_777));
            for at in PREFIX..length {
                packet[at] ^= 0x40;
                assert_eq!(number_of(&packet), None, "byte {at}");
                packet[at] ^= 0x40;
            }
            assert_eq!(number_of(&packet[..length - 1]), None);
        }
    }
}
