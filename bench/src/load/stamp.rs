//! Frames that carry their number and when they were sent, inside a payload that looks like Opus speech.
//!
//! Nobody on the way decodes them, so the payload may be anything behind a valid first byte.

use std::time::Duration;

use rand::{Rng, RngExt};
use stoa_audio::opus::Packet;
use stoa_edge::media::PacketLength;

/// Hybrid mode, fullband, 20 ms, mono, one frame (RFC 6716 section 3.1): what Opus uses for good speech.
const TOC: u8 = 15 << 3;
const MAGIC: [u8; 4] = *b"stoa";
const STAMP_BYTES: usize = 16;
/// Sizes of 20 ms frames at about 32 kbit/s, variable bitrate, in bytes with the first one.
const SIZES: std::ops::RangeInclusive<usize> = 60..=100;

/// Bytes of a full packet of such frames as the edge hands it to the kernel, on average: RTP header, TOC and frame
/// count, lengths (RFC 6716 section 3.2), frames, tag of AES-GCM.
pub(super) fn packet_bytes(length: PacketLength) -> usize {
    let frames = usize::from(length.cells());
    let frame = (SIZES.start() + SIZES.end()) / 2 - 1;
    let head = if frames == 1 { 1 } else { 1 + frames };
    12 + head + frames * frame + 16
}

/// One frame's stamp.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stamp {
    /// Its number since the speaker began.
    pub(super) number: u32,
    /// When it was sent, since the run began.
    pub(super) sent: Duration,
}

impl Stamp {
    /// An Opus packet of one frame with this stamp.
    pub(super) fn to_packet(self, rng: &mut impl Rng) -> Vec<u8> {
        let mut packet = Vec::with_capacity(*SIZES.end());
        packet.push(TOC);
        packet.extend(MAGIC);
        packet.extend(self.number.to_be_bytes());
        let sent_ns = u64::try_from(self.sent.as_nanos()).unwrap_or(u64::MAX);
        packet.extend(sent_ns.to_be_bytes());
        packet.resize(rng.random_range(SIZES), 0);
        rng.fill(&mut packet[1 + STAMP_BYTES..]);
        packet
    }

    fn parse(frame: &[u8]) -> Option<Self> {
        let frame: &[u8; STAMP_BYTES] = frame.get(..STAMP_BYTES)?.try_into().ok()?;
        let [m0, m1, m2, m3, n0, n1, n2, n3, time @ ..] = *frame;
        ([m0, m1, m2, m3] == MAGIC).then(|| Self {
            number: u32::from_be_bytes([n0, n1, n2, n3]),
            sent: Duration::from_nanos(u64::from_be_bytes(time)),
        })
    }
}

/// Tells the stamps of all frames of an Opus packet, `None` for a frame that is not the speaker's.
pub(super) fn for_each_stamp(packet: &[u8], tell: impl FnMut(Option<Stamp>)) {
    if let Ok(packet) = Packet::parse(packet) {
        packet.frames().map(Stamp::parse).for_each(tell);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use rand::SeedableRng;
    use rand::rngs::StdRng;

    use super::{Stamp, TOC, for_each_stamp};

    #[test]
    fn a_stamp_survives_its_packet_and_the_joining_of_packets() {
        let mut rng = StdRng::seed_from_u64(1);
        let made = [1, 2]
            .map(|number| Stamp { number, sent: Duration::from_nanos(123_456_789_012) * number });
        let packets = made.map(|stamp| stamp.to_packet(&mut rng));
        for (stamp, packet) in made.iter().zip(&packets) {
            assert!((60..=100).contains(&packet.len()));
            assert_eq!(stamps(packet), [Some(*stamp)]);
        }
        // Two frames of their own sizes (RFC 6716 section 3.2.4): code 2, length of the first.
        let first = u8::try_from(packets[0].len() - 1).unwrap();
        let joined = [&[TOC | 2, first], &packets[0][1..], &packets[1][1..]].concat();
        assert_eq!(stamps(&joined), made.map(Some));
    }

    #[test]
    fn foreign_frames_and_garbage_have_no_stamp() {
        assert_eq!(stamps(&[TOC, 1, 2, 3]), [None]);
        assert_eq!(stamps(&[]), []);
    }

    fn stamps(packet: &[u8]) -> Vec<Option<Stamp>> {
        let mut stamps = Vec::new();
        for_each_stamp(packet, |stamp| stamps.push(stamp));
        stamps
    }
}
