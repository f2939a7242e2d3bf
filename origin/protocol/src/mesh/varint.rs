//! Integers of variable length as QUIC writes them (RFC 9000 section 16): 1, 2, 4 or 8 bytes.

use bytes::{BufMut, BytesMut};

/// Largest value that fits: 2^62 - 1.
pub const VARINT_MAX: u64 = (1 << 62) - 1;

/// Bytes that `value` takes: 1, 2, 4 or 8. Values above [`VARINT_MAX`] are written as that maximum.
#[must_use]
pub(super) fn length(value: u64) -> usize {
    match value {
        0..=0x3f => 1,
        0x40..=0x3fff => 2,
        0x4000..=0x3fff_ffff => 4,
        _ => 8,
    }
}

/// Appends `value`, at most [`VARINT_MAX`].
pub(super) fn put(out: &mut BytesMut, value: u64) {
    let value = value.min(VARINT_MAX);
    match length(value) {
        1 => out.put_slice(&value.to_be_bytes()[7..]),
        2 => out.put_slice(&(value | 0x4000).to_be_bytes()[6..]),
        4 => out.put_slice(&(value | 0x8000_0000).to_be_bytes()[4..]),
        _ => out.put_u64(value | (0b11 << 62)),
    }
}

/// Reads a byte string from its start; every read fails cleanly at the end.
pub(super) struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8], at: usize) -> Self {
        Self { bytes, at: at.min(bytes.len()) }
    }

    /// Where the next read starts.
    pub(super) fn at(&self) -> usize {
        self.at
    }

    /// The next `length` bytes.
    pub(super) fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let end = self.at.checked_add(length)?;
        let slice = self.bytes.get(self.at..end)?;
        self.at = end;
        Some(slice)
    }

    pub(super) fn u8(&mut self) -> Option<u8> {
        self.take(1).map(|slice| slice[0])
    }

    pub(super) fn u32(&mut self) -> Option<u32> {
        self.take(4)?.try_into().ok().map(u32::from_be_bytes)
    }

    pub(super) fn varint(&mut self) -> Option<u64> {
        let first = *self.bytes.get(self.at)?;
        let slice = self.take(1 << (first >> 6))?;
        let start = u64::from(first & 0x3f);
        Some(slice[1..].iter().fold(start, |value, byte| value << 8 | u64::from(*byte)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn written(value: u64) -> BytesMut {
        let mut out = BytesMut::new();
        put(&mut out, value);
        out
    }

    #[test]
    fn the_examples_of_rfc_9000_appendix_a_1_come_out_byte_for_byte() {
        assert_eq!(
            &written(151_288_809_941_952_652)[..],
            [0xc2, 0x19, 0x7c, 0x5e, 0xff, 0x14, 0xe8, 0x8c]
        );
        assert_eq!(&written(494_878_333)[..], [0x9d, 0x7f, 0x3e, 0x7d]);
        assert_eq!(&written(15_293)[..], [0x7b, 0xbd]);
        assert_eq!(&written(37)[..], [0x25]);
    }

    #[test]
    fn a_value_cut_short_is_none() {
        for end in 0..8 {
            assert_eq!(Reader::new(&written(VARINT_MAX)[..end], 0).varint(), None);
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(value in 0..=VARINT_MAX) {
            let out = written(value);
            prop_assert_eq!(out.len(), length(value));
            prop_assert_eq!(Reader::new(&out, 0).varint(), Some(value));
        }
    }
}
