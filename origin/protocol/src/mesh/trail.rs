//! Where a frame's delay comes from: one frame in 64 carries what each hop on its way has added.
//!
//! Clocks of nodes are never compared. What a node adds is measured by its own clock; what a link adds is estimated by
//! its receiving end, see `peer`. Only who has heard the peer's hello name [`FEATURE`] sends trails.

use std::time::Duration;

use bytes::{BufMut, BytesMut};
use stoa_audio::frame::{FrameNumber, TrackId};

use super::datagram::DatagramError;
use super::varint::{self, Reader};

/// The ability to read and pass on trails, in [`Hello::features`](super::control::Hello::features).
pub const FEATURE: &str = "trail/1";
/// Hops of a trail at most; a frame that has come further carries none any more.
pub const HOPS_MAX: usize = 8;
/// One frame in so many carries a trail.
pub const SAMPLED_OF: u64 = 64;
/// Neither a node nor a link adds more, as far as trails tell: ten seconds.
pub const PART_US_MAX: u32 = 10_000_000;
/// Most bytes of a trail in a record.
pub const TRAIL_BYTES_MAX: usize = 4 + 8 * HOPS_MAX;

/// The item of an extension block that is a trail.
const ITEM: u8 = 1;
/// Units of 2.5 ms of the usual frame.
const FRAME_UNITS: u64 = 8;

/// Whether the frame of this number carries a trail. All nodes agree without a word, tracks take turns, and a track of
/// longer frames, which has every second number or third, is chosen as often.
#[must_use]
pub fn is_sampled(track: TrackId, number: FrameNumber) -> bool {
    let place = number.0 / FRAME_UNITS;
    place.wrapping_add(place / SAMPLED_OF).wrapping_add(track.0).is_multiple_of(SAMPLED_OF)
}

/// What one hop has added, in microseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Hop {
    /// Between the frame's arrival in the sending node and its place in a datagram, by the sender's clock.
    pub node_us: u32,
    /// From there to its arrival in the next node, as that one estimates it.
    pub link_us: u32,
}

/// The hops of a frame, from its speaker's edge on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Trail {
    hops: [Hop; HOPS_MAX],
    len: u8,
}

impl Trail {
    /// The hops, oldest first.
    #[must_use]
    pub fn hops(&self) -> &[Hop] {
        &self.hops[..usize::from(self.len).min(HOPS_MAX)]
    }

    /// Everything that they have added.
    #[must_use]
    pub fn total(&self) -> Duration {
        let parts = self.hops().iter().map(|hop| u64::from(hop.node_us) + u64::from(hop.link_us));
        Duration::from_micros(parts.sum())
    }

    /// One hop longer; false, and unchanged, when that is too long.
    pub fn push(&mut self, hop: Hop) -> bool {
        let free = self.hops.get_mut(usize::from(self.len));
        let fits = free.map(|free| *free = hop).is_some();
        self.len += u8::from(fits);
        fits
    }
}

/// A trail as it leaves a node.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Departure {
    /// What was before this node; shorter than [`HOPS_MAX`].
    pub trail: Trail,
    /// How long the frame was in this node, in microseconds.
    pub node_us: u32,
    /// This node's clock, as in datagrams, when the frame was first put into one: how long it waited there for company,
    /// or was repeated, belongs to the link.
    pub left_us: u32,
}

impl Departure {
    /// Of a frame that has been here for `waited`, or `None` when the trail is too long to go on.
    #[must_use]
    pub fn new(trail: &Trail, waited: Duration, left_us: u32) -> Option<Self> {
        let node_us = u32::try_from(waited.as_micros()).unwrap_or(u32::MAX).min(PART_US_MAX);
        (trail.hops().len() < HOPS_MAX).then_some(Self { trail: *trail, node_us, left_us })
    }

    /// The trail at the far end of a link that took `link_us`, and whether nothing in it was beyond [`PART_US_MAX`];
    /// what was is cut to that.
    #[must_use]
    pub fn arrive(&self, link_us: u32) -> (Trail, bool) {
        let mut is_sane = true;
        let mut sane = |us: u32| {
            is_sane &= us <= PART_US_MAX;
            us.min(PART_US_MAX)
        };
        let mut trail = Trail::default();
        let last = Hop { node_us: self.node_us, link_us };
        for hop in self.trail.hops().iter().chain([&last]) {
            trail.push(Hop { node_us: sane(hop.node_us), link_us: sane(hop.link_us) });
        }
        (trail, is_sane)
    }

    /// Bytes that it takes in a record.
    fn encoded_len(&self) -> usize {
        let length = |us: u32| varint::length(u64::from(us));
        let hops = self.trail.hops().iter().map(|hop| length(hop.node_us) + length(hop.link_us));
        4 + length(self.node_us) + hops.sum::<usize>()
    }

    /// ```text
    /// left (4), in this node (varint), then of each hop before, oldest first: node, link (varints)
    /// ```
    fn encode(&self, out: &mut BytesMut) {
        out.put_u32(self.left_us);
        varint::put(out, u64::from(self.node_us));
        for hop in self.trail.hops() {
            varint::put(out, u64::from(hop.node_us));
            varint::put(out, u64::from(hop.link_us));
        }
    }

    /// Reads what [`Self::encode`] wrote.
    ///
    /// # Errors
    /// [`DatagramError::Truncated`], or [`DatagramError::Range`] for numbers that are too large or hops that are too many.
    fn decode(bytes: &[u8]) -> Result<Self, DatagramError> {
        let mut reader = Reader::new(bytes, 0);
        let left_us = reader.u32().ok_or(DatagramError::Truncated)?;
        let node_us = micros(&mut reader)?;
        let mut trail = Trail::default();
        while reader.at() < bytes.len() {
            let hop = Hop { node_us: micros(&mut reader)?, link_us: micros(&mut reader)? };
            let fits = trail.hops().len() + 1 < HOPS_MAX && trail.push(hop);
            if !fits {
                return Err(DatagramError::Range { field: "the hops" });
            }
        }
        Ok(Self { trail, node_us, left_us })
    }
}

/// Bytes of an item with its kind and length.
fn item_len(departure: &Departure) -> usize {
    let content = departure.encoded_len();
    1 + varint::length(content as u64) + content
}

/// Bytes of an extension block that holds a trail.
pub(super) fn extension_len(departure: &Departure) -> usize {
    let item = item_len(departure);
    varint::length(item as u64) + item
}

/// Writes such a block, with its length.
pub(super) fn put_extension(out: &mut BytesMut, departure: &Departure) {
    varint::put(out, item_len(departure) as u64);
    out.put_u8(ITEM);
    varint::put(out, departure.encoded_len() as u64);
    departure.encode(out);
}

/// The trail in the content of an extension block; whatever else stands there, or cannot be told apart, is of a newer
/// version.
pub(super) fn in_extension(block: &[u8]) -> Result<Option<Departure>, DatagramError> {
    let mut reader = Reader::new(block, 0);
    while let Some((kind, length)) = reader.u8().zip(reader.varint()) {
        let content = usize::try_from(length).ok().and_then(|length| reader.take(length));
        match content {
            Some(content) if kind == ITEM => return Departure::decode(content).map(Some),
            Some(_) => {}
            None => break,
        }
    }
    Ok(None)
}

fn micros(reader: &mut Reader<'_>) -> Result<u32, DatagramError> {
    let us = reader.varint().ok_or(DatagramError::Truncated)?;
    u32::try_from(us).map_err(|_| DatagramError::Range { field: "the time of a hop" })
}

#[cfg(test)]
#[path = "trail_tests.rs"]
mod tests;
