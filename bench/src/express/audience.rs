//! The receiving side: reads whatever comes, checks what is to be checked, and says what it saw when its
//! standard input closes.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use stoa_edge::media::kernel::{ReceiveBatch, Socket};

use super::network::{CHECKED_PORT, MEDIA_PORT, PORTS, SENDER};
use super::proof;

/// What the kernel may hold for a socket until it is read, in bytes.
const RECEIVE_BUFFER: usize = 32 << 20;
/// Between two looks at sockets that were empty: long, so that a round is sent before it is read.
const PAUSE: Duration = Duration::from_millis(2);
/// When nothing has come for so long after the end, nothing will.
const QUIET: Duration = Duration::from_millis(200);

/// What the audience saw.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Seen {
    /// Packets to be checked that were as they should.
    pub(super) intact: u64,
    /// Those that were not: content, length or sender.
    pub(super) wrong: u64,
    /// Those that had come before.
    pub(super) repeated: u64,
    /// Packets of the measurement.
    pub(super) measured: u64,
}

/// Runs until standard input closes.
///
/// # Errors
/// When the system gives no socket.
pub fn run() -> Result<()> {
    let sockets: Result<Vec<Socket>> = PORTS.chain([CHECKED_PORT]).map(bind).collect();
    let sockets = sockets?;
    println!("ready");
    std::io::stdout().flush().context("nobody listens")?;
    let ended = Arc::new(AtomicBool::new(false));
    let end = Arc::clone(&ended);
    let wait = move || {
        // Whatever ends it: the command is done, or dead.
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        end.store(true, Ordering::Relaxed);
    };
    std::thread::Builder::new().spawn(wait).context("no thread")?;
    let (mut batch, mut watch) = (ReceiveBatch::default(), Watch::default());
    let mut last = Instant::now();
    while !ended.load(Ordering::Relaxed) || last.elapsed() < QUIET {
        let mut count = 0;
        for (index, socket) in sockets.iter().enumerate() {
            count += watch.read(socket, index + 1 == sockets.len(), &mut batch);
        }
        if count > 0 {
            last = Instant::now();
        } else {
            std::thread::sleep(PAUSE);
        }
    }
    let seen = serde_json::to_string(&watch.seen).context("no JSON")?;
    println!("{seen}");
    Ok(())
}

fn bind(port: u16) -> Result<Socket> {
    let socket = Socket::bind((Ipv4Addr::UNSPECIFIED, port).into()).context("no UDP port")?;
    rustix::net::sockopt::set_socket_recv_buffer_size_force(&socket, RECEIVE_BUFFER)
        .context("cannot set a socket's buffer")?;
    Ok(socket)
}

#[derive(Default)]
struct Watch {
    seen: Seen,
    numbers: Vec<bool>,
}

impl Watch {
    /// Reads one batch; returns how many came.
    fn read(&mut self, socket: &Socket, checked: bool, batch: &mut ReceiveBatch) -> usize {
        let count = batch.receive(socket).unwrap_or(0);
        if !checked {
            self.seen.measured += count as u64;
            return count;
        }
        for index in 0..count {
            match batch.packet(index) {
                Some((packet, from)) => self.check(packet, from),
                None => self.seen.wrong += 1,
            }
        }
        count
    }

    fn check(&mut self, packet: &[u8], from: SocketAddr) {
        let number = proof::number_of(packet).filter(|_| from == (SENDER, MEDIA_PORT).into());
        let Some(number) = number else {
            self.seen.wrong += 1;
            return;
        };
        if self.numbers.len() <= number {
            self.numbers.resize(number + 1, false);
        }
        if std::mem::replace(&mut self.numbers[number], true) {
            self.seen.repeated += 1;
        } else {
            self.seen.intact += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{MEDIA_PORT, SENDER, Watch, proof};

    #[test]
    fn a_packet_counts_once_and_only_as_it_was_sent() {
        let mut watch = Watch::default();
        let from = (SENDER, MEDIA_PORT).into();
        let mut packet = [0; 100];
        proof::fill(&mut packet, 7);
        watch.check(&packet, from);
        watch.check(&packet, from);
        watch.check(&packet, (SENDER, MEDIA_PORT + 1).into());
        watch.check(&packet[..99], from);
        packet[50] ^= 1;
        watch.check(&packet, from);
        let seen = watch.seen;
        assert_eq!((seen.intact, seen.repeated, seen.wrong), (1, 1, 3));
    }
}
