//! Repair on the wire: a nack names datagrams that did not arrive, a repair brings their frames again.
//!
//! Only who has heard the peer's hello name [`FEATURE`] sends nacks, so an older peer is never asked.

use bytes::{BufMut, Bytes, BytesMut};

use super::datagram::{DatagramError, Record, Records, decode_header};
use super::varint::{self, Reader};

/// The ability to repair, in [`Hello::features`](super::control::Hello::features).
pub const FEATURE: &str = "repair/1";
/// Most datagrams that one nack names.
pub const NACK_SEQUENCES_MAX: usize = 64;

const OPEN_BIT: u8 = 0x01;

/// Which of the peer's datagrams are missing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Nack {
    /// Whether everything after `highest` is missing, too, that should have arrived by now: the
    /// line has been silent for longer than the peer promised.
    pub open: bool,
    /// The highest sequence number that arrived.
    pub highest: u64,
    /// How far before `highest` each missing one is, at most [`NACK_SEQUENCES_MAX`].
    pub back: Vec<u64>,
}

impl Nack {
    /// Reads the body of a nack; whatever follows it is ignored.
    ///
    /// # Errors
    /// [`DatagramError::Truncated`], or [`DatagramError::Range`] for too many or impossible numbers.
    pub fn decode(datagram: &[u8], at: usize) -> Result<Self, DatagramError> {
        let mut reader = Reader::new(datagram, at);
        let truncated = DatagramError::Truncated;
        let range = |field| DatagramError::Range { field };
        let flags = reader.u8().ok_or(truncated)?;
        let highest = reader.varint().ok_or(truncated)?;
        let count = usize::from(reader.u8().ok_or(truncated)?);
        if count > NACK_SEQUENCES_MAX {
            return Err(range("the count of a nack"));
        }
        let mut back = Vec::with_capacity(count);
        for _ in 0..count {
            let distance = reader.varint().ok_or(truncated)?;
            if distance == 0 || distance > highest {
                return Err(range("a distance of a nack"));
            }
            back.push(distance);
        }
        Ok(Self { open: flags & OPEN_BIT != 0, highest, back })
    }

    pub(super) fn encode(&self, out: &mut BytesMut) {
        out.put_u8(if self.open { OPEN_BIT } else { 0 });
        varint::put(out, self.highest);
        let back = &self.back[..self.back.len().min(NACK_SEQUENCES_MAX)];
        out.put_u8(u8::try_from(back.len()).unwrap_or(u8::MAX));
        for distance in back {
            varint::put(out, *distance);
        }
    }
}

/// What a repair says of one datagram.
#[derive(Clone, Debug)]
pub struct Repair {
    /// Which datagram.
    pub sequence: u64,
    /// Its frames; `None` when it held none or they are not to be had any more.
    pub records: Option<Records>,
}

/// The repairs of a datagram, in order. Ends after the first error.
#[derive(Clone, Debug)]
pub struct Repairs {
    datagram: Bytes,
    at: usize,
}

impl Repairs {
    /// Those of `datagram` from the body's start on.
    #[must_use]
    pub fn new(datagram: Bytes, at: usize) -> Self {
        Self { datagram, at }
    }

    fn decode(&mut self) -> Result<Repair, DatagramError> {
        let mut reader = Reader::new(&self.datagram, self.at);
        let truncated = DatagramError::Truncated;
        let sequence = reader.varint().ok_or(truncated)?;
        let length = reader.varint().ok_or(truncated)?;
        let start = reader.at();
        reader.take(usize::try_from(length).map_err(|_| truncated)?).ok_or(truncated)?;
        let end = reader.at();
        self.at = end;
        let records = (start < end).then(|| Records::new(self.datagram.slice(start..end), 0));
        Ok(Repair { sequence, records })
    }
}

impl Iterator for Repairs {
    type Item = Result<Repair, DatagramError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.at >= self.datagram.len() {
            return None;
        }
        let repair = self.decode();
        if repair.is_err() {
            self.at = self.datagram.len();
        }
        Some(repair)
    }
}

/// What goes into a repair: a media datagram as it was sent, or nothing in its stead.
#[derive(Clone, Debug)]
pub(super) struct Again {
    sequence: u64,
    sent: Option<(Bytes, usize)>,
    length: usize,
}

impl Again {
    /// The frames of a media datagram of ours, without those that only rode along:
    /// each of them has a datagram of its own, which is asked for if it is missing.
    pub(super) fn of(sequence: u64, datagram: Bytes) -> Option<Self> {
        let (_, at) = decode_header(&datagram).ok()?;
        let length = first_sendings(&datagram, at).map(|record| record.encoded_len()).sum();
        Some(Self { sequence, sent: Some((datagram, at)), length })
    }

    /// There is nothing to be had.
    pub(super) fn nothing(sequence: u64) -> Self {
        Self { sequence, sent: None, length: 0 }
    }

    /// Bytes that it takes in a repair.
    pub(super) fn encoded_len(&self) -> usize {
        varint::length(self.sequence) + varint::length(self.length as u64) + self.length
    }

    pub(super) fn encode(&self, out: &mut BytesMut) {
        varint::put(out, self.sequence);
        varint::put(out, self.length as u64);
        if let Some((datagram, at)) = &self.sent {
            for record in first_sendings(datagram, *at) {
                Record { redundant: true, ..record }.encode(out);
            }
        }
    }
}

fn first_sendings(datagram: &Bytes, at: usize) -> impl Iterator<Item = Record> + use<> {
    Records::new(datagram.clone(), at).flatten().filter(|record| !record.redundant)
}

#[cfg(test)]
#[path = "repair_tests.rs"]
mod tests;
