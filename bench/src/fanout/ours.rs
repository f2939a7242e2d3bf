//! Our fan-out with one room full of listeners, as a media worker runs it.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use rand::{Rng, RngExt};
use stoa_audio::frame::{Epoch, Frame, FrameDuration, FrameNumber, Level, TrackId};
use stoa_edge::media::kernel::{Address, Egress, Sent};
use stoa_edge::media::srtp::{Master, Profile, Sender};
use stoa_edge::media::{Downstream, Fanout, Listener, Outbox, PacketLength};
use stoa_edge::webrtc::{Class, Delivery, RoomKey, SLOTS_MAX, SessionId};

/// Hybrid mode, fullband, 20 ms, mono, one frame (RFC 6716 section 3.1).
const TOC: u8 = 15 << 3;
/// A frame of speech at 32 kbit/s, in bytes.
pub(super) const FRAME_BYTES: usize = 80;
const FRAME: Duration = Duration::from_millis(20);
const ROOM: RoomKey = RoomKey(0);

/// One room on one worker.
pub(crate) struct Ours {
    fanout: Fanout,
    egress: Egress,
    length: PacketLength,
    payload: Bytes,
    number: u64,
    now: Instant,
}

impl Ours {
    /// A listener for each destination.
    ///
    /// # Errors
    /// When the crypto library refuses a key.
    pub(crate) fn new(
        egress: Egress,
        to: &[SocketAddr],
        length: PacketLength,
        profile: Profile,
        rng: &mut impl Rng,
    ) -> Result<Self> {
        let mut payload = vec![0; FRAME_BYTES];
        rng.fill(&mut payload[1..]);
        payload[0] = TOC;
        let mut fanout = Fanout::default();
        for (id, to) in (0u64..).zip(to) {
            let address = Address::new(*to, egress.dual_stack());
            let listener = listener(SessionId(id), address, profile, rng)?;
            fanout.add(ROOM, Class::Audience, true, length, listener);
        }
        let payload = Bytes::from(payload);
        Ok(Self { fanout, egress, length, payload, number: 0, now: Instant::now() })
    }

    /// Plays as many frames as make one packet for each listener.
    pub(crate) fn pass(&mut self) {
        for _ in 0..self.length.cells() {
            let frame = Frame {
                track: TrackId(1),
                epoch: Epoch(0),
                number: FrameNumber(self.number * 8),
                duration: FrameDuration::MS_20,
                level: Level::from_minus_dbov(25),
                voice: true,
                payload: self.payload.clone(),
            };
            self.number += 1;
            self.now += FRAME;
            let delivery = Delivery {
                room: ROOM,
                class: Class::Audience,
                slot: 0,
                dominant: true,
                except: None,
                frame,
            };
            self.fanout.deliver(&delivery, self.now, &mut self.egress);
            self.fanout.handle_timeout(self.now, &mut self.egress);
            self.egress.flush();
        }
    }

    /// What the kernel has taken since the last call.
    ///
    /// # Errors
    /// When it has refused some.
    pub(crate) fn take_sent(&mut self) -> Result<Sent> {
        let sent = self.egress.take_sent();
        let refused = sent.dropped_full + sent.dropped_refused;
        ensure!(refused == 0, "the kernel did not take {refused} packets");
        Ok(sent)
    }
}

fn listener(
    session: SessionId,
    to: Address,
    profile: Profile,
    rng: &mut impl Rng,
) -> Result<Listener> {
    let mut keys = vec![0; profile.key_bytes() + profile.salt_bytes()];
    rng.fill(&mut keys[..]);
    let (key, salt) = keys.split_at(profile.key_bytes());
    let master = Master::new(profile, key, salt).context("keys of wrong length")?;
    let sender = Sender::new(&master).ok().context("the crypto library refuses a key")?;
    let mut streams = [None; SLOTS_MAX];
    streams[0] = Some(Downstream {
        ssrc: rng.random(),
        payload_type: 111,
        first_sequence: rng.random_range(0..0x8000),
        timestamp_offset: rng.random(),
    });
    Ok(Listener::new(session, to, sender, streams))
}

/// Bytes of a full packet as it is handed to the kernel.
pub(crate) fn packet_bytes(length: PacketLength, profile: Profile) -> usize {
    let frames = usize::from(length.cells());
    // One frame: as it came. Two of equal size: one TOC. More: TOC and count (RFC 6716 section 3.2).
    let opus = match frames {
        1 | 2 => 1 + frames * (FRAME_BYTES - 1),
        _ => 2 + frames * (FRAME_BYTES - 1),
    };
    12 + opus + profile.tag_bytes()
}
