//! A packet of several frames as several packets of one. What holds one frame already or must stay
//! whole goes through without a copy; the others cost one allocation together.

use bytes::{BufMut, Bytes, BytesMut};

use super::packet::{self, FRAMES_MAX, Malformed, Packet};
use crate::frame::FrameDuration;

/// 20 ms of silence, mono, in code 0 (CELT, 20 kHz).
pub const SILENT_FRAME: [u8; 3] = [0xf8, 0xff, 0xfe];

/// The single-frame packets of a packet, in order, all of code 0; or a padded packet as it came.
#[derive(Clone, Debug)]
pub struct Split {
    packets: Bytes,
    lengths: [u16; FRAMES_MAX],
    next: usize,
    count: usize,
    duration: FrameDuration,
}

/// Takes a packet apart. A padded packet stays whole and counts as one frame: padding may carry
/// extensions, such as redundancy, that speak of all its frames and would be lost. Frames of 40 and
/// 60 ms stay whole too: they cannot be split without decoding.
///
/// # Errors
/// The rule that the packet breaks.
pub fn split(packet: &Bytes) -> Result<Split, Malformed> {
    let parsed = Packet::parse(packet)?;
    let mut lengths = [0; FRAMES_MAX];
    if parsed.toc().code() == 0 || parsed.is_padded() {
        lengths[0] = single_length(packet.len())?;
        let duration = packet::duration(packet).ok_or(Malformed::TooMuchAudio)?;
        return Ok(Split { packets: packet.clone(), lengths, next: 0, count: 1, duration });
    }
    let duration = parsed.toc().frame_duration();
    let mut packets = BytesMut::with_capacity(packet.len() + parsed.count());
    for (slot, frame) in lengths.iter_mut().zip(parsed.frames()) {
        packets.put_u8(parsed.toc().single().byte());
        packets.put_slice(frame);
        *slot = single_length(frame.len() + 1)?;
    }
    Ok(Split { packets: packets.freeze(), lengths, next: 0, count: parsed.count(), duration })
}

fn single_length(length: usize) -> Result<u16, Malformed> {
    u16::try_from(length).map_err(|_| Malformed::FrameTooLong)
}

impl Split {
    /// How long each of the packets sounds: one frame, or the whole of a padded packet.
    #[must_use]
    pub fn frame_duration(&self) -> FrameDuration {
        self.duration
    }
}

impl Iterator for Split {
    type Item = Bytes;

    fn next(&mut self) -> Option<Bytes> {
        if self.next >= self.count {
            return None;
        }
        let length = usize::from(self.lengths[self.next]).min(self.packets.len());
        self.next += 1;
        Some(self.packets.split_to(length))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = self.count - self.next;
        (left, Some(left))
    }
}

impl ExactSizeIterator for Split {}
