//! One worker's sessions, some clients, and the wire between them.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use rand::SeedableRng;
use rand::rngs::StdRng;
use stoa_audio::frame::{Epoch, Frame, FrameDuration, FrameNumber, Level, TrackId};
use str0m::change::SdpAnswer;
use str0m::media::{Direction, MediaKind, Mid};
use str0m::net::{Protocol, Receive};
use str0m::rtp::RawPacket;
use str0m::rtp::rtcp::{ReceptionReport, Rtcp};
use str0m::{Candidate, Event, Input, Output, Rtc};

use crate::media::kernel::Address;
use crate::media::{Outbox, PacketLength};
use crate::webrtc::admission::Admission;
use crate::webrtc::candidates::Candidates;
use crate::webrtc::change::Change;
use crate::webrtc::keys::Hook;
use crate::webrtc::offer::{self, Surroundings};
use crate::webrtc::registry::{Registry, WorkerIndex};
use crate::webrtc::sessions::Sessions;
use crate::webrtc::{
    Class, Delivery, Downlink, FromPlane, OfferError, OpenSession, Opened, RoomKey, SessionEvent,
    SessionId,
};

pub(super) const ROOM: RoomKey = RoomKey(0);
pub(super) const TRACK: TrackId = TrackId(42);

/// What left the edge and has not arrived yet.
#[derive(Default)]
pub(super) struct Wire {
    room: Vec<u8>,
    pub packets: Vec<(SocketAddr, Vec<u8>)>,
}

impl Outbox for Wire {
    fn reserve(&mut self, length: usize) -> Option<&mut [u8]> {
        self.room.clear();
        self.room.resize(length, 0);
        Some(&mut self.room)
    }

    fn commit(&mut self, length: usize, to: &Address) {
        self.packets.push((to.to_std(), self.room[..length].to_vec()));
    }

    fn dual_stack(&self) -> bool {
        true
    }
}

pub(super) struct Edge {
    pub now: Instant,
    pub sessions: Sessions,
    pub registry: Arc<Registry>,
    pub wire: Wire,
    pub clients: Vec<Client>,
    pub outputs: Vec<FromPlane>,
    /// What the edge says by DTLS once it is connected does not arrive.
    pub loses_handshakes_end: bool,
    surroundings: Arc<Surroundings>,
    rng: StdRng,
    next_id: u64,
}

pub(super) struct Client {
    pub rtc: Rtc,
    pub address: SocketAddr,
    pub session: SessionId,
    pub packets: Vec<str0m::rtp::RtpPacket>,
    /// What the edge has said of how this client's packets arrive.
    pub reports: Vec<ReceptionReport>,
    pub connected: bool,
    pub closed: bool,
    pub mids: Vec<Mid>,
    pub answer: String,
    outgoing: Vec<Vec<u8>>,
}

pub(super) fn edge_address() -> SocketAddr {
    SocketAddr::from(([192, 0, 2, 1], 8_089))
}

impl Edge {
    pub(super) fn new() -> Self {
        let hook = Hook::shared();
        let certificate = hook.certificate().unwrap();
        let candidates = Candidates::new(edge_address(), &[], &[]);
        let audience_length = PacketLength::Ms20;
        let surroundings =
            Arc::new(Surroundings { hook, certificate, candidates, audience_length });
        let registry = Arc::<Registry>::default();
        let now = Instant::now();
        let unix = Duration::from_secs(1_800_000_000);
        let sessions =
            Sessions::new(WorkerIndex(0), registry.clone(), surroundings.clone(), now, unix);
        Self {
            now,
            sessions,
            registry,
            wire: Wire::default(),
            clients: Vec::new(),
            outputs: Vec::new(),
            loses_handshakes_end: false,
            surroundings,
            rng: StdRng::seed_from_u64(7),
            next_id: 1,
        }
    }

    pub(super) fn open(&mut self, offer: String, ask: Ask) -> Result<Opened, OfferError> {
        let id = SessionId(self.next_id);
        self.next_id += 1;
        let request = OpenSession {
            room: ROOM,
            class: ask.class,
            downlink: ask.downlink,
            track: ask.speaks.then_some(TRACK),
            muted: false,
            offer,
        };
        let length = offer::length(&request, self.surroundings.audience_length);
        let booking = Arc::new(Admission::new(1, u64::MAX)).book(ask.class, length).unwrap();
        let (session, opened) =
            offer::open(&request, id, &self.surroundings, booking, self.now, &mut self.rng)?;
        let ufrag = opened.ice_ufrag.clone();
        assert!(self.registry.insert(session, ufrag, 100, self.now).is_ok());
        Ok(opened)
    }

    /// A client that has offered and been answered; not connected yet.
    pub(super) fn add_client(&mut self, port: u16, ask: Ask) -> usize {
        let mut rtc = Rtc::builder()
            .set_rtp_mode(true)
            .enable_raw_packets(true)
            .clear_codecs()
            .enable_opus(true, true)
            .build(self.now);
        let address = SocketAddr::from(([198, 51, 100, 7], port));
        rtc.add_local_candidate(Candidate::host(address, "udp").unwrap());
        let mut changes = rtc.sdp_api();
        let mut mids = Vec::new();
        let mut add = |direction| changes.add_media(MediaKind::Audio, direction, None, None, None);
        if ask.speaks {
            mids.push(add(Direction::SendOnly));
        }
        let lines = match ask.downlink {
            Downlink::None => 0,
            Downlink::Single => 1,
            Downlink::Slots => 3,
        };
        for _ in 0..lines {
            mids.push(add(Direction::RecvOnly));
        }
        let (offer, pending) = changes.apply().unwrap();
        let opened = self.open(offer.to_sdp_string(), ask).unwrap();
        let answer = SdpAnswer::from_sdp_string(&opened.answer).unwrap();
        rtc.sdp_api().accept_answer(pending, answer).unwrap();
        self.clients.push(Client {
            rtc,
            address,
            session: opened.session,
            packets: Vec::new(),
            reports: Vec::new(),
            connected: false,
            closed: false,
            mids,
            answer: opened.answer,
            outgoing: Vec::new(),
        });
        self.clients.len() - 1
    }

    pub(super) fn connect(&mut self, port: u16, ask: Ask) -> usize {
        let client = self.add_client(port, ask);
        for _ in 0..200 {
            self.step(Duration::from_millis(20));
            if self.clients[client].connected && self.was_connected(self.clients[client].session) {
                return client;
            }
        }
        panic!("no connection: {:?}", self.outputs);
    }

    pub(super) fn was_connected(&self, session: SessionId) -> bool {
        self.outputs.iter().any(|output| {
            matches!(output, FromPlane::Session(SessionEvent::Connected { session: s, .. }) if *s == session)
        })
    }

    pub(super) fn closed(&self) -> Vec<(SessionId, &'static str)> {
        let closed = self.outputs.iter().filter_map(|output| match output {
            FromPlane::Session(SessionEvent::Closed { session, reason }) => {
                Some((*session, *reason))
            }
            _ => None,
        });
        closed.collect()
    }

    /// Lets `time` pass in one step, with everything that is on its way arriving at its end.
    pub(super) fn step(&mut self, time: Duration) {
        self.now += time;
        self.sessions.handle_timeout(self.now, &mut self.wire);
        for client in 0..self.clients.len() {
            self.clients[client].rtc.handle_input(Input::Timeout(self.now)).unwrap();
        }
        // A few rounds: a handshake's flights follow each other without any time passing.
        for _ in 0..4 {
            let connected = !self.sessions.outputs.is_empty();
            for (to, packet) in std::mem::take(&mut self.wire.packets) {
                if self.loses_handshakes_end && connected && matches!(packet[0], 20..=63) {
                    continue;
                }
                if let Some(client) = self.clients.iter_mut().find(|c| c.address == to) {
                    client.receive(&packet, self.now);
                }
            }
            for client in 0..self.clients.len() {
                let client = &mut self.clients[client];
                let mut packets = std::mem::take(&mut client.outgoing);
                packets.extend(client.drain());
                let from = client.address;
                for packet in packets {
                    self.send(&packet, from);
                }
            }
        }
        self.outputs.extend(self.sessions.drain_outputs());
    }

    pub(super) fn send(&mut self, packet: &[u8], from: SocketAddr) {
        let mut packet = packet.to_vec();
        let (now, wire) = (self.now, &mut self.wire);
        assert_eq!(self.sessions.handle_datagram(&mut packet, from, now, wire), None);
    }

    pub(super) fn play(&mut self, number: u64, slot: u8, class: Class) {
        let delivery = Delivery {
            room: ROOM,
            class,
            slot,
            dominant: slot == 0,
            except: None,
            frame: frame(number, 100 + u64::from(slot)),
        };
        self.sessions.deliver(&delivery, self.now, &mut self.wire);
    }

    pub(super) fn change(&mut self, client: usize, change: Change) {
        let session = self.clients[client].session;
        self.sessions.change(session, change, self.now, &mut self.wire);
    }

    pub(super) fn uplinked(&self) -> Vec<Frame> {
        let frames = self.outputs.iter().filter_map(|output| match output {
            FromPlane::Uplinked(uplinked) => Some(uplinked.frame.clone()),
            FromPlane::Session(_) => None,
        });
        frames.collect()
    }
}

impl Client {
    pub(super) fn receive(&mut self, packet: &[u8], now: Instant) {
        let from = edge_address();
        let received = Receive::new(Protocol::Udp, from, self.address, packet).unwrap();
        self.rtc.handle_input(Input::Receive(now, received)).unwrap();
        let answers = self.drain();
        self.outgoing.extend(answers);
    }

    pub(super) fn drain(&mut self) -> Vec<Vec<u8>> {
        let mut out = Vec::new();
        loop {
            match self.rtc.poll_output().unwrap() {
                Output::Timeout(_) => return out,
                Output::Transmit(transmit) => out.push(transmit.contents.to_vec()),
                Output::Event(Event::Connected) => self.connected = true,
                Output::Event(Event::Closed) => self.closed = true,
                Output::Event(Event::RtpPacket(packet)) => self.packets.push(packet),
                Output::Event(Event::RawPacket(raw)) => {
                    if let RawPacket::RtcpRx(Rtcp::ReceiverReport(report)) = *raw {
                        self.reports.extend(report.reports.iter());
                    }
                }
                Output::Event(_) => {}
            }
        }
    }

    pub(super) fn speak(&mut self, sequence: u16, timestamp: u32, now: Instant) {
        let mid = self.mids[0];
        let opus =
            self.rtc.codec_config().params().iter().find(|p| p.red().is_some()).unwrap().pt();
        let mut direct = self.rtc.direct_api();
        let stream = direct.stream_tx_by_mid(mid, None).unwrap();
        let payload = frame(0, 1).payload.to_vec();
        let write =
            str0m::rtp::RtpWrite::new(opus, u64::from(sequence).into(), timestamp, now, payload);
        stream.write_rtp(write);
    }
}

#[derive(Clone, Copy)]
pub(super) struct Ask {
    pub class: Class,
    pub downlink: Downlink,
    pub speaks: bool,
}

pub(super) const LISTEN: Ask =
    Ask { class: Class::Audience, downlink: Downlink::Slots, speaks: false };
/// Listens, and may be put on the stage later.
pub(super) const WAIT: Ask =
    Ask { class: Class::Audience, downlink: Downlink::Slots, speaks: true };
pub(super) const PLAYER: Ask =
    Ask { class: Class::Audience, downlink: Downlink::Single, speaks: false };
pub(super) const SPEAK: Ask = Ask { class: Class::Stage, downlink: Downlink::Slots, speaks: true };
pub(super) const PUBLISH: Ask = Ask { class: Class::Stage, downlink: Downlink::None, speaks: true };

pub(super) fn frame(number: u64, track: u64) -> Frame {
    Frame {
        track: TrackId(track),
        epoch: Epoch(0),
        number: FrameNumber(1_000 + 8 * number),
        duration: FrameDuration::MS_20,
        level: Level::from_minus_dbov(20),
        voice: true,
        payload: Bytes::from_static(&[31 << 3, 1, 2, 3, 4, 5, 6, 7, 8, 9]),
    }
}

pub(super) const STEP: Duration = Duration::from_millis(20);
