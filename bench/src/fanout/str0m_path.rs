//! The same packets written by str0m: `write_rtp`, then polling for what is to be sent.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use stoa_edge::media::Outbox;
use stoa_edge::media::kernel::{Address, SendBatch, Socket};
use str0m::media::{Direction, MediaKind, Mid, Pt};
use str0m::net::{Protocol, Receive};
use str0m::rtp::RtpWrite;
use str0m::{Candidate, Event, Input, Output, Rtc, RtcConfig};

/// Rounds of flights that a handshake may take.
const FLIGHTS_MAX: usize = 200;
/// Between two rounds.
const FLIGHT: Duration = Duration::from_millis(10);

/// Sessions that str0m sends for.
pub(super) struct Str0mPath {
    sessions: Vec<Session>,
    batch: SendBatch,
    payload: Vec<u8>,
    now: Instant,
    number: u32,
}

struct Session {
    rtc: Rtc,
    mid: Mid,
    pt: Pt,
}

impl Str0mPath {
    /// A connected session for each destination; `payload_bytes` is the Opus packet's size. Tells `progress`
    /// of each.
    ///
    /// # Errors
    /// When a session does not connect, or the system gives no socket.
    pub(super) fn new(
        to: &[SocketAddr],
        payload_bytes: usize,
        mut progress: impl FnMut(),
    ) -> Result<Self> {
        let socket = Socket::bind(SocketAddr::from(([127, 0, 0, 1], 0))).context("no UDP port")?;
        let local = socket.local_addr().context("a socket without address")?;
        let now = Instant::now();
        let connected: Result<Vec<Session>> = to
            .iter()
            .map(|to| {
                progress();
                connect(local, *to, now)
            })
            .collect();
        Ok(Self {
            sessions: connected?,
            batch: SendBatch::new(Arc::new(socket)),
            payload: vec![0xf8; payload_bytes],
            now: now + Duration::from_secs(5),
            number: 0,
        })
    }

    /// Sends one packet on each session; returns how many left.
    ///
    /// # Errors
    /// When a session fails.
    pub(super) fn pass(&mut self) -> Result<u64> {
        self.now += Duration::from_millis(60);
        self.number += 1;
        for session in &mut self.sessions {
            let sequence = u64::from(self.number).into();
            let timestamp = self.number * 2_880;
            let write =
                RtpWrite::new(session.pt, sequence, timestamp, self.now, self.payload.clone());
            let mut direct = session.rtc.direct_api();
            let stream = direct.stream_tx_by_mid(session.mid, None).context("no stream")?;
            stream.write_rtp(write);
            session.rtc.handle_input(Input::Timeout(self.now)).context("a session failed")?;
            while let Output::Transmit(transmit) = next(&mut session.rtc)? {
                let to = Address::new(transmit.destination, self.batch.dual_stack());
                let length = transmit.contents.len();
                if let Some(packet) = self.batch.reserve(length) {
                    packet.copy_from_slice(&transmit.contents);
                    self.batch.commit(length, &to);
                }
            }
        }
        self.batch.flush();
        Ok(self.batch.take_sent().packets)
    }
}

/// The next thing to send, or the time to wait for.
fn next(rtc: &mut Rtc) -> Result<Output> {
    loop {
        match rtc.poll_output().context("a session failed")? {
            Output::Event(_) => {}
            other => return Ok(other),
        }
    }
}

fn connect(local: SocketAddr, remote: SocketAddr, now: Instant) -> Result<Session> {
    let build =
        || RtcConfig::new().clear_codecs().enable_opus(true, false).set_rtp_mode(true).build(now);
    let (mut edge, mut client) = (build(), build());
    edge.add_local_candidate(Candidate::host(local, "udp")?);
    client.add_local_candidate(Candidate::host(remote, "udp")?);
    let mut changes = edge.sdp_api();
    let mid = changes.add_media(MediaKind::Audio, Direction::SendOnly, None, None, None);
    let (offer, pending) = changes.apply().context("str0m made no offer")?;
    let answer = client.sdp_api().accept_offer(offer)?;
    edge.sdp_api().accept_answer(pending, answer)?;
    shake_hands(&mut edge, &mut client, [local, remote], now)?;
    let media = edge.media(mid).context("no audio line")?;
    let pt = *media.remote_pts().first().context("no codec")?;
    Ok(Session { rtc: edge, mid, pt })
}

/// Passes datagrams to and fro until both are connected.
fn shake_hands(
    edge: &mut Rtc,
    client: &mut Rtc,
    [local, remote]: [SocketAddr; 2],
    mut now: Instant,
) -> Result<()> {
    let mut connected = [false; 2];
    for _ in 0..FLIGHTS_MAX {
        now += FLIGHT;
        let sides = [(&mut *edge, local, remote), (&mut *client, remote, local)];
        let mut flights = [Vec::new(), Vec::new()];
        for ((rtc, ..), (flight, connected)) in
            sides.into_iter().zip(flights.iter_mut().zip(&mut connected))
        {
            rtc.handle_input(Input::Timeout(now))?;
            loop {
                match rtc.poll_output()? {
                    Output::Timeout(_) => break,
                    Output::Transmit(transmit) => flight.push(transmit.contents.to_vec()),
                    Output::Event(Event::Connected) => *connected = true,
                    Output::Event(_) => {}
                }
            }
        }
        if connected == [true; 2] {
            return Ok(());
        }
        for (rtc, from, to, flight) in
            [(&mut *client, local, remote, &flights[0]), (&mut *edge, remote, local, &flights[1])]
        {
            for datagram in flight {
                let received = Receive::new(Protocol::Udp, from, to, datagram)?;
                rtc.handle_input(Input::Receive(now, received))?;
                ensure!(rtc.is_alive(), "str0m gave up on a session");
                // What it says to that leaves with the next round.
            }
        }
    }
    bail!("two sessions of str0m did not connect")
}
