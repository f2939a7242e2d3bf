//! ICE and DTLS of one client, by str0m, as a browser does them: full agent, controlling.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use stoa_edge::media::srtp::Masters;
use stoa_edge::webrtc::keys::{Hook, KeySlot};
use str0m::change::{SdpAnswer, SdpPendingOffer};
use str0m::config::DtlsCert;
use str0m::media::{Direction, MediaKind, Mid};
use str0m::net::{Protocol, Receive};
use str0m::{Candidate, Event, IceConnectionState, Input, Output, Rtc, RtcConfig};

use super::consent::Credentials;

/// First byte of an RTP or RTCP packet (RFC 7983 section 7).
const MEDIA: std::ops::RangeInclusive<u8> = 128..=191;
/// First byte of a DTLS record.
const DTLS: std::ops::RangeInclusive<u8> = 20..=63;
/// The longest packets that an edge makes.
const PACKET_MS_MAX: u32 = 120;
/// Packets that are kept until somebody asks for them.
const HEARD_MAX: usize = 64;
/// A client that is not connected by then never will be.
const PATIENCE: Duration = Duration::from_secs(30);

/// What a client is there for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Speaks: its media stays with str0m.
    Speak,
    /// May come to speak and listens meanwhile, as pages do: all media stays with str0m.
    TakePart,
    /// Has a microphone's line as pages do, and never speaks: str0m sends no media of its own. Asks for the longest
    /// packets, because an edge lets only so many in as it could send to.
    Attend,
    /// Listens: str0m sends no media of its own.
    Listen {
        /// Length of the packets to ask for (`a=ptime`, RFC 8866 section 6.4).
        packet_ms: u32,
    },
}

/// How far it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Progress {
    /// Call again at that time.
    Waiting(Instant),
    /// ICE and DTLS are up.
    Connected,
    /// It will never be.
    Failed(&'static str),
}

/// One client that is becoming connected.
#[derive(Debug)]
pub(crate) struct Handshake {
    rtc: Rtc,
    keys: KeySlot,
    purpose: Purpose,
    local: SocketAddr,
    mid: Mid,
    pending: Option<SdpPendingOffer>,
    credentials: Option<Credentials>,
    remote: Option<SocketAddr>,
    connected: bool,
    dead: Option<&'static str>,
    give_up: Instant,
    /// Opus packets that have come, for somebody who takes part; taken by [`Self::heard`].
    heard: Vec<Arc<[u8]>>,
}

/// What is left of a handshake for somebody who opens packets himself.
#[derive(Debug)]
pub(crate) struct Established {
    /// Both directions' keys.
    pub(crate) keys: Masters,
    /// For consent checks.
    pub(crate) credentials: Credentials,
    /// Where the edge is.
    pub(crate) remote: SocketAddr,
}

impl Handshake {
    /// A client at `local`, and its offer.
    ///
    /// # Errors
    /// When str0m refuses the address or makes no offer.
    pub(crate) fn new(
        local: SocketAddr,
        purpose: Purpose,
        certificate: DtlsCert,
        now: Instant,
    ) -> Result<(Self, String)> {
        let hook = Hook::shared();
        let provider = hook.provider();
        let (mut rtc, keys) = hook.listen(|| {
            RtcConfig::new()
                .set_crypto_provider(provider)
                .set_dtls_cert(certificate)
                .clear_codecs()
                .enable_opus(true, false)
                .set_rtp_mode(true)
                .set_stats_interval(None)
                .build(now)
        });
        rtc.add_local_candidate(Candidate::host(local, "udp")?);
        let direction = match purpose {
            Purpose::Speak | Purpose::TakePart | Purpose::Attend => Direction::SendOnly,
            Purpose::Listen { .. } => Direction::RecvOnly,
        };
        let mut change = rtc.sdp_api();
        let mid = change.add_media(MediaKind::Audio, direction, None, None, None);
        if matches!(purpose, Purpose::TakePart | Purpose::Attend) {
            change.add_media(MediaKind::Audio, Direction::RecvOnly, None, None, None);
        }
        let (offer, pending) = change.apply().context("str0m made no offer")?;
        let handshake = Self {
            rtc,
            keys,
            purpose,
            local,
            mid,
            pending: Some(pending),
            credentials: None,
            remote: None,
            connected: false,
            dead: None,
            give_up: now + PATIENCE,
            heard: Vec::new(),
        };
        let mut offer = offer.to_sdp_string();
        let packet_ms = match purpose {
            Purpose::Listen { packet_ms } => Some(packet_ms),
            Purpose::Attend => Some(PACKET_MS_MAX),
            Purpose::Speak | Purpose::TakePart => None,
        };
        if let Some(packet_ms) = packet_ms {
            // The offer ends with the media section that receives.
            let _ = write!(offer, "a=ptime:{packet_ms}\r\n");
        }
        Ok((handshake, offer))
    }

    /// Takes the edge's answer.
    ///
    /// # Errors
    /// When it is no answer to the offer, or the second one.
    pub(crate) fn accept(&mut self, answer: &str) -> Result<()> {
        let pending = self.pending.take().context("the offer has been answered already")?;
        let parsed = SdpAnswer::from_sdp_string(answer).context("the answer is no SDP")?;
        self.rtc.sdp_api().accept_answer(pending, parsed).context("the answer does not fit")?;
        let local = self.rtc.direct_api().local_ice_credentials();
        let (Some(ufrag), Some(pwd)) =
            (attribute(answer, "a=ice-ufrag:"), attribute(answer, "a=ice-pwd:"))
        else {
            bail!("the answer has no ICE credentials");
        };
        self.credentials = Some(Credentials::new(&local, ufrag, pwd));
        Ok(())
    }

    /// Takes a datagram from the edge.
    pub(crate) fn handle_packet(&mut self, now: Instant, from: SocketAddr, packet: &[u8]) {
        let Ok(receive) = Receive::new(Protocol::Udp, from, self.local, packet) else { return };
        let input = Input::Receive(now, receive);
        if self.rtc.accepts(&input) {
            let taken = self.rtc.handle_input(input);
            self.note(taken);
        }
    }

    /// Lets time pass.
    pub(crate) fn handle_timeout(&mut self, now: Instant) {
        if now >= self.give_up && !self.connected {
            self.dead = Some("no connection within 30 s");
        }
        let taken = self.rtc.handle_input(Input::Timeout(now));
        self.note(taken);
    }

    fn note(&mut self, result: Result<(), str0m::RtcError>) {
        if let Err(error) = result {
            tracing::debug!(%error, "a client's session failed");
            self.dead = Some("the session failed");
        }
    }

    /// Hands out what is to be sent, as (destination, datagram), until nothing is left.
    pub(crate) fn poll(&mut self, mut send: impl FnMut(SocketAddr, &[u8])) -> Progress {
        loop {
            if let Some(reason) = self.dead {
                return Progress::Failed(reason);
            }
            match self.rtc.poll_output() {
                Err(_) => self.dead = Some("the session failed"),
                Ok(Output::Timeout(_)) if self.connected => return Progress::Connected,
                Ok(Output::Timeout(at)) => return Progress::Waiting(at.min(self.give_up)),
                Ok(Output::Transmit(transmit)) => {
                    let first = transmit.contents.first().copied().unwrap_or(0);
                    if DTLS.contains(&first) {
                        self.remote = Some(transmit.destination);
                    }
                    // A listener's reports are ours; two senders must never share its keys.
                    let speaks = matches!(self.purpose, Purpose::Speak | Purpose::TakePart);
                    if speaks || !MEDIA.contains(&first) {
                        send(transmit.destination, &transmit.contents);
                    }
                }
                Ok(Output::Event(event)) => self.handle_event(&event),
            }
        }
    }

    fn handle_event(&mut self, event: &Event) {
        match event {
            Event::Connected => self.connected = true,
            Event::RtpPacket(packet) if self.heard.len() < HEARD_MAX => {
                self.heard.push(packet.payload.clone());
            }
            Event::IceConnectionStateChange(IceConnectionState::Disconnected) => {
                self.dead = Some("ICE found no way to the edge");
            }
            _ => {}
        }
    }

    /// What is left once it is connected; `None` before, and the second time.
    pub(crate) fn establish(&mut self) -> Option<Established> {
        let (remote, connected) = (self.remote?, self.connected);
        let keys = self.keys.take().filter(|_| connected)?;
        Some(Established { keys, credentials: self.credentials.clone()?, remote })
    }

    /// Opus packets that have come since the last call.
    pub(crate) fn heard(&mut self) -> Vec<Arc<[u8]>> {
        std::mem::take(&mut self.heard)
    }

    /// The session and its audio line, for a speaker.
    pub(crate) fn session(&mut self) -> (&mut Rtc, Mid) {
        (&mut self.rtc, self.mid)
    }
}

fn attribute<'a>(sdp: &'a str, name: &str) -> Option<&'a str> {
    sdp.lines().find_map(|line| line.strip_prefix(name)).map(str::trim)
}
