//! The floor: what it costs to hand packets to the kernel and nothing else, with a bare `sendmmsg` loop.
//! Whatever a sender does beside that shows as its ratio to this.

use std::io::IoSlice;
use std::net::SocketAddr;
use std::os::fd::AsFd;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use rustix::net::addr::SocketAddrArg;
use rustix::net::{MMsgHdr, SendAncillaryBuffer, SendFlags, sendmmsg};
use rustix::time::{ClockId, clock_gettime};

/// Packets in one call, as many as the edge sends at once.
const PACKETS_A_CALL: usize = 64;

/// Prepares one packet of `length` bytes for each destination, and lets `work` send all of them as often as it
/// likes; each pass tells the CPU time of this thread that it took.
///
/// # Errors
/// Those of `work`; a pass fails when the kernel refuses a packet.
pub fn with_floor<T>(
    socket: &impl AsFd,
    to: &[SocketAddr],
    length: usize,
    work: impl FnOnce(&mut dyn FnMut() -> Result<Duration>) -> Result<T>,
) -> Result<T> {
    let packet = vec![0xff; length];
    let slices = [IoSlice::new(&packet)];
    let addresses: Vec<_> = to.iter().map(SocketAddrArg::as_any).collect();
    let mut controls: Vec<_> = to.iter().map(|_| SendAncillaryBuffer::default()).collect();
    let mut messages: Vec<MMsgHdr<'_>> = addresses
        .iter()
        .zip(&mut controls)
        .map(|(address, control)| MMsgHdr::new_with_addr(address, &slices, control))
        .collect();
    let mut pass = || {
        let began = thread_cpu();
        for chunk in messages.chunks_mut(PACKETS_A_CALL) {
            let sent = sendmmsg(socket, chunk, SendFlags::DONTWAIT).context("sendmmsg")?;
            if sent < chunk.len() {
                bail!("the kernel took {sent} of {} packets", chunk.len());
            }
        }
        Ok(thread_cpu().saturating_sub(began))
    };
    work(&mut pass)
}

/// CPU time that this thread has used, the kernel's work for it included.
#[must_use]
pub fn thread_cpu() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    let nanoseconds = u32::try_from(time.tv_nsec).unwrap_or(0);
    Duration::new(u64::try_from(time.tv_sec).unwrap_or(0), nanoseconds)
}

/// The middle one of some figures; zero of none.
#[must_use]
pub fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap_or(0.0)
}

#[cfg(test)]
mod tests {
    use std::net::UdpSocket;
    use std::time::Duration;

    use super::{median, with_floor};

    #[test]
    fn every_destination_gets_its_packet_in_every_pass() {
        let sender = UdpSocket::bind("127.0.0.1:0").unwrap();
        let receiver = UdpSocket::bind("0.0.0.0:0").unwrap();
        receiver.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        let port = receiver.local_addr().unwrap().port();
        let to: Vec<_> = (1..=100u8).map(|n| ([127, 16, 0, n], port).into()).collect();
        let spent = with_floor(&sender, &to, 123, |pass| Ok(pass()? + pass()?)).unwrap();
        assert!(spent > Duration::ZERO);
        let mut buffer = [0; 200];
        for _ in 0..200 {
            assert_eq!(receiver.recv(&mut buffer).unwrap(), 123);
        }
    }

    #[test]
    fn the_median_is_no_mean() {
        assert!((median(vec![1.0, 100.0, 2.0]) - 2.0).abs() < f64::EPSILON);
        assert!(median(Vec::new()).abs() < f64::EPSILON);
    }
}
