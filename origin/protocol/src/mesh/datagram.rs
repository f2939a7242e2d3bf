//! One datagram of a link: a short header, then many frames of many rooms, a beat, or repair.
//!
//! A reader ignores what a newer version adds: unknown kinds, unknown items in the extension blocks of records, bytes
//! after a beat or a nack. Nacks and repairs are in `super::repair`, the extension that exists in `super::trail`.

use bytes::{BufMut, Bytes, BytesMut};
use stoa_audio::frame::{FrameDuration, FrameNumber, Level, PAYLOAD_BYTES_MAX};
use thiserror::Error;

use super::trail::{self, Departure};
use super::varint::{self, Reader};

/// Version of this layout, the upper half of a datagram's first byte:
///
/// ```text
/// header  version and kind (1 byte), sequence (varint), send time (4)
/// media   records: alias, number (varints), duration, level and voice, flags (1 each), extension if the flags say so,
///         length (varint), payload
/// extension  length (varint), then items: kind (1), length (varint), content; kind 1 is a trail
/// beat    flags (1), promised interval in ms (varint), echo: time and hold (4 each), media ago (varint)
/// nack    flags (1), highest sequence seen (varint), count (1), that many distances back from it (varints)
/// repair  until the end: sequence (varint), length (varint), so many bytes of records; none: not to be had
/// ```
///
/// Integers are big-endian or QUIC varints.
pub const VERSION: u8 = 1;
/// Most records that a reader takes from one datagram; a datagram with more is malformed.
pub const RECORDS_MAX: usize = 256;
/// Most bytes of a header: kind, sequence, send time.
pub const HEADER_BYTES_MAX: usize = 1 + 8 + 4;

const VOICE_BIT: u8 = 0x80;
const REDUNDANT_BIT: u8 = 0x01;
const EXTENSION_BIT: u8 = 0x80;
const ECHO_BIT: u8 = 0x01;
const ANSWER_BIT: u8 = 0x02;
const MEDIA_BIT: u8 = 0x04;
const FAREWELL_BIT: u8 = 0x08;
/// One allocation holds about this many bytes of consecutive datagrams.
const CHUNK_BYTES: usize = 16 * 1024;

/// Why a datagram was not understood.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum DatagramError {
    /// It ends in the middle of a field.
    #[error("the datagram ends in the middle of a field")]
    Truncated,
    /// A newer or foreign layout; ignored and counted.
    #[error("version {0} of the datagram layout is unknown")]
    Version(u8),
    /// A field's value is outside its range.
    #[error("{field} of a record is out of range")]
    Range {
        /// Which field.
        field: &'static str,
    },
    /// More than [`RECORDS_MAX`] records.
    #[error("the datagram holds more than {max} records", max = RECORDS_MAX)]
    TooManyRecords,
}

/// What a datagram carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Frames.
    Media,
    /// A sign of life, with an echo.
    Beat,
    /// A question for datagrams that did not arrive.
    Nack,
    /// What was in such datagrams, once more.
    Repair,
    /// Something of a newer version; its header counts as a sign of life all the same.
    Other(u8),
}

impl Kind {
    fn byte(self) -> u8 {
        let low = match self {
            Self::Media => 1,
            Self::Beat => 2,
            Self::Nack => 3,
            Self::Repair => 4,
            Self::Other(kind) => kind & 0x0f,
        };
        VERSION << 4 | low
    }
}

/// The start of each datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// What follows.
    pub kind: Kind,
    /// Counts the sender's datagrams on this link, up to 2^62 - 1.
    pub sequence: u64,
    /// The sender's clock in microseconds when it sent this, wrapping; its zero means nothing.
    pub sent_us: u32,
}

/// Reads the header, and gives where the body starts.
///
/// # Errors
/// [`DatagramError::Truncated`] or [`DatagramError::Version`].
pub fn decode_header(datagram: &[u8]) -> Result<(Header, usize), DatagramError> {
    let mut reader = Reader::new(datagram, 0);
    let first = reader.u8().ok_or(DatagramError::Truncated)?;
    if first >> 4 != VERSION {
        return Err(DatagramError::Version(first >> 4));
    }
    let kind = match first & 0x0f {
        1 => Kind::Media,
        2 => Kind::Beat,
        3 => Kind::Nack,
        4 => Kind::Repair,
        other => Kind::Other(other),
    };
    let sequence = reader.varint().ok_or(DatagramError::Truncated)?;
    let sent_us = reader.u32().ok_or(DatagramError::Truncated)?;
    Ok((Header { kind, sequence, sent_us }, reader.at()))
}

/// One frame as it travels; the alias stands for the track (see `control::BindTrack`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Short name of the track on this link and direction.
    pub alias: u32,
    /// Place on the track's timeline, up to 2^62 - 1.
    pub number: FrameNumber,
    /// How long it sounds.
    pub duration: FrameDuration,
    /// How loud the sender says it is.
    pub level: Level,
    /// Whether the sender heard speech.
    pub voice: bool,
    /// A repetition that rides along in case the first sending was lost.
    pub redundant: bool,
    /// Where its delay so far comes from, if it is one of those that tell.
    pub trail: Option<Departure>,
    /// The Opus packet, 1 to [`PAYLOAD_BYTES_MAX`] bytes.
    pub payload: Bytes,
}

impl Record {
    /// Bytes that this record takes in a datagram.
    #[must_use]
    pub fn encoded_len(&self) -> usize {
        varint::length(u64::from(self.alias))
            + varint::length(self.number.0)
            + 3
            + self.trail.as_ref().map_or(0, trail::extension_len)
            + varint::length(self.payload.len() as u64)
            + self.payload.len()
    }

    pub(super) fn encode(&self, out: &mut BytesMut) {
        varint::put(out, u64::from(self.alias));
        varint::put(out, self.number.0);
        out.put_u8(self.duration.units());
        out.put_u8(self.level.minus_dbov() | if self.voice { VOICE_BIT } else { 0 });
        let extension = if self.trail.is_some() { EXTENSION_BIT } else { 0 };
        out.put_u8(extension | if self.redundant { REDUNDANT_BIT } else { 0 });
        if let Some(departure) = &self.trail {
            trail::put_extension(out, departure);
        }
        varint::put(out, self.payload.len() as u64);
        out.put_slice(&self.payload);
    }
}

/// The records of a media datagram, in order; payloads are slices of it. Ends after the first error.
#[derive(Clone, Debug)]
pub struct Records {
    datagram: Bytes,
    at: usize,
    taken: usize,
}

impl Records {
    /// The records of `datagram` from the body's start on (see [`decode_header`]).
    #[must_use]
    pub fn new(datagram: Bytes, at: usize) -> Self {
        Self { datagram, at, taken: 0 }
    }

    fn decode(&mut self) -> Result<Record, DatagramError> {
        if self.taken == RECORDS_MAX {
            return Err(DatagramError::TooManyRecords);
        }
        self.taken += 1;
        let mut reader = Reader::new(&self.datagram, self.at);
        let truncated = DatagramError::Truncated;
        let range = |field| DatagramError::Range { field };
        let alias = reader.varint().ok_or(truncated)?;
        let alias = u32::try_from(alias).map_err(|_| range("the alias"))?;
        let number = FrameNumber(reader.varint().ok_or(truncated)?);
        let duration = reader.u8().ok_or(truncated)?;
        let duration = FrameDuration::from_units(duration).ok_or(range("the duration"))?;
        let level = reader.u8().ok_or(truncated)?;
        let flags = reader.u8().ok_or(truncated)?;
        let mut trail = None;
        if flags & EXTENSION_BIT != 0 {
            let length = reader.varint().ok_or(truncated)?;
            let length = usize::try_from(length).map_err(|_| truncated)?;
            trail = trail::in_extension(reader.take(length).ok_or(truncated)?)?;
        }
        let length = reader.varint().ok_or(truncated)?;
        let length = usize::try_from(length).map_err(|_| range("the payload's length"))?;
        if length == 0 || length > PAYLOAD_BYTES_MAX {
            return Err(range("the payload's length"));
        }
        let start = reader.at();
        reader.take(length).ok_or(truncated)?;
        let end = reader.at();
        self.at = end;
        Ok(Record {
            alias,
            number,
            duration,
            level: Level::from_minus_dbov(level & !VOICE_BIT),
            voice: level & VOICE_BIT != 0,
            redundant: flags & REDUNDANT_BIT != 0,
            trail,
            payload: self.datagram.slice(start..end),
        })
    }
}

impl Iterator for Records {
    type Item = Result<Record, DatagramError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.at >= self.datagram.len() {
            return None;
        }
        let record = self.decode();
        if record.is_err() {
            self.at = self.datagram.len();
        }
        Some(record)
    }
}

/// The peer's newest datagram given back, from which the peer learns the round-trip time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Echo {
    /// `sent_us` of that datagram.
    pub sent_us: u32,
    /// Microseconds between its arrival and this echo.
    pub held_us: u32,
}

/// A sign of life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Beat {
    /// The sender promises another datagram within this many milliseconds.
    pub interval_ms: u64,
    /// The receiver should answer at once, for the sender has not heard from it for long.
    pub answer_wanted: bool,
    /// The sender has taken the receiver for dead and closes the link: the receiver was not heard.
    pub farewell: bool,
    /// Absent until something was received.
    pub echo: Option<Echo>,
    /// How many sequence numbers before this beat's the sender's newest media datagram has, so that
    /// the receiver knows which gaps held frames. Absent in older versions and before the first.
    pub media_ago: Option<u64>,
}

impl Beat {
    /// Reads the body of a beat; whatever follows it is ignored.
    ///
    /// # Errors
    /// [`DatagramError::Truncated`].
    pub fn decode(datagram: &[u8], at: usize) -> Result<Self, DatagramError> {
        let mut reader = Reader::new(datagram, at);
        let truncated = DatagramError::Truncated;
        let flags = reader.u8().ok_or(truncated)?;
        let interval_ms = reader.varint().ok_or(truncated)?;
        let echo = if flags & ECHO_BIT != 0 {
            let sent_us = reader.u32().ok_or(truncated)?;
            let held_us = reader.u32().ok_or(truncated)?;
            Some(Echo { sent_us, held_us })
        } else {
            None
        };
        let media_ago =
            if flags & MEDIA_BIT != 0 { Some(reader.varint().ok_or(truncated)?) } else { None };
        let (answer_wanted, farewell) = (flags & ANSWER_BIT != 0, flags & FAREWELL_BIT != 0);
        Ok(Self { interval_ms, answer_wanted, farewell, echo, media_ago })
    }

    fn encode(&self, out: &mut BytesMut) {
        let flags = [
            (self.echo.is_some(), ECHO_BIT),
            (self.answer_wanted, ANSWER_BIT),
            (self.media_ago.is_some(), MEDIA_BIT),
            (self.farewell, FAREWELL_BIT),
        ];
        out.put_u8(flags.iter().filter(|(set, _)| *set).fold(0, |all, (_, bit)| all | bit));
        varint::put(out, self.interval_ms);
        if let Some(echo) = self.echo {
            out.put_u32(echo.sent_us);
            out.put_u32(echo.held_us);
        }
        if let Some(media_ago) = self.media_ago {
            varint::put(out, media_ago);
        }
    }
}

/// Writes datagrams into one reused buffer. A media datagram grows record by record.
#[derive(Debug)]
pub struct Writer {
    buffer: BytesMut,
    limit: usize,
    sent_at: usize,
    records: usize,
}

impl Writer {
    /// For datagrams of at most `limit` bytes (what the path carries).
    #[must_use]
    pub fn new(limit: usize) -> Self {
        Self { buffer: BytesMut::with_capacity(CHUNK_BYTES), limit, sent_at: 0, records: 0 }
    }

    /// Another limit; holds from the next record on.
    pub fn set_limit(&mut self, limit: usize) {
        self.limit = limit;
    }

    /// Whether no record waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.records == 0
    }

    /// Whether `bytes` of further records fit into the datagram being written; with none begun,
    /// whether they fit into an empty one.
    #[must_use]
    pub fn fits(&self, bytes: usize, records: usize) -> bool {
        let begun = if self.records == 0 { HEADER_BYTES_MAX } else { self.buffer.len() };
        begun.saturating_add(bytes) <= self.limit && self.records + records <= RECORDS_MAX
    }

    /// Appends a record, and begins a datagram with `sequence` when none is begun. The caller has
    /// asked [`Writer::fits`].
    pub fn push(&mut self, sequence: u64, record: &Record) {
        if self.records == 0 {
            self.begin(Header { kind: Kind::Media, sequence, sent_us: 0 });
        }
        record.encode(&mut self.buffer);
        self.records += 1;
    }

    /// Ends the media datagram and stamps it; `None` when no record waits.
    pub fn finish(&mut self, sent_us: u32) -> Option<Bytes> {
        if self.records == 0 {
            return None;
        }
        self.records = 0;
        self.buffer[self.sent_at..self.sent_at + 4].copy_from_slice(&sent_us.to_be_bytes());
        Some(self.buffer.split().freeze())
    }

    /// A beat on its own. Gives `None` while records wait: they are the beat then.
    pub fn beat(&mut self, sequence: u64, sent_us: u32, beat: &Beat) -> Option<Bytes> {
        self.whole(Header { kind: Kind::Beat, sequence, sent_us }, |out| beat.encode(out))
    }

    /// A datagram of one piece. Gives `None` while records wait.
    pub(super) fn whole(
        &mut self,
        header: Header,
        body: impl FnOnce(&mut BytesMut),
    ) -> Option<Bytes> {
        if self.records > 0 {
            return None;
        }
        self.begin(header);
        body(&mut self.buffer);
        Some(self.buffer.split().freeze())
    }

    fn begin(&mut self, header: Header) {
        self.buffer.clear();
        self.buffer.reserve(self.limit.max(HEADER_BYTES_MAX + 32));
        self.buffer.put_u8(header.kind.byte());
        varint::put(&mut self.buffer, header.sequence);
        self.sent_at = self.buffer.len();
        self.buffer.put_u32(header.sent_us);
    }
}

#[cfg(test)]
#[path = "datagram_tests.rs"]
mod tests;
