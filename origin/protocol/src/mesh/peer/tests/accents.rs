//! What a link carries, in the words of a node that is one version older or newer: changed in its bytes, and read by the
//! real decoders.

use bytes::{Buf, BufMut, Bytes, BytesMut};
use prost::Message;

use crate::mesh::codec::{Decoder, encode};
use crate::mesh::control::{Body, Control};
use crate::mesh::datagram::{Beat, Header, Kind, Record, Records, Writer, decode_header};
use crate::mesh::repair::Repairs;
use crate::mesh::varint;

/// A field number that no message has.
const UNKNOWN: u32 = 2_000;
/// Each so many-th beat of a newer node is a datagram of a kind that we do not know.
const STRANGE_BEATS: u64 = 4;

/// Which version speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Accent {
    /// Every message lacks its newest field, and nothing is known of repair.
    Older,
    /// Every message has fields that we do not know, and others come between them.
    Newer,
}

impl Accent {
    /// What arrives when this is said.
    pub(super) fn control(self, said: &Control) -> Vec<Control> {
        let bytes = said.encode_to_vec();
        let mut messages = match self {
            Self::Older => vec![without_the_newest(&bytes)],
            Self::Newer => vec![with_unknown(&bytes), unknown_fields()],
        };
        let mut decoder = Decoder::new();
        for message in &mut messages {
            let mut framed = BytesMut::new();
            varint_of_protobuf(&mut framed, message.len() as u64);
            framed.put_slice(message);
            decoder.extend(&framed);
        }
        std::iter::from_fn(|| decoder.next_message().unwrap()).collect()
    }

    /// The same of a datagram.
    pub(super) fn datagram(self, sent: &Bytes) -> Vec<Bytes> {
        let (header, at) = decode_header(sent).unwrap();
        let changed = match (self, header.kind) {
            (Self::Newer, Kind::Beat) if header.sequence.is_multiple_of(STRANGE_BEATS) => {
                begun(Header { kind: Kind::Other(9), ..header }, b"what is this?")
            }
            (Self::Newer, Kind::Beat | Kind::Nack) => {
                let mut body = sent[at..].to_vec();
                body[0] |= 0xf0;
                body.extend_from_slice(b"more");
                begun(header, &body)
            }
            (Self::Newer, Kind::Media) => begun(header, &extended(Records::new(sent.clone(), at))),
            (Self::Newer, Kind::Repair) => begun(header, &extended_repairs(sent, at)),
            (Self::Older, Kind::Beat) => {
                let beat = Beat::decode(sent, at).unwrap();
                let known = Beat { media_ago: None, farewell: false, ..beat };
                Writer::new(1_200).beat(header.sequence, header.sent_us, &known).unwrap()
            }
            _ => sent.clone(),
        };
        let strange = |first: u8| {
            let mut bytes = sent.to_vec();
            bytes[0] = first;
            Bytes::from(bytes)
        };
        match self {
            // A whole other layout beside it.
            Self::Newer => vec![changed, strange(0x21)],
            Self::Older => vec![changed],
        }
    }
}

fn begun(header: Header, body: &[u8]) -> Bytes {
    Writer::new(1_200).whole(header, |out| out.put_slice(body)).unwrap()
}

/// Records with an extension block and flags that we do not know.
fn extended(records: Records) -> Vec<u8> {
    let mut out = BytesMut::new();
    for record in records {
        let record: Record = record.unwrap();
        varint::put(&mut out, u64::from(record.alias));
        varint::put(&mut out, record.number.0);
        out.put_u8(record.duration.units());
        out.put_u8(record.level.minus_dbov() | if record.voice { 0x80 } else { 0 });
        out.put_u8(0x80 | 0x70 | u8::from(record.redundant));
        varint::put(&mut out, 6);
        out.put_slice(b"extra!");
        varint::put(&mut out, record.payload.len() as u64);
        out.put_slice(&record.payload);
    }
    out.to_vec()
}

fn extended_repairs(sent: &Bytes, at: usize) -> Vec<u8> {
    let mut out = BytesMut::new();
    for repair in Repairs::new(sent.clone(), at) {
        let repair = repair.unwrap();
        let records = repair.records.map(extended).unwrap_or_default();
        varint::put(&mut out, repair.sequence);
        varint::put(&mut out, records.len() as u64);
        out.put_slice(&records);
    }
    out.to_vec()
}

/// A field as it stands: its number, all of its bytes, and its content where that has a length.
struct Field<'a> {
    number: u32,
    whole: &'a [u8],
    content: Option<&'a [u8]>,
}

fn fields(message: &[u8]) -> Vec<Field<'_>> {
    let (mut at, mut found) = (0, Vec::new());
    while at < message.len() {
        let mut rest = &message[at..];
        let key = prost::encoding::decode_varint(&mut rest).unwrap();
        let mut content = None;
        match key & 7 {
            0 => _ = prost::encoding::decode_varint(&mut rest).unwrap(),
            1 => rest.advance(8),
            2 => {
                let length = prost::encoding::decode_varint(&mut rest).unwrap();
                let length = usize::try_from(length).unwrap();
                content = Some(&rest[..length]);
                rest.advance(length);
            }
            5 => rest.advance(4),
            other => panic!("wire type {other}"),
        }
        let end = message.len() - rest.len();
        let number = u32::try_from(key >> 3).unwrap();
        found.push(Field { number, whole: &message[at..end], content });
        at = end;
    }
    found
}

/// Which fields of which message of the envelope are messages themselves.
fn nested(body: u32) -> &'static [u32] {
    match body {
        // Selection, Neighbours, Paths, Branch, Voices.
        7 => &[4],
        27 | 28 => &[1],
        29 => &[4, 5, 6, 9],
        30 => &[3],
        _ => &[],
    }
}

/// The envelope with unknown fields in it, in its message and in what that holds.
fn with_unknown(envelope: &[u8]) -> Vec<u8> {
    let mut out = unknown_fields();
    for body in fields(envelope) {
        let mut inner = unknown_fields();
        for field in fields(body.content.unwrap()) {
            match field.content.filter(|_| nested(body.number).contains(&field.number)) {
                Some(content) => {
                    let content = [unknown_fields(), content.to_vec()].concat();
                    put_field(&mut inner, field.number, &content);
                }
                None => inner.extend_from_slice(field.whole),
            }
        }
        // A name that nobody knows yet, of which a hello may have many.
        if body.number == 1 {
            put_field(&mut inner, 4, b"teleport/9");
        }
        put_field(&mut out, body.number, &inner);
    }
    out
}

/// The envelope whose message lacks the newest of its fields.
fn without_the_newest(envelope: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    for body in fields(envelope) {
        let all = fields(body.content.unwrap());
        let newest = newest_of(body.number);
        let known = all.iter().filter(|field| field.number < newest);
        let inner: Vec<u8> = known.flat_map(|field| field.whole).copied().collect();
        put_field(&mut out, body.number, &inner);
    }
    out
}

/// The number of the newest field of a message of the envelope; of a hello, all that came after the first release.
fn newest_of(body: u32) -> u32 {
    match body {
        1 => 4,
        3 => 6,
        5 => 7,
        29 => 9,
        15 => 3,
        14 => 2,
        _ => u32::MAX,
    }
}

fn unknown_fields() -> Vec<u8> {
    let mut out = Vec::new();
    put_field(&mut out, UNKNOWN, b"news");
    prost::encoding::uint64::encode(UNKNOWN + 1, &7, &mut out);
    prost::encoding::fixed64::encode(UNKNOWN + 2, &8, &mut out);
    prost::encoding::fixed32::encode(UNKNOWN + 3, &9, &mut out);
    out
}

fn put_field(out: &mut Vec<u8>, number: u32, content: &[u8]) {
    prost::encoding::bytes::encode(number, &content.to_vec(), out);
}

fn varint_of_protobuf(out: &mut BytesMut, value: u64) {
    prost::encoding::encode_varint(value, out);
}

#[test]
fn what_is_changed_is_read_as_it_was() {
    let said = Control { body: Some(Body::Load(crate::mesh::control::Load::default())) };
    let mut bytes = BytesMut::new();
    encode(&said, &mut bytes).unwrap();
    let heard = Accent::Newer.control(&said);
    assert_eq!(heard, [said, Control { body: None }]);
}
